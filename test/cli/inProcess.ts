/** Runs the command line inside the test, everything real but the process around it. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as SoltiGrpcServer from "effect-switchyard/solti/grpc/server"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Host } from "../../src/cli/core/Host.js"
import { Screen } from "../../src/cli/core/Screen.js"
import type { Signal } from "../../src/cli/core/Signals.js"
import { Signals } from "../../src/cli/core/Signals.js"
import { program } from "../../src/cli/program.js"

interface Output {
  stdout: string
  stderr: string
}

interface Ended extends Output {
  readonly code: number
}

interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Columns of a terminal on both outputs; without it there is none. */
  readonly terminal?: number
  /** Written to while the command runs. */
  readonly seen?: Output
  readonly signal?: Effect.Effect<Signal>
}

export const switchyard = (args: ReadonlyArray<string>, options: Options = {}): Effect.Effect<Ended> => {
  const seen = options.seen ?? { stdout: "", stderr: "" }
  const isTerminal = options.terminal !== undefined
  const layers = Layer.mergeAll(
    Layer.succeed(Host, {
      args,
      environment: options.env ?? {},
      stdin: Effect.succeed(options.stdin ?? ""),
      pid: 4242
    }),
    Layer.succeed(Screen, {
      out: (line) => Effect.sync(() => void (seen.stdout += `${line}\n`)),
      err: (line) => Effect.sync(() => void (seen.stderr += `${line}\n`)),
      isOutTerminal: isTerminal,
      isErrTerminal: isTerminal,
      columns: Effect.succeed(options.terminal ?? Infinity),
      draw: (to, text) => Effect.sync(() => void (seen[to === "out" ? "stdout" : "stderr"] += text)),
      size: () => Effect.succeed({ columns: options.terminal ?? Infinity, rows: isTerminal ? 24 : Infinity })
    }),
    Layer.succeed(Signals, { first: options.signal ?? Effect.never }),
    NodeFileSystem.layer,
    NodePath.layer,
    NodeTerminal.layer
  )
  return Effect.map(Effect.provide(program("1.2.3"), layers), (code) => ({ ...seen, code }))
}

/** How the client reaches a Solti server: what its environment says. */
export class Wire extends Context.Tag("test/cli/Wire")<Wire, Readonly<Record<string, string>>>() {
  static readonly http = Layer.effect(Wire, Effect.map(SoltiServer.SoltiServer, ({ url }) => ({ SOLTI_URL: url })))
    .pipe(
      Layer.provide(SoltiServer.layer())
    )

  static readonly grpc = Layer.effect(
    Wire,
    Effect.map(SoltiGrpcServer.GrpcServer, ({ authority }) => ({ SOLTI_GRPC: authority }))
  ).pipe(Layer.provide(SoltiGrpcServer.layer()), Layer.provide(SoltiServer.layer()))
}

/** The client of the plane on the server in the context. */
export const solti = (args: ReadonlyArray<string>, { env, ...options }: Options = {}) =>
  Effect.flatMap(Wire, (server) => switchyard(["solti", ...args], { ...options, env: { ...server, ...env } }))

/** The client of the plane on the emulator in the context, with its god key. */
export const cloacina = (args: ReadonlyArray<string>, { env, ...options }: Options = {}) =>
  Effect.gen(function*() {
    const { url } = yield* CloacinaTesting.TestServer
    const key = Redacted.value((yield* CloacinaTesting.Emulator).key)
    return yield* switchyard(["cloacina", ...args], {
      ...options,
      env: { CLOACINA_SERVER_URL: url, CLOACINA_API_KEY: key, ...env }
    })
  })

/** A command under way, and what ends it. */
export const startWith = <R>(run: (options: Options) => Effect.Effect<Ended, never, R>) =>
  Effect.gen(function*() {
    const seen: Output = { stdout: "", stderr: "" }
    const signal = yield* Deferred.make<Signal>()
    const fiber = yield* Effect.fork(run({ seen, signal: Deferred.await(signal) }))
    return { seen, fiber, send: (name: Signal) => Deferred.succeed(signal, name) }
  })

/** A command of the Solti plane under way. */
export const start = (args: ReadonlyArray<string>) => startWith((options) => solti(args, options))

/** Waits until something is so. */
export const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.repeat(Effect.delay(Effect.sync(isSo), "20 millis"), { until: (so) => so }).pipe(Effect.asVoid)
