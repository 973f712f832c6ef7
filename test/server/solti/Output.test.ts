import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { Buffer } from "node:buffer"
import type { Caps } from "../../../src/server/solti/Output.js"
import { defaultCaps, makeSplitter } from "../../../src/server/solti/Output.js"

const split = (chunks: ReadonlyArray<Buffer>, caps?: Caps): ReadonlyArray<string> => {
  const lines: Array<string> = []
  const splitter = makeSplitter((line) => lines.push(line), caps)
  chunks.forEach(splitter.push)
  splitter.end()
  return lines
}

const text = (input: string, caps?: Caps) => split([Buffer.from(input)], caps)

/** The same by definition: everything in memory, one line after the other, decoded by the WHATWG decoder. */
const byDefinition = (input: Buffer, caps: Caps): ReadonlyArray<string> => {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  const lines: Array<string> = []
  let rest = input
  while (rest.length > 0) {
    const lf = rest.indexOf("\n")
    let line = rest.subarray(0, lf === -1 ? rest.length : lf)
    rest = lf === -1 ? Buffer.alloc(0) : rest.subarray(lf + 1)
    const isOverLong = line.length >= caps.lineBytes
    if (!isOverLong && lf !== -1 && line.at(-1) === 13) line = line.subarray(0, -1)
    const kept = decoder.decode(line.subarray(0, caps.lineBytes)) +
      (isOverLong ? ` ...[line exceeded ${caps.lineBytes} bytes, truncated]` : "")
    const characters = Array.from(kept)
    const cut = characters.slice(caps.lineCharacters).join("")
    lines.push(
      cut === ""
        ? kept
        : `${characters.slice(0, caps.lineCharacters).join("")}... (truncated ${Buffer.byteLength(cut)} bytes)`
    )
  }
  return lines
}

