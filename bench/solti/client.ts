/**
 * The client: one small call, and a flood of log events.
 */
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { createParser } from "eventsource-parser"
import * as Url from "node:url"
import type { Row, Suite } from "../core/measure.js"
import { atLeast, atMost, child, cpuOf, rssMiB } from "../core/measure.js"
import type { Calls } from "./getting.js"

const getting = Url.fileURLToPath(new URL("getting.ts", import.meta.url))
const canned = Url.fileURLToPath(new URL("../core/canned.ts", import.meta.url))

const withServer = async (
  use: (
    url: string,
    runtime: ManagedRuntime.ManagedRuntime<Solti.Tasks, Solti.InvalidOptions>
  ) => Promise<ReadonlyArray<Row>>
): Promise<ReadonlyArray<Row>> => {
  const server = await child(canned)
  const url = `http://127.0.0.1:${server.line}`
  const runtime = ManagedRuntime.make(Layer.provide(Solti.layer({ url }), layerHttpClient()))
  try {
    return await use(url, runtime)
  } finally {
    await runtime.dispose()
    await server.stop()
  }
}

export const get: Suite = {
  name: "get",
  run: async (smoke) => {
    const server = await child(canned)
    const client = await child(getting)
    try {
      const calls: Calls = {
        url: `http://127.0.0.1:${server.line}`,
        calls: smoke ? 20 : 200,
        rounds: smoke ? 4 : 60
      }
      const cpu = await client.ask(calls) as Record<"fetch" | "bare" | "sdk", number>
      const note = ` (${(cpu.sdk / calls.calls).toFixed(0)} µs a call)`
      return [
        atMost("get, decoded, bare : fetch + JSON.parse", cpu.bare / cpu.fetch, 1, smoke),
        atMost("get, decoded, time-outs and span : fetch + JSON.parse", cpu.sdk / cpu.fetch, 1.3, smoke, note)
      ]
    } finally {
      await client.stop()
      await server.stop()
    }
  }
}

export const logs: Suite = {
  name: "logs",
  run: (smoke) =>
    withServer(async (url, runtime) => {
      const events = smoke ? 5000 : 200_000
      const read = (count: number, pause = 0) =>
        runtime.runPromise(Effect.gen(function*() {
          const tasks = yield* Solti.Tasks
          let seen = 0
          yield* tasks.logs(String(count)).pipe(
            Stream.runForEachChunk((chunk) =>
              Effect.suspend(() => {
                seen += chunk.length
                return pause === 0 ? Effect.void : Effect.sleep(pause * chunk.length)
              })
            ),
            pause === 0 ? (self) => self : Effect.timeout("3 seconds"),
            pause === 0 ? (self) => self : Effect.ignore
          )
          return seen
        }))
      const cpu = await cpuOf({
        parser: async () => {
          const parser = createParser({ onEvent: (event) => JSON.parse(event.data) as unknown })
          const decoder = new TextDecoder()
          const body = (await fetch(`${url}/api/v1/tasks/${events}/logs`)).body
          if (body === null) throw new Error("no body")
          const reader = body.getReader()
          for (let next = await reader.read(); !next.done; next = await reader.read()) {
            parser.feed(decoder.decode(next.value, { stream: true }))
          }
        },
        sdk: () => read(events)
      }, smoke ? 2 : 8)
      const perSecond = events / (cpu.sdk / 1e6)

      const long = smoke ? 20_000 : 1_000_000
      await read(long / 10)
      const before = rssMiB()
      const seen = await read(long)
      const grown = rssMiB() - before
      if (seen !== long) throw new Error(`read ${seen} of ${long} events`)

      const calm = rssMiB()
      const slow = await read(1_000_000, 1)
      const slowGrown = rssMiB() - calm
      return [
        atMost("log events, decoded : eventsource-parser + JSON.parse", cpu.sdk / cpu.parser, 3, smoke),
        atLeast("log events a second of one core, in units of 100,000", perSecond / 100_000, 1, smoke),
        {
          work: `memory over ${long.toLocaleString("en")} log events`,
          measured: `${grown.toFixed(0)} MiB`,
          goal: "< 32 MiB",
          ok: smoke ? undefined : grown < 32
        },
        {
          work: `client memory, slow consumer on a flood (${slow.toLocaleString("en")} events in 3 s)`,
          measured: `${slowGrown.toFixed(0)} MiB`,
          goal: "flat (< 32 MiB)",
          ok: smoke ? undefined : slowGrown < 32
        }
      ]
    })
}
