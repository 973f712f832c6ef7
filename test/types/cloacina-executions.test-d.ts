import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { describe, expectTypeOf, it } from "vitest"
import type * as Cloacina from "../../src/cloacina.js"
import type { packageFile } from "../../src/cloacina/node.js"

/** What every call can end with, written out: a tag more or less is a change of the API. */
type Common =
  | Cloacina.InvalidInput
  | Cloacina.Unauthorized
  | Cloacina.Forbidden
  | Cloacina.RateLimited
  | Cloacina.Unavailable
  | Cloacina.Internal
  | Cloacina.VersionMismatch
  | Cloacina.UnexpectedStatus
  | Cloacina.DecodeError
  | Cloacina.TransportError
  | Cloacina.Timeout

type Start = Common | Cloacina.NotFound | Cloacina.Conflict | Cloacina.PayloadTooLarge

type Gives<F extends (...args: never) => unknown, A, E> = ReturnType<F> extends
  Effect.Effect<infer A2, infer E2, infer R2>
  ? [A2, E2, R2] extends [A, E, never] ? [A, E, never] extends [A2, E2, R2] ? true : false : false
  : false

describe("Executions", () => {
  type Service = Cloacina.Executions.Service
  it("end with exactly what they can end with", () => {
    expectTypeOf<Gives<Service["execute"], Cloacina.ExecuteAccepted, Start>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["list"], ReadonlyArray<Cloacina.ExecutionSummary>, Common>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["get"], Cloacina.ExecutionDetail, Common | Cloacina.NotFound>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["events"], ReadonlyArray<Cloacina.ExecutionEvent>, Common>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["tasks"], ReadonlyArray<Cloacina.TaskExecution>, Common>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["await"], Cloacina.Outcome, Common | Cloacina.NotFound>>().toEqualTypeOf<true>()
    expectTypeOf<
      Gives<Service["awaitCompleted"], Cloacina.Completed, Common | Cloacina.NotFound | Cloacina.ExecutionFailed>
    >().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["executeAndAwait"], Cloacina.Outcome, Start>>().toEqualTypeOf<true>()
    expectTypeOf<ReturnType<Service["iterate"]>>().toEqualTypeOf<Stream.Stream<Cloacina.ExecutionSummary, Common>>()
    expectTypeOf<ReturnType<Service["follow"]>>().toEqualTypeOf<
      Stream.Stream<Cloacina.ExecutionItem, Common | Cloacina.NotFound | Cloacina.StreamInterrupted>
    >()
    expectTypeOf<ReturnType<Service["executeAndFollow"]>>().toEqualTypeOf<
      Stream.Stream<Cloacina.ExecutionStarted | Cloacina.ExecutionItem, Start | Cloacina.StreamInterrupted>
    >()
  })

  it("give an outcome that is matched by its tag", () => {
    expectTypeOf<Cloacina.Outcome["_tag"]>().toEqualTypeOf<"Completed" | "Failed" | "Cancelled">()
    expectTypeOf<Cloacina.ExecutionFailed["outcome"]["_tag"]>().toEqualTypeOf<"Failed" | "Cancelled">()
  })
})

describe("Workflows", () => {
  type Service = Cloacina.Workflows.Service
  type Upload = Common | Cloacina.PayloadTooLarge | Cloacina.PackageUnreadable | Cloacina.VersionTaken
  type Deploy = Upload | Cloacina.BuildFailed | Cloacina.Superseded | Start
  it("end with exactly what they can end with", () => {
    expectTypeOf<Gives<Service["upload"], Cloacina.WorkflowUploaded, Upload>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["list"], ReadonlyArray<Cloacina.WorkflowSummary>, Common>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["get"], Cloacina.WorkflowDetail, Common | Cloacina.NotFound>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["source"], Cloacina.WorkflowSource, Common | Cloacina.NotFound>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["pause"], Cloacina.WorkflowPaused, Common | Cloacina.NotFound>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["resume"], Cloacina.WorkflowPaused, Common | Cloacina.NotFound>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["remove"], Cloacina.WorkflowDeleted, Common | Cloacina.NotFound>>().toEqualTypeOf<true>()
    expectTypeOf<
      Gives<
        Service["build"],
        Cloacina.WorkflowDetail,
        Common | Cloacina.NotFound | Cloacina.BuildFailed | Cloacina.Superseded
      >
    >().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["deploy"], Cloacina.Deployment, Deploy>>().toEqualTypeOf<true>()
    expectTypeOf<ReturnType<Service["deployPhases"]>>().toEqualTypeOf<Stream.Stream<Cloacina.DeployPhase, Deploy>>()
    expectTypeOf<ReturnType<typeof packageFile>>().toEqualTypeOf<
      Effect.Effect<Cloacina.PackageSource, Cloacina.PackageUnreadable, FileSystem.FileSystem>
    >()
  })

  it("take bytes, files and streams", () => {
    expectTypeOf<Uint8Array | Blob | File | Cloacina.PackageSource>().toExtend<Cloacina.PackageInput>()
  })
})

describe("Sessions", () => {
  type Service = Cloacina.Sessions.Service
  type Login = Common | Cloacina.PayloadTooLarge
  type Refresh = Common | Cloacina.NotImplemented
  it("end with exactly what they can end with", () => {
    expectTypeOf<Gives<Service["login"], Cloacina.LoginKey, Login>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["refresh"], Cloacina.LoginKey, Refresh>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["logout"], Cloacina.LoggedOut, Common>>().toEqualTypeOf<true>()
    expectTypeOf<Gives<Service["whoami"], Cloacina.Whoami, Common>>().toEqualTypeOf<true>()
    expectTypeOf<ReturnType<Service["session"]>>().toEqualTypeOf<
      Effect.Effect<Cloacina.Session.Service, Login, Scope.Scope>
    >()
    expectTypeOf<ReturnType<Service["sessionOf"]>>().toEqualTypeOf<
      Effect.Effect<Cloacina.Session.Service, Cloacina.InvalidInput, Scope.Scope>
    >()
    expectTypeOf<Cloacina.Session.Service["ended"]>().toEqualTypeOf<Effect.Effect<never, Refresh>>()
    expectTypeOf<ReturnType<typeof Cloacina.layerSession>>().toEqualTypeOf<
      Layer.Layer<Cloacina.Session, Login, Cloacina.Sessions>
    >()
    expectTypeOf<ReturnType<typeof Cloacina.oidcMemberships>>().toEqualTypeOf<
      Either.Either<ReadonlyArray<Cloacina.OidcMembership>, Cloacina.InvalidInput>
    >()
  })
})
