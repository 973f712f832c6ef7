/**
 * Unpacks bzip2. The published decoders for JavaScript can neither bound their output nor stop: a block of some bytes
 * may claim two thousand million. This one refuses what is cut off, damaged (every checksum is looked at) or longer than
 * it may be, in linear time and typed arrays.
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"

/** What is no bzip2, or not all of it, or more than `limit` bytes. */
export class Bzip2Error extends Data.TaggedError("Bzip2Error")<{ readonly reason: string }> {}

const refuse = (reason: string): never => {
  throw new Bzip2Error({ reason })
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc >>> 0
})

/** Reads bits, the highest first; the end of the input is a refusal. */
class Bits {
  private next = 0
  private held = 0
  private count = 0
  constructor(private readonly bytes: Uint8Array) {}

  /** Up to 24 bits. */
  read(bits: number): number {
    while (this.count < bits) {
      const byte = this.bytes[this.next++] ?? refuse("unexpected end of input")
      this.held = ((this.held & 0xffffff) << 8) | byte
      this.count += 8
    }
    this.count -= bits
    return (this.held >>> this.count) & ((1 << bits) - 1)
  }

  read32(): number {
    return ((this.read(16) << 16) | this.read(16)) >>> 0
  }
}

const at = (array: ArrayLike<number>, index: number): number => array[index] ?? refuse("value out of range")

interface Codes {
  readonly limits: Int32Array
  readonly bases: Int32Array
  readonly symbols: ReadonlyArray<number>
}

/** A canonical Huffman code: for each length the last code of it, and where its symbols begin. */
const codesOf = (lengths: ReadonlyArray<number>): Codes => {
  const limits = new Int32Array(21).fill(-1)
  const bases = new Int32Array(21)
  const symbols: Array<number> = []
  let code = 0
  for (let length = 1; length <= 20; length++) {
    bases[length] = symbols.length - code
    lengths.forEach((each, symbol) => {
      if (each !== length) return
      symbols.push(symbol)
      code++
    })
    limits[length] = code - 1
    code <<= 1
  }
  return { limits, bases, symbols }
}

const decode = (bits: Bits, { bases, limits, symbols }: Codes): number => {
  let code = 0
  for (let length = 1; length <= 20; length++) {
    code = (code << 1) | bits.read(1)
    if (code <= at(limits, length)) return at(symbols, code + at(bases, length))
  }
  return refuse("no such code")
}

/** Takes the value at `index` to the front of its list. */
const toFront = (list: Array<number>, index: number): number => {
  const value = at(list, index)
  list.splice(index, 1)
  list.unshift(value)
  return value
}

const usedSymbols = (bits: Bits): Array<number> => {
  const ranges = bits.read(16)
  const used: Array<number> = []
  for (let high = 0; high < 16; high++) {
    if ((ranges & (0x8000 >> high)) === 0) continue
    const range = bits.read(16)
    for (let low = 0; low < 16; low++) if ((range & (0x8000 >> low)) !== 0) used.push(high * 16 + low)
  }
  return used
}

const selectorsOf = (bits: Bits, groups: number): ReadonlyArray<number> => {
  const order = Array.from({ length: groups }, (_, group) => group)
  return Array.from({ length: bits.read(15) }, () => {
    let index = 0
    while (bits.read(1) === 1) if (++index >= groups) refuse("no such table")
    return toFront(order, index)
  })
}

const tableOf = (bits: Bits, symbols: number): Codes => {
  let length = bits.read(5)
  return codesOf(Array.from({ length: symbols }, () => {
    for (;;) {
      if (length < 1 || length > 20) refuse("code length out of range")
      if (bits.read(1) === 0) return length
      length += bits.read(1) === 0 ? 1 : -1
    }
  }))
}

