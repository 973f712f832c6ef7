/**
 * The real Solti 0.0.2 server as a scoped resource: find cargo, build `test/real/solti`, run it.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as PlatformError from "@effect/platform/Error"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as ChildProcess from "node:child_process"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"

/** The root of the repository, which is also where the server and so its tasks run. */
export const root = fileURLToPath(new URL("../../", import.meta.url))

const manifest = fileURLToPath(new URL("./solti/Cargo.toml", import.meta.url))

/** The crates need it; an older cargo fails late and obscurely. */
const oldestRust = { major: 1, minor: 90 }

/** What keeps this machine from building the server. */
export class NoToolchain extends Data.TaggedError("NoToolchain")<{ readonly reason: string }> {}

/** Cargo ended with this exit code; what it had to say is on stderr. */
export class BuildFailed extends Data.TaggedError("BuildFailed")<{ readonly exitCode: number }> {}

/** The server ended, or said something else, before its ready line, or said nothing in time. */
export class NotReady extends Data.TaggedError("NotReady")<{ readonly reason: string }> {}

/** A running server: base URL of HTTP, `host:port` of gRPC, process id. */
export interface RealServer {
  readonly url: string
  readonly grpc: string
  readonly pid: number
}

/** Environment settings as listed in `solti/README.md`; what is not given has its default. */
export type Settings = Readonly<Record<string, string>>

const versionOf = (cargo: string) =>
  Command.string(Command.make(cargo, "--version")).pipe(
    Effect.option,
    Effect.map(Option.flatMapNullable((text) => /^cargo (\d+)\.(\d+)/.exec(text))),
    Effect.map(Option.map(([text, major, minor]) => ({ text, major: Number(major), minor: Number(minor) })))
  )

/** A cargo that is new enough: the first one on the path, else the one in the usual place of a user's installation. */
const findCargo: Effect.Effect<string, NoToolchain, CommandExecutor.CommandExecutor> = Effect.gen(function*() {
  for (const cargo of ["cargo", join(homedir(), ".cargo", "bin", "cargo")]) {
    const version = Option.getOrUndefined(yield* versionOf(cargo))
    if (version === undefined) {
      continue
    }
    const { major, minor, text } = version
    if (major < oldestRust.major || (major === oldestRust.major && minor < oldestRust.minor)) {
      return yield* new NoToolchain({
        reason: `${text} is too old, the crates need ${oldestRust.major}.${oldestRust.minor}`
      })
    }
    return cargo
  }
  return yield* new NoToolchain({ reason: "cargo is neither on the path nor in ~/.cargo/bin" })
})

const targetDirectory = Config.string("SOLTI_REAL_TARGET").pipe(
  Config.withDefault(join(homedir(), ".cache", "effect-switchyard", "solti-real"))
)

/** Where the program of {@link build} is, once it has been built. */
export const binary = (options: { readonly release: boolean }): Effect.Effect<string, ConfigError.ConfigError> =>
  Effect.map(targetDirectory, (target) => resolve(target, options.release ? "release" : "debug", "solti-host"))

/**
 * Builds the server and gives the path of the program. The first build takes minutes (cargo shows its progress on
 * stderr) and needs the crate index; after that it is a matter of a moment. `release` is for benchmarks.
 */
export const build = (options: { readonly release: boolean }): Effect.Effect<
  string,
  NoToolchain | BuildFailed | ConfigError.ConfigError | PlatformError.PlatformError,
  CommandExecutor.CommandExecutor
> =>
  Effect.gen(function*() {
    const cargo = yield* findCargo
    const target = resolve(yield* targetDirectory)
    const exitCode = yield* Command.make(
      cargo,
      ...["build", "--locked", "--manifest-path", manifest, "--target-dir", target],
      ...options.release ? ["--release"] : []
    ).pipe(Command.stdout("inherit"), Command.stderr("inherit"), Command.exitCode)
    if (exitCode !== 0) {
      return yield* new BuildFailed({ exitCode })
    }
    return yield* binary(options)
  })

const ReadyLine = Schema.parseJson(
  Schema.Struct({ ready: Schema.Literal(true), http: Schema.String, grpc: Schema.String, pid: Schema.Int })
)

/** Without a terminal or a pipe for stdin, which tasks inherit: the recordings were made with none. */
const spawn = (binary: string, settings: Settings) =>
  Effect.async<ChildProcess.ChildProcessByStdio<null, Readable, null>, NotReady>((resume) => {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("SOLTI_"))
    const child = ChildProcess.spawn(binary, {
      cwd: root,
      env: { ...Object.fromEntries(inherited), ...settings, SOLTI_HTTP_PORT: "0", SOLTI_GRPC_PORT: "0" },
      // In the process group of its parent, so that what ends a test run from outside ends its servers as well.
      detached: false,
      stdio: ["ignore", "pipe", "inherit"]
    })
    child.on("spawn", () => resume(Effect.succeed(child)))
    child.on("error", (error) => resume(new NotReady({ reason: error.message })))
  })

const hasEnded = (child: ChildProcess.ChildProcess) => child.exitCode !== null || child.signalCode !== null

const ended = (child: ChildProcess.ChildProcess) =>
  Effect.async<void>((resume) => {
    if (hasEnded(child)) {
      return resume(Effect.void)
    }
    child.once("exit", () => resume(Effect.void))
  })

const stop = (child: ChildProcess.ChildProcess) =>
  Effect.sync(() => child.kill("SIGTERM")).pipe(
    Effect.zipRight(Effect.interruptible(ended(child))),
    Effect.timeoutTo({ duration: "5 seconds", onSuccess: () => true, onTimeout: () => child.kill("SIGKILL") }),
    Effect.zipRight(ended(child))
  )

/**
 * Runs the program of {@link build} on free loopback ports until the scope closes, and gives it once it accepts
 * connections. Closing asks it to end (SIGTERM, it cancels its tasks) and kills it if it has not ended 5 s later.
 */
export const start = (binary: string, settings: Settings = {}): Effect.Effect<RealServer, NotReady, Scope.Scope> =>
  Effect.gen(function*() {
    const child = yield* Effect.acquireRelease(spawn(binary, settings), stop)
    const line = yield* NodeStream.fromReadable(() => child.stdout, () => new NotReady({ reason: "stdout broke" }))
      .pipe(
        Stream.decodeText(),
        Stream.splitLines,
        Stream.runHead,
        Effect.timeoutFail({
          duration: "10 seconds",
          onTimeout: () => new NotReady({ reason: "no ready line in 10 s" })
        }),
        Effect.flatMap(Effect.mapError(() => new NotReady({ reason: "it ended without a ready line" })))
      )
    const ready = yield* Schema.decode(ReadyLine)(line).pipe(
      Effect.mapError(() => new NotReady({ reason: `not a ready line: ${line}` }))
    )
    return { url: ready.http, grpc: ready.grpc, pid: ready.pid }
  })
