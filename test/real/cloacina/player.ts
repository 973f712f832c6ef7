/**
 * Tells a story to a Cloacina server, over HTTP and WebSockets as they are, and keeps what it answered. The same story
 * told to the emulator can be compared with it.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import * as Chunk from "effect/Chunk"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { WebSockets } from "../../../src/services/core/WebSockets.js"
import type { Frame } from "../../../src/streams/core/Connection.js"
import * as Packages from "../../fixtures/cloacina/Packages.js"
import * as Replay from "../../fixtures/cloacina/Replay.js"

/** The story did not go on as it should have. */
export class Unexpected extends Data.TaggedError("Unexpected")<{ readonly message: string }> {}

/** One thing that was asked, and what came back; `frames` on a socket. */
export type Moment =
  | { readonly what: string; readonly method: string; readonly path: string; readonly answer: Replay.Answer }
  | { readonly what: string; readonly path: string; readonly socket: Replay.Socket }

/** The other end of a socket. */
interface Socket {
  readonly send: (frame: unknown) => Effect.Effect<void>
  readonly close: Effect.Effect<void>
  /** Waits until this many frames have come in all, or the connection has ended. */
  readonly frames: (count: number) => Effect.Effect<void, Unexpected>
  /** Waits for the end of the connection. */
  readonly ended: Effect.Effect<void, Unexpected>
}

interface CallOptions {
  readonly body?: unknown
  /** A body that is sent as it is, with this type. */
  readonly text?: readonly [type: string, body: string]
  readonly status?: number
  /** What is special about it. */
  readonly note?: string
}

export interface Player {
  readonly moments: Effect.Effect<ReadonlyArray<Moment>>
  /** Calls as the owner of the named key, `god` or what `key` made. Gives the body. */
  readonly call: (
    as: string | undefined,
    method: HttpMethod,
    path: string,
    options?: CallOptions
  ) => Effect.Effect<unknown, Unexpected>
  /** As `call`, and keeps the key that is answered under a name. */
  readonly key: (
    name: string,
    as: string | undefined,
    path: string,
    options?: CallOptions
  ) => Effect.Effect<unknown, Unexpected>
  readonly upload: (as: string, tenant: string, name: string) => Effect.Effect<unknown, Unexpected>
  /** Asks again and again until the answer is right, and keeps only that one. */
  readonly until: (
    as: string,
    path: string,
    isRight: (body: unknown) => boolean
  ) => Effect.Effect<unknown, Unexpected>
  /** As `until`, with a call that is refused at first. */
  readonly accepted: (as: string, path: string, body: unknown) => Effect.Effect<unknown, Unexpected>
  /** Opens a socket with a ticket of the key, or with the header `authorization` as it is given. */
  readonly socket: (
    as: string | { readonly authorization?: string; readonly token?: string },
    path: string,
    use: (socket: Socket) => Effect.Effect<void, Unexpected>
  ) => Effect.Effect<void, Unexpected>
  /** The tenant's packages are built from now on. */
  readonly compile: (tenant: string) => Effect.Effect<void>
}

const isMember = Schema.is(Schema.Record({ key: Schema.String, value: Schema.Unknown }))

/** A member of a body that has to be a text. */
export const text = (body: unknown, name: string): string => {
  const value = isMember(body) ? body[name] : undefined
  if (typeof value !== "string") throw new Error(`no ${name} in ${JSON.stringify(body)}`)
  return value
}

const boundary = "----switchyard"

const form = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(Buffer.concat([
    Buffer.from(
      `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="package.cloacina"\r\n`
        + "content-type: application/octet-stream\r\n\r\n"
    ),
    bytes,
    Buffer.from(`\r\n--${boundary}--\r\n`)
  ]))

