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
import { InvalidOptions } from "../../schemas/core/Errors.js"
import * as Solti from "../../solti.js"
import type { Stop } from "../core/Failure.js"
import { usage } from "../core/Failure.js"
import { handle, json } from "../core/Handler.js"
import type { Host } from "../core/Host.js"
import { variable } from "../core/Host.js"
import type { Screen } from "../core/Screen.js"
import type { Signals } from "../core/Signals.js"
import * as Token from "../core/Token.js"
import * as Grpc from "./Grpc.js"

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
  ...Grpc.clientOptions,
  tokenFile: Options.text("token-file").pipe(
    Options.withPseudoName("file"),
    Options.optional,
    Options.withDescription("A file with the token that the server asks for. Default: SOLTI_TOKEN.")
  ),
  allowInsecureToken: Options.boolean("allow-insecure-token").pipe(
    Options.withDescription("Send the token in plain text to another host, where it can be read on its way.")
  ),
  json
}

/**
 * The values of {@link options}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Connection extends Grpc.TlsOptions {
  readonly url: Option.Option<string>
  readonly grpc: Option.Option<string>
  readonly tokenFile: Option.Option<string>
  readonly allowInsecureToken: boolean
  readonly json: boolean
}

/** Options win over variables; of these, HTTP wins over gRPC. */
const target = (connection: Connection) =>
  Effect.gen(function*() {
    if (Option.isSome(connection.url) && Option.isSome(connection.grpc)) {
      return yield* usage("--url and --grpc exclude each other")
    }
    if (Option.isSome(connection.grpc)) return { isGrpc: true, address: connection.grpc.value }
    const url = Option.getOrUndefined(connection.url) ?? (yield* variable("SOLTI_URL"))
    const grpc = yield* variable("SOLTI_GRPC")
    return url === undefined && grpc !== undefined
      ? { isGrpc: true, address: grpc }
      : { isGrpc: false, address: url ?? "" }
  })

/** Says what is wrong in the words of the command line: `allowPlaintext` is `--allow-plaintext`. */
const inFlags = (tasks: Layer.Layer<Solti.Tasks, InvalidOptions>, place: "url" | "grpc") =>
  Layer.catchAll(tasks, (error) =>
    Layer.fail(
      new InvalidOptions({
        plane: error.plane,
        issues: error.issues.map(({ message, path }) => ({
          path: path === "url" ? place : path,
          message: message.replaceAll(/\ballow[A-Z]\w*/g, (name) =>
            `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
        }))
      })
    ))

/** The server of a command: where it is, and its tasks. */
const server = (connection: Connection) =>
  Effect.gen(function*() {
    const { address, isGrpc } = yield* target(connection)
    if (address === "") return yield* usage("no server: give --url or --grpc, or set SOLTI_URL or SOLTI_GRPC")
    const token = Option.getOrUndefined(yield* Token.read(connection.tokenFile, "SOLTI_TOKEN"))
    const { allowInsecureToken, allowPlaintext } = connection
    if (!isGrpc) {
      yield* Grpc.refuse(connection, "--grpc")
      const layer = Layer.provide(Solti.layer({ url: address, token, allowInsecureToken }), layerHttpClient())
      return { address, layer: inFlags(layer, "url") }
    }
    const { config, layer } = yield* Grpc.client
    const found = yield* Grpc.settings(config, connection, { SOLTI_GRPC: address })
    return { address, layer: inFlags(layer({ ...found, token, allowInsecureToken, allowPlaintext }), "grpc") }
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
    handle(server(connection), connection),
    ({ address, layer }) =>
      handle(Effect.provide(Effect.flatMap(Solti.Tasks, command), layer), { json: connection.json, where: address })
  )
