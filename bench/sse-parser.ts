/**
 * The SSE parser beside eventsource-parser, on the same log events in pieces of several sizes: text to frames, and
 * bytes to frames (eventsource-parser behind a streaming `TextDecoder`, as its users have it). Then the whole stage as
 * a `Stream`, with `JSON.parse` behind it. Best of several alternating rounds, one process, one core.
 *
 *     npx tsx bench/sse-parser.ts [--smoke]
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createParser } from "eventsource-parser"
import { cpus } from "node:os"
import * as Sse from "../src/streams/core/Sse.js"
import * as Utf8 from "../src/streams/core/Utf8.js"

const isSmoke = process.argv.includes("--smoke")
const events = isSmoke ? 2_000 : 100_000
const rounds = isSmoke ? 2 : 9

const frame = (seq: number): string =>
  Sse.encode({
    event: "chunk",
    data: JSON.stringify({
      type: "chunk",
      attempt: 1,
      stream: "stdout",
      seq,
      ts: 1_765_000_003_017 + seq,
      line: `${seq} of many lines, each as long as log lines are`
    })
  })
const frames = Array.from({ length: events }, (_, seq) => frame(seq))
const body = frames.join("")

/** Strings as a decoder makes them: flat, one byte per character. */
const text = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
const bytesOf = (parts: ReadonlyArray<string>): Array<Uint8Array> => parts.map((part) => new TextEncoder().encode(part))
const cut = (size: number): ReadonlyArray<string> =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.slice(i * size, (i + 1) * size))

interface Contender {
  readonly name: string
  readonly run: (pieces: ReadonlyArray<Uint8Array>, texts: ReadonlyArray<string>) => Promise<number> | number
}

const eventsourceParser = () => {
  let found: Array<{ readonly data: string }> = []
  const parser = createParser({ onEvent: (event) => found.push(event) })
  return (piece: string) => {
    found = []
    parser.feed(piece)
    return found
  }
}

const contenders: ReadonlyArray<Contender> = [
  {
    name: "eventsource-parser",
    run: (_, texts) => {
      const feed = eventsourceParser()
      return texts.reduce((count, piece) => count + feed(piece).length, 0)
    }
  },
  {
    name: "Sse.makeParser",
    run: (_, texts) => {
      const parser = Sse.makeParser()
      return texts.reduce((count, piece) => count + parser.feed(piece).length, 0)
    }
  },
  {
    name: "eventsource-parser, bytes",
    run: (pieces) => {
      const feed = eventsourceParser()
      const decoder = new TextDecoder()
      return pieces.reduce((count, piece) => count + feed(decoder.decode(piece, { stream: true })).length, 0)
    }
  },
  {
    name: "Sse.makeParser, bytes",
    run: (pieces) => {
      const parser = Sse.makeParser()
      const decoder = Utf8.makeDecoder()
      return pieces.reduce((count, piece) => count + parser.feed(decoder.decode(piece)).length, 0)
    }
  },
  {
    name: "eventsource-parser, bytes, JSON",
    run: (pieces) => {
      const feed = eventsourceParser()
      const decoder = new TextDecoder()
      let count = 0
      for (const piece of pieces) {
        for (const { data } of feed(decoder.decode(piece, { stream: true }))) {
          if (JSON.parse(data).attempt === 1) count++
        }
      }
      return count
    }
  },
  {
    name: "Sse.decode, Stream, JSON",
    run: (pieces) =>
      Stream.fromIterable(pieces).pipe(
        Stream.rechunk(1),
        Sse.decode(),
        Stream.mapChunks(Chunk.map((frame) => frame._tag === "Event" && JSON.parse(frame.data).attempt === 1 ? 1 : 0)),
        Stream.runFold(0, (sum, one) => sum + one),
        Effect.runPromise
      )
  }
]

const shapes: ReadonlyArray<readonly [name: string, texts: ReadonlyArray<string>]> = [
  ["one event", frames],
  ["170 B", cut(170)],
  ["1 KiB", cut(1024)],
  ["16 KiB", cut(16 * 1024)],
  ["64 KiB", cut(64 * 1024)]
]

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? "unknown"}, ${events} events of ${frame(1000).length} B`)
for (const [shape, parts] of shapes) {
  const pieces = bytesOf(parts)
  const texts = pieces.map(text)
  const best = contenders.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < rounds; round++) {
    for (const [i, { name, run }] of contenders.entries()) {
      const start = performance.now()
      const count = await run(pieces, texts)
      best[i] = Math.min(best[i] ?? 0, performance.now() - start)
      if (count !== events) throw new Error(`${name} found ${count} of ${events} events`)
    }
  }
  console.log(`\npieces of ${shape}`)
  for (const [i, { name }] of contenders.entries()) {
    const millis = best[i] ?? 0
    const against = best[i - i % 2] ?? millis
    console.log(
      `  ${name.padEnd(34)}${(millis / events * 1e6).toFixed(0).padStart(6)} ns an event` +
        `${(events / millis / 1000).toFixed(2).padStart(8)} M/s${(millis / against).toFixed(2).padStart(8)} x`
    )
  }
}
