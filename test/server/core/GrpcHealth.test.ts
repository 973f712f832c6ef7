import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema
} from "../../../src/schemas/gen/grpc/health/v1/health_pb.js"
import * as Grpc from "../../../src/server/core/Grpc.js"
import * as GrpcHealth from "../../../src/server/core/GrpcHealth.js"
import * as GrpcCall from "./GrpcCall.js"

const request = (service: string) => toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }))

const nameOf = (message: Uint8Array) => ServingStatus[fromBinary(HealthCheckResponseSchema, message).status]

const setUp = Effect.map(GrpcHealth.make(["a.B", "a.C"]), (health) => {
  const front = Grpc.make({ methods: health.methods, maxMessageBytes: 1000 })
  const check = (service: string) =>
    Effect.map(
      GrpcCall.call(front, "/grpc.health.v1.Health/Check", request(service)),
      ({ code, messages }) => code === 0 ? messages.map(nameOf).join() : code
    )
  /** Watches until the stream ends; `first` is done with the first message. */
  const watch = (service: string) =>
    Effect.gen(function*() {
      const first = yield* Deferred.make<void>()
      const seen: Array<string | undefined> = []
      const fiber = yield* Effect.fork(GrpcCall.send(
        front,
        GrpcCall.requestOf("/grpc.health.v1.Health/Watch", GrpcCall.framed(request(service))),
        (message) =>
          Effect.suspend(() => {
            seen.push(nameOf(message))
            return Effect.asVoid(Deferred.succeed(first, undefined))
          })
      ))
      yield* Deferred.await(first)
      return { seen, fiber }
    })
  return { front, health, check, watch }
})

const settle = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow(), { discard: true })

describe("GrpcHealth", () => {
  it.effect("knows the services it was given, and the server as a whole", () =>
    Effect.gen(function*() {
      const { check, health } = yield* setUp
      assert.deepStrictEqual(yield* Effect.forEach(["", "a.B", "a.C", "a.D", "a.B "], check), [
        "SERVING",
        "SERVING",
        "SERVING",
        5,
        5
      ])
      yield* health.close
      assert.deepStrictEqual(yield* Effect.forEach(["", "a.B", "a.D"], check), ["NOT_SERVING", "NOT_SERVING", 5])
    }))

  it.effect("says SERVICE_UNKNOWN to who watches another name, and stays open", () =>
    Effect.gen(function*() {
      const { watch } = yield* setUp
      const { fiber, seen } = yield* watch("a.D")
      yield* settle
      assert.deepStrictEqual(seen, ["SERVICE_UNKNOWN"])
      assert.isNull(yield* Fiber.poll(fiber).pipe(Effect.map((exit) => exit._tag === "None" ? null : exit)))
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("says at the end that it does not serve, to all, and lets go who watches", () =>
    Effect.gen(function*() {
      const { check, health, watch } = yield* setUp
      const known = yield* watch("")
      const unknown = yield* watch("a.D")
      yield* health.close
      assert.deepInclude(yield* Fiber.join(known.fiber), { code: 0 })
      assert.deepInclude(yield* Fiber.join(unknown.fiber), { code: 0 })
      assert.deepStrictEqual(known.seen, ["SERVING", "NOT_SERVING"])
      assert.deepStrictEqual(unknown.seen, ["SERVICE_UNKNOWN"])
      assert.strictEqual(yield* check("a.B"), "NOT_SERVING")
      const late = yield* watch("")
      assert.deepInclude(yield* Fiber.join(late.fiber), { code: 0 })
      assert.deepStrictEqual(late.seen, ["NOT_SERVING"])
    }))

  it.effect("does not wait for ever for who watches and does not listen", () =>
    Effect.gen(function*() {
      const { front, health } = yield* setUp
      const stuck = yield* Effect.fork(GrpcCall.send(
        front,
        GrpcCall.requestOf("/grpc.health.v1.Health/Watch", GrpcCall.framed(request(""))),
        () => Effect.never
      ))
      yield* settle
      const closing = yield* Effect.fork(health.close)
      yield* settle
      assert.strictEqual((yield* Fiber.poll(closing))._tag, "None")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      yield* Fiber.interrupt(stuck)
    }))

  it.effect("refuses what it cannot decode", () =>
    Effect.gen(function*() {
      const { front } = yield* setUp
      for (const name of ["Check", "Watch"]) {
        const answer = yield* GrpcCall.call(front, `/grpc.health.v1.Health/${name}`, Uint8Array.of(0xff))
        assert.deepInclude(answer, { code: 13, detail: "failed to decode Protobuf message: invalid varint" })
      }
    }))
})
