/**
 * Multipart forms as the server's framework reads them (contract 3.2, 4.7/30).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { maxBytes } from "./Body.js"
import { type Call, type Refusal, refuse, Rejection } from "./Handler.js"

const noBoundary = new Rejection({ status: 400, text: "Invalid `boundary` for `multipart/form-data` request" })

const noFile = refuse(400, "invalid_request", "no 'file' field in multipart request")

const unreadable = refuse(400, "invalid_request", "failed to read file: Error parsing `multipart/form-data` request")

/** One character a byte, so that positions in the text are positions in the bytes. */
const latin1 = new TextDecoder("latin1")

const parameter = /;\s*([\w!#$&^.+-]+)=(?:"([^"]+)"|([^\s;"]*))\s*/.source

const form = new RegExp(`^\\s*multipart/form-data\\s*((?:${parameter})*);?\\s*$`, "i")

/** The boundary, `undefined` where a content type is none of a form. */
const boundaryOf = (contentType: string | undefined): string | undefined => {
  const parameters = form.exec(contentType ?? "")?.[1] ?? ""
  for (const [, name, quoted, token] of parameters.matchAll(new RegExp(parameter, "g"))) {
    if (name?.toLowerCase() === "boundary") return quoted ?? token
  }
  return undefined
}

/** What the server's parser holds of the headers of one part. */
const maxHeaders = 32

/** The name of a part, `undefined` without one; `"unreadable"` headers end the form. */
const nameOf = (headers: string): { readonly name: string | undefined } | "unreadable" => {
  const lines = headers.split("\r\n").filter((line) => line !== "")
  if (lines.length > maxHeaders || lines.some((line) => !line.includes(":"))) return "unreadable"
  const disposition = lines.filter((line) => /^content-disposition:/i.test(line)).at(-1) ?? ""
  const found = /[;\s]name=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/.exec(disposition)
  return { name: found?.[1] ?? found?.[2] }
}

/**
 * The part named `file` in a form: the first of that name. A part that is cut off, or a whole form that is none, is
 * refused as the server does.
 */
const fileOf = (bytes: Uint8Array, boundary: string): Either.Either<Uint8Array, Refusal> => {
  const text = latin1.decode(bytes)
  const delimiter = `\r\n--${boundary}`
  const first = boundary === "" ? -1 : text.indexOf(`--${boundary}`)
  if (first === -1) return Either.left(noFile)
  const lineEnd = /[ \t]*\r\n/y
  for (let at = first + delimiter.length - 2;;) {
    lineEnd.lastIndex = at
    const line = lineEnd.exec(text)?.[0]
    const headersEnd = line === undefined ? -1 : text.indexOf("\r\n\r\n", at + line.length - 2)
    if (line === undefined || headersEnd === -1) return Either.left(noFile)
    const part = nameOf(text.slice(at + line.length, headersEnd))
    if (part === "unreadable") return Either.left(noFile)
    const from = headersEnd + 4
    // The body may be empty: the line break before the boundary is then the one behind the headers.
    const end = text.indexOf(delimiter, from - 2)
    if (end === -1) return Either.left(part.name === "file" ? unreadable : noFile)
    if (part.name === "file") return Either.right(bytes.slice(from, Math.max(from, end)))
    at = end + delimiter.length
  }
}

/**
 * Reads the part named `file` of the form in the body of a call.
 *
 * @since 0.1.0
 * @category decoding
 */
export const readFile = ({ request }: Call): Effect.Effect<Uint8Array, Refusal | Rejection> => {
  const boundary = boundaryOf(request.headers["content-type"])
  return boundary === undefined ? noBoundary : request.bytes(maxBytes).pipe(
    Effect.mapError(() => unreadable),
    Effect.flatMap((bytes) => fileOf(bytes, boundary))
  )
}
