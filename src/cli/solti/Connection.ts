/**
 * How the Solti commands reach their server.
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { layerHttpClient } from "../../node.js"
import * as Solti from "../../solti.js"
import type { Stop } from "../core/Failure.js"
import { usage } from "../core/Failure.js"
import { handle, json } from "../core/Handler.js"
import type { Host } from "../core/Host.js"
import { variable } from "../core/Host.js"
import type { Screen } from "../core/Screen.js"
import type { Signals } from "../core/Signals.js"
import * as Token from "../core/Token.js"

/**
 * The options that every Solti command has.
 *
 * @since 0.1.0
 * @category options
 */
export const options = {
  url: Options.text("url").pipe(
    Options.optional,
    Options.withDescription("Where the server is: http://127.0.0.1:8085 for example. Default: SOLTI_URL.")
  ),
  tokenFile: Options.text("token-file").pipe(
    Options.withPseudoName("file"),
    Options.optional,
    Options.withDescription("A file with the token that the server asks for. Default: SOLTI_TOKEN.")
  ),
  allowInsecureToken: Options.boolean("allow-insecure-token").pipe(
    Options.withDescription("Send the token over plain http to another host, where it can be read on its way.")
  ),
  json
}

/**
 * The values of {@link options}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection {
  readonly url: Option.Option<string>
  readonly tokenFile: Option.Option<string>
  readonly allowInsecureToken: boolean
  readonly json: boolean
}

const settings = (connection: Connection) =>
  Effect.gen(function*() {
    const url = Option.getOrUndefined(connection.url) ?? (yield* variable("SOLTI_URL")) ?? ""
    if (url === "") return yield* usage("no server: give --url, or set SOLTI_URL")
    const token = yield* Token.read(connection.tokenFile, "SOLTI_TOKEN")
    return { url, token: Option.getOrUndefined(token), allowInsecureToken: connection.allowInsecureToken }
  })

/**
 * Runs a command with the tasks of the server.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withTasks = <E extends Solti.SubmitError | Solti.LogError | Stop, R>(
  connection: Connection,
  command: (tasks: Solti.Tasks.Service) => Effect.Effect<void, E, R>
): Effect.Effect<void, Stop, R | FileSystem.FileSystem | Host | Screen | Signals> =>
  Effect.flatMap(
    handle(settings(connection), connection),
    (options) => {
      const layer = Layer.provide(Solti.layer(options), layerHttpClient())
      return handle(Effect.provide(Effect.flatMap(Solti.Tasks, command), layer), {
        json: connection.json,
        where: options.url
      })
    }
  )
