/** Run alone under a low limit of descriptors: what attempts say when there are none left, and after that. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as NodeFs from "node:fs"
import { base64, failing, script, sh, start } from "./subprocesses.js"

const tasks = [sh("true"), script({ custom: { command: "/bin/sh", flag: "-c" }, body: base64("true"), args: [] })]

const openAll = Effect.sync(() => {
  const open: Array<number> = []
  try {
    for (;;) open.push(NodeFs.openSync("/dev/null", "r"))
  } catch {
    return open
  }
})

const program = Effect.gen(function*() {
  const exhausted: Array<unknown> = []
  const open = yield* openAll
  for (const task of tasks) {
    const { fatal, reason } = yield* failing(task)
    exhausted.push({ reason, fatal })
  }
  open.forEach((descriptor) => NodeFs.closeSync(descriptor))
  const relieved: Array<string> = []
  for (const task of tasks) {
    const exit = yield* Fiber.await((yield* start(task)).fiber)
    relieved.push(Exit.isSuccess(exit) ? "succeeded" : "failed")
  }
  yield* Effect.sync(() => process.stdout.write(JSON.stringify({ exhausted, relieved })))
})

void Effect.runPromise(program)
