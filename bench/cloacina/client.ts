/**
 * The client in a process of its own, bundled as programs are: tsx would name every closure when it is made.
 *
 * - `{ calls }`: costs of one execution by `fetch` and by the SDK
 * - `{ list }`: costs of decoding a list and of parsing its JSON
 * - `{ iterate }`: the heap while executions are iterated
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../src/cloacina.js"
import { CallOptions } from "../../src/core.js"
import { layerHttpClient } from "../../src/node.js"
import * as Api from "../../src/schemas/cloacina/api/Executions.js"
import * as Codec from "../../src/services/core/Codec.js"
import { cpuOf } from "../core/measure.js"
import { execution, executionsFrom } from "./samples.js"

const id = execution.execution_id
const key = "clk_bench"

/** What is used of the official TypeScript client. */
interface Official {
  readonly CloacinaClient: new(options: { baseUrl: string; apiKey: string; tenant: string }) => {
    readonly getExecution: (id: string) => Promise<unknown>
  }
}

/** So many calls a round; `official` is the official client as a module. */
export interface Calls {
  readonly url: string
  readonly calls: number
  readonly rounds: number
  readonly official: string | undefined
}

const layerOf = (url: string) => Layer.provide(Cloacina.layer({ url, key: Redacted.make(key) }), layerHttpClient())

const call = async ({ calls, official, rounds, url }: Calls) => {
  const runtime = ManagedRuntime.make(layerOf(url))
  const sdk = Effect.gen(function*() {
    const executions = yield* Cloacina.Executions
    for (let call = 0; call < calls; call++) yield* executions.get(id)
  })
  const bare = sdk.pipe(
    CallOptions.withOptions({ timeouts: { total: Duration.infinity } }),
    Effect.withTracerEnabled(false)
  )
  const headers = { accept: "application/json", authorization: `Bearer ${key}` }
  const others = official === undefined
    ? undefined
    : new (await import(official) as Official).CloacinaClient({ baseUrl: url, apiKey: key, tenant: "public" })
  const cpu = await cpuOf({
    fetch: async () => {
      for (let call = 0; call < calls; call++) {
        JSON.parse(await (await fetch(`${url}/v1/tenants/public/executions/${id}`, { headers })).text())
      }
    },
    bare: () => runtime.runPromise(bare),
    sdk: () => runtime.runPromise(sdk),
    official: async () => {
      for (let call = 0; call < calls; call++) await others?.getExecution(id)
    }
  }, rounds)
  await runtime.dispose()
  return cpu
}

/** A list of 1,000 executions, so many times a round. */
export interface List {
  readonly repeat: number
  readonly rounds: number
}

const decodeList = ({ repeat, rounds }: List) => {
  const text = JSON.stringify(executionsFrom(0, 1000))
  const info = { operation: "bench", method: "GET", route: "/executions" }
  const codec = Codec.make(Api.listAll.endpoint, info, "http://localhost")
  const received = (): Codec.Received => ({
    status: 200,
    requestId: undefined,
    contentType: "application/json",
    excerpt: (text) => text
  })
  return cpuOf({
    parse: async () => {
      for (let i = 0; i < repeat; i++) JSON.parse(text)
    },
    decode: async () => {
      for (let i = 0; i < repeat; i++) Either.getOrThrow(codec.decode(text, received))
    }
  }, rounds)
}

/** Reads as far as item `take`. */
export interface Iterate {
  readonly url: string
  readonly take: number
  readonly mark: number
}

/** Bytes of the heap in use at item `mark` and at the last one, after a collection, and how many items came. */
export interface Iterated {
  readonly before: number
  readonly end: number
  readonly count: number
}

const used = (): number => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const iterate = ({ mark, take, url }: Iterate): Promise<Iterated> => {
  let count = 0
  let before = 0
  return Effect.flatMap(Cloacina.Executions, (executions) =>
    executions.iterate().pipe(
      Stream.take(take),
      Stream.runForEach(() =>
        Effect.sync(() => {
          if (++count === mark) before = used()
        })
      ),
      Effect.map(() => ({ before, end: used(), count }))
    )).pipe(Effect.provide(layerOf(url)), Effect.runPromise)
}

type Message = { readonly calls: Calls } | { readonly list: List } | { readonly iterate: Iterate }

const answer = (message: Message): Promise<unknown> =>
  "calls" in message ? call(message.calls) : "list" in message ? decodeList(message.list) : iterate(message.iterate)

process.on("message", (message: Message) => void answer(message).then((result) => process.send?.(result)))
process.on("disconnect", () => process.exit(0))
process.stdout.write("ready\n")
