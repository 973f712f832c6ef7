/**
 * What commands read.
 *
 * @since 0.1.0
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import type { Stop } from "./Failure.js"
import { usage } from "./Failure.js"
import { Host } from "./Host.js"

/**
 * The text of a file, or of stdin for `-`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const readText = (file: string): Effect.Effect<string, Stop, FileSystem.FileSystem | Host> =>
  file === "-"
    ? Effect.flatMap(Host, ({ stdin }) => stdin)
    : Effect.flatMap(FileSystem.FileSystem, (files) =>
      Effect.mapError(
        files.readFileString(file),
        (error) => usage(`cannot read ${file}: ${"reason" in error ? error.reason : error._tag}`)
      ))

/**
 * What a JSON text stands for. `source` is where it is from; the text is not shown.
 *
 * @since 0.1.0
 * @category conversions
 */
export const json = (text: string, source: string): Effect.Effect<unknown, Stop> =>
  Effect.try({ try: (): unknown => JSON.parse(text), catch: () => usage(`${source} is not JSON`) })
