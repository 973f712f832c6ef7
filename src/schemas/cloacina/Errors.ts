/**
 * What the calls of Cloacina can end with (contract 3). The errors themselves are those of all planes; the server's own
 * code is their `code`.
 *
 * @since 0.1.0
 */
import type { CommonError, InvalidInput } from "../core/Errors.js"

/**
 * What every call can end with. `InvalidInput` comes from the SDK before any request, or from the server (400, 415,
 * 422).
 *
 * @since 0.1.0
 * @category errors
 */
export type CallError = InvalidInput | CommonError
