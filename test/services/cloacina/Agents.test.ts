import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Cloacina from "../../../src/cloacina.js"
import { answer, cloacina, plain, refusal } from "../support/Cloacina.js"
import { suite } from "./support/Calls.js"

const registered = { protocol_version: 1, agent_id: "ag-17", heartbeat_interval_seconds: 15 }
const keys = [{ key_id: "k-1", public_key_b64: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }]
const outcomes: ReadonlyArray<Cloacina.AgentOutcome> = [
  { kind: "success", context: { rows: 12 } },
  { kind: "failure", message: "bad input", classification: "validation" },
  { kind: "refused", reason: "shutdown", message: "going down" }
]
const work = {
  agent_id: "ag-17",
  task_execution_id: "c2a7d0b4-6f1e-4a39-9d3b-1e8f7a5c4b22",
  attempt: 1,
  duration_ms: 812
}

suite(Cloacina.Agents, [
  {
    name: "register",
    call: (agents) => agents.register({ max_concurrency: 4, target_triple: "x86_64-linux", ephemeral_key_pool: keys }),
    request: () => "POST /v1/agent/register",
    body: {
      protocol_version: 1,
      agent_id: null,
      max_concurrency: 4,
      target_triple: "x86_64-linux",
      capabilities: [],
      ephemeral_public_key: null,
      ephemeral_key_pool: keys
    },
    answer: registered,
    gives: registered,
    errors: ["PayloadTooLarge"]
  },
  {
    name: "heartbeat",
    call: (agents) => agents.heartbeat({ agent_id: "ag-17", in_flight: 1, available_capacity: 3 }),
    request: () => "POST /v1/agent/heartbeat",
    body: { protocol_version: 1, agent_id: "ag-17", in_flight: 1, available_capacity: 3 },
    answer: { protocol_version: 1, replenish_keys: 31 },
    errors: ["NotFound", "PayloadTooLarge"]
  },
  {
    name: "replenish",
    call: (agents) => agents.replenish({ agent_id: "ag-17", keys }),
    request: () => "POST /v1/agent/keys",
    body: { protocol_version: 1, agent_id: "ag-17", keys },
    answer: { protocol_version: 1, accepted: 1 },
    errors: ["NotFound", "PayloadTooLarge"]
  },
  ...outcomes.map((outcome) => ({
    name: `result: ${outcome.kind}`,
    call: (agents: Cloacina.Agents.Service) => agents.result({ ...work, outcome }),
    request: () => "POST /v1/agent/result",
    body: { protocol_version: 1, ...work, outcome },
    answer: { protocol_version: 1 },
    errors: ["PayloadTooLarge"] as const
  })),
  {
    name: "providers",
    call: (agents, digest) => agents.providers(digest, "x86_64-linux & more"),
    request: (digest) => `GET /v1/agent/providers/${digest}?target_triple=x86_64-linux%20%26%20more`,
    answer: { providers: [{ name: "a", data: "AAE=" }] },
    gives: [{ name: "a", data: "AAE=" }],
    errors: ["NotFound"]
  }
])

describe("downloads", () => {
  const download = (reply: () => Response, which: "artifact" | "source" = "artifact", digest = "52e8") => {
    const { layer, sent } = cloacina(reply)
    return { sent, got: Effect.provide(Effect.flatMap(Cloacina.Agents, (agents) => agents[which](digest)), layer) }
  }
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)
  const headers = {
    "content-type": "application/octet-stream",
    "cache-control": "public, max-age=31536000, immutable",
    "x-build-target-triple": "x86_64-linux"
  }

  it.effect("are bytes, with the platform and how long they may be kept", () =>
    Effect.gen(function*() {
      const { got, sent } = download(() => new Response(bytes, { headers }))
      const artifact = yield* got
      assert.deepStrictEqual(artifact.bytes, bytes)
      assert.deepStrictEqual(artifact.buildTargetTriple, Option.some("x86_64-linux"))
      assert.deepStrictEqual(artifact.cacheControl, Option.some("public, max-age=31536000, immutable"))
      assert.strictEqual(sent[0]?.path, "/v1/agent/artifact/52e8")
      assert.strictEqual(sent[0]?.headers["accept"], "application/octet-stream")
    }))

  it.effect("may be empty, and without headers", () =>
    Effect.gen(function*() {
      const { got, sent } = download(
        () => new Response(null, { headers: { "content-type": "application/octet-stream" } }),
        "source",
        "a/b"
      )
      const source = yield* got
      assert.strictEqual(source.bytes.length, 0)
      assert.deepStrictEqual(source.buildTargetTriple, Option.none())
      assert.deepStrictEqual(source.cacheControl, Option.none())
      assert.strictEqual(sent[0]?.path, "/v1/agent/source/a%2Fb")
    }))

  it.effect("are not the page of a proxy", () =>
    Effect.gen(function*() {
      const { got } = download(() => new Response("<html>sign in</html>", { headers: { "content-type": "text/html" } }))
      const error = yield* Effect.flip(got)
      assert.strictEqual(error._tag === "DecodeError" && error.expected, "application/octet-stream")
    }))

  it.effect("fail like every call", () =>
    Effect.gen(function*() {
      const cases = [
        [refusal(404, "artifact_not_found"), "NotFound"],
        [refusal(401, "unauthorized"), "Unauthorized"],
        [plain(503, "no"), "Unavailable"],
        [answer(409, {}), "UnexpectedStatus"]
      ] as const
      for (const [reply, tag] of cases) assert.strictEqual((yield* Effect.flip(download(() => reply).got))._tag, tag)
      const { got, sent } = download(() => new Response(bytes, { headers }), "artifact", "..")
      assert.strictEqual((yield* Effect.flip(got))._tag, "InvalidInput")
      assert.strictEqual(sent.length, 0)
    }))
})
