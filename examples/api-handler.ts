/**
 * A server with rules of its own: a token for everybody, an allow-list of programs, a limit of submits, an audit log. The
 * rules are a handler around the handler, so they hold for every way in, and each is an ordinary Effect.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const { ApiError, ApiHandler } = SoltiServer

/** What may run here: programs by name, and no scripts. */
const allow = (programs: ReadonlySet<string>) => ({ kind }: Solti.CreateSpec) =>
  "subprocess" in kind && "command" in kind.subprocess && programs.has(kind.subprocess.command.command)
    ? Effect.void
    : new ApiError({ label: "InvalidRequest", detail: "this server does not run that" })

/** At most so many submits in any ten seconds; clients are told when to come back. */
const limit = (most: number) => {
  let recent: ReadonlyArray<number> = []
  return Effect.flatMap(Clock.currentTimeMillis, (now) => {
    recent = recent.filter((at) => now - at < 10_000)
    if (recent.length >= most) {
      return Effect.fail(new ApiError({ label: "Unavailable", detail: "too many submits", retryAfterSeconds: 10 }))
    }
    recent = [...recent, now]
    return Effect.void
  })
}

const Guarded = Layer.effect(
  ApiHandler,
  Effect.map(ApiHandler, (inner) => {
    const mayRun = allow(new Set(["uname", "date"]))
    const mayComeIn = limit(2)
    return ApiHandler.make({
      ...inner,
      submitTask: (spec) =>
        mayRun(spec).pipe(
          Effect.zipRight(mayComeIn),
          Effect.zipRight(inner.submitTask(spec)),
          Effect.tapBoth({
            onFailure: (error) => Effect.logWarning("refused a task", error.label, error.detail),
            onSuccess: (id) => Effect.log("took a task", id)
          })
        )
    })
  })
)

const token = Redacted.make("read it from a file or from the environment")

const Server = SoltiServer.layerServer({ token }).pipe(
  Layer.provide(Guarded),
  Layer.provide(SoltiServer.layerHandler),
  Layer.provide(SoltiServer.layerSupervisor())
)

const client = (options: Partial<Solti.Options>) =>
  Layer.unwrapEffect(Effect.map(SoltiServer.SoltiServer, ({ url }) => Solti.layer({ url, ...options })))

const run = (program: string) =>
  Effect.gen(function*() {
    const tasks = yield* Solti.Tasks
    const id = yield* tasks.submit(
      Solti.command(program, [], { slot: "demo", admission: "queue", timeout: "5 seconds" })
    )
    yield* Console.log(`${program}: ${Solti.renderOutcome(yield* tasks.await(id))}`)
  }).pipe(Effect.catchAll((error) => Console.log(`${program}: ${error._tag}: ${error.detail}`)))

Effect.zipRight(
  run("date").pipe(Effect.provide(client({}))),
  Effect.forEach(["uname", "rm", "date", "date"], run).pipe(Effect.provide(client({ token })))
).pipe(Effect.provide(Layer.merge(Server, layerHttpClient())), NodeRuntime.runMain)
