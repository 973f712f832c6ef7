/**
 * The bare loop that the server is compared with: processes with pipes, in groups of their own, and nothing else.
 */
import * as ChildProcess from "node:child_process"

const runOne = () =>
  new Promise<void>((resolve, reject) => {
    const child = ChildProcess.spawn("true", [], { detached: true, stdio: ["ignore", "pipe", "pipe"] })
    child.stdout.on("data", () => undefined)
    child.stderr.on("data", () => undefined)
    child.once("error", reject).once("close", () => resolve())
  })

/** Runs `true` so many times, with so many at a time. */
export const spawnAll = async ({ count, inFlight }: {
  readonly count: number
  readonly inFlight: number
}): Promise<void> => {
  let left = count
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (left-- > 0) await runOne()
  }))
}
