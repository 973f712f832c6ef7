/**
 * Standard base64 with padding.
 *
 * @since 0.1.0
 */

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** As many characters as bytes: nearly all texts on the wire are ASCII, and then this is the text. */
const latin1Of = (base64: string): string | undefined => {
  if (base64.length % 4 !== 0) return undefined
  try {
    return atob(base64)
  } catch {
    return undefined
  }
}

const bytesOfLatin1 = (latin1: string): Uint8Array => {
  const bytes = new Uint8Array(latin1.length)
  for (let i = 0; i < latin1.length; i++) bytes[i] = latin1.charCodeAt(i)
  return bytes
}

/**
 * The bytes that a text stands for; `undefined` when it is not base64.
 *
 * @internal
 */
export const decodeBytes = (base64: string): Uint8Array | undefined => {
  const latin1 = latin1Of(base64)
  return latin1 === undefined ? undefined : bytesOfLatin1(latin1)
}

/**
 * The UTF-8 text that a text stands for; `undefined` when it is not base64. Invalid UTF-8 becomes U+FFFD.
 *
 * @internal
 */
export const decodeText = (base64: string): string | undefined => {
  const latin1 = latin1Of(base64)
  if (latin1 === undefined) return undefined
  return /[\u0080-\u00ff]/.test(latin1) ? decoder.decode(bytesOfLatin1(latin1)) : latin1
}
