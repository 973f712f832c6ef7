/**
 * How gRPC puts messages into a body: a byte that says whether it is compressed, four bytes of length, the message.
 *
 * @since 0.1.0
 */

/**
 * What stands before each message, in bytes.
 *
 * @internal
 */
export const headLength = 5

/** How much room a message gets that has only been announced, in bytes; it grows with what comes. */
const firstRoom = 64 * 1024

/**
 * Why a body cannot be taken apart.
 *
 * - `TooLong`: the next message has `length` bytes, which is too many; none of them is kept
 * - `Flag`: the first byte of a message, 0 for one that is not compressed, is something else
 *
 * @internal
 */
export type Misframed =
  | { readonly _tag: "TooLong"; readonly length: number }
  | { readonly _tag: "Flag"; readonly flag: number }

/**
 * A message as one piece of a body.
 *
 * @internal
 */
export const frame = (message: Uint8Array): Uint8Array => {
  const framed = new Uint8Array(headLength + message.length)
  new DataView(framed.buffer).setUint32(1, message.length)
  framed.set(message, headLength)
  return framed
}

/**
 * Looks at the first message of a body while it comes, and keeps nothing.
 *
 * @internal
 */
export class Scanner {
  /** What is wrong with the message. */
  problem: Misframed | undefined
  private readonly head = new Uint8Array(headLength)
  private size = 0

  constructor(private readonly limit: number) {}

  /** Flag and length have come. */
  get isKnown(): boolean {
    return this.size === headLength
  }

  /** Whether the message may be as it is, so far. */
  accepts(piece: Uint8Array): boolean {
    if (this.isKnown) return true
    const part = piece.subarray(0, headLength - this.size)
    this.head.set(part, this.size)
    this.size += part.length
    if (this.isKnown) this.problem = misfit(this.head, this.limit)
    return this.problem === undefined
  }
}

const lengthIn = (head: Uint8Array): number => new DataView(head.buffer, head.byteOffset).getUint32(1)

const misfit = (head: Uint8Array, limit: number): Misframed | undefined => {
  const [flag = 0] = head
  if (flag !== 0) return { _tag: "Flag", flag }
  const length = lengthIn(head)
  return length > limit ? { _tag: "TooLong", length } : undefined
}

/**
 * Takes the messages out of a body that comes in pieces of any size. Keeps no more than one message of `limit` bytes.
 *
 * @internal
 */
export class Reader {
  private readonly head = new Uint8Array(headLength)
  private headSize = 0
  /** Of a message that does not come in one piece: how long it is, and what has come. */
  private length = 0
  private message = new Uint8Array(0)
  private size = 0

  constructor(private readonly limit: number) {}

  /** Nothing is left over of a message that has not come completely. */
  get isWhole(): boolean {
    return this.headSize === 0
  }

  /** Appends the messages that the piece completes to `messages`; says what is wrong with the body, if anything is. */
  push(piece: Uint8Array, messages: Array<Uint8Array>): Misframed | undefined {
    let at = 0
    while (at < piece.length) {
      if (this.headSize < headLength) {
        this.head[this.headSize++] = piece[at++] ?? 0
        if (this.headSize < headLength) continue
        const problem = misfit(this.head, this.limit)
        if (problem !== undefined) return problem
        this.length = lengthIn(this.head)
        this.size = 0
        if (piece.length - at < this.length) this.message = new Uint8Array(Math.min(this.length, firstRoom))
      }
      const part = piece.subarray(at, at + this.length - this.size)
      at += part.length
      if (part.length === this.length) {
        messages.push(part)
        this.headSize = 0
      } else {
        this.keep(part)
        if (this.size < this.length) continue
        messages.push(this.message)
        this.message = new Uint8Array(0)
        this.headSize = 0
      }
    }
    return undefined
  }

  private keep(part: Uint8Array): void {
    const size = this.size + part.length
    if (size > this.message.length) {
      const larger = new Uint8Array(Math.min(this.length, Math.max(size, 2 * this.message.length)))
      larger.set(this.message.subarray(0, this.size))
      this.message = larger
    }
    this.message.set(part, this.size)
    this.size = size
  }
}
