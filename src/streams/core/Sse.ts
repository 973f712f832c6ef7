/**
 * Server-Sent Events as the WHATWG standard interprets them: an incremental parser, a chunk-preserving decoder for
 * byte streams, and the writer a server needs. What a plane does with a frame is the plane's business.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 * @since 0.1.0
 */
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Utf8 from "./Utf8.js"

/**
 * One dispatched event. `event` is `"message"` where the server named none. `data` is the block's data lines joined
 * by LF, `""` for a lone empty data line. `id` is the last event id known at that point (it sticks from event to
 * event), `""` while there is none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Event {
  readonly _tag: "Event"
  readonly event: string
  readonly data: string
  readonly id: string
}

/**
 * A block that set the last event id and carried no data: nothing to deliver, but a reconnect resumes from `id`
 * (`""` clears the position).
 *
 * @since 0.1.0
 * @category models
 */
export interface IdOnly {
  readonly _tag: "IdOnly"
  readonly id: string
}

/**
 * The server asks for this reconnection time, in ms; at most `Number.MAX_SAFE_INTEGER`, so a feed caps it. It counts
 * from its own line on, not from the end of the block.
 *
 * @since 0.1.0
 * @category models
 */
export interface Retry {
  readonly _tag: "Retry"
  readonly millis: number
}

/**
 * Last frame of an input that ended inside an event. The standard discards such an event, ids included, and so does
 * this module; a feed reads from it that the end of the body was no clean end. `discarded` is what was thrown away,
 * in UTF-16 code units. Input that ends behind a blank line or behind complete comments gives no such frame.
 *
 * @since 0.1.0
 * @category models
 */
export interface Truncated {
  readonly _tag: "Truncated"
  readonly discarded: number
}

/**
 * What a stream of events consists of. Comments and unknown fields are not among it: liveness shows in the bytes.
 *
 * @since 0.1.0
 * @category models
 */
export type Frame = Event | IdOnly | Retry | Truncated

/**
 * One event was longer than `limit` (UTF-16 code units, see {@link Options}). The rest of the input is not read.
 *
 * @since 0.1.0
 * @category errors
 */
export class SseEventTooLarge extends Schema.TaggedError<SseEventTooLarge>("effect-switchyard/SseEventTooLarge")(
  "SseEventTooLarge",
  { limit: Schema.Number }
) {
  override get message() {
    return `A server-sent event is longer than ${this.limit} UTF-16 code units`
  }
}

/**
 * `maxEventSize` bounds what one event may hold, in UTF-16 code units: the sum of the lengths of its lines, without
 * line ends, from the first field line of the block on. Comments between events count only by themselves, so that
 * keep-alives never add up. Default 1,048,576.
 *
 * `lastEventId` is the position a reconnect resumed from: events without an id of their own carry it. Default `""`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly maxEventSize?: number | undefined
  readonly lastEventId?: string | undefined
}

/**
 * A parser in the middle of one input. It is mutable and belongs to one connection.
 *
 * `feed` takes the next piece of text, cut anywhere, and returns the frames it completed. `end` says that nothing
 * follows and returns the `Truncated` frame if there is one to report. `failure` is set once an event was too large:
 * the frames in front of it have been returned, and nothing more comes out.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parser {
  readonly failure: SseEventTooLarge | undefined
  readonly feed: (text: string) => ReadonlyArray<Frame>
  readonly end: () => ReadonlyArray<Frame>
}

const LF = 10
const SPACE = 32
const COLON = 58
const LETTER_D = 100
const LETTER_E = 101
const LETTER_I = 105
const LETTER_R = 114
const BYTE_ORDER_MARK = 0xfeff

/** Where `needle` is next, or the end of the text. */
const find = (text: string, needle: string, from: number): number => {
  const index = text.indexOf(needle, from)
  return index === -1 ? text.length : index
}

/** `startsWith` would make the whole parse 10 to 30 % slower. */
const isData = (text: string, at: number): boolean =>
  text.charCodeAt(at) === LETTER_D && text.charCodeAt(at + 1) === 97 && text.charCodeAt(at + 2) === 116 &&
  text.charCodeAt(at + 3) === 97

/** Where the value of a field begins whose name would end at `nameEnd`, or -1 if the name goes on. */
const valueStart = (text: string, nameEnd: number, lineEnd: number): number => {
  if (nameEnd === lineEnd) return lineEnd
  if (text.charCodeAt(nameEnd) !== COLON) return -1
  return text.charCodeAt(nameEnd + 1) === SPACE ? nameEnd + 2 : nameEnd + 1
}

