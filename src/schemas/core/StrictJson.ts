/**
 * A pull reader for JSON text that hides nothing: every member is seen, duplicates included, and numbers come as they
 * are written. `JSON.parse` keeps the last of two members and cannot tell `30000.0` from `30000`.
 *
 * The consumer asks for the values it expects; the first thing wrong, with the text or with what is asked for, ends the
 * reading. Time is linear in the text, depth is bounded, nothing is built that the consumer does not build.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Either from "effect/Either"

/**
 * The text was refused. `path` says where in the document (`spec.env[0].key`, empty for the whole), `line` (from 1) and
 * `column` (characters read in that line) where in the text. Values of the document are never part of `detail`.
 *
 * @since 0.1.0
 * @category errors
 */
export class JsonRefused extends Data.TaggedError("JsonRefused")<{
  readonly path: string
  readonly detail: string
  readonly line: number
  readonly column: number
}> {
  override get message() {
    return `${this.path === "" ? "" : `${this.path}: `}${this.detail} at line ${this.line} column ${this.column}`
  }
}

/**
 * The kinds of JSON values.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = "null" | "boolean" | "number" | "string" | "array" | "object"

/** How deep values may be nested. */
const maxDepth = 127

/** How much of a member name or an enum value an error shows, in characters. */
const maxShown = 64

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34
const BACKSLASH = 92

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** What no UTF-8 is decoded to. */
const unreadable = /[\ud800-\udfff]/u

const escapes: Readonly<Record<string, string>> = {
  "\"": "\"",
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t"
}

const articles: Readonly<Record<Kind, string>> = {
  null: "null",
  boolean: "a boolean",
  number: "a number",
  string: "a string",
  array: "a sequence",
  object: "a map"
}

/**
 * A text from the network, shortened for an error message.
 *
 * @since 0.1.0
 * @category utils
 */
export const shown = (text: string): string => text.length > maxShown ? `${text.slice(0, maxShown)}…` : text

/**
 * A reader in the middle of a document. Its methods throw `JsonRefused`, which {@link read} turns into a value: they are
 * for decoders that run inside of it.
 *
 * @since 0.1.0
 * @category models
 */
export class Reader {
  private at = 0
  private depth = 0
  private beforeColon = false
  private readonly path: Array<string | number> = []

  constructor(private readonly text: string, private readonly widthOf: (text: string) => number) {}

  /**
   * The kind of the next value, which is not read.
   *
   * @since 0.1.0
   */
  peek(): Kind {
    this.passColon()
    const next = this.skipBlanks()
    if (next === "\"") return "string"
    if (next === "{") return "object"
    if (next === "[") return "array"
    if (next === "n") return "null"
    if (next === "t" || next === "f") return "boolean"
    if (next === "-" || (next >= "0" && next <= "9")) return "number"
    return next === "" ? this.fail("EOF while parsing a value") : this.failAhead("expected value")
  }

  /**
   * Reads a string. `expected` is what an error says instead of “a string”.
   *
   * @since 0.1.0
   */
  string(expected?: string): string {
    this.take("string", expected)
    return this.stringToken()
  }

  /**
   * Reads a number as it is written.
   *
   * @since 0.1.0
   */
  number(expected?: string): string {
    this.take("number", expected)
    return this.numberToken()
  }

  /**
   * Reads `true` or `false`.
   *
   * @since 0.1.0
   */
  boolean(): boolean {
    this.take("boolean")
    const value = this.text[this.at] === "t"
    this.word(value ? "true" : "false")
    return value
  }

  /**
   * Reads `null` if it is next, and says whether it was.
   *
   * @since 0.1.0
   */
  isNull(): boolean {
    if (this.peek() !== "null") return false
    this.word("null")
    return true
  }

  /**
   * Reads an object. `member` is called behind each name and reads the value.
   *
   * @since 0.1.0
   */
  object(member: (name: string) => void, expected?: string): void {
    this.take("object", expected)
    this.enter()
    for (let first = true; !this.closes("}", first); first = false) {
      this.expectName()
      const name = this.stringToken()
      this.path.push(name)
      this.beforeColon = true
      member(name)
      this.path.pop()
    }
    this.depth--
  }

  /**
   * Reads an array. `item` is called in front of each value and reads it.
   *
   * @since 0.1.0
   */
  array(item: (index: number) => void, expected?: string): void {
    this.take("array", expected)
    this.enter()
    for (let index = 0; !this.closes("]", index === 0); index++) {
      this.path.push(index)
      item(index)
      this.path.pop()
    }
    this.depth--
  }

