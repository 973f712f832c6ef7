/**
 * What a Python package declares, read from the decorators of its source: enough for packages whose code nobody scripts.
 *
 * @since 0.1.0
 */
import type { Archive } from "./PackageReader.js"
import * as Script from "./Script.js"

/** A decorated function: its decorators with their arguments, its name, its body. */
interface Declared {
  readonly decorators: ReadonlyArray<{ readonly name: string; readonly args: ReadonlyArray<Argument> }>
  readonly name: string
  readonly body: string
}

interface Argument {
  readonly name: string | undefined
  readonly value: string
}

/** The text from an opening bracket to the one that closes it, without both; strings are passed over. */
const bracketed = (text: string, open: number): string | undefined => {
  let depth = 0
  let quote = ""
  for (let at = open; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote !== "") {
      if (char === "\\") at++
      else if (char === quote) quote = ""
    } else if (char === "\"" || char === "'") quote = char
    else if ("([{".includes(char)) depth++
    else if (")]}".includes(char) && --depth === 0) return text.slice(open + 1, at)
  }
  return undefined
}

/** Parts at the commas that are in no bracket and no string. */
const splitAtCommas = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let depth = 0
  let quote = ""
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote !== "") {
      if (char === "\\") at++
      else if (char === quote) quote = ""
    } else if (char === "\"" || char === "'") quote = char
    else if ("([{".includes(char)) depth++
    else if (")]}".includes(char)) depth--
    else if (char === "," && depth === 0) {
      parts.push(text.slice(from, at))
      from = at + 1
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim()).filter((part) => part !== "")
}

const argumentsOf = (text: string): ReadonlyArray<Argument> =>
  splitAtCommas(text).map((part) => {
    const named = /^([A-Za-z_]\w*)\s*=(?!=)\s*([\s\S]*)$/.exec(part)
    return named === null ? { name: undefined, value: part } : { name: named[1], value: named[2] ?? "" }
  })

