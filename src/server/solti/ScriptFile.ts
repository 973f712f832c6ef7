/**
 * The temp file that a script runs from: one an attempt, readable by the server's user only.
 *
 * Source: contract 8.6 (as intended: later versions write it at the start of an attempt, not at submit).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { Buffer } from "node:buffer"
import { randomUUID } from "node:crypto"
import * as NodeFs from "node:fs/promises"
import * as NodePath from "node:path"
import type { AttemptFailed } from "./Runner.js"
import * as SystemFailure from "./SystemFailure.js"

const write = async (path: string, bytes: Uint8Array): Promise<void> => {
  const file = await NodeFs.open(path, "wx", 0o600)
  try {
    await file.writeFile(bytes)
  } catch (error) {
    await NodeFs.rm(path, { force: true })
    throw error
  } finally {
    await file.close()
  }
}

/**
 * Writes the script (`body` is base64) to a new file `solti-script-…` with mode 0600 in `directory`, hands its path to
 * `use` and removes it when `use` has ended in whatever way.
 *
 * A directory that is missing, full or not writable is a fatal failure, `script file failed: …`, that leaves no file
 * behind; shortage of descriptors is one that can be retried.
 *
 * @since 0.1.0
 * @category constructors
 */
export const withScriptFile = <A, R>(
  directory: string,
  body: string,
  use: (path: string) => Effect.Effect<A, AttemptFailed, R>
): Effect.Effect<A, AttemptFailed, R> =>
  Effect.acquireUseRelease(
    Effect.suspend(() => {
      const path = NodePath.join(directory, `solti-script-${randomUUID()}`)
      return Effect.tryPromise({
        try: () => write(path, Buffer.from(body, "base64")),
        catch: (error) => SystemFailure.fromError("script file failed", error)
      }).pipe(Effect.as(path))
    }),
    use,
    (path) => Effect.ignoreLogged(Effect.tryPromise(() => NodeFs.rm(path, { force: true })))
  )
