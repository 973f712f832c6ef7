/**
 * The `switchyard` command as a program on Node.
 *
 * @since 0.1.0
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NodeProcess from "./core/NodeProcess.js"
import { program } from "./program.js"

const Live = Layer.mergeAll(
  NodeProcess.layerHost,
  NodeProcess.layerLogger,
  NodeProcess.layerScreen,
  NodeProcess.layerSignals,
  NodeFileSystem.layer,
  NodePath.layer,
  NodeTerminal.layer
)

/**
 * Runs the command line of this process, and ends the process.
 *
 * @since 0.1.0
 * @category running
 */
export const main = (options: { readonly version: string }): void =>
  NodeProcess.run(Effect.provide(program(options.version), Live))