describe("Output", () => {
  it("splits as the published server was recorded to", () => {
    const recorded = Buffer.concat([
      Buffer.from("crlf\r\ntwo cr\r\r\n\n\ttab \u0001 \u001b[31mred\u001b[0m\ngrün ☃ 😀\nbad "),
      Buffer.from([0xff, 0xfe, 0x20, 0xc3, 0x0a]),
      Buffer.from("no newline")
    ])
    assert.deepStrictEqual(split([recorded]), [
      "crlf",
      "two cr\r",
      "",
      "\ttab \u0001 \u001b[31mred\u001b[0m",
      "grün ☃ 😀",
      "bad \ufffd\ufffd \ufffd",
      "no newline"
    ])
  })

  it("delivers a last line without LF once, as it is, and no line behind the last LF", () => {
    assert.deepStrictEqual(text(""), [])
    assert.deepStrictEqual(text("a\n"), ["a"])
    assert.deepStrictEqual(text("\n\n"), ["", ""])
    assert.deepStrictEqual(text("a\r\nb\r"), ["a", "b\r"])
    const lines: Array<string> = []
    const splitter = makeSplitter((line) => lines.push(line))
    splitter.push(Buffer.from("half"))
    splitter.end()
    splitter.end()
    assert.deepStrictEqual(lines, ["half"])
  })

  it("keeps a byte order mark, as a Rust string does", () => {
    assert.deepStrictEqual(text("\ufeffa\n"), ["\ufeffa"])
  })

  it("takes 65,535 bytes for a line and 65,536 for an over-long one", () => {
    const wide = { ...defaultCaps, lineCharacters: 100_000 }
    const marker = " ...[line exceeded 65536 bytes, truncated]"
    assert.deepStrictEqual(text("x".repeat(65_535) + "\nnext", wide), ["x".repeat(65_535), "next"])
    assert.deepStrictEqual(text("x".repeat(65_535), wide), ["x".repeat(65_535)])
    assert.deepStrictEqual(text("x".repeat(65_536) + "\nnext", wide), ["x".repeat(65_536) + marker, "next"])
    assert.deepStrictEqual(text("x".repeat(65_536), wide), ["x".repeat(65_536) + marker])
    assert.deepStrictEqual(text("x".repeat(65_535) + "\r\n", wide), ["x".repeat(65_535) + "\r" + marker])
  })

  it("shows 4,096 characters of a long line and counts the bytes of the rest, the first marker among them", () => {
    const head = "x".repeat(4096)
    assert.deepStrictEqual(text(`${head}\n${head}y\n`), [head, `${head}... (truncated 1 bytes)`])
    assert.deepStrictEqual(text(`${"x".repeat(65_535)}\n`), [`${head}... (truncated 61439 bytes)`])
    assert.deepStrictEqual(text(`${"x".repeat(70_000)}\nnext\n`), [`${head}... (truncated 61482 bytes)`, "next"])
  })

  it("counts characters, not UTF-16 units, and the bytes of replacements", () => {
    const emoji = "😀".repeat(4096)
    assert.deepStrictEqual(text(emoji), [emoji])
    assert.deepStrictEqual(text(`${emoji}é😀`), [`${emoji}... (truncated 6 bytes)`])
    const invalid = Buffer.concat([Buffer.from("x".repeat(4096)), Buffer.from([0xff, 0xff])])
    assert.deepStrictEqual(split([invalid]), ["x".repeat(4096) + "... (truncated 6 bytes)"])
  })

  it("gives the same lines wherever the bytes are cut", () => {
    const caps = { lineBytes: 24, lineCharacters: 12 }
    const input = Buffer.concat([
      Buffer.from("plain\r\n😀😀\r\r\n\nexactly 23 bytes here..\n24 bytes and a little more\nbehind it\n"),
      Buffer.from([0xf0, 0x9f, 0x98, 0x0a, 0xed, 0xa0, 0x80, 0xc0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0x0a]),
      Buffer.from("grün grün grün grün grün grün\r\nlast ☃")
    ])
    const expected = byDefinition(input, caps)
    assert.lengthOf(expected, 10)
    for (let cut = 0; cut <= input.length; cut++) {
      assert.deepStrictEqual(split([input.subarray(0, cut), input.subarray(cut)], caps), expected, `cut at ${cut}`)
    }
    assert.deepStrictEqual(split(Array.from(input, (byte) => Buffer.of(byte)), caps), expected)
  })

  // Mostly what means something: line ends, ASCII, and bytes that are parts of characters or of none.
  const byte = FastCheck.oneof(
    FastCheck.constantFrom(10, 13, 10, 97),
    FastCheck.constantFrom(0xc3, 0xa9, 0xe2, 0x98, 0x83, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xef, 0xbb, 0xbf, 0xff),
    FastCheck.nat(255)
  )

  it.prop(
    "equals the definition for any bytes, cuts and caps",
    [
      FastCheck.array(byte, { maxLength: 200 }),
      FastCheck.array(FastCheck.nat(200), { maxLength: 10 }),
      FastCheck.record({ lineBytes: FastCheck.integer({ min: 1, max: 40 }), lineCharacters: FastCheck.nat(40) })
    ],
    ([bytes, cuts, caps]) => {
      const input = Buffer.from(bytes)
      const edges = [0, ...cuts.sort((a, b) => a - b), input.length]
      const chunks = edges.slice(1).map((edge, index) => input.subarray(edges[index], edge))
      assert.deepStrictEqual(split(chunks, caps), byDefinition(input, caps))
    },
    { fastCheck: { numRuns: 1000 } }
  )

  it("keeps nothing of a chunk that it was given", () => {
    const lines: Array<string> = []
    const splitter = makeSplitter((line) => lines.push(line))
    const chunk = Buffer.from("first\nsecond")
    splitter.push(chunk)
    chunk.fill(0)
    splitter.end()
    assert.deepStrictEqual(lines, ["first", "second"])
  })

  it("reads 100 MiB without LF in bounded memory", () => {
    const chunk = Buffer.alloc(65_536, "x")
    const lines: Array<string> = []
    const splitter = makeSplitter((line) => lines.push(line))
    splitter.push(chunk)
    const before = process.memoryUsage().arrayBuffers
    for (let index = 1; index < 1600; index++) splitter.push(chunk)
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 1024 * 1024)
    splitter.push(Buffer.from("\nafter\n"))
    assert.deepStrictEqual(lines, [`${"x".repeat(4096)}... (truncated 61482 bytes)`, "after"])
  })

  it("takes byte for byte no more than linear time", () => {
    // Anything that copies or scans what it holds again for every byte would not come to an end here.
    const lines: Array<string> = []
    const splitter = makeSplitter((line) => lines.push(line))
    const [letter, lf] = [Buffer.from("x"), Buffer.from("\n")]
    for (let line = 0; line < 60; line++) {
      for (let index = 0; index < 60_000; index++) splitter.push(letter)
      splitter.push(lf)
    }
    assert.lengthOf(lines, 60)
  })

  it("lets go of the long text that a delivered line was cut from", () => {
    const kept: Array<string> = []
    const splitter = makeSplitter((line) => kept.push(line))
    const line = Buffer.from(`${"x".repeat(65_000)}\n`)
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < 2000; index++) splitter.push(line)
    // 2,000 lines of 4 KiB are 8 MiB; with the texts behind them they would be 130.
    assert.isBelow(process.memoryUsage().heapUsed - before, 64 * 1024 * 1024)
    assert.lengthOf(kept, 2000)
  })
})
