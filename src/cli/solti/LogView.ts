/**
 * A log on the way to the terminal, to a file or to a program.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Solti from "../../solti.js"
import * as Screen from "../core/Screen.js"
import * as View from "./View.js"

/**
 * Writes an event.
 *
 * - With `json` as an object on stdout.
 * - On a terminal as a line that says which attempt and which stream, control characters made visible.
 * - Otherwise as the task itself would write it: its stdout on stdout, its stderr on stderr, and what is said about it on
 *   stderr, so that the output can go into a pipe.
 *
 * @since 0.1.0
 * @category views
 */
export const write = (
  event: Solti.Submitted | Solti.FollowEvent,
  json: boolean
): Effect.Effect<void, never, Screen.Screen> =>
  Effect.flatMap(Screen.Screen, (screen) => {
    if (json) return Effect.flatMap(View.eventJson(event), Screen.json)
    if (screen.isOutTerminal) return screen.out(Solti.render(event))
    if (event.type !== "chunk") return screen.err(Solti.render(event))
    if (event.stream !== "stderr") return screen.out(event.line)
    return screen.err(screen.isErrTerminal ? Solti.escapeControls(event.line) : event.line)
  })