// A class, because the same state in the variables of a closure is 10 to 20 % slower.
class LineParser implements Parser {
  failure: SseEventTooLarge | undefined
  private atStart = true
  // The last piece ended with a CR, which has ended its line: a LF in front of the next piece belongs to it.
  private afterCr = false
  // The unfinished last line. Pieces are appended unread (a rope) and read once, when the line is complete.
  private held = ""
  // The length of the block's lines so far; 0 while no block is open.
  private size = 0
  private event = "message"
  private hasId = false
  private hasData = false
  private data = ""
  private moreData: Array<string> | undefined
  private frames: Array<Frame> = []

  constructor(private readonly limit: number, private id: string) {}

  feed(text: string): ReadonlyArray<Frame> {
    const frames: Array<Frame> = this.frames = []
    const length = text.length
    if (length === 0 || this.failure !== undefined) return frames
    let at = 0
    if (this.atStart) {
      this.atStart = false
      if (text.charCodeAt(0) === BYTE_ORDER_MARK) at = 1
    } else if (this.afterCr) {
      this.afterCr = false
      if (text.charCodeAt(0) === LF) at = 1
    }
    // Both are looked for again only when passed: a rare CR must not be searched for once a line.
    let nextLf = find(text, "\n", at)
    let nextCr = find(text, "\r", at)
    if (this.held !== "") {
      const end = nextLf < nextCr ? nextLf : nextCr
      this.hold(text.slice(at, end))
      if (end === length || this.failure !== undefined) return frames
      const line = this.held
      this.held = ""
      this.takeLine(line, 0, line.length)
      at = end === nextCr ? this.skipCr(text, end) : end + 1
    }
    while (at < length && this.failure === undefined) {
      if (text.charCodeAt(at) === LF) {
        this.takeBlank()
        at++
        continue
      }
      if (nextLf < at) nextLf = find(text, "\n", at)
      if (nextCr < at) nextCr = find(text, "\r", at)
      if (nextLf < nextCr) {
        // Nearly every event ends like this: its only data line, then a blank line.
        if (
          isData(text, at) && text.charCodeAt(at + 4) === COLON && text.charCodeAt(nextLf + 1) === LF &&
          !this.hasData && this.size + nextLf - at <= this.limit
        ) {
          const from = text.charCodeAt(at + 5) === SPACE ? at + 6 : at + 5
          frames.push({ _tag: "Event", event: this.event, data: text.slice(from, nextLf), id: this.id })
          this.closeBlock()
          at = nextLf + 2
        } else {
          this.takeLine(text, at, nextLf)
          at = nextLf + 1
        }
      } else if (nextCr === length) {
        this.hold(text.slice(at))
        break
      } else {
        if (nextCr === at) this.takeBlank()
        else this.takeLine(text, at, nextCr)
        at = this.skipCr(text, nextCr)
      }
    }
    return frames
  }

  end(): ReadonlyArray<Frame> {
    const discarded = this.size + this.held.length
    return discarded === 0 || this.failure !== undefined ? [] : [{ _tag: "Truncated", discarded }]
  }

  /** Where the next line begins behind the CR at `cr`. */
  private skipCr(text: string, cr: number): number {
    if (cr + 1 === text.length) this.afterCr = true
    return text.charCodeAt(cr + 1) === LF ? cr + 2 : cr + 1
  }

  private hold(text: string): void {
    this.held += text
    if (this.size + this.held.length > this.limit) this.failure = new SseEventTooLarge({ limit: this.limit })
  }

  private takeBlank(): void {
    if (this.size === 0) return
    if (this.hasData) {
      const data = this.moreData === undefined ? this.data : this.moreData.join("\n")
      this.frames.push({ _tag: "Event", event: this.event, data, id: this.id })
      this.hasData = false
      this.data = ""
      this.moreData = undefined
    } else if (this.hasId) {
      this.frames.push({ _tag: "IdOnly", id: this.id })
    }
    this.closeBlock()
  }

  private closeBlock(): void {
    this.size = 0
    this.event = "message"
    this.hasId = false
  }

