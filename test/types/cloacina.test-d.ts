import type * as FileSystem from "@effect/platform/FileSystem"
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as Path from "@effect/platform/Path"
import type * as ConfigError from "effect/ConfigError"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Stream from "effect/Stream"
import { describe, expectTypeOf, it } from "vitest"
import * as Cloacina from "../../src/cloacina.js"
import type * as CloacinaNode from "../../src/cloacina/node.js"

/** What every call can end with, written out: a tag more or less is a change of the API. */
type Common =
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

type Failure<Ends> = Ends extends Effect.Effect<infer _A, infer E, infer _R> ? E
  : Ends extends Stream.Stream<infer _A, infer E, infer _R> ? E
  : never
type Needs<Ends> = Ends extends Effect.Effect<infer _A, infer _E, infer R> ? R
  : Ends extends Stream.Stream<infer _A, infer _E, infer R> ? R
  : never
type TagOf<E> = E extends { readonly _tag: infer Tag } ? Tag : never

/** The tags of every method of a service. */
type Tags<Service> = {
  [Name in keyof Service]: Service[Name] extends (...input: ReadonlyArray<never>) => infer Ends ? TagOf<Failure<Ends>>
    : never
}
/** What the methods of a service need of the context, all together. */
type Needed<Service> = {
  [Name in keyof Service]: Service[Name] extends (...input: ReadonlyArray<never>) => infer Ends ? Needs<Ends> : never
}[keyof Service]

type NF = Common | "NotFound"
type Body = Common | "PayloadTooLarge"
type BodyNF = Body | "NotFound"

describe("the methods fail with exactly", () => {
  it("these tags", () => {
    expectTypeOf<Tags<Cloacina.Accounts.Service>>().toEqualTypeOf<{
      readonly create: Body
      readonly list: Common
      readonly disable: NF
      readonly resetPassword: BodyNF
    }>()
    expectTypeOf<Tags<Cloacina.Agents.Service>>().toEqualTypeOf<{
      readonly register: Body
      readonly heartbeat: BodyNF
      readonly replenish: BodyNF
      readonly result: Body
      readonly artifact: NF
      readonly source: NF
      readonly providers: NF
    }>()
    expectTypeOf<Tags<Cloacina.Fleet.Service>>().toEqualTypeOf<{
      readonly agents: Common
      readonly compilerStatus: Common
      readonly limit: Common
      readonly setLimit: Body
      readonly removeLimit: Common
      readonly scale: Common
      readonly provision: Common | "Conflict"
      readonly deprovision: Common
    }>()
    expectTypeOf<Tags<Cloacina.Graphs.Service>>().toEqualTypeOf<{
      readonly list: Common
      readonly get: NF
      readonly accumulators: Common
      readonly inject: BodyNF
      readonly accumulatorInterface: Common
      readonly reactors: Common
      readonly forceFire: BodyNF
      readonly fireWith: BodyNF
      readonly fires: NF
      readonly timeseries: NF
      readonly reactorInterface: Common
    }>()
    expectTypeOf<Tags<Cloacina.Health.Service>>().toEqualTypeOf<{ readonly check: Common; readonly ready: Common }>()
    expectTypeOf<Tags<Cloacina.Instances.Service>>().toEqualTypeOf<{
      readonly create: Body | "Conflict"
      readonly list: Common
      readonly iterate: Common
      readonly get: NF
      readonly remove: NF
    }>()
    expectTypeOf<Tags<Cloacina.Keys.Service>>().toEqualTypeOf<{
      readonly create: Body
      readonly list: Common
      readonly revoke: NF
      readonly createPublic: Body
      readonly listAll: Common
      readonly revokeAny: NF
      readonly ticket: Common
    }>()
    expectTypeOf<Tags<Cloacina.Operations.Service>>().toEqualTypeOf<{
      readonly metrics: Common
      readonly openapi: Common
      readonly version: Common
    }>()
    type Any = BodyNF | "Conflict" | "NotImplemented"
    expectTypeOf<Tags<Cloacina.Requests.Service>>().toEqualTypeOf<{
      readonly get: Any
      readonly post: Any
      readonly put: Any
      readonly delete: Any
    }>()
    expectTypeOf<Tags<Cloacina.Secrets.Service>>().toEqualTypeOf<{
      readonly create: Body | "Conflict"
      readonly list: Common
      readonly get: NF
      readonly rotate: BodyNF
      readonly remove: NF
    }>()
    expectTypeOf<Tags<Cloacina.Tenants.Service>>().toEqualTypeOf<{
      readonly create: Body
      readonly list: Common
      readonly remove: Common
    }>()
    expectTypeOf<Tags<Cloacina.Triggers.Service>>().toEqualTypeOf<{
      readonly list: Common
      readonly iterate: Common
      readonly get: NF
      readonly pause: NF
      readonly resume: NF
      readonly fire: BodyNF
      readonly interface: Common
    }>()
  })

  it("these tags, where executions, packages and sessions are concerned", () => {
    type Execute = BodyNF | "Conflict"
    expectTypeOf<Tags<Cloacina.Executions.Service>>().toEqualTypeOf<{
      readonly execute: Execute
      readonly list: Common
      readonly iterate: Common
      readonly get: NF
      readonly events: Common
      readonly tasks: Common
      readonly await: NF
      readonly awaitCompleted: NF | "ExecutionFailed"
      readonly follow: NF | "StreamInterrupted"
      readonly executeAndAwait: Execute
      readonly executeAndFollow: Execute | "StreamInterrupted"
    }>()
    type Upload = Body | "VersionTaken" | "PackageUnreadable"
    type Deploy = Upload | Execute | "BuildFailed" | "Superseded"
    expectTypeOf<Tags<Cloacina.Workflows.Service>>().toEqualTypeOf<{
      readonly upload: Upload
      readonly list: Common
      readonly get: NF
      readonly source: NF
      readonly pause: NF
      readonly resume: NF
      readonly remove: NF
      readonly build: NF | "BuildFailed" | "Superseded"
      readonly deploy: Deploy
      readonly deployPhases: Deploy
    }>()
    expectTypeOf<Tags<Cloacina.Sessions.Service>>().toEqualTypeOf<{
      readonly login: Body
      readonly refresh: Common | "NotImplemented"
      readonly logout: Common
      readonly whoami: Common
      readonly session: Body
      readonly sessionOf: "InvalidInput"
    }>()
  })

  it("need nothing of the context", () => {
    expectTypeOf<Needed<Cloacina.Accounts.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Agents.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Executions.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Fleet.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Graphs.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Health.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Instances.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Keys.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Operations.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Requests.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Secrets.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Tenants.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Triggers.Service>>().toBeNever()
    expectTypeOf<Needed<Cloacina.Workflows.Service>>().toBeNever()
  })
})

