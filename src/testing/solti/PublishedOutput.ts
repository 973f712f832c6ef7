/**
 * What the published server loses of a process's output (contract 8.7): it reads in pieces of 8 KiB, and behind an
 * over-long line it throws away the rest of the piece in which that line ends, whole lines and no word about it.
 *
 * @since 0.1.0
 */
import type { Buffer } from "node:buffer"
import * as Output from "../../server/solti/Output.js"

const pieceBytes = 8192

const LF = 10

/**
 * A splitter as `Output.makeSplitter`, with the defect. What is pushed at once is taken to lie in the pipe at once.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeSplitter = (emit: (line: string) => void): Output.Splitter => {
  const { lineBytes } = Output.defaultCaps
  const splitter = Output.makeSplitter(emit)
  /** Bytes of the line that has no end yet. */
  let size = 0

  const read = (piece: Buffer): void => {
    let from = 0
    for (let lf = piece.indexOf(LF); lf !== -1; lf = piece.indexOf(LF, from)) {
      const isTooLong = size + lf - from >= lineBytes
      size = 0
      from = lf + 1
      if (isTooLong) return splitter.push(piece.subarray(0, from))
    }
    size += piece.length - from
    splitter.push(piece)
  }

  return {
    push: (bytes) => {
      for (let at = 0; at < bytes.length; at += pieceBytes) read(bytes.subarray(at, at + pieceBytes))
    },
    end: splitter.end
  }
}
