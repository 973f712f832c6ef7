/**
 * Writes down what was sent, with credentials blacked out, so that a test can look at it and a failing one can show it.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { type Front, type FrontRequest, type FrontResponse, StreamBody } from "../../server/core/Front.js"

/**
 * A request that was sent.
 *
 * - `path`: path and query; the values of parameters that name a secret are blacked out
 * - `headers`: names in lower case; the values of those that carry credentials are blacked out
 * - `body`: its text, `""` without one, or where the server takes it as it comes; it may hold secrets, so it is shown only
 *   to those who ask for it
 * - `status`: `None` when there was no answer, or not yet
 *
 * @since 0.1.0
 * @category models
 */
export interface Recorded {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Redacted.Redacted
  readonly status: Option.Option<number>
}

/**
 * Other requests were sent than the test expected. Lines read `GET /api/v1/tasks 200`, or `… -` without an answer.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnexpectedRequests extends Data.TaggedError("UnexpectedRequests")<{
  readonly expected: ReadonlyArray<string>
  readonly actual: ReadonlyArray<string>
}> {
  override get message() {
    const list = (lines: ReadonlyArray<string>) => lines.map((line) => `\n  ${line}`).join("")
    return `expected these requests:${list(this.expected)}\nbut these were sent:${list(this.actual)}`
  }
}

const hidden = "<redacted>"

/** Names that say that their value is nobody's business. */
const isSecret = (name: string): boolean =>
  /auth|cookie|credential|passw|secret|signature|ticket|token|(?:access|admin|api)-?key|^key$/i.test(name)

const hidePath = (path: string): string =>
  path.replace(
    /([?&])([^=&]+)=[^&]*/g,
    (whole, mark: string, name: string) => isSecret(name) ? `${mark}${name}=${hidden}` : whole
  )

const hideHeaders = (headers: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, isSecret(name) ? hidden : value]]
    )
  )

interface Entry {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  body: string
  status: number | undefined
}

/** `*` in an expected line stands for one segment of a path. */
const fits = (expected: string, actual: string): boolean => {
  const parts = expected.split("*").map((part) => part.replace(/[$()+.?[\\\]^{|}]/g, "\\$&"))
  return new RegExp(`^${parts.join("[^/ ?]+")}$`).test(actual)
}

/**
 * The requests that were sent to a server, or through a client.
 *
 * @since 0.1.0
 * @category context
 */
export class Recorder extends Context.Tag("effect-switchyard/testing/Recorder")<Recorder, Recorder.Service>() {
  /**
   * A recorder that nothing is connected to yet.
   *
   * @since 0.1.0
   */
  static readonly make: Effect.Effect<Recorder.Service> = Effect.sync(() => {
    let entries: Array<Entry> = []
    let count = 0

    const add = (entry: Entry): Entry => {
      entries.push(entry)
      count++
      return entry
    }

    const counting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.ensuring(effect, Effect.sync(() => count++))

    const counted = (response: FrontResponse): FrontResponse => {
      const { body, upgrade } = response
      if (upgrade !== undefined) {
        return {
          ...response,
          upgrade: (connection) =>
            counting(Effect.suspend(() =>
              upgrade({
                ...connection,
                receive: counting(connection.receive),
                send: (frames) => counting(connection.send(frames))
              })
            ))
        }
      }
      if (typeof body !== "object" || !("stream" in body)) return response
      const stream = Stream.mapChunks(body.stream, (pieces) => {
        count++
        return pieces
      })
      return { ...response, body: new StreamBody({ stream, idle: body.idle }) }
    }

    const lines = () => entries.map(({ method, path, status }) => `${method} ${path} ${status ?? "-"}`)

    return {
      requests: Effect.sync(() =>
        entries.map(({ body, headers, method, path, status }) => ({
          method,
          path,
          headers,
          body: Redacted.make(body),
          status: Option.fromNullable(status)
        }))
      ),
      lines: Effect.sync(lines),
      expect: (expected) =>
        Effect.suspend(() => {
          const actual = lines()
          const isExpected = expected.length === actual.length &&
            expected.every((line, index) => fits(line, actual[index] ?? ""))
          return isExpected ? Effect.void : new UnexpectedRequests({ expected, actual })
        }),
      clear: Effect.sync(() => {
        entries = []
      }),
      count: () => count,
      front: (front) => (request) =>
        Effect.suspend(() => {
          const entry = add({
            method: request.method,
            path: hidePath(request.target),
            headers: hideHeaders(request.headers),
            body: "",
            status: undefined
          })
          const bytes: FrontRequest["bytes"] = (limit, accept) =>
            Effect.tap(request.bytes(limit, accept), (body) =>
              Effect.sync(() => {
                entry.body = new TextDecoder().decode(body)
              }))
          // Made from the parts: a request may be an object whose members live on its class.
          const { headers, method, pieces, target } = request
          const seen = { method, target, headers, bytes, pieces }
          return Effect.map(front(seen), (response) => {
            entry.status = response.status
            count++
            return counted(response)
          })
        }),
      client: (client) =>
        HttpClient.make((request, url) =>
          Effect.suspend(() => {
            const entry = add({
              method: request.method,
              path: hidePath(url.pathname + url.search),
              headers: hideHeaders(request.headers),
              body: textOf(request),
              status: undefined
            })
            return Effect.tap(client.execute(request), (response) =>
              Effect.sync(() => {
                entry.status = response.status
                count++
              }))
          })
        )
    }
  })

