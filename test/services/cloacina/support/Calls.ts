/** What must be so for every method of every service: request line, headers, encoding, errors, secrets. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Services } from "../../../../src/cloacina.js"
import { answer, cloacina, key, plain, refusal, requestId } from "../../support/Cloacina.js"
import type * as Memory from "../../support/Memory.js"
import * as Observe from "../../support/Observe.js"

type Tagged = { readonly _tag: string }

export interface Case<S> {
  readonly name: string
  /** Calls the method with `id` in its first path argument, for `tenant`. */
  readonly call: (service: S, id: string, tenant: string) => Effect.Effect<unknown, Tagged>
  /** The request line for encoded values. */
  readonly request: (id: string, tenant: string) => string
  readonly body?: unknown
  readonly status?: number
  readonly answer: unknown
  /** What the method gives; the answer as it is when absent. */
  readonly gives?: unknown
  /** The errors beside those of every call. */
  readonly errors?: ReadonlyArray<"NotFound" | "Conflict" | "PayloadTooLarge" | "NotImplemented">
  readonly isPublic?: boolean
  /** Whether there is no JSON that is no answer. */
  readonly takesAnyJson?: boolean
  /** Parts of the input that must show up in the request and nowhere else. */
  readonly secrets?: ReadonlyArray<string>
}

/** Characters that URLs, proxies and templates trip over. */
const nasty = [
  "a'b",
  "a/b",
  "100%",
  "%2F",
  "a b",
  "a?b#c",
  "a:b",
  "día-日本-🌋",
  "a\u0000b\nc",
  "..%2f..",
  "a+b&c=d",
  "{id}",
  ":id"
]

/** What no path can carry. */
const impossible = ["", " ", ".", "..", "\ud800"]

const refusals: ReadonlyArray<{
  readonly reply: () => Response
  readonly tag: string
  readonly code?: string
  /** The tag where the endpoint does not name it. */
  readonly otherwise?: string
}> = [
  { reply: () => refusal(400, "invalid_request"), tag: "InvalidInput", code: "invalid_request" },
  { reply: () => plain(400, "Failed to parse the request body as JSON: EOF"), tag: "InvalidInput", code: "unknown" },
  { reply: () => plain(415, "Expected request with `Content-Type`"), tag: "InvalidInput", code: "unknown" },
  { reply: () => plain(422, "Failed to deserialize the JSON body"), tag: "InvalidInput", code: "unknown" },
  { reply: () => refusal(401, "unauthorized"), tag: "Unauthorized", code: "unauthorized" },
  { reply: () => refusal(403, "tenant_access_denied"), tag: "Forbidden", code: "tenant_access_denied" },
  {
    reply: () => refusal(404, "thing_not_found"),
    tag: "NotFound",
    code: "thing_not_found",
    otherwise: "UnexpectedStatus"
  },
  { reply: () => refusal(404, "not_found"), tag: "VersionMismatch", code: "not_found" },
  {
    reply: () => new Response("<html>", { status: 404, headers: { "x-request-id": requestId } }),
    tag: "VersionMismatch"
  },
  { reply: () => new Response(null, { status: 405, headers: { "x-request-id": requestId } }), tag: "VersionMismatch" },
  { reply: () => refusal(409, "taken"), tag: "Conflict", code: "taken", otherwise: "UnexpectedStatus" },
  { reply: () => plain(413, "length limit exceeded"), tag: "PayloadTooLarge", otherwise: "UnexpectedStatus" },
  { reply: () => refusal(429, "login_throttled", "no", { "retry-after": "30" }), tag: "RateLimited" },
  { reply: () => refusal(500, "internal_error"), tag: "Internal", code: "internal_error" },
  {
    reply: () => refusal(501, "oidc_disabled"),
    tag: "NotImplemented",
    code: "oidc_disabled",
    otherwise: "UnexpectedStatus"
  },
  { reply: () => plain(502, "bad gateway"), tag: "Unavailable", code: "unknown" },
  { reply: () => refusal(503, "secrets_not_configured"), tag: "Unavailable", code: "secrets_not_configured" },
  { reply: () => plain(504, "too late"), tag: "Unavailable", code: "unknown" },
  { reply: () => answer(302, {}, { location: "http://127.0.0.1/" }), tag: "UnexpectedStatus" },
  { reply: () => answer(418, {}), tag: "UnexpectedStatus" }
]

const lineOf = (sent: Memory.Sent | undefined) => `${sent?.method} ${sent?.path}`

