/**
 * `switchyard cloacina health` and `switchyard cloacina whoami`
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Cloacina from "../../cloacina.js"
import { ExitCode } from "../core/ExitCode.js"
import { Stop } from "../core/Failure.js"
import * as Screen from "../core/Screen.js"
import * as Table from "../core/Table.js"
import * as Part from "./Part.js"
import * as View from "./View.js"

/**
 * @since 0.1.0
 * @category commands
 */
export const health = Part.make(
  {
    name: "health",
    summary: "Says whether the server answers, and whether it is ready; needs no key.",
    text: ["Exits with 5 when it does not answer or is not ready."],
    examples: ["health --url http://127.0.0.1:8080"]
  },
  Options.none,
  (_, __, json) =>
    Effect.gen(function*() {
      const service = yield* Cloacina.Health
      const { status } = yield* service.check()
      const { ready, reason } = yield* service.ready()
      const why = Option.getOrUndefined(reason)
      if (json) yield* Screen.json({ status, ready, reason: why })
      else {
        yield* Screen.out(
          `${View.visible(status)}, ${
            ready ? "ready" : `not ready${why === undefined ? "" : `: ${View.visible(why)}`}`
          }`
        )
      }
      if (!ready) return yield* new Stop({ code: ExitCode.unavailable, message: "" })
    })
)

/**
 * @since 0.1.0
 * @category commands
 */
export const whoami = Part.answer(
  {
    name: "whoami",
    summary: "Shows whose key this is, and what it may do.",
    examples: ["whoami", "whoami --key-file /run/secrets/cloacina"]
  },
  Options.none,
  {
    schema: Cloacina.Whoami,
    ask: () => Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.whoami()),
    lines: ({ is_admin, name, role, tenant_id }) =>
      Table.pairs([
        ["key", View.visible(name)],
        ["role", `${View.visible(String(role))}${is_admin ? " (god)" : ""}`],
        ["tenant", Option.match(tenant_id, { onNone: () => "all", onSome: View.visible })]
      ])
  }
)
