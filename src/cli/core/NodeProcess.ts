/**
 * The process that the command line runs in: its streams, its signals, its end.
 *
 * @since 0.1.0
 */
import { makeRunMain } from "@effect/platform/Runtime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { text } from "node:stream/consumers"
import { ExitCode } from "./ExitCode.js"
import { Host } from "./Host.js"
import type { Output } from "./Screen.js"
import { Screen } from "./Screen.js"
import type { Signal } from "./Signals.js"
import { exitCodes, Signals } from "./Signals.js"

const streamOf = (output: Output) => output === "out" ? process.stdout : process.stderr

/** Terminals that do not know their size say 0. */
const sizeOf = (output: Output) => {
  const { columns, isTTY, rows } = streamOf(output)
  return isTTY === true ? { columns: columns || 80, rows: rows || 24 } : { columns: Infinity, rows: Infinity }
}

const write = (stream: NodeJS.WriteStream) => (line: string): Effect.Effect<void> =>
  Effect.sync(() => {
    stream.write(`${line}\n`)
  })

/**
 * The terminal, or whatever stdout and stderr are.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerScreen: Layer.Layer<Screen> = Layer.sync(Screen, () => ({
  out: write(process.stdout),
  err: write(process.stderr),
  isOutTerminal: process.stdout.isTTY === true,
  isErrTerminal: process.stderr.isTTY === true,
  columns: Effect.sync(() => sizeOf("out").columns),
  draw: (to, text) =>
    Effect.sync(() => {
      streamOf(to).write(text)
    }),
  size: (of) => Effect.sync(() => sizeOf(of))
}))

/**
 * Logs on stderr, one line each: stdout is for results.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerLogger: Layer.Layer<never> = Logger.replace(
  Logger.defaultLogger,
  Logger.map(Logger.logfmtLogger, (line) => {
    process.stderr.write(`${line}\n`)
  })
)

/** npm and npx hand on the signal that the terminal has sent already: within this time it is the same Ctrl-C. */
const samePressMs = 500

/**
 * SIGINT, SIGTERM, and the reader of stdout going away.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSignals: Layer.Layer<Signals> = Layer.scoped(
  Signals,
  Effect.gen(function*() {
    const first = yield* Deferred.make<Signal>()
    let firstAt: number | undefined
    const receive = (signal: Signal) => {
      const now = performance.now()
      firstAt ??= now
      if (now - firstAt > samePressMs && signal !== "SIGPIPE") process.exit(exitCodes[signal])
      Deferred.unsafeDone(first, Effect.succeed(signal))
    }
    const onOutputError = (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") receive("SIGPIPE")
    }
    // Without a listener a broken pipe is an uncaught exception.
    const onErrorOutputError = () => {}
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        process.on("SIGINT", receive)
        process.on("SIGTERM", receive)
        process.stdout.on("error", onOutputError)
        process.stderr.on("error", onErrorOutputError)
      }),
      () =>
        Effect.sync(() => {
          process.off("SIGINT", receive)
          process.off("SIGTERM", receive)
        })
    )
    return { first: Deferred.await(first) }
  })
)

/**
 * The arguments, the environment and stdin of this process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHost: Layer.Layer<Host> = Layer.sync(Host, () => ({
  args: process.argv.slice(2),
  environment: process.env,
  stdin: Effect.promise(() => text(process.stdin)),
  pid: process.pid
}))

/**
 * Runs a program that ends with an exit code, and ends the process with it once its output is written.
 *
 * @since 0.1.0
 * @category running
 */
export const run: (program: Effect.Effect<number>) => void = (program) =>
  makeRunMain(({ fiber }) => {
    const keepAlive = setInterval(() => {}, 2 ** 31 - 1)
    fiber.addObserver((exit) => {
      clearInterval(keepAlive)
      const code = Exit.isSuccess(exit) && typeof exit.value === "number" ? exit.value : ExitCode.bug
      process.stdout.write("", () => process.exit(code))
    })
  })(program, { disableErrorReporting: true, disablePrettyLogger: true })
