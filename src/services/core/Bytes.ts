/**
 * Bytes in pieces.
 *
 * @since 0.1.0
 */

/**
 * Puts pieces together in memory of their own.
 *
 * @since 0.1.0
 * @category utils
 */
export const concat = (pieces: Iterable<Uint8Array>): Uint8Array<ArrayBuffer> => {
  let length = 0
  for (const piece of pieces) length += piece.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
