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
  text: [
    "SOLTI_URL says where the server is, or SOLTI_GRPC where it is over gRPC, and SOLTI_TOKEN how to get in. --url, --grpc " +
    "and --token-file win over them; where both variables are set, SOLTI_URL counts.",
    "gRPC over TLS: --tls-ca, --tls-cert and --tls-key name files, in place of SOLTI_TLS_CA, SOLTI_TLS_CERT and " +
    "SOLTI_TLS_KEY, which hold PEM, or paths with _FILE behind the name. SOLTI_TLS_SERVER_NAME is the name in the " +
    "server's certificate where it is not that of the address."
  ],
  examples: [
    "export SOLTI_URL=http://127.0.0.1:8085",
    "switchyard solti run -- uname -a",
    "switchyard solti list",
    "switchyard solti list --grpc agent.example.net:50052 --tls-ca ca.pem --token-file token"
  ],
  pages: [Run.page, Submit.page, Get.page, List.page, Runs.page, Logs.page, Delete.page]
})
