/**
 * Clients of a log that account for every event: what has not come must have been declared lost.
 */
import * as Http from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { taskPath } from "./calls.js"

interface Event {
  readonly type: string
  readonly seq?: number
  readonly skipped?: number
}

/** What a client has got of a log, by the time it has ended. */
export interface Account {
  readonly seen: number
  readonly skipped: number
}

/** `ended` fails if the log breaks off, or if events are missing that nothing accounts for. */
export interface Follower {
  readonly ended: Promise<Account>
}

/** Follows a log of stdout; done when the server has answered. `pauseMs` is how long to wait per event. */
export const follow = async (url: string, id: string, pauseMs: () => number = () => 0): Promise<Follower> => {
  const response = await new Promise<Http.IncomingMessage>((resolve, reject) => {
    Http.get(`${url}${taskPath(id)}/logs`, { agent: false }, resolve).once("error", reject)
  })
  if (response.statusCode !== 200) throw new Error(`the log answered ${response.statusCode}`)
  const read = async (): Promise<Account> => {
    let rest = ""
    let seen = 0
    let skipped = 0
    let next = 0
    let unaccounted = 0
    for await (const text of response.setEncoding("utf8") as AsyncIterable<string>) {
      const lines = (rest + text).split("\n")
      rest = lines.pop() ?? ""
      const before = seen
      for (const line of lines) {
        if (!line.startsWith("data: ")) continue
        const event = JSON.parse(line.slice(6)) as Event
        if (event.type === "lagged") {
          unaccounted += event.skipped ?? 0
          skipped += event.skipped ?? 0
          continue
        }
        seen++
        if (event.seq === undefined) continue
        if (event.seq < next || event.seq > next + unaccounted) throw new Error(`${event.seq} came for ${next}`)
        next = event.seq + 1
        unaccounted = 0
      }
      const pause = pauseMs() * (seen - before)
      if (pause > 0) await sleep(pause)
    }
    return { seen, skipped }
  }
  return { ended: read() }
}
