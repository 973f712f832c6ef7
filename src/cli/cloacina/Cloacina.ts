/**
 * `switchyard cloacina`: the client of the Cloacina plane.
 *
 * @since 0.1.0
 */
import * as Command from "@effect/cli/Command"
import * as Help from "../core/Help.js"
import * as Execute from "./Execute.js"
import * as Executions from "./Executions.js"
import * as Ops from "./Ops.js"
import * as Server from "./Server.js"
import * as Tenants from "./Tenants.js"
import * as Triggers from "./Triggers.js"
import * as Workflows from "./Workflows.js"

const summary = "Deploys and executes workflows on a Cloacina server, and looks at them."

/**
 * @since 0.1.0
 * @category commands
 */
export const command = Command.make("cloacina").pipe(
  Command.withDescription(summary),
  Command.withSubcommands([
    Execute.part.command,
    Workflows.command,
    Executions.command,
    Triggers.command,
    Tenants.command,
    Ops.command,
    Server.health.command,
    Server.whoami.command
  ])
)

/**
 * @since 0.1.0
 * @category help
 */
export const page: Help.Page = Help.group({
  name: "cloacina",
  summary,
  text: [
    "CLOACINA_SERVER_URL says where the server is, CLOACINA_API_KEY how to get in, CLOACINA_TENANT whose things are " +
    "meant; --url, --key-file and --tenant win over them. Without a URL the default profile of ~/.cloacina/config.toml " +
    "is taken, or the one that --profile names."
  ],
  examples: [
    "export CLOACINA_SERVER_URL=http://127.0.0.1:8080 CLOACINA_TENANT=north",
    "switchyard cloacina workflows deploy close-books.cloacina",
    "switchyard cloacina execute close_month --param region=eu",
    "switchyard cloacina executions list --status Failed"
  ],
  pages: [
    Execute.part.page,
    Workflows.page,
    Executions.page,
    Triggers.page,
    Tenants.page,
    Ops.page,
    Server.health.page,
    Server.whoami.page
  ]
})
