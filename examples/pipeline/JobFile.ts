/** Reads job files: YAML, or JSON, which is YAML too. Whatever is wrong with one is said with its line. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Arr from "effect/Array"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Path from "node:path"
import * as Yaml from "yaml"
import type { Job } from "./Jobs.js"
import { JobFile } from "./Jobs.js"

/** One thing that is wrong: the rule that `field` in `line` breaks. Lines count from 1; the whole file is line 0. */
export interface Issue {
  readonly line: number
  readonly field: string
  readonly rule: string
}

export class BadJobFile extends Data.TaggedError("BadJobFile")<{
  readonly file: string
  readonly issues: Arr.NonEmptyReadonlyArray<Issue>
}> {
  override get message() {
    return this.issues.map(({ field, line, rule }) =>
      `${this.file}${line === 0 ? "" : `:${line}`}: ${field === "" ? "" : `${field} `}${rule}`
    ).join("\n")
  }
}

type FieldPath = ReadonlyArray<PropertyKey>

/** `jobs[2].backoff.first` */
const fieldOf = (path: FieldPath): string =>
  path.map((key, at) => typeof key === "number" ? `[${key}]` : `${at === 0 ? "" : "."}${String(key)}`).join("")

/** Where the field stands, or what it should stand in when it is missing. */
const offsetOf = (document: Yaml.Document, path: FieldPath): number => {
  let node: unknown = document.contents
  let offset = 0
  for (const key of path) {
    if (Yaml.isAlias(node)) node = node.resolve(document)
    if (Yaml.isMap(node)) {
      const pair = node.items.find((pair) => Yaml.isScalar(pair.key) && pair.key.value === key)
      if (pair === undefined) return offset
      offset = Yaml.isScalar(pair.key) ? pair.key.range?.[0] ?? offset : offset
      node = pair.value
    } else if (Yaml.isSeq(node) && typeof key === "number") {
      node = node.items[key]
      offset = Yaml.isNode(node) ? node.range?.[0] ?? offset : offset
    }
  }
  return offset
}

const ruleOf = (issue: ParseResult.ArrayFormatterIssue): string => {
  switch (issue._tag) {
    case "Missing":
      return "is missing"
    case "Unexpected":
      return "is not a field that is known here"
    default:
      // Only mappings have no rule of their own: what the schema says about them is their whole type.
      return issue.message.startsWith("Expected ") ? "has to be a mapping of fields" : issue.message
  }
}

const decode = Schema.decodeUnknownEither(JobFile, { errors: "all", onExcessProperty: "error" })

/** The jobs of a text in YAML or JSON; `file` is how messages call it. */
export const parse = (file: string, text: string): Either.Either<ReadonlyArray<Job>, BadJobFile> => {
  const lines = new Yaml.LineCounter()
  const lineOf = (offset: number) => lines.linePos(offset).line
  const document = Yaml.parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false })
  const broken = Arr.map(document.errors, ({ message, pos }) => ({ line: lineOf(pos[0]), field: "", rule: message }))
  if (Arr.isNonEmptyArray(broken)) return Either.left(new BadJobFile({ file, issues: broken }))
  return Either.try({
    try: (): unknown => document.toJS({ maxAliasCount: 100 }),
    catch: () => new BadJobFile({ file, issues: [{ line: 0, field: "", rule: "has too many aliases" }] })
  }).pipe(
    Either.flatMap((value) =>
      Either.mapLeft(decode(value), (error) => {
        const issues = ParseResult.ArrayFormatter.formatErrorSync(error).map((issue) => ({
          line: lineOf(offsetOf(document, issue.path)),
          field: fieldOf(issue.path),
          rule: ruleOf(issue)
        }))
        const all = Arr.isNonEmptyArray(issues) ? issues : Arr.of({ line: 0, field: "", rule: error.message })
        return new BadJobFile({ file, issues: all })
      })
    ),
    Either.map(({ jobs }) => jobs)
  )
}

/** The jobs of a file, and the directory that its relative paths start from. */
export const read = (file: string): Effect.Effect<
  { readonly jobs: ReadonlyArray<Job>; readonly directory: string },
  BadJobFile,
  FileSystem.FileSystem
> =>
  Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(
      files.readFileString(file),
      (error) => {
        const why = error._tag === "SystemError" ? error.reason : error._tag
        return new BadJobFile({ file, issues: [{ line: 0, field: "", rule: `cannot be read: ${why}` }] })
      }
    )
    return { jobs: yield* parse(file, text), directory: Path.dirname(Path.resolve(file)) }
  })