const declarations = (source: string): ReadonlyArray<Declared> => {
  const found: Array<Declared> = []
  let decorators: Array<Declared["decorators"][number]> = []
  const starts = /^[ \t]*(?:@(?:cloaca\.)?(\w+)[ \t]*(\()?|(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)[^\n]*)/gm
  for (let match = starts.exec(source); match !== null; match = starts.exec(source)) {
    const [, decorator, open, name] = match
    if (decorator !== undefined) {
      const inner = open === undefined ? "" : bracketed(source, starts.lastIndex - 1) ?? ""
      decorators.push({ name: decorator, args: argumentsOf(inner) })
      if (open !== undefined) starts.lastIndex += inner.length + 1
    } else if (name !== undefined) {
      const rest = source.slice(starts.lastIndex)
      const end = /^\S/m.exec(rest.replace(/^\n/, ""))
      found.push({ decorators, name, body: end === null ? rest : rest.slice(0, end.index + 1) })
      decorators = []
    }
  }
  return found
}

/** A literal of Python, as far as parameters and options have them. */
const literal = (text: string): unknown => {
  if (/^[+-]?\d[\d_]*$/.test(text)) return Number(text.replaceAll("_", ""))
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text)
  if (text === "True" || text === "False") return text === "True"
  if (text === "None") return null
  const string = /^(["'])([\s\S]*)\1$/.exec(text)
  if (string !== null) return string[2]
  if (text.startsWith("[") && text.endsWith("]")) return splitAtCommas(text.slice(1, -1)).map(literal)
  return undefined
}

const types: Readonly<Record<string, string>> = {
  str: "string",
  int: "integer",
  float: "number",
  bool: "boolean",
  list: "array",
  dict: "object"
}

const paramOf = ({ name, value }: Argument): ReadonlyArray<Script.Param> => {
  if (name === undefined) return []
  const [type = "", fallback] = value.startsWith("(") ? splitAtCommas(value.slice(1, -1)) : [value]
  const known = types[type]
  const schema = known === undefined ? {} : { type: known }
  return [Script.param(name, schema, fallback === undefined ? {} : { default: literal(fallback) })]
}

const textsOf = (value: string | undefined): ReadonlyArray<string> => {
  const read = value === undefined ? [] : literal(value)
  return (Array.isArray(read) ? read : [read]).filter((each): each is string => typeof each === "string")
}

/** The paragraph of a docstring behind `what:` or `why:`. */
const documented = (body: string, label: string): string | undefined => {
  const doc = /^\s*[rRuU]?("""|''')([\s\S]*?)\1/.exec(body)?.[2] ?? ""
  const found = new RegExp(`^\\s*${label}:\\s*([\\s\\S]*?)(?:\\n\\s*\\n|\\n\\s*\\w+:|$(?![\\s\\S]))`, "m").exec(doc)
  return found?.[1]?.replace(/\s+/g, " ").trim()
}

const taskOf = ({ body, decorators, name }: Declared): ReadonlyArray<Script.Task> => {
  const decorator = decorators.find((each) => each.name === "task")
  if (decorator === undefined) return []
  const option = (key: string) => decorator.args.find((argument) => argument.name === key)?.value
  const number = (key: string): number | undefined => {
    const value = literal(option(key) ?? "")
    return typeof value === "number" ? value : undefined
  }
  const delay = number("retry_delay_ms")
  const dependencies = option("dependencies")
  const references = dependencies?.startsWith("[") === true
    ? splitAtCommas(dependencies.slice(1, -1)).filter((each) => /^[A-Za-z_]\w*$/.test(each))
    : []
  return [Script.task(textsOf(option("id"))[0] ?? name, {
    after: [...textsOf(dependencies), ...references],
    maxAttempts: number("retry_attempts"),
    retry: {
      delay: delay ?? undefined,
      maxDelay: number("retry_max_delay_ms"),
      jitter: option("retry_jitter") !== "False"
    },
    secrets: [...body.matchAll(/\.secret(?:_field)?\(\s*["']([^"']+)["']/g)].map((match) => match[1] ?? ""),
    what: documented(body, "what"),
    why: documented(body, "why")
  })]
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

const triggerOf = ({ decorators, name }: Declared): ReadonlyArray<Script.Trigger> => {
  const decorator = decorators.find((each) => each.name === "trigger")
  if (decorator === undefined) return []
  const option = (key: string) => textsOf(decorator.args.find((argument) => argument.name === key)?.value)[0]
  const expression = option("cron")
  if (expression !== undefined) return [Script.cron(expression, { timezone: option("timezone") })]
  const interval = /^(\d+)(ms|s|m|h)$/.exec(option("poll_interval") ?? "")
  const every = interval === null ? 30_000 : Number(interval[1]) * (units[interval[2] ?? ""] ?? 1)
  return [Script.trigger(option("name") ?? name, { every, on: option("on") })]
}

/**
 * The script of a Python package: what its decorators declare, with attempts that succeed. A module that raises as it is
 * imported does not load.
 *
 * @since 0.1.0
 * @category constructors
 */
export const scriptOf = (archive: Archive, workflow: string): Script.Workflow => {
  const text = new TextDecoder()
  const sources = archive.files.filter(({ path }) => path.endsWith(".py")).map(({ bytes }) => text.decode(bytes))
  const declared = sources.flatMap(declarations)
  const decorated = (name: string) =>
    declared.flatMap(({ decorators }) => decorators.filter((each) => each.name === name).flatMap(({ args }) => args))
  const tasks = declared.flatMap(taskOf)
  return Script.workflow(workflow, {
    loads: !sources.some((source) => /^raise\b/m.test(source)),
    params: [
      ...decorated("workflow_params").flatMap(paramOf),
      ...decorated("workflow_secrets").flatMap(({ value }) => textsOf(value).map(Script.secret))
    ],
    tasks: tasks.length === 0 ? undefined : tasks,
    triggers: declared.flatMap(triggerOf),
    subscribes: decorated("workflow").flatMap(({ name, value }) => name === "triggers" ? textsOf(value) : [])
  })
}