describe("the layers", () => {
  type All = Cloacina.Services | Cloacina.Client

  it("need an HttpClient and nothing else", () => {
    expectTypeOf(Cloacina.layer).returns.toEqualTypeOf<
      Layer.Layer<All, Cloacina.InvalidOptions, HttpClient.HttpClient>
    >()
    expectTypeOf(Cloacina.layerConfig).returns.toEqualTypeOf<
      Layer.Layer<All, ConfigError.ConfigError | Cloacina.InvalidOptions, HttpClient.HttpClient>
    >()
    expectTypeOf(Cloacina.layerForTenant).returns.toEqualTypeOf<Layer.Layer<All, never, Cloacina.Client>>()
    expectTypeOf(Cloacina.Keys.layer).toEqualTypeOf<Layer.Layer<Cloacina.Keys, never, Cloacina.Client>>()
  })

  it("from a profile, files as well", () => {
    expectTypeOf<ReturnType<typeof CloacinaNode.layerProfile>>().toEqualTypeOf<
      Layer.Layer<All, Cloacina.InvalidOptions, HttpClient.HttpClient | FileSystem.FileSystem | Path.Path>
    >()
  })
})

describe("models", () => {
  it("have options, brands and redacted values", () => {
    expectTypeOf<Cloacina.KeyCreated["key"]>().toEqualTypeOf<Redacted.Redacted>()
    expectTypeOf<Cloacina.TriggerSchedule["next_run_at"]>().toEqualTypeOf<Option.Option<Cloacina.Timestamp>>()
    expectTypeOf<string>().not.toExtend<Cloacina.ExecutionId>()
    expectTypeOf<Cloacina.ExecutionId>().toExtend<string>()
  })

  it("have open enums in answers, and closed ones in requests", () => {
    expectTypeOf<Cloacina.UnknownValue>().toExtend<Cloacina.Role>()
    expectTypeOf<Cloacina.NewKey["role"]>().toEqualTypeOf<"read" | "write" | "admin">()
    expectTypeOf<Cloacina.NewAccount["role"]>().toEqualTypeOf<"read" | "write" | "admin">()
  })

  it("make whoever wants a key choose its role", () => {
    expectTypeOf<{ readonly name: string }>().not.toExtend<Cloacina.NewKey>()
  })
})
