/** Requests with packages. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Bytes from "../../../../src/services/core/Bytes.js"
import { god } from "./ask.js"

const boundary = "cut-here"

const encoder = new TextEncoder()

/** A form with these parts; without an end it stops in the middle of the last part. */
export const form = (
  parts: ReadonlyArray<{ readonly name: string; readonly bytes: Uint8Array }>,
  options: { readonly end?: boolean } = {}
): Uint8Array => {
  const pieces = parts.flatMap(({ bytes, name }, at) => [
    encoder.encode(
      `${at === 0 ? "" : "\r\n"}--${boundary}\r\ncontent-disposition: form-data; name="${name}"; filename="p"\r\n\r\n`
    ),
    bytes
  ])
  const all = [...pieces, encoder.encode(options.end === false ? "" : `\r\n--${boundary}--\r\n`)]
  return Bytes.concat(all)
}

/** Sends a form to the upload route of tenant `north`, or of another. */
export const post = (body: Uint8Array, options: {
  readonly tenant?: string
  readonly contentType?: string
} = {}) =>
  Effect.gen(function*() {
    const http = yield* HttpClient.HttpClient
    const answer = yield* http.execute(
      HttpClientRequest.post(`http://127.0.0.1:8080/v1/tenants/${options.tenant ?? "north"}/workflows`, {
        headers: { authorization: `Bearer ${god}` }
      }).pipe(
        HttpClientRequest.bodyUint8Array(body, options.contentType ?? `multipart/form-data; boundary=${boundary}`)
      )
    )
    return { status: answer.status, text: yield* answer.text }
  }).pipe(Effect.scoped, Effect.orDie)

/** Uploads a package. */
export const upload = (bytes: Uint8Array, tenant = "north") => post(form([{ name: "file", bytes }]), { tenant })

/** The id that an upload gave. */
export const uploaded = (bytes: Uint8Array, tenant?: string) =>
  Effect.map(upload(bytes, tenant), ({ status, text }): string => {
    if (status !== 201) throw new Error(`${status} ${text}`)
    return String(new Map(Object.entries(JSON.parse(text))).get("package_id"))
  })
