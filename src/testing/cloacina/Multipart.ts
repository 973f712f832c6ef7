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

const boundaryOf = (contentType: string | undefined): string | undefined => {
  const parameters = /^\s*multipart\/form-data\s*;([\s\S]*)$/i.exec(contentType ?? "")?.[1] ?? ""
  const found = /(?:^|;)\s*boundary=(?:"([^"]*)"|([^\s;"]+))/i.exec(parameters)
  return found?.[1] ?? found?.[2]
}

const nameOf = (headers: string): string | undefined => {
  const found = /^content-disposition:\s*form-data\s*;[^\r\n]*?\bname=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/im.exec(headers)
  return found?.[1] ?? found?.[2]
}

/**
 * The part named `file` in a form: the first of that name. A part that is cut off, or a whole form that is none, is
 * refused as the server does.
 */
const fileOf = (bytes: Uint8Array, boundary: string): Either.Either<Uint8Array, Refusal> => {
  const text = latin1.decode(bytes)
  const delimiter = `\r\n--${boundary}`
  let at = text.startsWith(`--${boundary}`) ? boundary.length + 2 : text.indexOf(delimiter) + delimiter.length
  if (at < delimiter.length - 2) return Either.left(noFile)
  while (text.startsWith("\r\n", at)) {
    const headersEnd = text.indexOf("\r\n\r\n", at)
    if (headersEnd === -1) return Either.left(noFile)
    const isFile = nameOf(text.slice(at, headersEnd)) === "file"
    const from = headersEnd + 4
    // The body may be empty: the line break before the boundary is then the one behind the headers.
    const end = text.indexOf(delimiter, from - 2)
    if (end === -1) return Either.left(isFile ? unreadable : noFile)
    if (isFile) return Either.right(bytes.slice(from, Math.max(from, end)))
    at = end + delimiter.length
  }
  return Either.left(noFile)
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
