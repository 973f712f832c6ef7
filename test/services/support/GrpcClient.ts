/** The tasks of a server over gRPC: over sockets, and in memory under the test's clock. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Front, type FrontRequest, type FrontResponse, Hangup } from "../../../src/server/core/Front.js"
import * as InMemoryGrpc from "../../../src/server/core/InMemoryGrpc.js"
import type { CallOptions } from "../../../src/services/core/CallOptions.js"
import * as Client from "../../../src/services/solti/Client.js"
import * as Rpc from "../../../src/services/solti/internal/rpc.js"
import * as internal from "../../../src/services/solti/internal/tasks.js"
import * as Solti from "../../../src/solti.js"
import * as SoltiGrpc from "../../../src/solti/grpc.js"

/** Over sockets, as long as the scope is open. */
export const tasksOver = (
  options: SoltiGrpc.Options
): Effect.Effect<Solti.Tasks.Service, Solti.InvalidOptions, Scope.Scope> =>
  Effect.map(Layer.build(SoltiGrpc.layer(options)), (context) => Context.get(context, Solti.Tasks))

/** A call that was sent in memory. */
export interface Sent {
  readonly path: string
  readonly headers: FrontRequest["headers"]
  /** The message behind the head of its length. */
  readonly body: Uint8Array
}

/** What the server does: answer, break the connection (`reset`), or never answer (`silent`). */
export type Reply = FrontResponse | "reset" | "silent"

/** A refusal in the head alone. */
export const status = (code: number, message = "", headers: Readonly<Record<string, string>> = {}): FrontResponse => ({
  status: 200,
  body: new Uint8Array(0),
  headers: {
    "content-type": "application/grpc",
    "grpc-status": String(code),
    "grpc-message": encodeURIComponent(message),
    ...headers
  }
})

/** Messages behind the heads of their lengths, then trailers. */
export const success = (
  body: FrontResponse["body"],
  headers: Readonly<Record<string, string>> = {},
  trailers: Readonly<Record<string, string>> = { "grpc-status": "0" }
): FrontResponse => ({
  status: 200,
  headers: { "content-type": "application/grpc", ...headers },
  body,
  trailers: Effect.succeed(trailers)
})

/** In memory; every call is answered by `reply`, `sent` lists them. */
export const inMemory = (
  reply: (call: Sent, index: number) => Reply | Effect.Effect<Reply>,
  options: {
    readonly token?: Redacted.Redacted
    readonly options?: CallOptions
    readonly propagateTrace?: boolean
  } = {}
) => {
  const sent: Array<Sent> = []
  const front: Front = ({ bytes, headers, target }: FrontRequest) =>
    Effect.flatMap(Effect.orDie(bytes(Infinity)), (body) => {
      const call: Sent = { path: target, headers, body }
      sent.push(call)
      const given = reply(call, sent.length - 1)
      return Effect.flatMap(
        Effect.isEffect(given) ? given : Effect.succeed(given),
        (answer) =>
          answer === "silent" ? Effect.never : answer === "reset" ? Effect.fail(new Hangup()) : Effect.succeed(answer)
      )
    })
  const tasks = Effect.map(
    InMemoryGrpc.connection(front, 4 * 1024 * 1024),
    (connection) => internal.make(Rpc.make({ connection, ...Client.shared(options) }))
  )
  return { tasks, sent }
}

/** Options under which nothing is sent twice. */
export const once: CallOptions = { retry: { maxRetries: 0 } }

/** No second connection of a log. */
export const noReconnect = { reconnect: { maxReconnects: 0 } } as const

export const spec = Solti.command("true", [], { slot: "s", timeout: "1 second" })

/** One call of every kind: a read, a write, a delete, and a log. */
export const four = (tasks: Solti.Tasks.Service, options?: CallOptions) =>
  [
    ["get", tasks.get("t", options)],
    ["submit", tasks.submit(spec, options)],
    ["delete", tasks.delete("t", options)],
    ["logs", Stream.runDrain(tasks.logs("t", { ...options, ...noReconnect }))]
  ] as const satisfies ReadonlyArray<readonly [string, Effect.Effect<unknown, Solti.SubmitError | Solti.LogError>]>