/** One block before its run lengths are undone: the bytes and their number, into `block`. */
const readBlock = (bits: Bits, block: Uint8Array): number => {
  const values = usedSymbols(bits)
  const groups = bits.read(3)
  if (values.length === 0 || groups < 2 || groups > 6) refuse("invalid block header")
  const selectors = selectorsOf(bits, groups)
  const tables = Array.from({ length: groups }, () => tableOf(bits, values.length + 2))
  const end = values.length + 1
  let length = 0
  let run = 0
  let power = 1
  for (const selector of selectors) {
    const codes = tables[selector] ?? refuse("no such table")
    for (let each = 0; each < 50; each++) {
      const symbol = decode(bits, codes)
      if (symbol <= 1) {
        run += power << symbol
        power <<= 1
        if (length + run > block.length) refuse("block too long")
        continue
      }
      if (run > 0) block.fill(at(values, 0), length, length + run)
      length += run
      run = 0
      power = 1
      if (symbol === end) return length
      if (length >= block.length) refuse("block too long")
      block[length++] = toFront(values, symbol - 1)
    }
  }
  return refuse("block without an end")
}

/** Undoes the sorting: which position follows which. */
const linksOf = (block: Uint8Array): Uint32Array => {
  const starts = new Uint32Array(257)
  for (const byte of block) starts[byte + 1] = at(starts, byte + 1) + 1
  for (let byte = 1; byte <= 256; byte++) starts[byte] = at(starts, byte) + at(starts, byte - 1)
  const links = new Uint32Array(block.length)
  block.forEach((byte, index) => {
    const place = at(starts, byte)
    links[place] = index
    starts[byte] = place + 1
  })
  return links
}

/** Bytes that grow up to a limit. */
class Output {
  private bytes = new Uint8Array(1 << 16)
  private length = 0
  constructor(private readonly limit: number) {}

  push(byte: number, count: number): void {
    const end = this.length + count
    if (end > this.limit) refuse(`longer than ${this.limit} bytes`)
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.bytes.length * 2))
      grown.set(this.bytes)
      this.bytes = grown
    }
    this.bytes.fill(byte, this.length, end)
    this.length = end
  }

  /** The checksum of what came since `from`. */
  crc(from: number): number {
    let crc = 0xffffffff
    for (let index = from; index < this.length; index++) {
      crc = (crc << 8) ^ at(crcTable, ((crc >>> 24) ^ at(this.bytes, index)) & 0xff)
    }
    return ~crc >>> 0
  }

  get size(): number {
    return this.length
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length)
  }
}

/** Four equal bytes are followed by how often they are repeated. */
const writeBlock = (block: Uint8Array, origin: number, output: Output): void => {
  if (block.length === 0) return
  const links = linksOf(block)
  let place = at(links, origin)
  let last = -1
  let same = 0
  for (let index = 0; index < block.length; index++) {
    const byte = at(block, place)
    place = at(links, place)
    if (same === 4) {
      output.push(last, byte)
      same = 0
      last = -1
      continue
    }
    same = byte === last ? same + 1 : 1
    last = byte
    output.push(byte, 1)
  }
}

const unpack = (bytes: Uint8Array, limit: number): Uint8Array<ArrayBuffer> => {
  const bits = new Bits(bytes)
  const output = new Output(limit)
  if (bits.read(24) !== 0x425a68) refuse("bzip2 header missing")
  const level = bits.read(8) - 0x30
  if (level < 1 || level > 9) refuse("bzip2 header missing")
  const space = new Uint8Array(level * 100_000)
  let whole = 0
  for (;;) {
    const high = bits.read(24)
    const low = bits.read(24)
    const crc = bits.read32()
    if (high === 0x177245 && low === 0x385090) {
      if (crc !== whole) refuse("checksum mismatch")
      break
    }
    if (high !== 0x314159 || low !== 0x265359) refuse("invalid block header")
    if (bits.read(1) === 1) refuse("randomised block")
    const origin = bits.read(24)
    const from = output.size
    writeBlock(space.subarray(0, readBlock(bits, space)), origin, output)
    if (output.crc(from) !== crc) refuse("checksum mismatch")
    whole = (((whole << 1) | (whole >>> 31)) ^ crc) >>> 0
  }
  return output.take()
}

/** The unpacked bytes: `limit` of them at most. What follows the stream is not looked at. */
export const bunzip2 = (bytes: Uint8Array, limit: number): Either.Either<Uint8Array<ArrayBuffer>, Bzip2Error> =>
  Either.try({
    try: () => unpack(bytes, limit),
    catch: (error) => error instanceof Bzip2Error ? error : new Bzip2Error({ reason: "damaged" })
  })
