/**
 * Errors of the operating system as failed attempts.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import { getSystemErrorMap } from "node:util"
import { AttemptFailed } from "./Runner.js"

// The machine is short of something for the moment: the same command may well start a little later.
const transient: ReadonlySet<string> = new Set(["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"])

/**
 * A failure to set an attempt up, as a server of 0.0.2 words it: `fatal error (no retry): <what>: <why>`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fatal = (what: string, why: string): AttemptFailed =>
  new AttemptFailed({ reason: `fatal error (no retry): ${what}: ${why}`, exitCode: Option.none(), fatal: true })

/**
 * `No such file or directory (os error 2)` for `ENOENT`; only the reason, never a path.
 *
 * @since 0.1.0
 * @category constructors
 */
export const describe = (errno: number, code: string): string => {
  const text = getSystemErrorMap().get(errno)?.[1] ?? code
  return `${text.charAt(0).toUpperCase()}${text.slice(1)} (os error ${Math.abs(errno)})`
}

/**
 * What went wrong, from the error that Node threw or emitted. Shortage of descriptors, processes or memory (`EMFILE`,
 * `ENFILE`, `EAGAIN`, `ENOMEM`) can be retried and reads `execution failed: …`; everything else is fatal.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromError = (what: string, error: unknown): AttemptFailed => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error"
  // Node's own check of arguments, the only one that strings can fail.
  if (code === "ERR_INVALID_ARG_VALUE") return fatal(what, "nul byte found in provided data")
  const errno = error instanceof Error && "errno" in error && typeof error.errno === "number" ? error.errno : undefined
  const why = errno === undefined ? code : describe(errno, code)
  return transient.has(code)
    ? new AttemptFailed({ reason: `execution failed: ${what}: ${why}`, exitCode: Option.none(), fatal: false })
    : fatal(what, why)
}
