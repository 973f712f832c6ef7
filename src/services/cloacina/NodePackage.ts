/**
 * Packages from files, on Node.
 *
 * @since 0.1.0
 */
import type * as PlatformError from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { PackageSource } from "../../schemas/cloacina/Workflows.js"
import { PackageUnreadable } from "../../schemas/cloacina/Workflows.js"

/**
 * A package file to upload. It is read while it is sent, 64 KiB at a time, so that its size does not matter and the
 * upload tells how far it is.
 *
 * Fails with `PackageUnreadable` when there is no such file; an upload of it does so when it cannot be read to the end,
 * or has changed its size.
 *
 * @example
 * ```ts
 * import * as Cloacina from "effect-switchyard/cloacina"
 * import { packageFile } from "effect-switchyard/cloacina/node"
 * import * as Effect from "effect/Effect"
 *
 * export const deploy = Effect.gen(function*() {
 *   const workflows = yield* Cloacina.Workflows
 *   return yield* workflows.deploy(yield* packageFile("close-books.cloacina"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const packageFile = (
  path: string
): Effect.Effect<PackageSource, PackageUnreadable, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const unreadable = (error: PlatformError.PlatformError) =>
      new PackageUnreadable({ path, code: error._tag === "SystemError" ? error.reason : error._tag })
    const { size, type } = yield* Effect.mapError(fs.stat(path), unreadable)
    if (type !== "File") return yield* new PackageUnreadable({ path, code: `it is a ${type}` })
    return {
      name: path,
      size: Number(size),
      stream: Stream.mapError(fs.stream(path, { chunkSize: 64 * 1024 }), unreadable)
    }
  })
