import type * as HttpClient from "@effect/platform/HttpClient"
import type * as ConfigError from "effect/ConfigError"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import { describe, expectTypeOf, it } from "vitest"
import * as Solti from "../../src/solti.js"

type Service = Solti.Tasks.Service
type Call<Name extends keyof Service> = ReturnType<Service[Name]>

/** What every call can end with, written out: a tag more or less is a change of the API. */
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
type Submit = Read | Solti.PayloadTooLarge | Solti.Conflict
type Log = Read | Solti.TaskNotFound | Solti.StreamInterrupted

describe("the methods of Tasks need nothing and fail with exactly", () => {
  it("what reading fails with: get, list, runs, delete, deleteConfirmed, version, iterate", () => {
    expectTypeOf<Call<"get">>().toEqualTypeOf<Effect.Effect<Option.Option<Solti.Task>, Read, never>>()
    expectTypeOf<Call<"list">>().toEqualTypeOf<Effect.Effect<Solti.TaskPage, Read, never>>()
    expectTypeOf<Call<"runs">>().toEqualTypeOf<Effect.Effect<ReadonlyArray<Solti.TaskRun>, Read, never>>()
    expectTypeOf<Call<"delete">>().toEqualTypeOf<Effect.Effect<void, Read, never>>()
    expectTypeOf<Call<"deleteConfirmed">>().toEqualTypeOf<Effect.Effect<void, Read, never>>()
    expectTypeOf<Call<"version">>().toEqualTypeOf<Effect.Effect<"0.0.2" | "0.0.3" | "0.0.4", Read, never>>()
    expectTypeOf<Call<"iterate">>().toEqualTypeOf<Stream.Stream<Solti.Task, Read, never>>()
  })

  it("what sending a spec fails with: submit, apply", () => {
    expectTypeOf<Call<"submit">>().toEqualTypeOf<Effect.Effect<Solti.TaskId, Submit, never>>()
    expectTypeOf<Call<"apply">>().toEqualTypeOf<Effect.Effect<Solti.TaskId, Submit, never>>()
  })

  it("what waiting fails with: await", () => {
    expectTypeOf<Call<"await">>().toEqualTypeOf<Effect.Effect<Solti.Outcome, Read | Solti.TaskNotFound, never>>()
  })

  it("what a log fails with: logs, follow, submitAndFollow", () => {
    expectTypeOf<Call<"logs">>().toEqualTypeOf<Stream.Stream<Solti.LogEvent | Solti.Gap, Log, never>>()
    expectTypeOf<Call<"follow">>().toEqualTypeOf<Stream.Stream<Solti.FollowEvent, Log, never>>()
    expectTypeOf<Call<"submitAndFollow">>().toEqualTypeOf<
      Stream.Stream<Solti.Submitted | Solti.FollowEvent, Submit | Log, never>
    >()
  })

  it("one of these tags", () => {
    type Tags<E extends { readonly _tag: string }> = E["_tag"]
    type CommonTags =
      | "Unauthorized"
      | "Forbidden"
      | "RateLimited"
      | "Unavailable"
      | "Internal"
      | "VersionMismatch"
      | "UnexpectedStatus"
      | "DecodeError"
      | "TransportError"
      | "Timeout"
      | "InvalidInput"
    expectTypeOf<Tags<Solti.ReadError>>().toEqualTypeOf<CommonTags>()
    expectTypeOf<Tags<Solti.SubmitError>>().toEqualTypeOf<CommonTags | "PayloadTooLarge" | "Conflict">()
    expectTypeOf<Tags<Solti.LogError>>().toEqualTypeOf<CommonTags | "TaskNotFound" | "StreamInterrupted">()
  })
})

describe("the layers", () => {
  it("need an HttpClient and nothing else", () => {
    expectTypeOf(Solti.layer).returns.toEqualTypeOf<
      Layer.Layer<Solti.Tasks | Solti.Client, Solti.InvalidOptions, HttpClient.HttpClient>
    >()
    expectTypeOf(Solti.layerConfig).returns.toEqualTypeOf<
      Layer.Layer<Solti.Tasks | Solti.Client, ConfigError.ConfigError | Solti.InvalidOptions, HttpClient.HttpClient>
    >()
    expectTypeOf(Solti.Tasks.layer).toEqualTypeOf<Layer.Layer<Solti.Tasks, never, Solti.Client>>()
  })
})

describe("models", () => {
  it("have bigints, options and brands", () => {
    expectTypeOf<Solti.Task["metadata"]["resourceVersion"]>().toEqualTypeOf<bigint>()
    expectTypeOf<Solti.TaskRun["finishedAt"]>().toEqualTypeOf<Option.Option<bigint>>()
    expectTypeOf<Solti.Chunk["seq"]>().toEqualTypeOf<number>()
    expectTypeOf<string>().not.toExtend<Solti.TaskId>()
    expectTypeOf<Solti.TaskId>().toExtend<string>()
  })

  it("have open enums, of which only the known literals can be written down", () => {
    expectTypeOf<"RESTART_STRATEGY_NEVER">().toExtend<Solti.RestartStrategy>()
    expectTypeOf<"RESTART_STRATEGY_SOMETIMES">().not.toExtend<Solti.RestartStrategy>()
    expectTypeOf<string>().not.toExtend<Solti.TaskStatus>()
    expectTypeOf<Solti.UnknownValue>().toExtend<Solti.TaskStatus>()
  })

  it("name the events of following by their type", () => {
    expectTypeOf<Solti.FollowEvent["type"]>().toEqualTypeOf<
      "chunk" | "runStarted" | "runFinished" | "lagged" | "gap" | "headGap" | "logMissed" | "ended"
    >()
  })

  it("give narrow names of phases", () => {
    expectTypeOf(Solti.fromPhaseName("running")).toEqualTypeOf<"TASK_STATUS_RUNNING">()
    expectTypeOf(Solti.phaseName).returns.toEqualTypeOf<Solti.PhaseName | "unknown">()
  })
})
