/**
 * Executions: one call, the decoding of a list, and an iteration over many pages.
 */
import * as Path from "node:path"
import * as Url from "node:url"
import type { Child, Row, Suite } from "../core/measure.js"
import { atMost, bundle, child, ratio } from "../core/measure.js"
import type { Calls, Iterate, Iterated, List } from "./client.js"

const pathOf = (relative: string) => Url.fileURLToPath(new URL(relative, import.meta.url))

/** Runs `use` with a client, and with a server that has so many executions. */
const withBoth = async <A>(all: number, use: (client: Child, server: Child) => Promise<A>): Promise<A> => {
  const server = await child(pathOf("canned.ts"), [String(all)])
  const client = await child(pathOf("client.ts"))
  try {
    return await use(client, server)
  } finally {
    await client.stop()
    await server.stop()
  }
}

/** The official TypeScript client as a module, where `CLOACINA_TS_CLIENT` names the folder of its sources. */
const official = (): string | undefined => {
  const folder = process.env["CLOACINA_TS_CLIENT"]
  if (folder === undefined || folder === "") return undefined
  return Url.pathToFileURL(bundle(Path.resolve(folder, "src", "index.ts"))).href
}

export const getExecution: Suite = {
  name: "execution",
  run: (smoke) =>
    withBoth(0, async (client, server): Promise<ReadonlyArray<Row>> => {
      const calls: Calls = {
        url: server.line,
        calls: smoke ? 20 : 200,
        rounds: smoke ? 4 : 60,
        official: official()
      }
      const cpu = await client.ask({ calls }) as Record<"fetch" | "bare" | "sdk" | "official", number>
      const micros = (value: number) => ` (${(value / calls.calls).toFixed(0)} µs a call)`
      const work = "execution, decoded"
      const rows = [
        atMost(`${work}, bare : fetch + JSON.parse`, cpu.bare / cpu.fetch, 1, smoke, micros(cpu.bare)),
        atMost(`${work}, time-outs and span : the same`, cpu.sdk / cpu.fetch, 1.3, smoke, micros(cpu.sdk))
      ]
      return calls.official === undefined ? rows : [...rows, {
        work: "execution, official TypeScript client : the same",
        measured: ratio(cpu.official / cpu.fetch) + micros(cpu.official),
        goal: "",
        ok: undefined
      }]
    })
}

export const listExecutions: Suite = {
  name: "executions",
  run: (smoke) =>
    withBoth(0, async (client): Promise<ReadonlyArray<Row>> => {
      const list: List = { repeat: smoke ? 2 : 20, rounds: smoke ? 4 : 80 }
      const cpu = await client.ask({ list }) as Record<"parse" | "decode", number>
      const note = ` (${(cpu.decode / list.repeat / 1000).toFixed(2)} ms)`
      return [atMost("list of 1,000 executions, decoded : JSON.parse", cpu.decode / cpu.parse, 2.5, smoke, note)]
    })
}

export const iterateExecutions: Suite = {
  name: "iterate",
  run: (smoke) => {
    const all = smoke ? 4000 : 100_000
    return withBoth(all, async (client, server): Promise<ReadonlyArray<Row>> => {
      const iterated = (take: number, mark: number) =>
        client.ask({ iterate: { url: server.line, take, mark } satisfies Iterate }) as Promise<Iterated>
      const few = await iterated(150, 50)
      const pages = await server.ask({})
      const { before, count, end } = await iterated(all + 1, all / 10)
      if (few.count !== 150 || count !== all) throw new Error(`${count} executions in place of ${all}`)
      const grown = (end - before) / 2 ** 20
      const work = `iterating ${all.toLocaleString("en")} executions`
      return [
        {
          work: `${work}: heap, item ${(all / 10).toLocaleString("en")} to the last`,
          measured: `${grown.toFixed(1)} MiB`,
          goal: "flat (< 2 MiB)",
          ok: smoke ? undefined : grown < 2
        },
        { work: `${work}: pages of 100 for 150 items`, measured: String(pages), goal: "2", ok: pages === 2 }
      ]
    })
  }
}
