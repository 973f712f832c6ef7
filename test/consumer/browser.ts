/** Bundled without anything of Node and run where there is only what browsers have. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Cloacina from "effect-switchyard/cloacina"
import * as Core from "effect-switchyard/core"
import * as Solti from "effect-switchyard/solti"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"

const execution = { tenant_id: "public", execution_id: "0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44" }

const answers: Record<string, () => Response> = {
  "/api/v1/tasks": () => Response.json({ tasks: [], total: 0 }),
  "/api/v1/tasks/gone": () =>
    Response.json({ error: "TaskNotFound", message: "task not found: gone" }, { status: 404 }),
  [`/v1/tenants/public/executions/${execution.execution_id}`]: () =>
    Response.json({ ...execution, status: "Completed" }),
  [`/v1/tenants/public/executions/${execution.execution_id}/tasks`]: () => Response.json({ ...execution, tasks: [] }),
  "/v1/auth/ws-ticket": () => Response.json({ ticket: "t1", expires_in_seconds: 60 })
}

const fetch: typeof globalThis.fetch = async (input) => {
  const answer = answers[new URL(String(input)).pathname]
  return answer === undefined ? new Response(null, { status: 500 }) : answer()
}

type Listener = (event: { readonly data?: string; readonly code?: number; readonly reason?: string }) => void

/** A socket that says welcome and pushes once; what it was sent is kept. */
class Socket {
  static readonly sent: Array<string> = []
  readonly bufferedAmount = 0
  readonly #listeners = new Map<string, Listener>()
  constructor(readonly url: string) {
    queueMicrotask(() => {
      this.#tell("open", {})
      this.#tell("message", { data: `{"type":"welcome","protocol_version":1}` })
      this.#tell("message", {
        data: `{"type":"push","protocol_version":1,"id":7,"kind":"greeting","recipient":"agent:a","tenant_id":null,` +
          `"payload_b64":"aGk="}`
      })
    })
  }
  #tell(type: string, event: Parameters<Listener>[0]) {
    this.#listeners.get(type)?.(event)
  }
  addEventListener(type: string, listener: Listener) {
    this.#listeners.set(type, listener)
  }
  removeEventListener(type: string) {
    this.#listeners.delete(type)
  }
  send(frame: string) {
    Socket.sent.push(frame)
  }
  close(code = 1000) {
    queueMicrotask(() => this.#tell("close", { code, reason: "" }))
  }
}

const http = Layer.provide(FetchHttpClient.layer, Layer.succeed(FetchHttpClient.Fetch, fetch))
const solti = Layer.provide(Solti.layer({ url: "https://solti.example" }), http)
const cloacina = Layer.provide(
  Cloacina.layer({ url: "https://cloacina.example", key: Redacted.make("clk_example") }),
  http
)

const program = Effect.gen(function*() {
  const tasks = yield* Solti.Tasks
  return { page: yield* tasks.list(), gone: yield* tasks.get("gone") }
})

const workflows = Effect.gen(function*() {
  const executions = yield* Cloacina.Executions
  const delivery = yield* Cloacina.Delivery
  const outcome = yield* executions.await(execution.execution_id)
  const pushes: Array<number> = []
  yield* delivery.subscribeAcked("agent:a").pipe(
    Stream.take(1),
    Cloacina.runForEachAcked(({ id }) => Effect.sync(() => pushes.push(id)))
  )
  return { outcome, pushes }
})

export const main = async (): Promise<void> => {
  const { gone, page } = await Effect.runPromise(Effect.provide(program, solti))
  if (page.total !== 0 || Option.isSome(gone) || !Core.Errors.isTransient({ _tag: "Timeout" })) {
    throw new Error("the client of Solti does not work in a browser")
  }
  Object.assign(globalThis, { WebSocket: Socket })
  const { outcome, pushes } = await Effect.runPromise(Effect.provide(workflows, cloacina))
  if (!Cloacina.isCompleted(outcome) || pushes.join() !== "7" || !Socket.sent.some((frame) => frame.includes("ack"))) {
    throw new Error(`the client of Cloacina does not work in a browser: ${JSON.stringify({ outcome, pushes })}`)
  }
}