  /**
   * Refuses the document at the present position.
   *
   * @since 0.1.0
   */
  fail(detail: string): never {
    return this.failAt(this.at, detail)
  }

  /**
   * Refuses the document because of the member whose name was just read, or of the item that comes, on behalf of the
   * object or array it is in. `ahead` counts the character that comes into the column: 0 (default) or 1.
   *
   * @since 0.1.0
   */
  failMember(detail: string, ahead = 0): never {
    this.path.pop()
    return this.failAt(this.at, detail, ahead)
  }

  /**
   * Refuses the next value, which is not what was expected.
   *
   * @since 0.1.0
   */
  failType(expected: string): never {
    const found = this.peek()
    let what: string = found
    if (found === "string") {
      this.stringToken()
    } else if (found === "number") {
      what = /^-?\d+$/.test(this.numberToken()) ? "integer" : "floating point"
    } else if (found === "boolean") {
      this.boolean()
    } else if (found === "null") {
      this.isNull()
    } else {
      what = found === "array" ? "sequence" : "map"
    }
    return this.fail(`invalid type: ${what}, expected ${expected}`)
  }

  /**
   * Reads any value and forgets it: nothing is decoded, and nested as deep as it likes.
   *
   * @since 0.1.0
   */
  skip(): void {
    const open: Array<"}" | "]"> = []
    do {
      const kind = this.peek()
      if (kind === "string") this.skipString()
      else if (kind === "number") this.numberToken()
      else if (kind === "array" || kind === "object") this.at++
      else this.word(kind === "null" ? "null" : this.text[this.at] === "t" ? "true" : "false")
      let first = kind === "array" || kind === "object"
      if (first) open.push(kind === "array" ? "]" : "}")
      for (let end = open.at(-1); end !== undefined; end = open.at(-1), first = false) {
        if (!this.closes(end, first)) break
        open.pop()
      }
      if (open.at(-1) === "}") {
        this.expectName()
        this.skipString()
        this.beforeColon = true
      }
    } while (open.length > 0)
  }

  private expectName(): void {
    if (this.skipBlanks() === "\"") return
    if (this.at >= this.text.length) this.fail("EOF while parsing an object")
    this.failAhead("key must be a string")
  }

  private skipString(): void {
    const { text } = this
    for (this.at++;;) {
      const code = text.charCodeAt(this.at)
      if (code === QUOTE) return void this.at++
      if (code === BACKSLASH) {
        const letter = text[++this.at]
        if (letter === undefined) this.fail("EOF while parsing a string")
        this.at++
        if (letter === "u") this.hexEscape()
        else if (letter !== undefined && escapes[letter] === undefined) this.fail("invalid escape")
      } else if (code < SPACE) {
        this.fail("control character (\\u0000-\\u001F) found while parsing a string")
      } else if (this.at >= text.length) {
        this.fail("EOF while parsing a string")
      } else {
        this.at++
      }
    }
  }

  /** @internal */
  end(): void {
    if (this.skipBlanks() !== "") this.failAhead("trailing characters")
  }

  private take(kind: Kind, expected?: string): void {
    if (this.peek() !== kind) this.failType(expected ?? articles[kind])
  }

  private enter(): void {
    this.at++
    if (++this.depth > maxDepth) this.fail("recursion limit exceeded")
  }

  /** Whether the container ends here; otherwise the comma in front of the next element has been read. */
  private closes(bracket: "}" | "]", first: boolean): boolean {
    const next = this.skipBlanks()
    if (next === bracket) {
      this.at++
      return true
    }
    if (next === "") this.fail(`EOF while parsing ${bracket === "]" ? "a list" : "an object"}`)
    if (first) return false
    if (next !== ",") this.failAhead(`expected \`,\` or \`${bracket}\``)
    this.at++
    if (this.skipBlanks() === bracket) this.failAhead("trailing comma")
    return false
  }

  /** What is wrong between a name and its value is told of the object. */
  private passColon(): void {
    if (!this.beforeColon) return
    this.beforeColon = false
    const next = this.skipBlanks()
    if (next !== ":") this.path.pop()
    if (next === "") this.fail("EOF while parsing an object")
    if (next !== ":") this.failAhead("expected `:`")
    this.at++
  }

