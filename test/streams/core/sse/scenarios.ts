import type * as Sse from "../../../../src/streams/core/Sse.js"

/** An input as the server sends it, and what a reader must make of it. */
export interface Scenario {
  readonly name: string
  readonly input: string | ReadonlyArray<number>
  readonly frames: ReadonlyArray<Sse.Frame>
}

const message = (data: string, more: { readonly event?: string; readonly id?: string } = {}): Sse.Frame => ({
  _tag: "Event",
  event: more.event ?? "message",
  data,
  id: more.id ?? ""
})
const idOnly = (id: string): Sse.Frame => ({ _tag: "IdOnly", id })
const retry = (millis: number): Sse.Frame => ({ _tag: "Retry", millis })
const truncated = (discarded: number): Sse.Frame => ({ _tag: "Truncated", discarded })

const filler = "x".repeat(2048)
const ascii = (text: string): Array<number> => Array.from(text, (char) => char.charCodeAt(0))

const lineEnds: ReadonlyArray<readonly [name: string, end: string]> = [["LF", "\n"], ["CRLF", "\r\n"], ["CR", "\r"]]

const byLineEnd = lineEnds.flatMap(([name, end]): Array<Scenario> => [
  {
    name: `${name}: an event of one line, then one of two`,
    input: ["data: one", "", "data: two", "data: three", "", ""].join(end),
    frames: [message("one"), message("two\nthree")]
  },
  {
    name: `${name}: empty data lines first, in the middle and last`,
    input: ["data:", "data: a", "data:", "data: b", "data", "", ""].join(end),
    frames: [message("\na\n\nb\n")]
  },
  {
    name: `${name}: blank lines in front, between and behind deliver nothing`,
    input: ["", "", "data: a", "", "", "", "data: b", "", "", ""].join(end),
    frames: [message("a"), message("b")]
  },
  {
    name: `${name}: every field, and the ones nobody knows`,
    input: ["event: batch", "id: 12", "retry: 2500", "foo: bar", "data: []", "", ""].join(end),
    frames: [retry(2500), message("[]", { event: "batch", id: "12" })]
  },
  {
    name: `${name}: an id without data`,
    input: ["id: 9", "", "data: a", "", ""].join(end),
    frames: [idOnly("9"), message("a", { id: "9" })]
  },
  {
    name: `${name}: comments between, inside and instead of events`,
    input: [": ping", "", ":", "data: a", ": inside", "data: b", "", ": pong", "", ""].join(end),
    frames: [message("a\nb")]
  },
  {
    name: `${name}: the end of the last line is missing`,
    input: ["data: a", "", "data: b"].join(end),
    frames: [message("a"), truncated(7)]
  },
  {
    name: `${name}: the blank line behind the last event is missing`,
    input: ["id: 1", "data: a", "", "id: 2", "data: b", ""].join(end),
    frames: [message("a", { id: "1" }), truncated(12)]
  }
])

/** Cases after the Web Platform Tests' eventsource directory, with neighbours of our own. */
const platformTests: ReadonlyArray<Scenario> = [
  { name: "one byte order mark is dropped", input: "\uFEFFdata: a\n\n", frames: [message("a")] },
  {
    name: "of two byte order marks the second belongs to the field name",
    input: "\uFEFF\uFEFFdata:1\n\ndata:2\n\n",
    frames: [message("2")]
  },
  {
    name: "a byte order mark further on is text",
    input: "data:1\n\n\uFEFFdata:2\n\ndata:\uFEFF3\n\n",
    frames: [message("1"), message("\uFEFF3")]
  },
  {
    name: "comments with NUL, with fields and very long ones, all line ends mixed",
    input: `data:1\r:\0\n:\r\ndata:2\n:${filler}\rdata:3\n:data:fail\r:${filler}\ndata:4\n\n`,
    frames: [message("1\n2\n3\n4")]
  },
  {
    name: "data of nothing, of two empty lines, of a word",
    input: "data:\n\ndata\ndata\n\ndata:test\n\n",
    frames: [message(""), message("\n"), message("test")]
  },
  {
    name: "an unfinished event is not delivered and does not set the id",
    input: "retry:1000\ndata:test1\n\nid:test\ndata:test2",
    frames: [retry(1000), message("test1"), truncated(17)]
  },
  {
    name: "an event name holds for its event only",
    input: "event:test\ndata:x\n\ndata:x\n\n",
    frames: [message("x", { event: "test" }), message("x")]
  },
  { name: "an empty event name is the default one", input: "event: \ndata:x\n\n", frames: [message("x")] },
  {
    name: "the last event name counts, also when it is empty",
    input: "event: a\nevent: b\ndata: 1\n\nevent: a\nevent\ndata: 2\n\n",
    frames: [message("1", { event: "b" }), message("2")]
  },
  {
    name: "an event name without data is dropped with its block",
    input: "event: a\n\ndata: 1\n\n",
    frames: [message("1")]
  },
  {
    name: "an id sticks",
    input: "id: 1\ndata: a\n\ndata: b\n\n",
    frames: ["a", "b"].map((d) => message(d, { id: "1" }))
  },
  {
    name: "a later id replaces it",
    input: "id: 1\ndata: a\n\nid: 2\ndata: b\n\ndata: c\n\n",
    frames: [message("a", { id: "1" }), message("b", { id: "2" }), message("c", { id: "2" })]
  },
  {
    name: "an empty id clears it",
    input: "id: 1\ndata: a\n\nid\ndata: b\n\ndata: c\n\n",
    frames: [message("a", { id: "1" }), message("b"), message("c")]
  },
  { name: "an id beyond ASCII", input: "id: …\ndata: hello\n\n", frames: [message("hello", { id: "…" })] },
  {
    name: "an id with NUL is ignored and leaves the one before",
    input: "id: 1\nid: \0\0\ndata: a\n\nid: a\0b\ndata: b\n\nid: \0\n\n",
    frames: [message("a", { id: "1" }), message("b", { id: "1" })]
  },
  { name: "NUL in data is text", input: "data:\0\n\n", frames: [message("\0")] },
  {
    name: "only an unsigned whole number is a reconnection time",
    input: "retry:1000x\nretry: -5\nretry:1.5\nretry:\nretry\nretry:  7\nretry:٣\nretry:2000\nretry:1e3\n\n",
    frames: [retry(2000)]
  },
  {
    name: "a reconnection time without an event, with leading zeros, too large to count",
    input: `retry:0300\n\nretry:${"9".repeat(400)}\n\n`,
    frames: [retry(300), retry(Number.MAX_SAFE_INTEGER)]
  },
  {
    name: "exactly one space behind the colon is dropped, and no tab",
    input: "data:\tone\ndata:  two\ndata: \ndata:three \n\n",
    frames: [message("\tone\n two\n\nthree ")]
  },
  {
    name: "field names are exact: no blank around them, no other case, no prefix",
    input:
      "data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n",
    frames: [message("\0\n 2\n1\n3\n\n4")]
  },
  {
    name: "field names that others begin with",
    input: "datas: 1\ndat: 2\nevents: a\nevent : a\nids: 1\ni: 1\nretrys: 1\nretr: 1\nd\ne\ni\nr\ndata: x\n\n",
    frames: [message("x")]
  },
  {
    name: "colons in a value stay",
    input: "event: a:b\ndata: c: d:\n\n",
    frames: [message("c: d:", { event: "a:b" })]
  },
  { name: "it is always UTF-8", input: "data:ok…\n\n", frames: [message("ok…")] },
  {
    name: "three line ends, three kinds",
    input: "data:a\n\r\ndata:b\r\r\ndata:c\r\n\n",
    frames: ["a", "b", "c"].map((d) => message(d))
  }
]

