/** The `switchyard` command from the sources of this repository. */
import { main } from "../../../src/cli/main.js"

main({ version: "0.0.0" })
