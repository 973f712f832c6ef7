/**
 * Completions for shells, from the pages of the help. Those of the parser lose their way below the second level.
 *
 * @since 0.1.0
 */
import type { Page } from "./Help.js"

/**
 * The shells that there are completions for.
 *
 * @since 0.1.0
 * @category constants
 */
export const shells = ["bash", "zsh", "fish"] as const

interface Flag {
  readonly long: string
  readonly short: string | undefined
  readonly about: string
  /** The values that it takes; none for a switch, and for one that takes any text. */
  readonly values: ReadonlyArray<string>
  readonly takesValue: boolean
}

/** A command with its full name, the words of its subcommands, and its options. */
interface Node {
  readonly path: string
  readonly pages: ReadonlyArray<Page>
  readonly flags: ReadonlyArray<Flag>
}

/** `-s, --script file`, `    --restart never | always`, `    --json` */
const flagsOf = (page: Page): ReadonlyArray<Flag> =>
  page.terms.flatMap(([term, about]) => {
    const [, short, long, value] = /^(?:-(\w), )?\s*--([\w-]+)(?: (.*))?$/.exec(term) ?? []
    if (long === undefined) return []
    const values = value?.includes(" | ") === true ? value.split(" | ").filter((word) => /^[\w-]+$/.test(word)) : []
    return [{ long, short, about: about.replace(/\. .*$/, "."), values, takesValue: value !== undefined }]
  })

const helpFlag: Flag = { long: "help", short: "h", about: "Show the page of a command.", values: [], takesValue: false }

const nodes = (page: Page, path: string): ReadonlyArray<Node> => [
  { path, pages: page.pages, flags: path === "" ? flagsOf(page) : [...flagsOf(page), helpFlag] },
  ...page.pages.flatMap((child) => nodes(child, `${path} ${child.name}`))
]

const name = "switchyard"

const bash = (all: ReadonlyArray<Node>): ReadonlyArray<string> => [
  `_${name}() {`,
  "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" at=\"\" words=\"\" i",
  "  for ((i = 1; i < COMP_CWORD; i++)); do",
  "    if [[ \"${COMP_WORDS[i]}\" == \"--\" ]]; then COMPREPLY=(); return; fi",
  "    case \"$at ${COMP_WORDS[i]}\" in",
  `      ${all.slice(1).map(({ path }) => `"${path}"`).join("|")}) at="$at \${COMP_WORDS[i]}" ;;`,
  "    esac",
  "  done",
  "  case \"$at $prev\" in",
  ...all.flatMap(({ flags, path }) =>
    flags.filter(({ takesValue }) => takesValue).map(({ long, short, values }) => {
      const spellings = short === undefined ? [`--${long}`] : [`--${long}`, `-${short}`]
      const found = values.length === 0 ? "()" : `($(compgen -W "${values.join(" ")}" -- "$cur"))`
      return `    ${spellings.map((flag) => `"${path} ${flag}"`).join("|")}) COMPREPLY=${found}; return ;;`
    })
  ),
  "  esac",
  "  case \"$at\" in",
  ...all.map(({ flags, pages, path }) => {
    const words = [...pages.map((page) => page.name), ...flags.map(({ long }) => `--${long}`)]
    return `    "${path}") words="${words.join(" ")}" ;;`
  }),
  "  esac",
  "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))",
  "}",
  `complete -o default -F _${name} ${name}`
]

const zsh = (all: ReadonlyArray<Node>): ReadonlyArray<string> => [
  "autoload -U +X compinit && compinit",
  "autoload -U +X bashcompinit && bashcompinit",
  ...bash(all)
]

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`

const fish = (all: ReadonlyArray<Node>): ReadonlyArray<string> => [
  `function __${name}_at`,
  "  set -l at ''",
  "  for word in (commandline -opc)[2..]",
  `    if contains -- "$at $word" ${all.slice(1).map(({ path }) => quoted(path)).join(" ")}`,
  "      set at \"$at $word\"",
  "    end",
  "  end",
  "  test \"$at\" = \"$argv[1]\"",
  "end",
  ...all.flatMap(({ flags, pages, path }) => {
    const where = `complete -c ${name} -n "__${name}_at ${quoted(path)}"`
    return [
      ...pages.map((page) => `${where} -f -a ${page.name} -d ${quoted(page.summary)}`),
      ...flags.map(({ about, long, short, takesValue, values }) =>
        [
          `${where} -l ${long}`,
          ...(short === undefined ? [] : [`-s ${short}`]),
          ...(values.length > 0 ? [`-x -a ${quoted(values.join(" "))}`] : takesValue ? ["-r"] : []),
          `-d ${quoted(about)}`
        ].join(" ")
      )
    ]
  })
]

/**
 * The lines of a completion script.
 *
 * @since 0.1.0
 * @category conversions
 */
export const render = (root: Page, shell: (typeof shells)[number]): ReadonlyArray<string> =>
  ({ bash, zsh, fish })[shell](nodes(root, ""))