/** A player for the server at this URL. */
export const make = (options: {
  readonly url: string
  readonly key: string
  readonly compile: (tenant: string) => Effect.Effect<void>
}): Effect.Effect<Player, never, HttpClient.HttpClient | WebSockets> =>
  Effect.gen(function*() {
    const http = yield* HttpClient.HttpClient
    const webSockets = yield* WebSockets
    const moments = yield* Ref.make<ReadonlyArray<Moment>>([])
    const keys = new Map([["god", options.key]])

    const keep = (moment: Moment) => Ref.update(moments, (before) => [...before, moment])

    const bearer = (as: string | undefined): Record<string, string> =>
      as === undefined ? {} : { authorization: `Bearer ${keys.get(as) ?? as}` }

    const ask = (
      as: string | undefined,
      method: HttpMethod,
      path: string,
      { body, text }: CallOptions = {},
      bytes?: Uint8Array
    ): Effect.Effect<Replay.Answer> => {
      const request = HttpClientRequest.make(method)(options.url + path, { headers: bearer(as) })
      const sent = bytes !== undefined
        ? HttpClientRequest.bodyUint8Array(request, bytes, `multipart/form-data; boundary=${boundary}`)
        : text !== undefined
        ? HttpClientRequest.bodyText(request, text[1], text[0])
        : body !== undefined
        ? HttpClientRequest.bodyText(request, JSON.stringify(body), "application/json")
        : request
      return http.execute(sent).pipe(
        Effect.flatMap((response) =>
          Effect.map(response.text, (body) => ({ status: response.status, headers: response.headers, body }))
        ),
        Effect.scoped,
        Effect.orDie
      )
    }

    const told = (
      as: string | undefined,
      method: HttpMethod,
      path: string,
      call: CallOptions = {},
      bytes?: Uint8Array
    ): Effect.Effect<unknown, Unexpected> =>
      Effect.gen(function*() {
        const answer = yield* ask(as, method, path, call, bytes)
        const what = `${method} ${path} as ${as ?? "nobody"}${call.note === undefined ? "" : `: ${call.note}`}`
        yield* keep({ what, method, path, answer })
        if (call.status === undefined ? answer.status >= 300 : answer.status !== call.status) {
          return yield* new Unexpected({ message: `${what}: ${answer.status} ${answer.body}` })
        }
        return Replay.said(answer.body)
      })

    /** Every 0.1 s, for a minute. */
    const patience = Schedule.spaced("100 millis").pipe(Schedule.intersect(Schedule.recurs(600)))

    const repeated = (
      as: string,
      method: HttpMethod,
      path: string,
      call: CallOptions,
      isRight: (answer: Replay.Answer) => boolean
    ) => {
      const what = `${method} ${path} as ${as}, in the end`
      return ask(as, method, path, call).pipe(
        Effect.filterOrFail(
          isRight,
          (answer) => new Unexpected({ message: `${what}: ${answer.status} ${answer.body}` })
        ),
        Effect.retry(patience),
        Effect.tap((answer) => keep({ what, method, path, answer })),
        Effect.map((answer) => Replay.said(answer.body))
      )
    }

    const player: Player = {
      moments: Ref.get(moments),
      call: (as, method, path, call) => told(as, method, path, call),
      key: (name, as, path, call) =>
        Effect.tap(told(as, "POST", path, call), (body) => Effect.sync(() => keys.set(name, text(body, "key")))),
      upload: (as, tenant, name) => told(as, "POST", `/v1/tenants/${tenant}/workflows`, {}, form(Packages.get(name))),
      until: (as, path, isRight) =>
        repeated(as, "GET", path, {}, (answer) => answer.status === 200 && isRight(Replay.said(answer.body))),
      accepted: (as, path, body) => repeated(as, "POST", path, { body }, (answer) => answer.status < 300),
      socket: (as, path, use) =>
        Effect.gen(function*() {
          const query = typeof as === "string"
            ? `?token=${text(Replay.said((yield* ask(as, "POST", "/v1/auth/ws-ticket")).body), "ticket")}`
            : as.token === undefined
            ? ""
            : `?token=${as.token}`
          const frames = yield* Ref.make<ReadonlyArray<Frame>>([])
          const ended = yield* Ref.make<Replay.Socket["ended"]>(undefined)
          const what = `socket ${path} as ${typeof as === "string" ? as : JSON.stringify(as)}`
          const opened = yield* Effect.either(webSockets.open({
            url: options.url.replace(/^http/, "ws") + path + query,
            headers: typeof as === "string" || as.authorization === undefined
              ? {}
              : { authorization: as.authorization },
            openTimeout: "10 seconds",
            keepAlive: "1 hour",
            highWater: 1000
          }))
          if (Either.isLeft(opened)) {
            const upgrade = Replay.refusal(opened.left)
            return yield* keep({ what, path, socket: { upgrade, frames: [], ended: undefined } })
          }
          const connection = opened.right
          yield* connection.receive.pipe(
            Effect.flatMap((received) => Ref.update(frames, (all) => [...all, ...Chunk.toReadonlyArray(received)])),
            Effect.forever,
            Effect.catchAll(({ by, code, reason }) =>
              Ref.set(ended, { by: by === "here" ? "client" : "server", code, reason })
            ),
            Effect.forkScoped
          )
          const wait = (done: Effect.Effect<boolean>, missing: string) =>
            done.pipe(
              Effect.filterOrFail((done) => done, () => new Unexpected({ message: `${what}: ${missing}` })),
              Effect.retry(patience),
              Effect.asVoid
            )
          yield* use({
            send: (frame) =>
              Effect.ignore(connection.send([
                typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame)
              ])),
            close: connection.close(1000),
            frames: (count) =>
              wait(
                Effect.zipWith(Ref.get(frames), Ref.get(ended), (all, end) => all.length >= count || end !== undefined),
                `no ${count} frames`
              ),
            ended: wait(Effect.map(Ref.get(ended), (end) => end !== undefined), "it does not end")
          })
          yield* keep({
            what,
            path,
            socket: {
              upgrade: { status: 101, headers: {}, body: "" },
              frames: yield* Ref.get(frames),
              ended: yield* Ref.get(ended)
            }
          })
        }).pipe(Effect.scoped),
      compile: options.compile
    }
    return player
  })
