/**
 * Bytes of a process to the lines of its log: splitting, caps, replacement of what is not UTF-8.
 *
 * Source: contract 8.7. What the published server loses behind an over-long line is kept here.
 *
 * @since 0.1.0
 */
import { Buffer } from "node:buffer"

/**
 * How long a line may be: `lineBytes` is the most that is kept of it while it is read, `lineCharacters` (Unicode
 * characters, not UTF-16 units) the most that is delivered.
 *
 * @since 0.1.0
 * @category models
 */
export interface Caps {
  readonly lineBytes: number
  readonly lineCharacters: number
}

/**
 * The caps of a stock agent: 65,536 bytes and 4,096 characters.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultCaps: Caps = { lineBytes: 65_536, lineCharacters: 4_096 }

/**
 * Takes the bytes of one stream as they come. `end` delivers a last line that has no LF; calling it again does nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Splitter {
  readonly push: (chunk: Buffer) => void
  readonly end: () => void
}

const LF = 10
const CR = 13
const smallestHold = 256
const nothing = Buffer.alloc(0)

const isHighSurrogate = (unit: number) => unit >= 0xd800 && unit < 0xdc00

/** The index behind the first `count` characters; the text comes from a decoder, so its surrogates are paired. */
const characterIndex = (text: string, count: number): number => {
  let index = 0
  for (let seen = 0; seen < count && index < text.length; seen++) {
    index += isHighSurrogate(text.charCodeAt(index)) ? 2 : 1
  }
  return index
}

const capCharacters = (text: string, most: number): string => {
  if (text.length <= most) return text
  const cut = characterIndex(text, most)
  if (cut >= text.length) return text
  const marked = `${text.slice(0, cut)}... (truncated ${Buffer.byteLength(text.slice(cut))} bytes)`
  // A slice keeps the whole text alive, and lines are kept in rings: copy the few characters.
  return Buffer.from(marked, "utf16le").toString("utf16le")
}

/**
 * An incremental splitter: any cut of the same bytes into chunks gives the same lines, in linear time and with at most
 * `lineBytes` bytes held back. Calls `emit` once a line, synchronously, and keeps no reference to the chunk.
 *
 * A line ends at LF, and one CR before that LF goes with it; a last line without LF is taken as it is. A line of
 * `lineBytes` bytes or more (without its LF, with its CR) is over-long: its first `lineBytes` bytes are kept and
 * ` ...[line exceeded 65536 bytes, truncated]` is appended. Bytes that are not UTF-8 become U+FFFD as in the WHATWG
 * decoder. Then the cap of characters cuts and appends `... (truncated N bytes)`, N in UTF-8 bytes of the decoded text
 * and of the text appended before.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeSplitter = (emit: (line: string) => void, caps: Caps = defaultCaps): Splitter => {
  const { lineBytes, lineCharacters } = caps
  let held = nothing
  // Bytes held of the line that has no end yet. `lineBytes` of them mean that more may have been dropped.
  let size = 0

  const hold = (chunk: Buffer, from: number, to: number) => {
    const wanted = Math.min(size + to - from, lineBytes)
    if (wanted > held.length) {
      const grown = Buffer.allocUnsafe(Math.min(Math.max(wanted, held.length * 2, smallestHold), lineBytes))
      held.copy(grown, 0, 0, size)
      held = grown
    }
    chunk.copy(held, size, from, from + wanted - size)
    size = wanted
  }

  const deliver = (bytes: Buffer, from: number, to: number, terminated: boolean) => {
    if (to - from >= lineBytes) {
      const kept = bytes.toString("utf8", from, from + lineBytes)
      emit(capCharacters(`${kept} ...[line exceeded ${lineBytes} bytes, truncated]`, lineCharacters))
      return
    }
    const end = terminated && to > from && bytes[to - 1] === CR ? to - 1 : to
    emit(capCharacters(bytes.toString("utf8", from, end), lineCharacters))
  }

  const deliverHeld = (terminated: boolean) => {
    const length = size
    size = 0
    deliver(held, 0, length, terminated)
  }

  return {
    push: (chunk) => {
      let from = 0
      for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, from)) {
        if (size === 0) {
          deliver(chunk, from, lf, true)
        } else {
          hold(chunk, from, lf)
          deliverHeld(true)
        }
        from = lf + 1
      }
      if (from < chunk.length) hold(chunk, from, chunk.length)
    },
    end: () => {
      if (size > 0) deliverHeld(false)
    }
  }
}
