import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { excerpt, percentEncode, redact } from "../../../src/services/core/Redaction.js"

const secret = "p\"a/s s\\w\u00f6rd\n1"

describe("redact", () => {
  it("takes a secret out as it is, escaped as JSON and percent-encoded", () => {
    const text = `${secret} | ${JSON.stringify({ a: secret })} | ?token=${encodeURIComponent(secret)}`
    assert.strictEqual(redact(text, [secret]), "<redacted> | {\"a\":\"<redacted>\"} | ?token=<redacted>")
  })

  it("takes a secret out that was escaped twice, and for HTML", () => {
    const json = JSON.stringify({ a: secret })
    const html = json.replaceAll("\"", "&quot;")
    assert.strictEqual(redact(JSON.stringify(json), [secret]), "\"{\\\"a\\\":\\\"<redacted>\\\"}\"")
    assert.strictEqual(redact(html, [secret]), "{&quot;a&quot;:&quot;<redacted>&quot;}")
    assert.strictEqual(redact(encodeURIComponent(json), [secret]), "%7B%22a%22%3A%22<redacted>%22%7D")
  })

  it("takes out the beginning of a secret that is longer than the text", () => {
    assert.strictEqual(redact("body: line one\\nline", [`line one\n${"line two\n".repeat(1000)}`]), "body: <redacted>")
  })

  it("takes out every occurrence of every secret", () => {
    assert.strictEqual(redact("aaaa bbbb aaaabbbb", ["aaaa", "bbbb"]), "<redacted> <redacted> <redacted><redacted>")
  })

  it("takes out a secret that holds another", () => {
    assert.strictEqual(redact("key abcd-efgh.", ["abcd", "abcd-efgh"]), "key <redacted>.")
  })

  it("leaves short values alone", () => {
    assert.strictEqual(redact("code 123", ["123", "", "1"]), "code 123")
  })

  it("takes out the beginning of a secret at the end of a text that was cut off", () => {
    assert.strictEqual(redact("authorization: Bearer s3cr3t-tok", ["s3cr3t-token"]), "authorization: Bearer <redacted>")
    assert.strictEqual(redact("authorization: Bearer s3c", ["s3cr3t-token"]), "authorization: Bearer s3c")
  })

  it("copes with a secret that has no percent-encoding", () => {
    assert.strictEqual(redact("a \ud800bcd z", ["\ud800bcd"]), "a <redacted> z")
  })

  it.prop(
    "leaves nothing of a secret, wherever it stands",
    [FastCheck.string(), FastCheck.string({ minLength: 8 }), FastCheck.string()],
    ([before, secret, after]) => {
      const out = redact(before + secret + after, [secret])
      // A secret may be made of the very letters of the mark.
      return "<redacted>".includes(secret) || !out.replaceAll("<redacted>", "\u0000").includes(secret)
    }
  )
})

describe("excerpt", () => {
  it("bounds a text and makes control characters harmless, lines excepted", () => {
    assert.strictEqual(excerpt("abcdef", 3), "abc")
    assert.strictEqual(excerpt("a\tb\nc\u001b[31m\u0000\r\u009b", 100), "a\tb\nc\ufffd[31m\ufffd\ufffd\ufffd")
  })
})

describe("percentEncode", () => {
  it("is none for what is not well-formed Unicode", () => {
    assert.deepStrictEqual(percentEncode("a b"), Option.some("a%20b"))
    assert.deepStrictEqual(percentEncode("\udc00"), Option.none())
  })
})
