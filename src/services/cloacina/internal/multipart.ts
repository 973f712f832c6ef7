import * as HttpBody from "@effect/platform/HttpBody"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import type { PackageSource } from "../../../schemas/cloacina/Workflows.js"
import { PackageUnreadable } from "../../../schemas/cloacina/Workflows.js"
import * as Bytes from "../../core/Bytes.js"

/**
 * A boundary for a form. It is as good as certain that no package holds it: 128 random bits.
 */
export const boundary: Effect.Effect<string> = Effect.map(
  Effect.all(Array.from({ length: 4 }, () => Random.nextIntBetween(0, 2 ** 32))),
  (words) => `switchyard-${words.map((word) => word.toString(16).padStart(8, "0")).join("")}`
)

const encoder = new TextEncoder()

const head = (boundary: string): Uint8Array =>
  encoder.encode(
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="package.cloacina"\r\n` +
      "Content-Type: application/octet-stream\r\n\r\n"
  )

const tail = (boundary: string): Uint8Array => encoder.encode(`\r\n--${boundary}--\r\n`)

/**
 * The form of an upload as a body whose length is known before it is sent (contract 4.7/30). Written by hand: the global
 * `FormData` is none to undici on Node 20.
 */
export const bytes = (boundary: string, file: Uint8Array): HttpBody.HttpBody =>
  HttpBody.uint8Array(Bytes.concat([head(boundary), file, tail(boundary)]), contentType(boundary))

const contentType = (boundary: string): string => `multipart/form-data; boundary=${boundary}`

/** What is told about an upload under way. */
export interface Told {
  /** So many bytes of the package have been handed to the transport. */
  readonly sent: (count: number) => Effect.Effect<void>
  /** The source, or whoever is told, has failed: the transport shows no more than a request that broke. */
  readonly failed: (cause: Cause.Cause<PackageUnreadable>) => void
}

/**
 * As {@link bytes}, of a source that is read while it is sent. A source that holds more or less than it said fails: the
 * length has been sent by then.
 */
export const stream = (boundary: string, file: PackageSource, told: Told): HttpBody.HttpBody => {
  const front = head(boundary)
  const back = tail(boundary)
  const content = Stream.suspend(() => {
    let count = 0
    const changed = new PackageUnreadable({ path: file.name ?? "(stream)", code: "size changed while it was read" })
    return file.stream.pipe(
      Stream.tap((bytes) => {
        count += bytes.length
        return count > file.size ? Effect.fail(changed) : told.sent(count)
      }),
      Stream.concat(Stream.suspend(() => count < file.size ? Stream.fail(changed) : Stream.empty)),
      Stream.tapErrorCause((cause) => Effect.sync(() => told.failed(cause)))
    )
  })
  return HttpBody.stream(
    Stream.make(front).pipe(Stream.concat(content), Stream.concat(Stream.make(back))),
    contentType(boundary),
    front.length + file.size + back.length
  )
}
