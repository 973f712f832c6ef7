/**
 * The server under many small requests and many small tasks.
 */
import type { Connection } from "../core/http.js"
import { withConnections } from "../core/http.js"
import type { Row, Suite } from "../core/measure.js"
import { atLeast, cpuMs, median, ratio, wallOf } from "../core/measure.js"
import { finished, remove, submit, taskPath } from "./calls.js"
import { withBare, withOurs, withReal } from "./targets.js"

const inFlight = 16

/**
 * Submits `count` times `true` and polls each to its end, which is to be the `wanted` phase if one is given: the
 * published server shows another one for a moment and then forgets the task. A slot is never busy when its next task
 * comes.
 */
const runTasks = (url: string, count: number, wanted?: string): Promise<number> => {
  let left = count
  let slot = 0
  return wallOf(() =>
    withConnections(url, inFlight, async (connection) => {
      const own = `bench-${slot++}`
      while (left-- > 0) {
        const phase = await finished(connection, await submit(connection, own, "true"))
        if (wanted !== undefined && phase !== wanted) throw new Error(`a task of the benchmark has ${phase}`)
      }
    })
  )
}

const beside = (real: number, ours: number): string => Number.isNaN(real) ? "" : ` (${ratio(ours / real)} the real one)`

export const tasks: Suite = {
  name: "tasks",
  run: (smoke) =>
    withOurs((ours) =>
      withBare((bare) =>
        withReal(smoke, async (real) => {
          const count = smoke ? 48 : 2000
          const rounds = smoke ? 1 : 5
          const taken: Array<{ readonly bare: number; readonly ours: number; readonly real: number }> = []
          // The first round is warm-up.
          for (let round = 0; round <= rounds; round++) {
            const size = round === 0 ? count / 4 : count
            const times = {
              bare: Number(await bare.ask({ spawn: size, inFlight })),
              ours: await runTasks(ours.line, size, "SUCCEEDED"),
              real: real === undefined ? Number.NaN : await runTasks(real.url, size)
            }
            console.error(times, [bare.pid, ours.pid, real?.pid ?? 0].map(cpuMs))
            if (round > 0) taken.push(times)
          }
          const speed = median(taken.map(({ bare, ours }) => bare / ours))
          return [
            atLeast(
              `${count} tasks, ${inFlight} in flight : bare spawn`,
              speed,
              0.7,
              smoke,
              beside(1 / median(taken.map(({ real }) => real)), 1 / median(taken.map(({ ours }) => ours)))
            )
          ]
        })
      )
    )
}

const connections = 32

const countCalls = async (url: string, path: string, ms: number): Promise<number> => {
  let count = 0
  const until = performance.now() + ms
  await withConnections(url, connections, async (connection) => {
    while (performance.now() < until) {
      const { status } = await connection.send("GET", path)
      if (status !== 200) throw new Error(`GET ${path} answered ${status}`)
      count++
    }
  })
  return count
}

const withTask = (url: string, use: (connection: Connection, path: string) => Promise<void>) =>
  withConnections(url, 1, async (connection) => {
    const id = await submit(connection, "bench", "sleep", ["3600"])
    await new Promise((resolve) => setTimeout(resolve, 50))
    await use(connection, taskPath(id))
    await remove(connection, id)
  })

export const calls: Suite = {
  name: "calls",
  run: (smoke) =>
    withOurs((ours) =>
      withBare((bare) =>
        withReal(smoke, async (real) => {
          const rounds = smoke ? 1 : 9
          const ms = smoke ? 100 : 1500
          const rows: Array<Row> = []
          await withTask(ours.line, async (connection, path) => {
            const { body } = await connection.send("GET", path)
            await bare.ask({ body, headers: { "content-type": "application/json" } })
            const measureReal = async () => {
              let count = Number.NaN
              if (real === undefined) return count
              await withTask(real.url, async (_, path) => {
                count = await countCalls(real.url, path, ms)
              })
              return count
            }
            const taken: Array<{ readonly bare: number; readonly ours: number; readonly real: number }> = []
            for (let round = 0; round <= rounds; round++) {
              const t0 = [bare.pid, ours.pid, real?.pid ?? 0].map(cpuMs)
              const counts = {
                bare: await countCalls(bare.line, path, ms),
                ours: await countCalls(ours.line, path, ms),
                real: await measureReal()
              }
              const cs = [counts.bare, counts.ours, counts.real]
              console.error(
                counts,
                counts.ours / counts.bare,
                [bare.pid, ours.pid, real?.pid ?? 0].map((p, i) => (cpuMs(p) - t0[i]!) * 1000 / cs[i]!)
              )
              if (round > 0) taken.push(counts)
            }
            rows.push(atLeast(
              `GET task, ${connections} connections : raw node:http`,
              median(taken.map(({ bare, ours }) => ours / bare)),
              0.4,
              smoke,
              beside(median(taken.map(({ real }) => real)), median(taken.map(({ ours }) => ours)))
            ))
          })
          return rows
        })
      )
    )
}
