/** Run alone where files may not become large: what an attempt says whose script does not fit, and nothing else. */
import * as Effect from "effect/Effect"
import { base64, failing, script } from "./subprocesses.js"

const body = base64(`#${"x".repeat(100_000)}`)
const task = script({ custom: { command: "/bin/sh", flag: "-c" }, body, args: [] })

void Effect.runPromise(
  Effect.map(failing(task, { tempDirectory: process.argv[2] }), ({ reason }) => process.stdout.write(reason))
)