/** Declares the tests of a service. */
export const suite = <S>(tag: Effect.Effect<S, never, Services>, cases: ReadonlyArray<Case<S>>) => {
  const over = (reply: Parameters<typeof cloacina>[0]) => {
    const { layer, sent } = cloacina(reply)
    return Effect.map(Effect.provide(tag, layer), (service) => ({ service, sent }))
  }

  for (const one of cases) {
    const { status = 200 } = one
    const success = () => answer(status, one.answer)
    const hasId = one.request("<>", "t").includes("<>")
    const hasTenant = one.request("a", "<>").includes("<>")

    describe(one.name, () => {
      it.effect("sends exactly its request, and gives the answer", () =>
        Effect.gen(function*() {
          const { sent, service } = yield* over(success)
          const value = yield* one.call(service, "a1", "north")
          assert.strictEqual(sent.length, 1)
          assert.strictEqual(lineOf(sent[0]), one.request("a1", "north"))
          const headers = sent[0]?.headers ?? {}
          assert.strictEqual(headers["authorization"], one.isPublic === true ? undefined : `Bearer ${key}`)
          assert.strictEqual(headers["accept"], "application/json")
          assert.strictEqual(headers["content-type"], one.body === undefined ? undefined : "application/json")
          if (one.body === undefined) assert.strictEqual(sent[0]?.body, "")
          else assert.deepStrictEqual(JSON.parse(sent[0]?.body ?? ""), one.body)
          assert.deepStrictEqual(JSON.parse(JSON.stringify(value)), JSON.parse(JSON.stringify(one.gives ?? value)))
        }))

      if (hasId || hasTenant) {
        it.effect("encodes every value as one segment", () =>
          Effect.gen(function*() {
            const { sent, service } = yield* over(success)
            for (const [index, text] of nasty.entries()) {
              yield* one.call(service, hasId ? text : "a1", hasTenant ? text : "north")
              const encoded = encodeURIComponent(text)
              assert.strictEqual(
                lineOf(sent[index]),
                one.request(hasId ? encoded : "a1", hasTenant ? encoded : "north"),
                JSON.stringify(text)
              )
            }
          }))

        it.effect("refuses what no path can carry, before any request", () =>
          Effect.gen(function*() {
            const { sent, service } = yield* over(success)
            for (const text of impossible) {
              const inputs = [
                ...(hasId ? [[text, "north"] as const] : []),
                ...(hasTenant ? [["a1", text] as const] : [])
              ]
              for (const [id, tenant] of inputs) {
                const error = yield* Effect.flip(one.call(service, id, tenant))
                assert.strictEqual(error._tag, "InvalidInput")
                assert.strictEqual(sent.length, 0)
              }
            }
          }))
      }

      it.effect("has an error for every answer", () =>
        Effect.gen(function*() {
          const { sent, service } = yield* over((_, index) => refusals[index]?.reply() ?? "reset")
          for (const [index, { code, otherwise, reply, tag }] of refusals.entries()) {
            const isNamed = otherwise === undefined || (one.errors ?? []).some((name) => name === tag)
            const error = yield* Effect.flip(one.call(service, "a1", "north"))
            const label = `${reply().status} ${code ?? ""}`
            assert.strictEqual(error._tag, isNamed ? tag : otherwise, label)
            assert.strictEqual(sent.length, index + 1, label)
            const shown: Record<string, unknown> = JSON.parse(JSON.stringify(error))
            assert.strictEqual(shown["status"], reply().status, label)
            assert.strictEqual(shown["requestId"], requestId, label)
            if (code !== undefined && isNamed) assert.strictEqual(shown["code"], code, label)
            if (tag === "RateLimited") assert.strictEqual(shown["retryAfterMs"], 30_000)
          }
        }))

      it.effect("does not take for an answer what is none", () =>
        Effect.gen(function*() {
          const others = [
            new Response("<html>sign in</html>", { status: 200, headers: { "content-type": "text/html" } }),
            new Response("", { status: 200 }),
            ...(one.takesAnyJson === true ? [] : [answer(status, [])])
          ]
          for (const other of others) {
            const { service } = yield* over(() => other)
            const error = yield* Effect.flip(one.call(service, "a1", "north"))
            assert.strictEqual(error._tag, "DecodeError")
          }
        }))

      it.effect("shows no secret, whatever the server says", () =>
        Effect.gen(function*() {
          const secrets = one.secrets ?? []
          const echoes = [
            (sent: Memory.Sent) => plain(422, `invalid value in ${sent.body} from ${sent.headers["authorization"]}`),
            (sent: Memory.Sent) => refusal(500, "internal_error", `${sent.body} ${sent.headers["authorization"]}`),
            (sent: Memory.Sent) => plain(200, `[${sent.body}, ${sent.headers["authorization"]}`),
            (sent: Memory.Sent) => new Response(`<b>${sent.body}${sent.headers["authorization"]}</b>`, { status: 418 })
          ]
          for (const echo of echoes) {
            const observer = Observe.make()
            const { sent, service } = yield* over(echo)
            const error = yield* Effect.flip(
              observer.observe(Effect.tapErrorCause(one.call(service, "a1", "north"), Effect.logError))
            )
            const shown = [Observe.shown(error), Observe.printed(observer.lines), Observe.printed(observer.spans)].join(
              "\n"
            )
            for (const secret of secrets) assert.include(sent[0]?.body ?? "", JSON.stringify(secret).slice(1, -1))
            for (const secret of [...secrets, key]) assert.notInclude(shown, secret)
            assert.isAbove(observer.spans.length, 0)
          }
        }))
    })
  }
}
