/**
 * Tables for a terminal.
 *
 * @since 0.1.0
 */

/**
 * - `align`: default left
 * - `shrinks`: gives up width first when the terminal is too narrow
 *
 * @since 0.1.0
 * @category models
 */
export interface Column {
  readonly header: string
  readonly align?: "left" | "right"
  readonly shrinks?: boolean
}

const gap = "  "

const least = 8

/** The columns that most terminals give a text; marks and the like count as one. */
const widthOf = (text: string): number => Array.from(text).length

const cut = (text: string, width: number): string =>
  widthOf(text) <= width ? text : `${Array.from(text).slice(0, Math.max(width - 1, 0)).join("")}…`

const pad = (text: string, width: number, align: Column["align"]): string => {
  const blank = " ".repeat(Math.max(width - widthOf(text), 0))
  return align === "right" ? blank + text : text + blank
}

/**
 * The lines of a table: headers, then rows. Cells are taken as they are: make control characters visible before.
 *
 * @since 0.1.0
 * @category conversions
 */
export const render = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  width: number
): ReadonlyArray<string> => {
  const widths = columns.map(({ header }, at) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[at] ?? "")), widthOf(header))
  )
  let excess = widths.reduce((sum, each) => sum + each, gap.length * (columns.length - 1)) - width
  const fitted = widths.map((each, at) => {
    if (excess <= 0 || columns[at]?.shrinks !== true) return each
    const shrunk = Math.max(each - excess, Math.min(each, least))
    excess -= each - shrunk
    return shrunk
  })
  const line = (cells: ReadonlyArray<string>) =>
    columns.map(({ align }, at) => {
      const room = fitted[at] ?? 0
      return pad(cut(cells[at] ?? "", room), room, align)
    }).join(gap).trimEnd()
  return [line(columns.map(({ header }) => header)), ...rows.map(line)]
}

/**
 * The lines of names and values below each other.
 *
 * @since 0.1.0
 * @category conversions
 */
export const pairs = (entries: ReadonlyArray<readonly [name: string, value: string]>): ReadonlyArray<string> => {
  const width = Math.max(0, ...entries.map(([name]) => widthOf(name)))
  return entries.map(([name, value]) => `${pad(name, width, "left")}${gap}${value}`)
}
