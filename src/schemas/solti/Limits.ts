/**
 * Limits of the wire (contract 3.4).
 *
 * @since 0.1.0
 */

/**
 * The longest message over gRPC, in either direction, and the longest request body over HTTP, in bytes.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxMessageBytes = 4 * 1024 * 1024
