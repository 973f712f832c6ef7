import type * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import { describe, expectTypeOf, it } from "vitest"
import type * as Solti from "../../src/solti.js"
import * as SoltiGrpc from "../../src/solti/grpc.js"
import type * as SoltiGrpcTesting from "../../src/solti/grpc/testing.js"
import type * as SoltiTesting from "../../src/solti/testing.js"

describe("the layers", () => {
  it("give the same service as over HTTP, and need nothing", () => {
    expectTypeOf(SoltiGrpc.layer).returns.toEqualTypeOf<Layer.Layer<Solti.Tasks, Solti.InvalidOptions>>()
    expectTypeOf(SoltiGrpc.layerConfig).returns.toEqualTypeOf<
      Layer.Layer<Solti.Tasks, ConfigError.ConfigError | Solti.InvalidOptions>
    >()
    expectTypeOf(SoltiGrpc.config).toEqualTypeOf<Config.Config<SoltiGrpc.Options>>()
  })

  it("take the place of those of HTTP", () => {
    expectTypeOf<Layer.Layer.Success<ReturnType<typeof SoltiGrpc.layer>>>().toEqualTypeOf<Solti.Tasks>()
    expectTypeOf<Layer.Layer.Success<ReturnType<typeof Solti.layer>>>().toEqualTypeOf<Solti.Tasks | Solti.Client>()
    expectTypeOf<Layer.Layer.Error<ReturnType<typeof SoltiGrpc.layer>>>().toEqualTypeOf<
      Layer.Layer.Error<ReturnType<typeof Solti.layer>>
    >()
  })

  it("of tests cannot fail, and one that listens says how", () => {
    expectTypeOf<Layer.Layer.Error<ReturnType<typeof SoltiGrpcTesting.layer>>>().toEqualTypeOf<never>()
    expectTypeOf<Layer.Layer.Context<ReturnType<typeof SoltiGrpcTesting.layer>>>().toEqualTypeOf<never>()
    expectTypeOf<Solti.Tasks>().toExtend<Layer.Layer.Success<ReturnType<typeof SoltiGrpcTesting.layer>>>()
    expectTypeOf<Layer.Layer.Error<ReturnType<typeof SoltiGrpcTesting.layerServer>>>().toEqualTypeOf<
      Layer.Layer.Error<ReturnType<typeof SoltiTesting.layerServer>>
    >()
  })
})

describe("the options", () => {
  it("are those of HTTP, and what is the business of gRPC alone", () => {
    expectTypeOf<SoltiGrpc.Options>().toExtend<Solti.Options>()
    expectTypeOf<Exclude<keyof SoltiGrpc.Options, keyof Solti.Options>>().toEqualTypeOf<
      "tls" | "allowPlaintext" | "connectTimeout" | "pingInterval" | "pingTimeout"
    >()
    expectTypeOf<{ readonly url: string }>().toExtend<SoltiGrpc.Options>()
    expectTypeOf<SoltiGrpc.Options["pingInterval"]>().toEqualTypeOf<Duration.DurationInput | undefined>()
    expectTypeOf<SoltiGrpc.Options["tls"]>().toEqualTypeOf<SoltiGrpc.ClientTls | undefined>()
  })

  it("take a key as a text, a secret, or a file", () => {
    expectTypeOf<SoltiGrpc.Pem>().toEqualTypeOf<string | Redacted.Redacted | { readonly file: string }>()
  })
})

/** What every call can end with, written out: gRPC adds no tag and takes none away. */
type Common =
  | Solti.Unauthorized
  | Solti.Forbidden
  | Solti.RateLimited
  | Solti.Unavailable
  | Solti.Internal
  | Solti.VersionMismatch
  | Solti.UnexpectedStatus
  | Solti.DecodeError
  | Solti.TransportError
  | Solti.Timeout
type Read = Common | Solti.InvalidInput

describe("the errors of Tasks, whatever the wire", () => {
  type Service = Layer.Layer.Success<ReturnType<typeof SoltiGrpc.layer>>["Type"]
  type Call<Name extends keyof Service> = ReturnType<Service[Name]>

  it("are unchanged", () => {
    expectTypeOf<Service>().toEqualTypeOf<Solti.Tasks.Service>()
    expectTypeOf<Call<"get">>().toEqualTypeOf<Effect.Effect<Option.Option<Solti.Task>, Read>>()
    expectTypeOf<Effect.Effect.Error<Call<"submit">>>().toEqualTypeOf<Read | Solti.PayloadTooLarge | Solti.Conflict>()
    expectTypeOf<Effect.Effect.Error<Call<"delete">>>().toEqualTypeOf<Read>()
    expectTypeOf<Effect.Effect.Error<Call<"await">>>().toEqualTypeOf<Read | Solti.TaskNotFound>()
    expectTypeOf<Call<"logs">>().toEqualTypeOf<
      Stream.Stream<Solti.LogEvent | Solti.Gap, Read | Solti.TaskNotFound | Solti.StreamInterrupted>
    >()
  })
})