  private takeLine(text: string, start: number, end: number): void {
    const size = this.size + end - start
    if (size > this.limit) {
      this.failure = new SseEventTooLarge({ limit: this.limit })
      return
    }
    const first = text.charCodeAt(start)
    if (first !== COLON || this.size > 0) this.size = size
    if (isData(text, start)) {
      const from = valueStart(text, start + 4, end)
      if (from !== -1) this.takeData(text.slice(from, end))
    } else if (first === LETTER_E && text.startsWith("event", start)) {
      const from = valueStart(text, start + 5, end)
      if (from !== -1) this.event = from === end ? "message" : text.slice(from, end)
    } else if (first === LETTER_I && text.startsWith("id", start)) {
      const from = valueStart(text, start + 2, end)
      if (from !== -1) this.takeId(text.slice(from, end))
    } else if (first === LETTER_R && text.startsWith("retry", start)) {
      const from = valueStart(text, start + 5, end)
      if (from !== -1) this.takeRetry(text.slice(from, end))
    }
  }

  private takeData(value: string): void {
    if (!this.hasData) {
      this.hasData = true
      this.data = value
    } else if (this.moreData === undefined) {
      this.moreData = [this.data, value]
    } else {
      this.moreData.push(value)
    }
  }

  private takeId(value: string): void {
    if (value.includes("\0")) return
    this.id = value
    this.hasId = true
  }

  private takeRetry(value: string): void {
    if (!/^[0-9]+$/.test(value)) return
    this.frames.push({ _tag: "Retry", millis: Math.min(Number(value), Number.MAX_SAFE_INTEGER) })
  }
}

/**
 * A parser at the start of an input. Its time is linear in the input, whatever the lines and the pieces look like.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeParser = (options?: Options): Parser =>
  new LineParser(options?.maxEventSize ?? 1_048_576, options?.lastEventId ?? "")

/**
 * Decodes the body of an event stream. One chunk goes out for each chunk that comes in, empty where it completed no
 * frame, and one for the end of the body. A body that ends inside an event gives `Truncated` as the last element.
 *
 * Fails with `SseEventTooLarge` behind the frames in front of the event that is too large; an error of the body passes
 * through.
 *
 * Each run of the stream has its own parser.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode =
  (options?: Options) => <E, R>(body: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Frame, E | SseEventTooLarge, R> =>
    Stream.suspend(() => {
      const parser = makeParser(options)
      const utf8 = Utf8.makeDecoder()

      const decodeChunk = (pieces: Chunk.Chunk<Uint8Array>): ReadonlyArray<Frame> => {
        if (pieces.length === 1) return parser.feed(utf8.decode(Chunk.unsafeHead(pieces)))
        const frames: Array<Frame> = []
        for (const piece of pieces) {
          for (const frame of parser.feed(utf8.decode(piece))) frames.push(frame)
        }
        return frames
      }

      type Decoding = Channel.Channel<
        Chunk.Chunk<Frame>,
        Chunk.Chunk<Uint8Array>,
        E | SseEventTooLarge,
        E,
        unknown,
        unknown
      >

      const write = (frames: ReadonlyArray<Frame>, next: Decoding): Decoding =>
        Channel.flatMap(
          Channel.write(Chunk.unsafeFromArray(frames)),
          () => parser.failure === undefined ? next : Channel.fail(parser.failure)
        )

      const read: Decoding = Channel.readWithCause({
        onInput: (pieces: Chunk.Chunk<Uint8Array>) => write(decodeChunk(pieces), read),
        onFailure: Channel.failCause,
        onDone: () => write([...parser.feed(utf8.end()), ...parser.end()], Channel.void)
      })

      return Stream.pipeThroughChannel(body, read)
    })

/**
 * An event as text for the wire, lines ended by LF. An event name of `""` is left out; an `id` of `""` is written,
 * as it clears the reader's position. `data` is split at CRLF, LF and CR into one line each, which the reader joins
 * with LF. CR and LF are removed from `event` and `id`, and NUL from `id`: no value can begin a field of its own.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (event: {
  readonly data: string
  readonly event?: string | undefined
  readonly id?: string | undefined
}): string => {
  const name = event.event === undefined ? "" : event.event.replace(/[\r\n]/g, "")
  const data = event.data.includes("\n") || event.data.includes("\r")
    ? event.data.split(/\r\n|\n|\r/).join("\ndata: ")
    : event.data
  return (name === "" ? "" : `event: ${name}\n`) + `data: ${data}\n` +
    (event.id === undefined ? "" : `id: ${event.id.replace(/[\r\n\0]/g, "")}\n`) + "\n"
}

/**
 * A comment as text for the wire, which a reader ignores: with no text, the shortest keep-alive there is.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encodeComment = (text = ""): string =>
  text.split(/\r\n|\n|\r/).map((line) => line === "" ? ":\n" : `: ${line}\n`).join("") + "\n"
