import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Cloacina from "../../../src/cloacina.js"
import { ExecutionEventPush, PushFrame } from "../../../src/schemas/cloacina/Delivery.js"
import * as Frames from "../../../src/streams/cloacina/Frames.js"
import * as Base64 from "../../../src/streams/core/Base64.js"

const golden = Path.join(import.meta.dirname, "../../fixtures/cloacina/golden/cases")

interface Recorded {
  readonly name: string
  readonly websockets?: ReadonlyArray<{
    readonly frames?: ReadonlyArray<{ readonly from: string; readonly json?: unknown; readonly payload?: unknown }>
  }>
}

describe("frames of the delivery socket", () => {
  it("are of version 1, which is that of the recorded server", () => {
    assert.strictEqual(Cloacina.DELIVERY_PROTOCOL_VERSION, 1)
    const file = Path.join(golden, "ws-delivery-welcome-hello-push-ack.json")
    const { websockets = [] } = JSON.parse(Fs.readFileSync(file, "utf8")) as Recorded
    const [first] = websockets.flatMap(({ frames }) => frames ?? []).filter(({ from }) => from === "server")
    const incoming = Frames.decode(JSON.stringify(first?.json))
    assert.isTrue(incoming instanceof Frames.Welcome && incoming.version === Cloacina.DELIVERY_PROTOCOL_VERSION)
  })

  it("decode as they were recorded", () => {
    let pushes = 0
    for (const file of Fs.readdirSync(golden).filter((name) => /^(ws-delivery|ws-ops|agent-work)/.test(name))) {
      const recorded = JSON.parse(Fs.readFileSync(Path.join(golden, file), "utf8")) as Recorded
      for (const { from, json, payload } of (recorded.websockets ?? []).flatMap(({ frames }) => frames ?? [])) {
        if (from !== "server" || json === undefined) continue
        const incoming = Frames.decode(JSON.stringify(json))
        if (incoming === undefined || incoming instanceof Frames.Undecodable) {
          return assert.fail(`${file}: ${JSON.stringify(json)}`)
        }
        if (incoming instanceof Frames.Welcome) {
          assert.strictEqual(incoming.version, 1)
          continue
        }
        pushes += 1
        const frame = Schema.decodeUnknownSync(PushFrame)(json)
        assert.deepStrictEqual([incoming.id, incoming.recipient, incoming.tenant_id], [
          frame.id,
          frame.recipient,
          frame.tenant_id
        ])
        assert.notStrictEqual(incoming.kind, "unknown", file)
        if (incoming.kind === "execution_event") {
          assert.deepStrictEqual(incoming.payload, Schema.decodeUnknownSync(ExecutionEventPush)(payload))
        }
      }
    }
    assert.isAbove(pushes, 20)
  })

  const text = FastCheck.oneof(FastCheck.string(), FastCheck.fullUnicodeString())
  const nullable = FastCheck.oneof(text, FastCheck.constant(null), FastCheck.constant(undefined))
  const event = FastCheck.record({
    id: text,
    workflow_execution_id: text,
    task_execution_id: nullable,
    event_type: text,
    event_data: nullable,
    created_at: text
  })

  it.prop(
    "decode to what their schema says, at any text",
    [event, FastCheck.integer(), nullable],
    ([event, id, tenant]) => {
      const payload_b64 = Buffer.from(JSON.stringify(event)).toString("base64")
      const frame = {
        type: "push",
        protocol_version: 1,
        id,
        kind: "execution_event",
        recipient: "r",
        tenant_id: tenant,
        payload_b64
      }
      assert.deepStrictEqual<unknown>(Frames.decode(JSON.stringify(frame)), {
        id,
        kind: "execution_event",
        recipient: "r",
        tenant_id: Option.fromNullable(tenant),
        payload: Schema.decodeUnknownSync(ExecutionEventPush)(JSON.parse(JSON.stringify(event)))
      })
    }
  )

  it.prop("never throw", [FastCheck.oneof(FastCheck.string(), FastCheck.json())], ([text]) => {
    const incoming = Frames.decode(text)
    assert.isTrue(incoming === undefined || typeof incoming === "object")
  })

  it.prop("of a push whose members are anything are pushes, undecodable or nothing", [
    FastCheck.record({
      id: FastCheck.oneof(FastCheck.integer(), FastCheck.double(), FastCheck.string()),
      kind: FastCheck.oneof(FastCheck.constantFrom("execution_event", "ops_metrics", "toString"), FastCheck.anything()),
      recipient: FastCheck.jsonValue(),
      tenant_id: FastCheck.jsonValue(),
      payload_b64: FastCheck.oneof(FastCheck.base64String(), FastCheck.jsonValue())
    }, { requiredKeys: [] })
  ], ([members]) => {
    let text: string
    try {
      text = JSON.stringify({ type: "push", protocol_version: 1, ...members })
    } catch {
      return
    }
    const incoming = Frames.decode(text)
    assert.isFalse(incoming instanceof Frames.Welcome)
  })
})

describe("base64", () => {
  it.prop(
    "comes back as bytes and as text",
    [FastCheck.uint8Array(), FastCheck.fullUnicodeString()],
    ([bytes, text]) => {
      assert.deepStrictEqual(Base64.decodeBytes(Buffer.from(bytes).toString("base64")), bytes)
      const wellFormed = Buffer.from(text).toString()
      assert.strictEqual(Base64.decodeText(Buffer.from(wellFormed).toString("base64")), wellFormed)
    }
  )

  it("is refused without its padding, or with other characters", () => {
    for (const bad of ["e30", "e", "****", "e3-_", "=e30"]) {
      assert.isUndefined(Base64.decodeBytes(bad))
      assert.isUndefined(Base64.decodeText(bad))
    }
  })
})
