/**
 * The delivery socket: pushes of 600 bytes, decoded, deduplicated and acknowledged, from a `ws` server in another process.
 */
import * as Url from "node:url"
import type { Row, Suite } from "../core/measure.js"
import { child } from "../core/measure.js"
import type { Taken } from "./receiving.js"

const pathOf = (relative: string) => Url.fileURLToPath(new URL(relative, import.meta.url))

const goalPerSecond = 40_000
const goalMiB = 32

export const delivery: Suite = {
  name: "delivery",
  run: async (smoke): Promise<ReadonlyArray<Row>> => {
    const pushes = smoke ? 2000 : 1_000_000
    const server = await child(pathOf("pushing.ts"))
    const client = await child(pathOf("receiving.ts"))
    try {
      const acked = server.ask({ pushes })
      const { cpu, grown, wall } = await client.ask({ url: server.line, pushes }) as Taken
      const { ok } = await acked as { readonly ok: boolean }
      if (!ok) throw new Error("not every push was acknowledged once")
      const perSecond = 1e6 / cpu
      const rate = (value: number) => Math.round(value).toLocaleString("en")
      return [
        {
          work: "pushes a second of one core, 600 B",
          measured: `${rate(perSecond)} (wall ${rate(1e6 / wall)})`,
          goal: `≥ ${rate(goalPerSecond)}`,
          ok: smoke ? undefined : perSecond >= goalPerSecond
        },
        {
          work: "memory, push 10⁵ to 10⁶",
          measured: `${grown.toFixed(1)} MiB`,
          goal: `< ${goalMiB} MiB`,
          ok: smoke ? undefined : grown < goalMiB
        }
      ]
    } finally {
      await client.stop()
      await server.stop()
    }
  }
}
