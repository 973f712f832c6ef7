/**
 * Solti inside an application: a service of the app's own stands on `Solti.Tasks`, speaks the app's language, and has the
 * app's errors. The rest of the program does not know where the work is done.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"

/** The check did not pass; `exitCode` is missing when it was cut off. */
class CheckFailed extends Data.TaggedError("CheckFailed")<{
  readonly file: string
  readonly exitCode: Option.Option<number>
}> {}

/** Nobody could say: the check may be tried again later. */
class CheckUnavailable extends Data.TaggedError("CheckUnavailable")<{ readonly reason: string }> {}

class SyntaxChecks extends Context.Tag("app/SyntaxChecks")<SyntaxChecks, {
  /** Has Node parse a file, without running it. */
  readonly check: (file: string) => Effect.Effect<void, CheckFailed | CheckUnavailable>
}>() {
  static readonly layer = Layer.effect(
    SyntaxChecks,
    Effect.map(Solti.Tasks, (tasks) => ({
      check: (file) =>
        Effect.gen(function*() {
          const id = yield* tasks.submit(
            Solti.command("node", ["--check", file], { slot: "checks", admission: "queue", timeout: "20 seconds" })
          )
          const outcome = yield* tasks.await(id, { interval: { initial: "50 millis" } })
          if (!Solti.isSuccess(outcome)) return yield* new CheckFailed({ file, exitCode: outcome.exitCode })
        }).pipe(
          // What the SDK can fail with is in the type: nothing is forgotten, and nothing else can come.
          Effect.catchTags({
            InvalidInput: Effect.die,
            PayloadTooLarge: Effect.die,
            TaskNotFound: () => new CheckUnavailable({ reason: "the server has forgotten the check" })
          }),
          Effect.mapError((error) =>
            error._tag === "CheckFailed" ? error : new CheckUnavailable({ reason: error._tag })
          ),
          Effect.withSpan("SyntaxChecks.check", { attributes: { file } })
        )
    }))
  )
}

const app = Effect.gen(function*() {
  const checks = yield* SyntaxChecks
  yield* checks.check("bin/switchyard.js")
  yield* Console.log("bin/switchyard.js is fine")
  const failure = yield* Effect.flip(checks.check("README.md"))
  yield* Console.log(`README.md is no program: ${failure._tag}`)
})

/** In production: `Solti.layerConfig()`. Here the app brings its server along. */
const SoltiLive = Layer.unwrapEffect(Effect.map(SoltiServer.SoltiServer, ({ url }) => Solti.layer({ url }))).pipe(
  Layer.provide(SoltiServer.layer()),
  Layer.provide(layerHttpClient())
)

app.pipe(Effect.provide(SyntaxChecks.layer.pipe(Layer.provide(SoltiLive))), NodeRuntime.runMain)
