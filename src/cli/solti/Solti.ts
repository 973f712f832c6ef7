/**
 * `switchyard solti`: the client of the Solti plane.
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Help from "../core/Help.js"
import * as Delete from "./Delete.js"
import * as Get from "./Get.js"
import * as List from "./List.js"
import * as Logs from "./Logs.js"
import * as Run from "./Run.js"
import * as Runs from "./Runs.js"
import * as Submit from "./Submit.js"

const summary = "Runs tasks on a Solti server and looks at them."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make("solti").pipe(
  Command.withDescription(summary),
  Command.withSubcommands([
    Run.command,
    Submit.command,
    Get.command,
    List.command,
    Runs.command,
    Logs.command,
    Delete.command
  ])
)

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.group({
  name: "solti",
  summary,
  text: ["SOLTI_URL says where the server is, SOLTI_TOKEN how to get in; --url and --token-file win over them."],
  examples: ["export SOLTI_URL=http://127.0.0.1:8085", "switchyard solti run -- uname -a", "switchyard solti list"],
  pages: [Run.page, Submit.page, Get.page, List.page, Runs.page, Logs.page, Delete.page]
})
