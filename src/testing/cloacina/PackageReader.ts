/**
 * Reads packages: bzip2 tars of one folder with a `package.toml` (contract 4.7, 11.5). What is none is refused in the
 * words of the server, whatever it is.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import { parseTar } from "nanotar"
import * as Toml from "smol-toml"
import { bunzip2 } from "./internal/Bzip2.js"
import type { Values } from "./Script.js"
import { isObject } from "./Slots.js"

/** The longest package once unpacked, in bytes. */
const maxUnpackedBytes = 256 * 1024 * 1024

/** The longest file that the source view shows, in bytes. */
const maxSourceBytes = 1024 * 1024

/** A file of a package, `path` without the package's folder. */
interface PackageFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * A package as it was uploaded. `workflowName` is undefined where it has a graph only; `metadata` is that table of
 * `package.toml`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Archive {
  readonly bytes: Uint8Array
  readonly name: string
  readonly version: string
  readonly workflowName: string | undefined
  readonly description: string | undefined
  readonly language: string
  readonly metadata: Values
  readonly files: ReadonlyArray<PackageFile>
}

/**
 * A file as the source endpoint shows it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SourceFile {
  readonly path: string
  readonly language: string | null
  readonly contents: string
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const textOf = (bytes: Uint8Array): Either.Either<string, unknown> => Either.try(() => utf8.decode(bytes))

const invalid = (reason: string): Either.Either<never, string> => Either.left(`Package validation failed: ${reason}`)

const stringOf = (table: Values, name: string): string | undefined => {
  const value = table[name]
  return typeof value === "string" ? value : undefined
}

const filesOf = (tar: Uint8Array<ArrayBuffer>): Either.Either<ReadonlyArray<PackageFile>, string> =>
  Either.try({
    try: () => {
      const files: Array<PackageFile> = []
      for (const { data, name, type } of parseTar(tar)) {
        if (type !== "file" && type !== "contiguousFile") continue
        files.push({ path: name.replace(/^\.\//, ""), bytes: data?.slice() ?? new Uint8Array() })
      }
      return files
    },
    catch: () => "damaged archive"
  })

/** What `[metadata]` may have; the texts of those that must be texts. */
const metadataTexts = ["workflow_name", "graph_name", "language", "description", "author", "requires_python"]
const metadataMembers = [
  ...metadataTexts,
  "entry_module",
  "reaction_mode",
  "input_strategy",
  "accumulators",
  "providers"
]

/** What the server would not take of a manifest. It also says where in the text, which is left out. */
const manifestFault = (header: Values, metadata: Values): string | undefined => {
  const invalidManifest = (reason: string) => `invalid package.toml: TOML parse error: ${reason}`
  const unknown = Object.keys(metadata).find((member) => !metadataMembers.includes(member))
  if (unknown !== undefined) {
    const expected = metadataMembers.map((member) => `\`${member}\``).join(", ")
    return invalidManifest(`unknown field \`${unknown}\`, expected one of ${expected}`)
  }
  const texts: ReadonlyArray<readonly [Values, ReadonlyArray<string>]> = [
    [header, ["name", "version", "interface", "extension"]],
    [metadata, [...metadataTexts, "entry_module"]]
  ]
  for (const [table, members] of texts) {
    const wrong = members.find((member) => table[member] !== undefined && typeof table[member] !== "string")
    if (wrong !== undefined) return invalidManifest(`invalid type for \`${wrong}\`, expected a string`)
  }
  const missing = ["name", "version"].find((member) => header[member] === undefined)
  return missing === undefined ? undefined : invalidManifest(`missing field \`${missing}\``)
}

const manifestOf = (bytes: Uint8Array, archive: Uint8Array, files: ReadonlyArray<PackageFile>) => {
  const fault = (reason: string) => invalid(`Failed to load package.toml: ${reason}`)
  const text = textOf(bytes)
  if (Either.isLeft(text)) return fault("stream did not contain valid UTF-8")
  const table = Either.try({
    try: (): unknown => Toml.parse(text.right),
    catch: (error) => error instanceof Toml.TomlError ? error.message : "TOML parse error"
  })
  if (Either.isLeft(table)) return fault(table.left)
  if (!isObject(table.right) || !isObject(table.right["package"])) return fault("missing field `package`")
  const header = table.right["package"]
  const { metadata = {} } = table.right
  if (!isObject(metadata)) return fault("[metadata] must be a table")
  const wrong = manifestFault(header, metadata)
  if (wrong !== undefined) return fault(wrong)
  return Either.right<Archive>({
    bytes: archive,
    name: stringOf(header, "name") ?? "",
    version: stringOf(header, "version") ?? "",
    workflowName: stringOf(metadata, "workflow_name"),
    description: stringOf(metadata, "description"),
    language: stringOf(metadata, "language") ?? "rust",
    metadata,
    files
  })
}

const cannotUnpack = (reason: string) => invalid(`Failed to unpack source archive: ${reason}`)

/**
 * Reads a package that is unpacked already; `bytes` are those of its archive.
 *
 * @internal
 */
export const readTar = (tar: Uint8Array<ArrayBuffer>, bytes: Uint8Array): Either.Either<Archive, string> => {
  const all = filesOf(tar)
  if (Either.isLeft(all)) return cannotUnpack(all.left)
  const roots = new Set(all.right.map(({ path }) => path.slice(0, path.indexOf("/") + 1)))
  const [root = ""] = roots
  const hasManifest = all.right.some(({ path }) => /^[^/]+\/package\.toml$/.test(path))
  if (hasManifest && roots.size !== 1) return cannotUnpack("archive must contain exactly one top-level directory")
  const files = all.right.map(({ bytes: contents, path }) => ({ path: path.slice(root.length), bytes: contents }))
  const manifest = files.find(({ path }) => path === "package.toml")
  return manifest === undefined || !hasManifest
    ? cannotUnpack("invalid archive: archive does not contain a package.toml")
    : manifestOf(manifest.bytes, bytes, files)
}

/**
 * Reads a package of up to `limit` bytes once unpacked; what is wrong with it otherwise, as the server says it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const read = (bytes: Uint8Array, limit: number = maxUnpackedBytes): Either.Either<Archive, string> => {
  if (bytes[0] !== 0x42 || bytes[1] !== 0x5a || bytes[2] !== 0x68) {
    return invalid(
      "Package data is not a valid .cloacina bzip2 source archive. Raw library registration is not supported."
    )
  }
  const tar = bunzip2(bytes, limit)
  return Either.isLeft(tar) ? cannotUnpack(tar.left.reason) : readTar(tar.right, bytes)
}

const languages: Readonly<Record<string, string>> = {
  rs: "rust",
  py: "python",
  pyi: "python",
  toml: "toml",
  json: "json",
  yaml: "yaml",
  yml: "yaml",
  md: "markdown",
  txt: "text",
  cfg: "ini",
  ini: "ini",
  sh: "shell"
}

/**
 * The text files of a package by path, those of up to 1 MiB.
 *
 * @since 0.1.0
 * @category utils
 */
export const sourceOf = ({ files }: Archive): ReadonlyArray<SourceFile> =>
  files.flatMap(({ bytes, path }) => {
    const contents = bytes.length > maxSourceBytes ? Either.left(undefined) : textOf(bytes)
    if (Either.isLeft(contents)) return []
    const extension = /[^/]\.([^./]+)$/.exec(path)?.[1] ?? ""
    return [{ path, language: languages[extension] ?? null, contents: contents.right }]
  }).sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
