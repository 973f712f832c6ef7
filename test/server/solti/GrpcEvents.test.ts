import { toBinary } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { OutputEventProtoSchema } from "../../../src/schemas/gen/solti/v1/api_pb.js"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import * as Proto from "../../../src/schemas/solti/Proto.js"
import * as GrpcEvents from "../../../src/server/solti/GrpcEvents.js"

const count = FastCheck.oneof(
  FastCheck.maxSafeNat(),
  FastCheck.nat(300),
  FastCheck.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER)
)

/** Also what no server that counts would say. */
const number = FastCheck.oneof(
  count,
  count,
  FastCheck.constantFrom(-1, 0.5, -0, Number.NaN, Infinity, -Infinity, 2 ** 53, 1e19, 1e30)
)

const text = FastCheck.oneof(
  FastCheck.string({ unit: "binary", maxLength: 300 }),
  FastCheck.string({ unit: "grapheme", maxLength: 300 }),
  // Halves of characters, and lines about as long as the buffer.
  FastCheck.constantFrom("\ud800", "a\udc00", "x".repeat(4096), "€".repeat(4096), "€".repeat(4097), "y".repeat(70_000))
)

const event: FastCheck.Arbitrary<LogEvent> = FastCheck.oneof(
  {
    weight: 8,
    arbitrary: FastCheck.record({
      type: FastCheck.constant("chunk" as const),
      attempt: number,
      stream: FastCheck.constantFrom("stdout" as const, "stderr" as const),
      seq: number,
      ts: number,
      line: text
    })
  },
  FastCheck.record({ type: FastCheck.constant("runStarted" as const), attempt: number, startedAt: number }),
  FastCheck.record({
    type: FastCheck.constant("runFinished" as const),
    attempt: number,
    exitCode: FastCheck.oneof(FastCheck.constant(Option.none<number>()), FastCheck.integer().map(Option.some)),
    finishedAt: number
  }),
  FastCheck.record({ type: FastCheck.constant("lagged" as const), skipped: number })
)

describe("GrpcEvents", () => {
  it("writes the bytes of the general writer", () => {
    FastCheck.assert(
      FastCheck.property(event, (given) => {
        assert.deepStrictEqual(
          GrpcEvents.encode(given),
          toBinary(OutputEventProtoSchema, Proto.encodeEvent(given))
        )
      }),
      { numRuns: 2000 }
    )
  })

  it("hands out bytes that stay what they are", () => {
    const line = (text: string): LogEvent => ({
      type: "chunk",
      attempt: 1,
      stream: "stdout",
      seq: 0,
      ts: 1,
      line: text
    })
    const first = GrpcEvents.encode(line("first"))
    const copy = first.slice()
    GrpcEvents.encode(line("second, which is longer"))
    assert.deepStrictEqual(first, copy)
  })
})
