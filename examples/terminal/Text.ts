/** Figures and tables in plain text. */

export const seconds = (ms: number, digits: number): string => `${(ms / 1000).toFixed(digits)} s`

/** How much of something is done. */
export const bar = (done: number, all: number): string => {
  const filled = all === 0 ? 0 : Math.round(24 * done / all)
  return `${"━".repeat(filled)}${"┄".repeat(24 - filled)} ${done}/${all}`
}

/** A column: its header, and whether figures stand in it. */
export interface Column {
  readonly header: string
  readonly isNumeric?: boolean
}

/** The lines of a table. */
export const table = (columns: ReadonlyArray<Column>, rows: ReadonlyArray<ReadonlyArray<string>>): Array<string> => {
  const widths = columns.map(({ header }, at) => Math.max(header.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    cells.map((cell, at) => {
      const width = widths[at] ?? 0
      return columns[at]?.isNumeric === true ? cell.padStart(width) : cell.padEnd(width)
    }).join("  ").trimEnd()
  return [line(columns.map(({ header }) => header)), ...rows.map(line)]
}
