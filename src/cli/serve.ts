/**
 * `switchyard serve`: servers and emulators, one subcommand a plane.
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Cloacina from "./cloacina/Serve.js"
import * as Help from "./core/Help.js"
import * as Solti from "./solti/Serve.js"

const summary = "Serves a plane on this machine."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make("serve").pipe(
  Command.withDescription(summary),
  Command.withSubcommands([Solti.command, Cloacina.command])
)

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.group({
  name: "serve",
  summary,
  examples: ["switchyard serve solti --port 8085", "switchyard serve cloacina --port 8080 --key local-key"],
  pages: [Solti.page, Cloacina.page]
})
