/**
 * The gRPC face of a Solti server: `solti.v1.SoltiApi` and `solti.task.v1.TaskService` over an `ApiHandler`, with the
 * codes, texts and limits of the wire (contract 2.2, 3.4, 3.5, 12.1).
 *
 * @since 0.1.0
 */
import type { DescService } from "@bufbuild/protobuf"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { codes } from "../../schemas/core/Grpc.js"
import { TaskService } from "../../schemas/gen/solti/task/v1/api_pb.js"
import { SoltiApi } from "../../schemas/gen/solti/v1/api_pb.js"
import { maxMessageBytes } from "../../schemas/solti/Limits.js"
import * as Bearer from "../core/Bearer.js"
import { type Front, pathOf } from "../core/Front.js"
import * as Grpc from "../core/Grpc.js"
import { isHealth } from "../core/GrpcHealth.js"
import { GrpcStatus } from "../core/GrpcStatus.js"
import { ApiHandler } from "./ApiHandler.js"
import { ApiMetrics } from "./ApiMetrics.js"
import * as GrpcCalls from "./GrpcCalls.js"

/**
 * The name of the service in 0.0.2, and from 0.0.3 on.
 *
 * @since 0.1.0
 * @category models
 */
export type ServiceName = "solti.v1.SoltiApi" | "solti.task.v1.TaskService"

/**
 * - `token`: asked for as metadata `authorization: Bearer <token>` on every call but those to the health service;
 *   without it everyone may do everything
 * - `apply`: also answer `ApplyTask`, and `solti.task.v1.TaskService` that it belongs to, as 0.0.3 does; default
 *   `false`
 * - `services`: under which names; default `solti.v1.SoltiApi`, with `apply` both
 * - `maxMessageBytes`: the longest message in both directions, in bytes; default {@link maxMessageBytes}
 * - `tooLargeCode`: the code for a message that is longer; default `RESOURCE_EXHAUSTED` (8), as documented; the
 *   published 0.0.2 answers `OUT_OF_RANGE` (11)
 * - `methods`: what else is answered, by path: the health service, reflection
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly token?: Redacted.Redacted | undefined
  readonly apply?: boolean | undefined
  readonly services?: ReadonlyArray<ServiceName> | undefined
  readonly maxMessageBytes?: number | undefined
  readonly tooLargeCode?: number | undefined
  readonly methods?: ReadonlyMap<string, Grpc.Method> | undefined
}

const described: Readonly<Record<ServiceName, DescService>> = {
  "solti.v1.SoltiApi": SoltiApi,
  "solti.task.v1.TaskService": TaskService
}

/**
 * The services of a front with these options.
 *
 * @since 0.1.0
 * @category utils
 */
export const servicesOf = ({ apply, services }: Pick<Options, "apply" | "services">): ReadonlyArray<DescService> =>
  (services ?? (apply === true ? ["solti.v1.SoltiApi", "solti.task.v1.TaskService"] as const : ["solti.v1.SoltiApi"]))
    .map((name) => described[name])

const applyTask = TaskService.method.applyTask.name

/**
 * The front over the handler in the context.
 *
 * Every call passes, in this order: token (`UNAUTHENTICATED`), path (`UNIMPLEMENTED`), framing and length, decoding
 * (`INTERNAL`), validation (`INVALID_ARGUMENT`), handler. Failures of the handler are answered by their label; its
 * defects are logged and answered with `INTERNAL` and a text that says nothing about them.
 *
 * `ApiMetrics` sees the calls with one answer, from the arrival of their message on; logs, and what is refused before,
 * are not counted.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Front, never, ApiHandler> =>
  Effect.gen(function*() {
    const metrics = yield* ApiMetrics
    const limits: GrpcCalls.Limits = {
      maxMessageBytes: options.maxMessageBytes ?? maxMessageBytes,
      tooLargeCode: options.tooLargeCode ?? codes.RESOURCE_EXHAUSTED
    }
    const calls = GrpcCalls.make(yield* ApiHandler, limits)

    const codeOf = (exit: Exit.Exit<Uint8Array, GrpcStatus>): number =>
      Exit.match(exit, {
        onFailure: (cause) =>
          Option.match(Cause.failureOption(cause), { onNone: () => codes.INTERNAL, onSome: ({ code }) => code }),
        onSuccess: ({ length }) => length > limits.maxMessageBytes ? limits.tooLargeCode : codes.OK
      })

    const counted = (
      method: string,
      path: string,
      answer: Effect.Effect<Uint8Array, GrpcStatus, Scope.Scope>
    ): Effect.Effect<Uint8Array, GrpcStatus, Scope.Scope> => {
      if (metrics === ApiMetrics.noop) return answer
      return Effect.acquireUseRelease(
        Effect.zipRight(metrics.inFlight("grpc", 1), Clock.currentTimeMillis),
        (start) =>
          Effect.onExit(answer, (exit) =>
            // Nobody has got an answer.
            Exit.isInterrupted(exit)
              ? Effect.void
              : Effect.flatMap(Clock.currentTimeMillis, (end) =>
                metrics.requestDone({
                  transport: "grpc",
                  method,
                  path,
                  status: codeOf(exit),
                  durationMs: end - start
                }))),
        () => metrics.inFlight("grpc", -1)
      )
    }

    const withCount = (name: string, path: string, method: Grpc.Method): Grpc.Method =>
      method._tag === "Unary"
        ? {
          ...method,
          handle: (...call: Parameters<typeof method.handle>) => counted(name, path, method.handle(...call))
        }
        : method

    const methods = new Map(options.methods)
    for (const { methods: declared, typeName } of servicesOf(options)) {
      for (const { name } of declared) {
        const path = `/${typeName}/${name}`
        const method = calls.get(name)
        if (method === undefined || name === applyTask && options.apply !== true) continue
        methods.set(path, withCount(name, path, method))
      }
    }

    const isAuthorized = Bearer.make(options.token)
    return Grpc.make({
      ...limits,
      methods,
      refuse: (request) =>
        isHealth(pathOf(request.target)) || isAuthorized(request)
          ? undefined
          : new GrpcStatus({ code: codes.UNAUTHENTICATED, detail: Bearer.refusal })
    })
  })