  private word(expected: string): void {
    for (const letter of expected) {
      if (this.at >= this.text.length) this.fail("EOF while parsing a value")
      if (this.text[this.at] !== letter) this.failAhead("expected ident")
      this.at++
    }
  }

  private numberToken(): string {
    number.lastIndex = this.at
    const token = number.exec(this.text)?.[0]
    if (token === undefined) {
      this.at++
      return this.at >= this.text.length ? this.fail("EOF while parsing a value") : this.failAhead("invalid number")
    }
    this.at += token.length
    // A leading zero, a dot without digits, an exponent without digits.
    const unfinished = /^(?:\.|[eE][+-]?|(?=\d))/.exec(this.text.slice(this.at, this.at + 2))?.[0]
    if (unfinished === undefined) return token
    this.at += unfinished.length
    return this.at < this.text.length ? this.failAhead("invalid number") : this.fail("EOF while parsing a value")
  }

  private stringToken(): string {
    const { text } = this
    const start = ++this.at
    let from = start
    let value = ""
    for (;;) {
      const code = text.charCodeAt(this.at)
      if (code === QUOTE) {
        value += text.slice(from, this.at)
        if (unreadable.test(text.slice(start, this.at))) this.fail("invalid unicode code point")
        this.at++
        return value
      }
      if (code === BACKSLASH) {
        value += text.slice(from, this.at++)
        value += this.escape()
        from = this.at
      } else if (code < SPACE) {
        this.failAt(++this.at, "control character (\\u0000-\\u001F) found while parsing a string")
      } else if (this.at >= text.length) {
        this.fail("EOF while parsing a string")
      } else {
        this.at++
      }
    }
  }

  private escape(): string {
    const letter = this.text[this.at]
    if (letter === undefined) return this.fail("EOF while parsing a string")
    this.at++
    const simple = escapes[letter]
    if (simple !== undefined) return simple
    if (letter !== "u") return this.fail("invalid escape")
    const first = this.hexEscape()
    if (first < 0xd800 || first > 0xdfff) return String.fromCharCode(first)
    if (first > 0xdbff) this.fail("lone leading surrogate in hex escape")
    for (const expected of "\\u") {
      if (this.text[this.at++] !== expected) this.fail("unexpected end of hex escape")
    }
    const second = this.hexEscape()
    if (second < 0xdc00 || second > 0xdfff) this.fail("lone leading surrogate in hex escape")
    return String.fromCharCode(first, second)
  }

  private hexEscape(): number {
    const hex = this.text.slice(this.at, this.at + 4)
    this.at += hex.length
    if (hex.length < 4) this.fail("EOF while parsing a string")
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.fail("invalid escape")
    return Number.parseInt(hex, 16)
  }

  /** The next character that is no blank, without reading it; empty at the end. */
  private skipBlanks(): string {
    for (;;) {
      const code = this.text.charCodeAt(this.at)
      if (code !== SPACE && code !== LF && code !== CR && code !== TAB) return this.text[this.at] ?? ""
      this.at++
    }
  }

  /**
   * Refuses the document because of the next character.
   *
   * @since 0.1.0
   */
  failAhead(detail: string): never {
    return this.failAt(this.at, detail, 1)
  }

  private failAt(at: number, detail: string, ahead = 0): never {
    const before = this.text.slice(0, at)
    const lineStart = before.lastIndexOf("\n") + 1
    throw new JsonRefused({
      path: this.path.map((step) => typeof step === "number" ? `[${step}]` : `.${shown(step)}`).join("").replace(
        /^\./,
        ""
      ),
      detail,
      line: before.split("\n").length,
      column: this.widthOf(before.slice(lineStart)) + ahead
    })
  }
}

/**
 * Runs a decoder over a JSON text, which must hold one value and nothing behind it.
 *
 * A lone surrogate in the text itself stands for a byte that is no UTF-8: a string with one is refused, one that is
 * skipped is not. `widthOf` measures columns, by default in characters.
 *
 * @since 0.1.0
 * @category decoding
 */
export const read = <A>(
  text: string,
  decoder: (reader: Reader) => A,
  widthOf: (text: string) => number = (text) => text.length
): Either.Either<A, JsonRefused> => {
  const reader = new Reader(text, widthOf)
  try {
    const value = decoder(reader)
    reader.end()
    return Either.right(value)
  } catch (refused) {
    if (refused instanceof JsonRefused) return Either.left(refused)
    throw refused
  }
}