  /**
   * Records what the program sends over the `HttpClient` of its context.
   *
   * @example
   * ```ts
   * import { layerHttpClient } from "effect-switchyard/node"
   * import * as Solti from "effect-switchyard/solti"
   * import * as SoltiTesting from "effect-switchyard/solti/testing"
   * import * as Effect from "effect/Effect"
   * import * as Layer from "effect/Layer"
   *
   * const Recorded = Layer.provide(SoltiTesting.Recorder.layerClient, layerHttpClient())
   * const Live = Layer.provideMerge(Solti.layer({ url: "http://127.0.0.1:8085" }), Recorded)
   *
   * export const program = Effect.gen(function*() {
   *   const tasks = yield* Solti.Tasks
   *   const recorder = yield* SoltiTesting.Recorder
   *   yield* tasks.get("default-build-7")
   *   yield* recorder.expect(["GET /api/v1/tasks/default-build-7 200"])
   * }).pipe(Effect.provide(Live))
   * ```
   *
   * @since 0.1.0
   */
  static readonly layerClient: Layer.Layer<Recorder | HttpClient.HttpClient, never, HttpClient.HttpClient> = Layer
    .effectContext(
      Effect.map(
        Effect.zip(HttpClient.HttpClient, Recorder.make),
        ([client, recorder]) =>
          Context.make(Recorder, recorder).pipe(Context.add(HttpClient.HttpClient, recorder.client(client)))
      )
    )
}

const textOf = ({ body }: HttpClientRequest.HttpClientRequest): string =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""

/**
 * @since 0.1.0
 */
export declare namespace Recorder {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** In the order in which they were sent. */
    readonly requests: Effect.Effect<ReadonlyArray<Recorded>>
    /** Each as one line: `GET /api/v1/tasks 200`. */
    readonly lines: Effect.Effect<ReadonlyArray<string>>
    /** Fails unless exactly these were sent, in this order; `*` in a line stands for one segment of the path. */
    readonly expect: (lines: ReadonlyArray<string>) => Effect.Effect<void, UnexpectedRequests>
    /** Forgets what was sent so far. */
    readonly clear: Effect.Effect<void>
    /**
     * Grows with every request, every answer, and, at a front, everything that a streamed answer sends and a connection
     * sends and receives.
     */
    readonly count: () => number
    /** A front whose requests are recorded. */
    readonly front: <R>(front: Front<R>) => Front<R>
    /** A client whose requests are recorded. */
    readonly client: (client: HttpClient.HttpClient) => HttpClient.HttpClient
  }
}
