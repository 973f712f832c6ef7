/**
 * `switchyard cloacina workflows deploy`
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../cloacina.js"
import { packageFile } from "../../cloacina/node.js"
import * as Durations from "../core/Durations.js"
import { usage } from "../core/Failure.js"
import * as Live from "../core/Live.js"
import * as Screen from "../core/Screen.js"
import * as Context from "./Context.js"
import * as Part from "./Part.js"
import * as View from "./View.js"

const options = {
  loadWithin: Durations.option("load-within").pipe(
    Options.optional,
    Options.withDescription(
      "How long to wait, behind the build, for a sign that a runner has loaded the package. Default: 6s; 0s: not at all."
    )
  ),
  probe: Options.boolean("probe").pipe(
    Options.withDescription("Start an execution to find out whether the workflow can be executed: the only proof.")
  ),
  given: Options.all(Context.options("context"))
}

const encodeDetail = Schema.encode(Cloacina.WorkflowDetail)

/** A phase as an object: details as the wire has them, what is missing left out. */
const phaseJson = (phase: Cloacina.DeployPhase): Effect.Effect<unknown> => {
  if (phase.type === "built") {
    return Effect.map(Effect.orDie(encodeDetail(phase.detail)), (detail) => ({ type: phase.type, detail }))
  }
  if (phase.type !== "ready") return Effect.succeed(phase)
  const { detail, probe, _tag: known, ...deployment } = phase.deployment
  return Effect.map(Effect.orDie(encodeDetail(detail)), (detail) => ({
    type: phase.type,
    deployment: { known: known === "AlreadyKnown", ...deployment, probe: Option.getOrUndefined(probe), detail }
  }))
}

/** The end of what the compiler has written: on stderr for people, an object for programs. */
const tellBuild = ({ error, packageId, packageName, version }: Cloacina.BuildFailed, json: boolean) => {
  const output = Option.getOrUndefined(error)
  if (json) return Screen.json({ type: "buildFailed", packageId, packageName, version, error: output })
  return Effect.forEach(
    output === undefined ? [] : output.trimEnd().split("\n"),
    (line) => Screen.err(View.visible(line)),
    { discard: true }
  )
}

/**
 * @since 0.1.0
 * @category commands
 */
export const part = Part.make(
  {
    name: "deploy",
    path: "workflows",
    summary: "Uploads a package, and waits until it is built and loaded.",
    text: [
      "The last line is on stdout and says what can be executed; how far it is goes to stderr. Exits with 1 when the " +
      "build fails, when this version was uploaded before with other bytes, and when another upload took its place.",
      "The context is that of the execution that --probe starts.",
      "Ctrl-C takes nothing back."
    ],
    words: [["file", "The package, a .cloacina file."]],
    examples: ["deploy close-books.cloacina", "deploy close-books.cloacina --probe --param region=eu --json"]
  },
  Options.all(options),
  ({ given, loadWithin, probe }, [file = ""], json) =>
    Effect.scoped(Effect.gen(function*() {
      const context = yield* Context.read("context", given)
      if (!probe && !Record.isEmptyReadonlyRecord(context)) return yield* usage("a context goes with --probe")
      const workflows = yield* Cloacina.Workflows
      const live = yield* Live.make("err", "clear")
      const phases = workflows.deployPhases(yield* packageFile(file), {
        loadWithin: Option.getOrUndefined(loadWithin),
        probe: probe ? { context } : undefined
      })
      yield* Stream.runForEach(phases, (phase) => {
        if (json) return Effect.flatMap(phaseJson(phase), Screen.json)
        const line = Cloacina.renderPhase(phase)
        if (phase.type === "uploading") return live.draw([line])
        return live.draw([], phase.type === "ready" ? Screen.out(line) : Screen.err(line))
      }).pipe(
        Effect.tapErrorTag("BuildFailed", (error) => live.draw([], tellBuild(error, json)))
      )
    }))
)
