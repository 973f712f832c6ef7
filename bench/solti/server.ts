/**
 * The server under many small tasks and many small requests.
 */
import { withConnection, withConnections } from "../core/http.js"
import type { Child, Cost, Row, Suite } from "../core/measure.js"
import { atLeast, costOf, median, ratio, takeTurns } from "../core/measure.js"
import { finished, remove, submit, taskPath } from "./calls.js"
import { withBare, withOurs, withReal } from "./targets.js"

const ratioOf = (left: ReadonlyArray<Cost>, right: ReadonlyArray<Cost>, of: keyof Cost): number =>
  median(left.map((cost, round) => cost[of] / (right[round]?.[of] ?? Number.NaN)))

const micros = (costs: ReadonlyArray<Cost>, of: keyof Cost): string =>
  `${median(costs.map((cost) => cost[of])).toFixed(0)} µs`

/** What has no goal stands beside it, for those who want to know why. */
const beside = (work: string, measured: string): Row => ({ work, measured, goal: "", ok: undefined })

/** The same for the published server, where there is one. */
const besideReal = (ours: ReadonlyArray<Cost>, real: ReadonlyArray<Cost>): ReadonlyArray<Row> =>
  real.every(({ wall }) => Number.isNaN(wall)) ? [] : [
    beside("  : the published server", `${ratio(ratioOf(real, ours, "wall"))} (it takes ${micros(real, "wall")})`),
    beside("  CPU : the published server", `${ratio(ratioOf(ours, real, "cpu"))} (it takes ${micros(real, "cpu")})`)
  ]

const absent: Cost = { wall: Number.NaN, cpu: Number.NaN }

const inFlight = 16

/**
 * Submits `count` times `true` and polls each to its end, which is to be the `wanted` phase if one is given: the
 * published server shows another one for a moment and then forgets the task. A slot is never busy when its next task
 * comes.
 */
const runTasks = async (url: string, count: number, wanted?: string): Promise<void> => {
  let left = count
  let slot = 0
  await withConnections(url, inFlight, async (connection) => {
    const own = `bench-${slot++}`
    while (left-- > 0) {
      const phase = await finished(connection, await submit(connection, own, "true"))
      if (wanted !== undefined && phase !== wanted) throw new Error(`a task of the benchmark has ${phase}`)
    }
  })
}

export const tasks: Suite = {
  name: "tasks",
  run: (smoke) =>
    withOurs((ours) =>
      withBare((bare) =>
        withReal(smoke, async (real) => {
          const count = smoke ? 48 : 2000
          const spawnIn = (child: Child) => costOf(child.pid, count, () => child.ask({ spawn: { count, inFlight } }))
          const costs = await takeTurns({
            bare: () => spawnIn(bare),
            beside: () => spawnIn(ours),
            ours: () => costOf(ours.pid, count, () => runTasks(ours.line, count, "SUCCEEDED")),
            real: async () => real === undefined ? absent : costOf(real.pid, count, () => runTasks(real.url, count))
          }, smoke ? 1 : 5)
          const speed = ratioOf(costs.bare, costs.ours, "wall")
          const work = `${count} × true, ${inFlight} in flight`
          return [
            atLeast(`${work}, speed : bare spawn`, speed, 0.7, smoke, ` (${micros(costs.ours, "wall")} a task)`),
            beside(
              "  : bare spawn in the server's process",
              `${ratio(ratioOf(costs.beside, costs.ours, "wall"))} (it takes ${micros(costs.beside, "wall")})`
            ),
            beside(
              "  CPU with children : bare spawn",
              `${ratio(ratioOf(costs.ours, costs.bare, "cpu"))} (it takes ${micros(costs.bare, "cpu")})`
            ),
            ...besideReal(costs.ours, costs.real)
          ]
        })
      )
    )
}

const connections = 32

/** How long calls take; wall and CPU time per call. */
const countCalls = async (pid: number, url: string, path: string, ms: number): Promise<Cost> => {
  let count = 0
  const total = await costOf(pid, 1, async () => {
    const until = performance.now() + ms
    await withConnections(url, connections, async (connection) => {
      while (performance.now() < until) {
        const { status } = await connection.send("GET", path)
        if (status !== 200) throw new Error(`GET ${path} answered ${status}`)
        count++
      }
    })
  })
  return { wall: total.wall / count, cpu: total.cpu / count }
}

/** A task that is there, and does not change, as long as it is used. */
const withTask = <A>(url: string, use: (path: string, body: string) => Promise<A>): Promise<A> =>
  withConnection(url, async (connection) => {
    const id = await submit(connection, "bench", "sleep", ["3600"])
    const path = taskPath(id)
    let body = ""
    while (!body.includes("RUNNING")) body = (await connection.send("GET", path)).body
    try {
      return await use(path, body)
    } finally {
      await remove(connection, id)
    }
  })

export const calls: Suite = {
  name: "calls",
  run: (smoke) =>
    withOurs((ours) =>
      withBare((bare) =>
        withReal(smoke, (real) =>
          withTask(ours.line, async (path, body) => {
            await bare.ask({ body, headers: { "content-type": "application/json" } })
            const ms = smoke ? 100 : 1500
            const costs = await takeTurns({
              bare: () => countCalls(bare.pid, bare.line, path, ms),
              ours: () => countCalls(ours.pid, ours.line, path, ms),
              real: async () => {
                if (real === undefined) return absent
                return withTask(real.url, (path) => countCalls(real.pid, real.url, path, ms))
              }
            }, smoke ? 1 : 9)
            const speed = ratioOf(costs.bare, costs.ours, "wall")
            const work = `GET task, ${connections} connections`
            return [
              atLeast(`${work}, speed : raw node:http`, speed, 0.4, smoke, ` (${micros(costs.ours, "wall")} a call)`),
              beside(
                "  CPU : raw node:http",
                `${ratio(ratioOf(costs.ours, costs.bare, "cpu"))} (it takes ${micros(costs.bare, "cpu")})`
              ),
              ...besideReal(costs.ours, costs.real)
            ]
          }))
      )
    )
}
