import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { describe, expectTypeOf, it } from "vitest"
import { CallOptions, Feed, Paginate, Poll } from "../../src/core.js"
import { declare } from "../../src/schemas/core/Endpoint.js"
import type { CommonError, InvalidInput, Timeout, TransportError } from "../../src/schemas/core/Errors.js"
import { Conflict, PayloadTooLarge } from "../../src/schemas/core/Errors.js"
import type { Plane } from "../../src/services/core/Plane.js"
import * as Transport from "../../src/services/core/Transport.js"

const declared = declare(
  HttpApiEndpoint.post("make", "/things/:id")
    .setPath(Schema.Struct({ id: Schema.String }))
    .setPayload(Schema.Struct({ size: Schema.NumberFromString }))
    .addSuccess(Schema.Struct({ made: Schema.Boolean })),
  { repeat: "never", errors: [Conflict, PayloadTooLarge] }
)
const bare = declare(HttpApiEndpoint.get("ping", "/ping"), { repeat: "safe", errors: [] })

declare const plane: Plane<Conflict | PayloadTooLarge | InvalidInput>

describe("a call made from a declaration", () => {
  it("takes what the endpoint takes, and ends with what it gives or the errors that it names", () => {
    const transport = Transport.make(plane, "Things")
    const call = transport.unary("make", declared)
    expectTypeOf<Parameters<typeof call>[0]>().toExtend<
      { path: { readonly id: string }; payload: { readonly size: number } }
    >()
    expectTypeOf(call).returns.toEqualTypeOf<
      Effect.Effect<{ readonly made: boolean }, Conflict | PayloadTooLarge | CommonError | InvalidInput, never>
    >()
    const ping = transport.unary("ping", bare)
    expectTypeOf(ping).returns.toEqualTypeOf<Effect.Effect<void, CommonError | InvalidInput, never>>()
  })

  it("opens a stream of bytes that breaks in two ways", () => {
    const open = Transport.make(plane, "Things").open("ping", bare, "text/event-stream")
    expectTypeOf(open).returns.toEqualTypeOf<
      Effect.Effect<Stream.Stream<Uint8Array, TransportError | Timeout>, CommonError | InvalidInput, Scope.Scope>
    >()
  })
})

describe("options of a region", () => {
  it("leave an effect as it is", () => {
    const effect: Effect.Effect<1, "no", Scope.Scope> = Effect.succeed(1 as const)
    expectTypeOf(CallOptions.withOptions(effect, {})).toEqualTypeOf<Effect.Effect<1, "no", Scope.Scope>>()
    expectTypeOf(CallOptions.withOptions({})(effect)).toEqualTypeOf<Effect.Effect<1, "no", Scope.Scope>>()
  })
})

describe("options", () => {
  it("take undefined for what is not decided", () => {
    expectTypeOf<{ maxRetries: undefined; base: undefined; cap: undefined; maxRetryAfter: undefined }>()
      .toExtend<CallOptions.RetryPolicy>()
    expectTypeOf<{ timeouts: undefined; retry: undefined; headers: { "x-a": undefined } }>()
      .toExtend<CallOptions.CallOptions>()
    expectTypeOf<{ initial: undefined; max: undefined }>().toExtend<Poll.Interval>()
    expectTypeOf<{ base: undefined; cap: undefined; maxReconnects: undefined; quiet: undefined }>()
      .toExtend<Feed.Policy>()
  })
})

describe("streams", () => {
  it("a feed fails as its source, or with what giving up gives", () => {
    const feed = Feed.make<1, 2, "source", "gave up", 3>
    expectTypeOf(feed).returns.toEqualTypeOf<Stream.Stream<1, "source" | "gave up", 3>>()
    expectTypeOf<Parameters<typeof feed>[0]["connect"]>().parameter(0).toEqualTypeOf<Option.Option<2>>()
  })

  it("a list and a poll fail as their questions", () => {
    expectTypeOf(Paginate.byOffset<1, "no", 3>).returns.toEqualTypeOf<Stream.Stream<1, "no", 3>>()
    expectTypeOf(Poll.until<1, "no", 3>).returns.toEqualTypeOf<Effect.Effect<1, "no", 3>>()
    expectTypeOf(Poll.pages<1, 2, "no", 3>).returns.toEqualTypeOf<Stream.Stream<1, "no", 3>>()
  })
})
