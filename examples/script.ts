/**
 * An Effect script: runs one command on a Solti server, shows its log as it comes, and reads what was counted.
 *
 *     SOLTI_URL=http://127.0.0.1:8085 npx tsx examples/script.ts
 *
 * Without SOLTI_URL it brings a server of its own.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { layerHttpClient } from "effect-switchyard/node"
import * as Solti from "effect-switchyard/solti"
import * as SoltiServer from "effect-switchyard/solti/server"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

const script = Effect.gen(function*() {
  const tasks = yield* Solti.Tasks
  const spec = Solti.script("bash", "for file in *.json; do wc -c \"$file\"; done", {
    slot: "count",
    timeout: "10 seconds",
    cwd: process.cwd()
  })
  const outcome = yield* tasks.submitAndFollow(spec).pipe(
    Stream.tap((event) => Console.log(Solti.render(event))),
    Stream.filterMap((event) => event.type === "ended" ? Option.some(event.outcome) : Option.none()),
    Stream.runHead,
    Effect.flatten
  )
  if (!Solti.isSuccess(outcome)) return yield* Effect.fail(`the script ended as ${outcome.status}`)
})

const server = Effect.gen(function*() {
  const named = yield* Config.option(Solti.config)
  if (Option.isSome(named)) return named.value
  const { url } = Context.get(yield* Layer.build(SoltiServer.layer()), SoltiServer.SoltiServer)
  return { url }
})

script.pipe(
  Effect.provide(Layer.unwrapScoped(Effect.map(server, Solti.layer))),
  Effect.provide(layerHttpClient()),
  NodeRuntime.runMain
)
