/**
 * The server with much at a time: many queued tasks, many followers of one log, one follower that is too slow.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Connection } from "../core/http.js"
import { withConnection, withConnections } from "../core/http.js"
import type { Child, Suite } from "../core/measure.js"
import { median, peakRss, wallOf } from "../core/measure.js"
import { list, remove, submit } from "./calls.js"
import { follow } from "./follower.js"
import { withOurs } from "./targets.js"

const mib = 1024 * 1024

const number = (value: number): string => value.toLocaleString("en")

/** Does something with each item, with 16 of them at a time. */
const forEach = async <A, B>(
  url: string,
  items: ReadonlyArray<A>,
  use: (connection: Connection, item: A) => Promise<B>
): Promise<Array<B>> => {
  const left = items.values()
  const done: Array<B> = []
  await withConnections(url, 16, async (connection) => {
    for (const item of left) done.push(await use(connection, item))
  })
  return done
}

/** Keeps slots busy until it is called. */
const occupy = async (url: string, slots: ReadonlyArray<string>): Promise<() => Promise<unknown>> => {
  const ids = await forEach(url, slots, (connection, slot) => submit(connection, slot, "sleep", ["3600"]))
  return () => forEach(url, ids, remove)
}

const total = async (connection: Connection, status: string): Promise<number> =>
  (await list(connection, `status=${status}&limit=1`)).total

export const queue: Suite = {
  name: "queue",
  run: (smoke) =>
    withOurs(async (server) => {
      const url = server.line
      const slots = Array.from({ length: smoke ? 10 : 100 }, (_, slot) => `slot-${slot}`)
      const drain = (expected: number) =>
        withConnection(url, async (connection) => {
          while (await total(connection, "pending") + await total(connection, "running") > 0) await sleep(100)
          const succeeded = await total(connection, "succeeded")
          if (succeeded !== expected) throw new Error(`${succeeded} of ${expected} queued tasks have succeeded`)
        })
      const enqueue = (each: number) =>
        forEach(
          url,
          slots.flatMap((slot) => Array<string>(each).fill(slot)),
          (connection, slot) => submit(connection, slot, "true")
        )

      const few = smoke ? 1 : 10
      const release = await occupy(url, slots)
      await enqueue(few)
      await release()
      await drain(few * slots.length)

      const many = smoke ? 5 : 100
      const releaseAll = await occupy(url, slots)
      const before = Number(await server.ask("memory"))
      await enqueue(many)
      const perTask = (Number(await server.ask("memory")) - before) / (many * slots.length) / 1024
      const times: Array<number> = []
      await withConnection(url, async (connection) => {
        for (let call = 0; call < 9; call++) times.push(await wallOf(() => list(connection, "limit=1000")))
      })
      const took = await wallOf(async () => {
        await releaseAll()
        await drain((few + many) * slots.length)
      })
      const tasks = `${number(many * slots.length)} queued tasks over ${slots.length} slots`
      return [
        {
          work: tasks,
          measured: `all finish (${(took / 1000).toFixed(1)} s)`,
          goal: "all finish",
          ok: smoke ? undefined : true
        },
        {
          work: "memory of a queued task",
          measured: `${perTask.toFixed(1)} KiB`,
          goal: "≤ 4 KiB",
          ok: smoke ? undefined : perTask <= 4
        },
        {
          work: "list of 1,000 of them",
          measured: `${median(times).toFixed(0)} ms`,
          goal: "< 50 ms",
          ok: smoke ? undefined : median(times) < 50
        }
      ]
    })
}

/** A task that waits behind another one, so that its log can be opened before it starts; gives its id and its starter. */
export const prepare = async (
  url: string,
  script: string
): Promise<readonly [id: string, start: () => Promise<unknown>]> => {
  const start = await occupy(url, ["chatty"])
  const [id = ""] = await forEach(url, [script], (connection) => submit(connection, "chatty", "sh", ["-c", script]))
  return [id, start]
}

/** Lets `clients` follow a log of `lines` lines, and gives what they missed, and by how many MiB the server grew. */
const followAll = async (
  server: Child,
  clients: number,
  lines: number,
  script: string,
  pauseMs?: () => number
): Promise<{ readonly seen: number; readonly skipped: number; readonly grown: number }> => {
  const [id, start] = await prepare(server.line, script)
  const followers = await Promise.all(Array.from({ length: clients }, () => follow(server.line, id, pauseMs)))
  const before = Number(await server.ask("memory"))
  const peak = peakRss(server.pid)
  await start()
  const accounts = await Promise.all(followers.map(({ ended }) => ended))
  const grown = (peak() - before) / mib
  for (const { seen, skipped } of accounts) {
    // Beside the lines there are the markers of the start and the end.
    if (seen + skipped !== lines + 2) throw new Error(`${seen} events seen, ${skipped} lagged, of ${lines + 2}`)
  }
  return {
    seen: accounts.reduce((sum, { seen }) => sum + seen, 0),
    skipped: accounts.reduce((sum, { skipped }) => sum + skipped, 0),
    grown
  }
}

export const line = "compiled module %06g in 12 ms, 3 warnings"

export const followers: Suite = {
  name: "followers",
  run: (smoke) =>
    withOurs(async (server) => {
      const clients = smoke ? 20 : 500
      const bursts = smoke ? 4 : 40
      const script = `i=0; while [ $i -lt ${bursts} ]; do seq -f '${line}' 100; sleep 0.05; i=$((i+1)); done`
      const { grown, seen, skipped } = await followAll(server, clients, bursts * 100, script)
      const share = (skipped / (seen + skipped) * 100).toFixed(1)
      return [
        {
          work: `${clients} followers of a task of ${number(bursts * 100)} lines`,
          measured: `all accounted for (${share} % lagged)`,
          goal: "line or lagged",
          ok: smoke ? undefined : true
        },
        {
          work: "memory of a follower at most",
          measured: `${(grown * 1024 / clients).toFixed(0)} KiB`,
          goal: "< 256 KiB",
          ok: smoke ? undefined : grown / clients < 0.25
        }
      ]
    })
}

export const flood: Suite = {
  name: "flood",
  run: (smoke) =>
    withOurs(async (server) => {
      const lines = smoke ? 20_000 : 3_000_000
      const script = (lines: number) => `seq -f '${line}' ${lines}`
      await followAll(server, 1, lines / 10, script(lines / 10))
      const slowUntil = performance.now() + (smoke ? 200 : 3000)
      const pauseMs = () => performance.now() < slowUntil ? 1 : 0
      const { grown, seen } = await followAll(server, 1, lines, script(lines), pauseMs)
      return [
        {
          work: `server memory, slow consumer on a flood (${number(seen)} of ${number(lines)} events, the rest lagged)`,
          measured: `${grown.toFixed(0)} MiB`,
          goal: "flat (< 32 MiB)",
          ok: smoke ? undefined : grown < 32
        }
      ]
    })
}
