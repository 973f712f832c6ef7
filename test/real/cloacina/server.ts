/**
 * The real cloacina-server 0.12.0 as a scoped resource: the scripts of this folder, from Effect.
 */
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as PlatformError from "@effect/platform/Error"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { fileURLToPath } from "node:url"

/** What keeps this machine from having the server. */
export class NotInstallable extends Data.TaggedError("NotInstallable")<{ readonly reason: string }> {}

/** A script ended with this exit code; what it had to say is on stderr. */
export class ScriptFailed extends Data.TaggedError("ScriptFailed")<{
  readonly script: string
  readonly exitCode: number
}> {}

/** A running server: base URL, god key, and the folder of the run. */
const Server = Schema.Struct({ url: Schema.String, key: Schema.String, run: Schema.String, pid: Schema.Int })

export interface Server extends Schema.Schema.Type<typeof Server> {}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** `install.sh` says with this that it is not its fault. */
const notPossible = 3

const script = (name: string, ...args: ReadonlyArray<string>): Effect.Effect<
  number,
  PlatformError.PlatformError,
  CommandExecutor.CommandExecutor
> =>
  Command.make(file(`./${name}`), ...args).pipe(
    Command.stdout("inherit"),
    Command.stderr("inherit"),
    Command.exitCode
  )

const check = (name: string) => (exitCode: number): Effect.Effect<void, ScriptFailed> =>
  exitCode === 0 ? Effect.void : new ScriptFailed({ script: name, exitCode })

/** Builds the server and its compiler, once; after that it is a matter of a moment. */
export const install: Effect.Effect<
  void,
  NotInstallable | ScriptFailed | PlatformError.PlatformError,
  CommandExecutor.CommandExecutor
> = Effect.gen(function*() {
  const exitCode = yield* script("install.sh")
  if (exitCode === notPossible) return yield* new NotInstallable({ reason: "the server cannot be built here" })
  yield* check("install.sh")(exitCode)
})

/** Starts a server with a database of its own, until the scope closes. */
export const start = (
  settings: Readonly<Record<string, string>> = {}
): Effect.Effect<
  Server,
  ScriptFailed | PlatformError.PlatformError,
  CommandExecutor.CommandExecutor | Scope.Scope
> =>
  Effect.acquireRelease(
    Command.make(file("./start.sh")).pipe(
      Command.env(settings),
      Command.stderr("inherit"),
      Command.string,
      Effect.flatMap((line) =>
        Schema.decode(Schema.parseJson(Server))(line).pipe(
          Effect.mapError(() => new ScriptFailed({ script: "start.sh", exitCode: 1 }))
        )
      )
    ),
    ({ run }) => Effect.ignore(script("stop.sh", run))
  )

/** Starts the compiler of a tenant, which ends with the server. The tenant has to exist. */
export const compile = (
  { run }: Pick<Server, "run">,
  tenant: string
): Effect.Effect<void, ScriptFailed | PlatformError.PlatformError, CommandExecutor.CommandExecutor> =>
  Effect.flatMap(script("compiler.sh", run, tenant), check("compiler.sh"))
