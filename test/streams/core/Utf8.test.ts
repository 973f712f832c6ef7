import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Utf8 from "../../../src/streams/core/Utf8.js"

const inPieces = (pieces: ReadonlyArray<Uint8Array>): string => {
  const decoder = Utf8.makeDecoder()
  return pieces.map((piece) => decoder.decode(piece)).join("") + decoder.end()
}

const whole = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)

/** Bytes of every kind that UTF-8 tells apart, the limits of each kind included. */
const kinds = [
  0x00,
  0x7f,
  0x80,
  0x8f,
  0x90,
  0x9f,
  0xa0,
  0xbf,
  0xc0,
  0xc2,
  0xe0,
  0xe2,
  0xed,
  0xef,
  0xf0,
  0xf3,
  0xf4,
  0xf8,
  0xff
]

describe("Utf8", () => {
  it("gives the same byte by byte as at once, for every mixture of four bytes", () => {
    const count = kinds.length ** 4
    const bytes = new Uint8Array(5)
    // Behind the mixture an ASCII byte, so that what is unfinished is seen to end there.
    bytes[4] = 0x41
    for (let i = 0; i < count; i++) {
      let rest = i
      for (let at = 0; at < 4; at++) {
        bytes[at] = kinds[rest % kinds.length] ?? 0
        rest = Math.floor(rest / kinds.length)
      }
      const pieces = Array.from(bytes, (byte) => Uint8Array.of(byte))
      if (inPieces(pieces) !== whole(bytes)) assert.fail(`at ${Array.from(bytes).join(" ")}`)
      const unended = bytes.subarray(0, 4)
      if (inPieces(pieces.slice(0, 4)) !== whole(unended)) assert.fail(`at ${Array.from(unended).join(" ")}, ended`)
    }
  })

  it.prop("gives the same in any pieces as at once", [
    FastCheck.array(FastCheck.uint8Array({ maxLength: 6 })),
    FastCheck.string({ unit: "grapheme" })
  ], ([noise, text]) => {
    const encoded = new TextEncoder().encode(text)
    const pieces = [...noise, ...Array.from(encoded, (byte) => Uint8Array.of(byte)), ...noise]
    assert.strictEqual(inPieces(pieces), whole(Uint8Array.from(pieces.flatMap((piece) => Array.from(piece)))))
  })

  it("keeps a byte order mark wherever it is, also split", () => {
    const mark = [0xef, 0xbb, 0xbf]
    assert.strictEqual(inPieces([Uint8Array.from(mark), Uint8Array.from(mark)]), "\uFEFF\uFEFF")
    assert.strictEqual(inPieces(mark.map((byte) => Uint8Array.of(byte))), "\uFEFF")
  })

  it("does not depend on a buffer that its owner uses again", () => {
    const buffer = Uint8Array.of(0x61, 0xe2, 0x82)
    const decoder = Utf8.makeDecoder()
    assert.strictEqual(decoder.decode(buffer), "a")
    buffer.fill(0x78)
    assert.strictEqual(decoder.decode(Uint8Array.of(0xac)), "€")
  })
})
