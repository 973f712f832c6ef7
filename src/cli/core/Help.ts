/**
 * The pages of `--help`. The parser's own pages print every option of every command in one line.
 *
 * @since 0.1.0
 */
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpText from "./HelpText.js"

/**
 * What there is to say about a command.
 *
 * - `usage`: what stands behind its name
 * - `text`: paragraphs
 * - `terms`: its arguments and options, as `-f, --file spec.json`
 * - `tables`: further lists, each with a title
 * - `pages`: of its subcommands; a command with subcommands does nothing by itself
 *
 * @since 0.1.0
 * @category models
 */
export interface Page {
  readonly name: string
  readonly summary: string
  readonly usage: string
  readonly text: ReadonlyArray<string>
  readonly examples: ReadonlyArray<string>
  readonly terms: ReadonlyArray<Term>
  readonly tables: ReadonlyArray<readonly [title: string, entries: ReadonlyArray<Term>]>
  readonly pages: ReadonlyArray<Page>
}

type Term = readonly [term: string, about: string]

interface Words {
  readonly summary: string
  readonly text?: ReadonlyArray<string>
  readonly examples: ReadonlyArray<string>
}

const config = CliConfig.make({ showBuiltIns: false })

/** `(-f, --file spec.json)...` → `-f, --file spec.json`, in line with options that have no short name. */
const tidyTerm = (term: string): string => {
  const bare = term.replace(/\.\.\.$/, "").replace(/^\((.*)\)$/, "$1")
  return bare.startsWith("--") ? `    ${bare}` : bare
}

/** The first paragraph names the type, which the term shows, and the last may say "optional", which the rest shows. */
const about = (paragraphs: ReadonlyArray<string>): string =>
  paragraphs.slice(1).filter((text) => !text.startsWith("This ")).join(" ")

/**
 * The page of a command without subcommands.
 *
 * @since 0.1.0
 * @category constructors
 */
export const page = <Name extends string, R, E, A>(
  command: Command.Command<Name, R, E, A>,
  words: Words & { readonly name: string; readonly usage: string }
): Page => ({
  ...words,
  text: words.text ?? [],
  terms: HelpText.definitions(Command.getHelp(command, config)).map((
    [term, paragraphs]
  ) => [tidyTerm(term), about(paragraphs)]),
  tables: [],
  pages: []
})

/**
 * The page of a command with subcommands.
 *
 * @since 0.1.0
 * @category constructors
 */
export const group = (
  words: Words & {
    readonly name: string
    readonly pages: ReadonlyArray<Page>
    readonly terms?: Page["terms"]
    readonly tables?: Page["tables"]
  }
): Page => ({
  ...words,
  usage: "<command>",
  text: words.text ?? [],
  terms: words.terms ?? [],
  tables: words.tables ?? []
})

/**
 * The page that the words of a command line lead to, its full name, and the word that leads nowhere, if there is one.
 *
 * @since 0.1.0
 * @category utils
 */
export const find = (
  root: Page,
  words: ReadonlyArray<string>
): { readonly page: Page; readonly path: string; readonly stray: string | undefined } => {
  let page = root
  let path = root.name
  for (const word of words) {
    if (page.pages.length === 0 || word.startsWith("-")) break
    const next = page.pages.find(({ name }) => name === word)
    if (next === undefined) return { page, path, stray: word }
    page = next
    path = `${path} ${word}`
  }
  return { page, path, stray: undefined }
}

const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

const widestTerm = 28

const list = (entries: ReadonlyArray<Term>, width: number): ReadonlyArray<string> => {
  const indent = 2 + Math.min(widestTerm, Math.max(...entries.map(([term]) => term.length))) + 2
  return entries.flatMap(([term, about]) => {
    const [first = "", ...rest] = wrap(about, width - indent)
    const below = rest.map((line) => " ".repeat(indent) + line)
    return term.length > widestTerm
      ? [`  ${term}`, " ".repeat(indent) + first, ...below]
      : [`  ${term}`.padEnd(indent) + first, ...below]
  })
}

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", `${title}:`, ...lines]

/**
 * The lines of a page.
 *
 * @since 0.1.0
 * @category conversions
 */
export const render = (page: Page, path: string, columns: number): ReadonlyArray<string> => {
  const width = Math.max(40, Math.min(columns, 110))
  const [words, options] = [false, true].map((isOption) =>
    page.terms.filter(([term]) => term.trimStart().startsWith("-") === isOption)
  )
  return [
    ...wrap(page.summary, width),
    "",
    `Usage: ${path} ${page.usage}`,
    ...page.text.flatMap((text) => ["", ...wrap(text, width)]),
    ...section(
      "Commands",
      page.pages.length === 0 ? [] : list(page.pages.map(({ name, summary }) => [name, summary]), width)
    ),
    ...section("Arguments", words === undefined || words.length === 0 ? [] : list(words, width)),
    ...section("Options", options === undefined || options.length === 0 ? [] : list(options, width)),
    ...section("Examples", page.examples.map((example) => `  ${example}`)),
    ...page.tables.flatMap(([title, entries]) => section(title, list(entries, width)))
  ]
}
