import * as Path from "node:path"

/** From the bottom up: a floor may import the floors before it. `testing` stands on `server` (the emulator reuses it). */
const floors = ["schemas", "streams", "services", "server", "testing", "cli"]

const rooms = ["core", "akribes", "cloacina", "runbeam", "solti"]

/**
 * Where a file of `src` stands in the house.
 *
 * `room` is `core` or a plane. Only the command line has modules without a room: what puts the planes' commands together.
 *
 * @param {string} file path relative to `src`, with or without extension
 */
const locate = (file) => {
  const [first = "", second, third] = file.replace(/\.[jt]s$/, "").split("/")
  const level = floors.indexOf(first)
  if (level === -1 || second === undefined) {
    return { kind: /** @type {const} */ ("entry"), room: first === "node" ? "core" : first }
  }
  const room = (third !== undefined || first === "cli") && rooms.includes(second) ? second : undefined
  return { kind: /** @type {const} */ ("floor"), floor: first, level, room }
}

/**
 * @param {ReturnType<typeof locate>} from
 * @param {ReturnType<typeof locate>} to
 * @returns {string | undefined} what is wrong with `from` importing `to`
 */
const objection = (from, to) => {
  if (to.kind === "entry") {
    return from.kind === "floor" && (from.floor === "cli" || from.floor === "testing")
      ? undefined
      : "public entry points are for users; import the module that holds what you need"
  }
  if (to.floor === "cli") {
    return from.kind === "floor" && from.floor === "cli" ? undefined : "the command line is imported by nothing"
  }
  if (from.kind === "floor" && to.level > from.level) {
    return `imports go downwards only: ${[...floors].reverse().join(" → ")}`
  }
  if (from.room === undefined || to.room === undefined || to.room === "core" || to.room === from.room) {
    return undefined
  }
  return from.room === "core" ? "`core` stands below the planes" : "planes never import each other"
}

/**
 * The house rule of imports inside `src`: downwards only, `core` below its planes, planes apart from each other, public
 * entry points for users only, every module of a floor in `core` or in a plane's folder.
 *
 * @type {import("eslint").Rule.RuleModule}
 */
export const importDirection = {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      direction: "{{from}} may not import {{to}}: {{why}}.",
      outside: "src may not import from outside src: {{to}}.",
      homeless: "A module of a floor lives in its core/ or in a plane's folder.",
      extension: "Relative imports end with .js: {{to}}."
    }
  },
  create(context) {
    const src = Path.join(context.cwd, "src")
    const from = Path.relative(src, context.filename).split(Path.sep).join("/")
    const place = locate(from)

    /** @param {{ readonly source?: import("estree").Expression | null | undefined }} node */
    const check = (node) => {
      if (node.source?.type !== "Literal" || typeof node.source.value !== "string") {
        return
      }
      const specifier = node.source.value
      if (!specifier.startsWith(".")) {
        return
      }
      if (!specifier.endsWith(".js")) {
        context.report({ node: node.source, messageId: "extension", data: { to: specifier } })
      }
      const to = Path.posix.join(Path.posix.dirname(from), specifier)
      if (to.startsWith("..")) {
        context.report({ node: node.source, messageId: "outside", data: { to: specifier } })
        return
      }
      const why = objection(place, locate(to))
      if (why !== undefined) {
        context.report({ node: node.source, messageId: "direction", data: { from, to, why } })
      }
    }

    return {
      Program(node) {
        if (place.kind === "floor" && place.floor !== "cli" && place.room === undefined) {
          context.report({ node, messageId: "homeless" })
        }
      },
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check
    }
  }
}