/** Scenarios after LaunchDarkly's contract tests for event sources that the ones above do not contain. */
const contractTests: ReadonlyArray<Scenario> = [
  {
    name: "fields in reverse order",
    input: "data: Hello\nid: abc\nevent: greeting\n\n",
    frames: [message("Hello", { event: "greeting", id: "abc" })]
  },
  {
    name: "fields without and with too many blanks",
    input: "event:greeting\ndata:Hello\n\nevent:  greeting\ndata:  Hello\n\n",
    frames: [message("Hello", { event: "greeting" }), message(" Hello", { event: " greeting" })]
  },
  { name: "characters of two, three and four bytes", input: "data: é€豆腐😀\n\n", frames: [message("é€豆腐😀")] },
  {
    name: "many events at once keep their order",
    input: Array.from({ length: 100 }, (_, i) => `data: message ${i}\n\n`).join(""),
    frames: Array.from({ length: 100 }, (_, i) => message(`message ${i}`))
  },
  {
    name: "a comment straight behind the byte order mark",
    input: "\uFEFF:comment\ndata: a\n\n",
    frames: [message("a")]
  },
  ...[1023, 1024, 1025, 4094, 4096, 4098, 8192].map((size): Scenario => ({
    name: `a payload of ${size} characters`,
    input: `data: ${"x".repeat(size)}\n\n`,
    frames: [message("x".repeat(size))]
  }))
]

const inputs: ReadonlyArray<Scenario> = [
  { name: "nothing", input: "", frames: [] },
  { name: "a byte order mark and nothing else", input: "\uFEFF", frames: [] },
  { name: "keep-alives and nothing else", input: ":\n\n:\n\n: keep-alive\n", frames: [] },
  { name: "a comment without an end", input: "data: a\n\n: keep-al", frames: [message("a"), truncated(9)] },
  { name: "an end between CR and LF is an end", input: "data: a\r\n\r", frames: [message("a")] },
  { name: "a blank line of LF CR", input: "data: a\n\r", frames: [message("a")] },
  { name: "an open block that holds no data", input: "event: a\n", frames: [truncated(8)] },
  {
    name: "invalid bytes become replacement characters",
    input: [...ascii("data: "), 0xff, 0xfe, 0x20, 0xc3, 0x0a, ...ascii("data: "), 0xe2, 0x82, 0x0d, 0x0d],
    frames: [message("\uFFFD\uFFFD \uFFFD\n\uFFFD")]
  },
  {
    name: "an end inside a character",
    input: [...ascii("data: a\n\ndata: "), 0xe2, 0x82],
    frames: [message("a"), truncated(7)]
  },
  {
    name: "an end inside the first character of a line",
    input: [...ascii("data: a\n\n"), 0xf0, 0x9f],
    frames: [message("a"), truncated(1)]
  }
]

export const scenarios: ReadonlyArray<Scenario> = [...byLineEnd, ...platformTests, ...contractTests, ...inputs]
