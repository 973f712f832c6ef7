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
const maxDepth = 128

/** How much of a member name or an enum value an error shows, in characters. */
const maxShown = 64

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34
const BACKSLASH = 92

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

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

  constructor(private readonly text: string) {}

  /**
   * The kind of the next value, which is not read.
   *
   * @since 0.1.0
   */
  peek(): Kind {
    if (this.beforeColon) {
      this.beforeColon = false
      this.punctuation(":", "EOF while parsing an object", "expected `:`")
    }
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
    for (let first = true; !this.closes("}", first, "EOF while parsing an object"); first = false) {
      if (this.skipBlanks() !== "\"") {
        if (this.at >= this.text.length) this.fail("EOF while parsing an object")
        this.failAhead("key must be a string")
      }
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
    for (let index = 0; !this.closes("]", index === 0, "EOF while parsing a list"); index++) {
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
   * Refuses the document because of the member whose name was just read, on behalf of the object it is in.
   *
   * @since 0.1.0
   */
  failMember(detail: string): never {
    this.path.pop()
    return this.failAt(this.at, detail)
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
  private closes(bracket: "}" | "]", first: boolean, onEnd: string): boolean {
    const next = this.skipBlanks()
    if (next === bracket) {
      this.at++
      return true
    }
    if (next === "") this.fail(onEnd)
    if (first) return false
    if (next !== ",") this.failAhead(`expected \`,\` or \`${bracket}\``)
    this.at++
    if (this.skipBlanks() === bracket) this.failAhead("trailing comma")
    return false
  }

  private punctuation(expected: string, onEnd: string, otherwise: string): void {
    const next = this.skipBlanks()
    if (next === "") this.fail(onEnd)
    if (next !== expected) this.failAhead(otherwise)
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
    if (/[\d.eE]/.test(this.text[this.at] ?? "")) this.failAhead("invalid number")
    return token
  }

  private stringToken(): string {
    const { text } = this
    let from = ++this.at
    let value = ""
    for (;;) {
      const code = text.charCodeAt(this.at)
      if (code === QUOTE) {
        value += text.slice(from, this.at++)
        return value
      }
      if (code === BACKSLASH) {
        value += text.slice(from, this.at++)
        value += this.escape()
        from = this.at
      } else if (code < SPACE) {
        this.failAhead("control character (\\u0000-\\u001F) found while parsing a string")
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
    if (first > 0xdbff || !this.text.startsWith("\\u", this.at)) this.fail("lone surrogate in hex escape")
    this.at += 2
    const second = this.hexEscape()
    if (second < 0xdc00 || second > 0xdfff) this.fail("lone surrogate in hex escape")
    return String.fromCharCode(first, second)
  }

  private hexEscape(): number {
    const hex = this.text.slice(this.at, this.at + 4)
    if (hex.length < 4) this.fail("EOF while parsing a string")
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) this.fail("invalid escape")
    this.at += 4
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
    return this.failAt(this.at + 1, detail)
  }

  private failAt(at: number, detail: string): never {
    const before = this.text.slice(0, at)
    const lineStart = before.lastIndexOf("\n") + 1
    throw new JsonRefused({
      path: this.path.map((step) => typeof step === "number" ? `[${step}]` : `.${shown(step)}`).join("").replace(
        /^\./,
        ""
      ),
      detail,
      line: before.split("\n").length,
      column: at - lineStart
    })
  }
}

/**
 * Runs a decoder over a JSON text, which must hold one value and nothing behind it.
 *
 * @since 0.1.0
 * @category decoding
 */
export const read = <A>(text: string, decoder: (reader: Reader) => A): Either.Either<A, JsonRefused> => {
  const reader = new Reader(text)
  try {
    const value = decoder(reader)
    reader.end()
    return Either.right(value)
  } catch (refused) {
    if (refused instanceof JsonRefused) return Either.left(refused)
    throw refused
  }
}
