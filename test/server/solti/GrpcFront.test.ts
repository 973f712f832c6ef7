import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { inspect } from "node:util"
import { ApplyTaskRequestSchema, ApplyTaskResponseSchema } from "../../../src/schemas/gen/solti/task/v1/api_pb.js"
import * as Pb from "../../../src/schemas/gen/solti/v1/api_pb.js"
import type { ErrorLabel } from "../../../src/schemas/solti/Errors.js"
import type { LogEvent } from "../../../src/schemas/solti/Logs.js"
import * as Proto from "../../../src/schemas/solti/Proto.js"
import type { CreateSpec, Task } from "../../../src/schemas/solti/Tasks.js"
import { TaskId } from "../../../src/schemas/solti/Tasks.js"
import type { Front } from "../../../src/server/core/Front.js"
import type { TaskQuery } from "../../../src/server/solti/ApiHandler.js"
import { ApiError, ApiHandler } from "../../../src/server/solti/ApiHandler.js"
import type { RequestDone } from "../../../src/server/solti/ApiMetrics.js"
import { ApiMetrics } from "../../../src/server/solti/ApiMetrics.js"
import * as GrpcFront from "../../../src/server/solti/GrpcFront.js"
import * as GrpcCall from "../core/GrpcCall.js"
import { makeSpec } from "./support/tasks.js"

const quiet: ApiHandler.Service = ApiHandler.make({
  submitTask: () => Effect.succeed(TaskId.make("default-t-1")),
  getTaskStatus: () => Effect.succeed(Option.none()),
  queryTasks: () => Effect.succeed({ tasks: [], total: 0 }),
  listTaskRuns: () => Effect.succeed([]),
  deleteTask: () => Effect.void
})

const front = (handler: Partial<ApiHandler.Service> = {}, options?: GrpcFront.Options) =>
  Effect.provideService(GrpcFront.make(options), ApiHandler, { ...quiet, ...handler })

const v1 = (name: string) => `/solti.v1.SoltiApi/${name}`

const later = (name: string) => `/solti.task.v1.TaskService/${name}`

/** Calls with a message of a schema. */
const call = <Desc extends DescMessage>(
  target: Front,
  path: string,
  schema: Desc,
  message: MessageInitShape<Desc>,
  headers?: Record<string, string>
) => GrpcCall.call(target, path, toBinary(schema, create(schema, message)), headers)

const status = (code: number, detail: string) => ({ code, detail, messages: [] })

const specMessage = (spec: CreateSpec) => Option.getOrThrow(Option.getRight(Proto.encodeSpec(spec)))

const task = (id: string, options: Partial<CreateSpec> = {}): Task => ({
  metadata: { id: TaskId.make(id), createdAt: 1n, updatedAt: 2n, resourceVersion: 3n },
  spec: makeSpec(options),
  status: { phase: "TASK_STATUS_RUNNING", attempt: 1, error: Option.none(), exitCode: Option.none() }
})

const capturing = (logged: Array<unknown>) =>
  Logger.replace(Logger.defaultLogger, Logger.make(({ cause, message }) => logged.push([message, cause])))

describe("GrpcFront", () => {
  describe("requests", () => {
    it.effect("hands the decoded spec to the handler", () =>
      Effect.gen(function*() {
        const specs: Array<CreateSpec> = []
        const submitTask = (given: CreateSpec) =>
          Effect.sync(() => {
            specs.push(given)
            return TaskId.make("made")
          })
        const target = yield* front({ submitTask })
        const spec = makeSpec({
          labels: { a: "b" },
          restart: "RESTART_STRATEGY_ALWAYS",
          restartIntervalMs: Option.some(7n)
        })
        const answer = yield* call(target, v1("SubmitTask"), Pb.SubmitTaskRequestSchema, { spec: specMessage(spec) })
        assert.strictEqual(answer.code, 0)
        assert.strictEqual(
          fromBinary(Pb.SubmitTaskResponseSchema, answer.messages[0] ?? new Uint8Array()).taskId,
          "made"
        )
        assert.deepStrictEqual(specs, [spec])
      }))

    it.effect("forgets an interval that the policy has no use for", () =>
      Effect.gen(function*() {
        const specs: Array<CreateSpec> = []
        const submitTask = (given: CreateSpec) => Effect.as(Effect.sync(() => specs.push(given)), TaskId.make("made"))
        const spec = { ...specMessage(makeSpec()), restartIntervalMs: 7n }
        yield* call(yield* front({ submitTask }), v1("SubmitTask"), Pb.SubmitTaskRequestSchema, { spec })
        assert.deepStrictEqual(specs, [makeSpec()])
      }))

    it.effect("hands a complete query to the handler", () =>
      Effect.gen(function*() {
        const queries: Array<TaskQuery> = []
        const queryTasks = (query: TaskQuery) =>
          Effect.sync(() => {
            queries.push(query)
            return { tasks: [], total: 7 }
          })
        const target = yield* front({ queryTasks })
        const list = (request: MessageInitShape<typeof Pb.ListTasksRequestSchema>) =>
          call(target, v1("ListTasks"), Pb.ListTasksRequestSchema, request)
        const answer = yield* list({})
        const page = fromBinary(Pb.ListTasksResponseSchema, answer.messages[0] ?? new Uint8Array())
        assert.deepInclude(page, { tasks: [], total: 7 })
        yield* list({ slot: " a ", status: 5, limit: 1001, offset: 4294967295 })
        yield* list({ limit: 1000 })
        const none: TaskQuery = { slot: Option.none(), status: Option.none(), limit: 100, offset: 0 }
        assert.deepStrictEqual<ReadonlyArray<TaskQuery>>(queries, [
          none,
          { slot: Option.some(" a "), status: Option.some("TASK_STATUS_TIMEOUT"), limit: 1000, offset: 4294967295 },
          { ...none, limit: 1000 }
        ])
      }))

    it.effect("refuses filters that mean nothing", () =>
      Effect.gen(function*() {
        const target = yield* front({ queryTasks: () => Effect.dieMessage("the front should have refused this") })
        const slot = (text: string) =>
          toBinary(Pb.ListTasksRequestSchema, create(Pb.ListTasksRequestSchema, { slot: text }))
        const number = (...varint: ReadonlyArray<number>) => Uint8Array.of(0x10, ...varint)
        const refused: ReadonlyArray<readonly [Uint8Array, string]> = [
          [slot(""), "slot cannot be empty"],
          [slot(" \u00a0"), "slot cannot be empty"],
          [number(0), "status cannot be unspecified"],
          [number(8), "invalid status value: 8"],
          [number(99), "invalid status value: 99"],
          [number(255, 255, 255, 255, 255, 255, 255, 255, 255, 1), "invalid status value: -1"]
        ]
        for (const [request, detail] of refused) {
          assert.deepInclude(yield* GrpcCall.call(target, v1("ListTasks"), request), status(3, detail))
        }
      }))

    it.effect("refuses blank ids on every call that has one, and hands over all others as they are", () =>
      Effect.gen(function*() {
        const ids: Array<string> = []
        const seen = <A>(answer: A) => (id: TaskId) => Effect.as(Effect.sync(() => ids.push(id)), answer)
        const target = yield* front({
          getTaskStatus: seen(Option.none()),
          listTaskRuns: seen([]),
          deleteTask: seen(undefined),
          streamTaskLogs: seen(Stream.empty)
        })
        for (const name of ["GetTaskStatus", "ListTaskRuns", "DeleteTask", "StreamTaskLogs"]) {
          for (const taskId of ["", "  ", "\t"]) {
            const answer = yield* call(target, v1(name), Pb.GetTaskStatusRequestSchema, { taskId })
            assert.deepInclude(answer, status(3, "task_id cannot be empty"))
          }
          assert.strictEqual((yield* call(target, v1(name), Pb.GetTaskStatusRequestSchema, { taskId: "a/€" })).code, 0)
        }
        assert.deepStrictEqual(ids, ["a/€", "a/€", "a/€", "a/€"])
      }))

    it.effect("says of a message that cannot be decoded what is wrong, and nothing of what is in it", () =>
      Effect.gen(function*() {
        const target = yield* front()
        const bytes = (text: string) => new TextEncoder().encode(text)
        const messages: ReadonlyArray<readonly [Uint8Array, string]> = [
          [Uint8Array.of(0xff, 0xff, 0xff), "invalid varint"],
          [Uint8Array.of(0x0a, 0x7f, ...bytes("secret")), "buffer underflow"],
          [Uint8Array.of(0x0a, 0x02, 0xc3, 0x28), "invalid string value: data is not UTF-8 encoded"],
          [Uint8Array.of(0x57, 0x73), "invalid tag"],
          [Uint8Array.of(0x00, 0x73), "invalid tag"],
          [Uint8Array.of(0x7b, 0x74), "unexpected end group tag"],
          [new Uint8Array(300).fill(0x7b), "recursion limit reached"]
        ]
        for (const [message, reason] of messages) {
          const answer = yield* GrpcCall.call(target, v1("GetTaskStatus"), message)
          assert.deepInclude(answer, status(13, `failed to decode Protobuf message: ${reason}`))
        }
      }))

    it.effect("takes messages up to the limit, and says with the code that it was given that one is longer", () =>
      Effect.gen(function*() {
        const big = (bytes: number) => new Uint8Array([...varint(bytes), ...new Uint8Array(bytes).fill(0x61)])
        const varint = (bytes: number) => [0x7a, bytes % 128 | 128, bytes >> 7]
        const detail = "Error, decoded message length too large: found 1004 bytes, the limit is: 1003 bytes"
        for (const [tooLargeCode, code] of [[undefined, 8], [11, 11]] as const) {
          const target = yield* front({ deleteTask: () => Effect.void }, { maxMessageBytes: 1003, tooLargeCode })
          const answer = (bytes: number) =>
            Effect.map(
              GrpcCall.call(
                target,
                v1("DeleteTask"),
                new Uint8Array([0x0a, 0x01, 0x78, ...big(bytes - 6)])
              ),
              (it) => ({ code: it.code, detail: it.detail })
            )
          assert.deepStrictEqual(yield* answer(1003), { code: 0, detail: "" })
          assert.deepStrictEqual(yield* answer(1004), { code, detail })
        }
      }))

    it.effect("takes 4 MiB unless it is told otherwise", () =>
      Effect.gen(function*() {
        const target = yield* front()
        const spec = (length: number) => ({ ...specMessage(makeSpec()), slot: "x".repeat(length) })
        const send = (length: number) =>
          call(target, v1("SubmitTask"), Pb.SubmitTaskRequestSchema, { spec: spec(length) })
        const size = toBinary(
          Pb.SubmitTaskRequestSchema,
          create(Pb.SubmitTaskRequestSchema, { spec: spec(4_000_000) })
        ).length
        const longest = 4_000_000 + 4_194_304 - size
        assert.strictEqual((yield* send(longest)).code, 3)
        assert.deepInclude(
          yield* send(longest + 1),
          status(8, "Error, decoded message length too large: found 4194305 bytes, the limit is: 4194304 bytes")
        )
      }))
  })

  describe("answers", () => {
    it.effect("an unknown task is an answer without one", () =>
      Effect.gen(function*() {
        const target = yield* front()
        const answer = yield* call(target, v1("GetTaskStatus"), Pb.GetTaskStatusRequestSchema, { taskId: "x" })
        assert.strictEqual(answer.code, 0)
        assert.deepStrictEqual(answer.messages, [new Uint8Array(0)])
      }))

    it.effect("tasks, pages and runs are those of the handler", () =>
      Effect.gen(function*() {
        const run = {
          attempt: 2,
          status: "TASK_STATUS_FAILED",
          startedAt: 5n,
          finishedAt: Option.some(6n),
          error: Option.some("why"),
          exitCode: Option.some(-1)
        } as const
        const target = yield* front({
          getTaskStatus: (id) => Effect.succeedSome(task(id)),
          queryTasks: () => Effect.succeed({ tasks: [task("a"), task("b")], total: 300 }),
          listTaskRuns: () => Effect.succeed([run])
        })
        const first = (answer: GrpcCall.Answer) => answer.messages[0] ?? new Uint8Array()
        const got = fromBinary(
          Pb.GetTaskStatusResponseSchema,
          first(yield* call(target, v1("GetTaskStatus"), Pb.GetTaskStatusRequestSchema, { taskId: "x" }))
        )
        assert.deepStrictEqual(
          got.task && toBinary(Pb.GetTaskStatusResponseSchema, got),
          first({
            ...status(0, ""),
            metadata: {},
            messages: [toBinary(
              Pb.GetTaskStatusResponseSchema,
              create(Pb.GetTaskStatusResponseSchema, { task: Proto.encodeTask(task("x")) })
            )]
          })
        )
        const page = fromBinary(
          Pb.ListTasksResponseSchema,
          first(yield* call(target, v1("ListTasks"), Pb.ListTasksRequestSchema, {}))
        )
        assert.deepStrictEqual(page.tasks.map(({ metadata }) => metadata?.id), ["a", "b"])
        assert.strictEqual(page.total, 300)
        const runs = fromBinary(
          Pb.ListTaskRunsResponseSchema,
          first(yield* call(target, v1("ListTaskRuns"), Pb.ListTaskRunsRequestSchema, { taskId: "x" }))
        )
        assert.deepStrictEqual(runs.runs.map(Proto.decodeRun), [run])
      }))

    const labels: ReadonlyArray<readonly [ErrorLabel, number]> = [
      ["InvalidRequest", 3],
      ["Unauthenticated", 16],
      ["TaskNotFound", 5],
      ["AlreadyExists", 6],
      ["PayloadTooLarge", 8],
      ["Internal", 13],
      ["Unavailable", 14]
    ]
    it.effect.each(labels)("%s of a handler is %i, with the bare text", ([label, code]) =>
      Effect.gen(function*() {
        const failure = () => new ApiError({ label, detail: "why \"not\" €", retryAfterSeconds: 7 })
        const target = yield* front({ deleteTask: failure, streamTaskLogs: failure })
        for (const name of ["DeleteTask", "StreamTaskLogs"]) {
          const answer = yield* call(target, v1(name), Pb.DeleteTaskRequestSchema, { taskId: "x" })
          assert.deepInclude(answer, status(code, "why \"not\" €"))
          assert.strictEqual(answer.metadata["grpc-retry-pushback-ms"], "7000")
        }
      }))

    it.effect("a defect of a handler is INTERNAL, says nothing, and is a line in the log", () =>
      Effect.gen(function*() {
        const broken: ReadonlyArray<ApiHandler.Service["deleteTask"]> = [
          () => Effect.dieMessage("secret"),
          () => {
            throw new Error("secret")
          }
        ]
        for (const deleteTask of broken) {
          const logged: Array<unknown> = []
          const answer = yield* Effect.flatMap(
            front({ deleteTask }),
            (target) => call(target, v1("DeleteTask"), Pb.DeleteTaskRequestSchema, { taskId: "x" })
          ).pipe(Effect.provide(capturing(logged)))
          assert.deepInclude(answer, status(13, "internal error"))
          assert.strictEqual(logged.length, 1)
        }
      }))

    it.effect("a page is given up as soon as it is too long, not when it is complete", () =>
      Effect.gen(function*() {
        const long = task("a", { slot: "x".repeat(600_000) })
        let encoded = 0
        const tasks = Array.from({ length: 1000 }, () => ({
          ...long,
          get spec() {
            encoded += 1
            return long.spec
          }
        }))
        const target = yield* front({ queryTasks: () => Effect.succeed({ tasks, total: 1000 }) }, { tooLargeCode: 11 })
        const answer = yield* call(target, v1("ListTasks"), Pb.ListTasksRequestSchema, {})
        assert.strictEqual(answer.code, 11)
        assert.include(answer.detail, "the limit is: 4194304 bytes")
        assert.isBelow(encoded, 20)
      }))

    it.effect("an answer that is too long is refused as well", () =>
      Effect.gen(function*() {
        const target = yield* front({ getTaskStatus: () => Effect.succeedSome(task("x".repeat(2000))) }, {
          maxMessageBytes: 1000
        })
        const answer = yield* call(target, v1("GetTaskStatus"), Pb.GetTaskStatusRequestSchema, { taskId: "x" })
        assert.strictEqual(answer.code, 8)
        assert.include(answer.detail, "encoded message length too large")
      }))
  })

  describe("logs", () => {
    const line = (seq: number): LogEvent => ({
      type: "chunk",
      attempt: 1,
      stream: "stderr",
      seq,
      ts: 1,
      line: `line ${seq}`
    })
    const follow = (target: Front) =>
      call(target, v1("StreamTaskLogs"), Pb.StreamTaskLogsRequestSchema, { taskId: "default-t-1" })
    const eventsOf = ({ messages }: GrpcCall.Answer) =>
      messages.map((message) => Proto.decodeEvent(fromBinary(Pb.OutputEventProtoSchema, message)))

    it.effect("come one message an event, and end with OK", () =>
      Effect.gen(function*() {
        const events: ReadonlyArray<LogEvent> = [
          { type: "runStarted", attempt: 1, startedAt: 1765000000000 },
          line(0),
          line(1),
          { type: "lagged", skipped: 7 },
          { type: "runFinished", attempt: 1, exitCode: Option.some(3), finishedAt: 1765000000001 }
        ]
        const answer = yield* follow(
          yield* front({ streamTaskLogs: () => Effect.succeed(Stream.fromIterable(events)) })
        )
        assert.strictEqual(answer.code, 0)
        assert.deepStrictEqual<ReadonlyArray<unknown>>(eventsOf(answer), events)
      }))

    it.effect("of an unknown task are NOT_FOUND, with the id, before any message", () =>
      Effect.gen(function*() {
        const streamTaskLogs = (id: TaskId) => new ApiError({ label: "TaskNotFound", detail: id })
        assert.deepInclude(yield* follow(yield* front({ streamTaskLogs })), status(5, "default-t-1"))
      }))

    it.effect("that fail end with the status of the failure, behind what came before", () =>
      Effect.gen(function*() {
        const failing = Stream.concat(
          Stream.make(line(0)),
          Stream.fail(new ApiError({ label: "Unavailable", detail: "going" }))
        )
        const answer = yield* follow(yield* front({ streamTaskLogs: () => Effect.succeed(failing) }))
        assert.deepStrictEqual(eventsOf(answer), [line(0)])
        assert.deepInclude(answer, { code: 14, detail: "going" })
      }))

    it.effect("that die end with INTERNAL", () =>
      Effect.gen(function*() {
        const logged: Array<unknown> = []
        const dying = Stream.concat(Stream.make(line(0)), Stream.dieMessage("secret"))
        const answer = yield* Effect.flatMap(front({ streamTaskLogs: () => Effect.succeed(dying) }), follow).pipe(
          Effect.provide(capturing(logged))
        )
        assert.deepStrictEqual(eventsOf(answer), [line(0)])
        assert.deepInclude(answer, { code: 13, detail: "internal error" })
        assert.strictEqual(logged.length, 1)
      }))

    it.effect("begin before their first event, and are let go with the client", () =>
      Effect.gen(function*() {
        const open = yield* Deferred.make<void>()
        const closed = yield* Deferred.make<void>()
        const streamTaskLogs = () =>
          Effect.as(
            Effect.acquireRelease(Deferred.succeed(open, undefined), () => Deferred.succeed(closed, undefined)),
            Stream.never
          )
        const target = yield* front({ streamTaskLogs })
        const head = yield* Deferred.make<number>()
        const request = GrpcCall.requestOf(
          v1("StreamTaskLogs"),
          GrpcCall.framed(toBinary(
            Pb.StreamTaskLogsRequestSchema,
            create(Pb.StreamTaskLogsRequestSchema, { taskId: "x" })
          ))
        )
        const client = yield* Effect.fork(Effect.scoped(
          Effect.flatMap(target(request), ({ status }) => Effect.zipRight(Deferred.succeed(head, status), Effect.never))
        ))
        assert.strictEqual(yield* Deferred.await(head), 200)
        assert.isTrue(yield* Deferred.isDone(open))
        assert.isFalse(yield* Deferred.isDone(closed))
        yield* Fiber.interrupt(client)
        assert.isTrue(yield* Deferred.isDone(closed))
      }))
  })

  describe("services", () => {
    const codesOf = (target: Front, paths: ReadonlyArray<string>) =>
      Effect.forEach(paths, (path) => Effect.map(GrpcCall.call(target, path, new Uint8Array(0)), ({ code }) => code))
    const paths = [v1("SubmitTask"), v1("ApplyTask"), later("SubmitTask"), later("ApplyTask"), later("StreamTaskLogs")]

    it.effect("the six calls of 0.0.2; with `apply` the seven of 0.0.3 beside them", () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* codesOf(yield* front(), paths), [3, 12, 12, 12, 12])
        assert.deepStrictEqual(yield* codesOf(yield* front({}, { apply: true }), paths), [3, 12, 3, 3, 3])
      }))

    it.effect("those that are named, and nothing else", () =>
      Effect.gen(function*() {
        const only = yield* front({}, { apply: true, services: ["solti.task.v1.TaskService"] })
        assert.deepStrictEqual(yield* codesOf(only, paths), [12, 12, 3, 3, 3])
        const without = yield* front({}, { services: ["solti.task.v1.TaskService"] })
        assert.deepStrictEqual(yield* codesOf(without, paths), [12, 12, 3, 12, 3])
        const answer = yield* GrpcCall.call(without, later("ApplyTask"), new Uint8Array(0))
        assert.deepInclude(answer, status(12, ""))
        assert.deepStrictEqual(yield* codesOf(without, ["/", "/solti.v1.SoltiApi", "/a.B/C"]), [12, 12, 12])
      }))

    it.effect("ApplyTask forces REPLACE, whatever the spec says", () =>
      Effect.gen(function*() {
        const admissions: Array<unknown> = []
        const submitTask = ({ admission }: CreateSpec) =>
          Effect.as(Effect.sync(() => admissions.push(admission)), TaskId.make("made"))
        const target = yield* front({ submitTask }, { apply: true })
        const apply = (spec?: CreateSpec) =>
          call(
            target,
            later("ApplyTask"),
            ApplyTaskRequestSchema,
            spec === undefined ? {} : { spec: specMessage(spec) }
          )
        const answer = yield* apply(makeSpec())
        assert.strictEqual(fromBinary(ApplyTaskResponseSchema, answer.messages[0] ?? new Uint8Array()).taskId, "made")
        assert.deepStrictEqual(admissions, ["ADMISSION_STRATEGY_REPLACE"])
        assert.deepInclude(yield* apply(), status(3, "missing spec"))
        assert.deepInclude(yield* apply(makeSpec({ slot: " " })), status(3, "slot cannot be empty"))
      }))
  })

  describe("the token", () => {
    const token = Redacted.make("s3cret-token")
    const health = new Map(
      [["/grpc.health.v1.Health/Check", {
        _tag: "Unary",
        handle: () => Effect.succeed(new Uint8Array(0))
      }]] as const
    )

    it.effect("is asked for before anything else", () =>
      Effect.gen(function*() {
        const target = yield* front({}, { token })
        const given = [
          undefined,
          "",
          "Bearer",
          "Bearer ",
          "Bearer s3cret-toke",
          "Bearer s3cret-token2",
          "BEARER s3cret-token",
          "Basic s3cret-token",
          "s3cret-token"
        ]
        const refused = status(16, "missing or invalid bearer token")
        for (const authorization of given) {
          const headers = authorization === undefined ? undefined : { authorization }
          const answer = yield* call(target, v1("ListTasks"), Pb.ListTasksRequestSchema, {}, headers)
          assert.deepInclude(answer, refused, authorization)
        }
        for (const path of ["/", "/a.B/C", v1("StreamTaskLogs"), "/grpc.health.v1.HealthX/Check"]) {
          assert.deepInclude(yield* GrpcCall.call(target, path, Uint8Array.of(0xff)), refused, path)
        }
        const tooLong = yield* GrpcCall.call(target, v1("SubmitTask"), new Uint8Array(4_194_305))
        assert.deepInclude(tooLong, refused)
      }))

    it.effect("lets in whoever has it", () =>
      Effect.gen(function*() {
        const target = yield* front({}, { token })
        for (const authorization of ["Bearer s3cret-token", "bearer s3cret-token"]) {
          const answer = yield* call(target, v1("ListTasks"), Pb.ListTasksRequestSchema, {}, { authorization })
          assert.strictEqual(answer.code, 0)
        }
      }))

    it.effect("is not asked for by health, which orchestrators ask", () =>
      Effect.gen(function*() {
        const target = yield* front({}, { token, methods: health })
        assert.strictEqual((yield* GrpcCall.call(target, "/grpc.health.v1.Health/Check", new Uint8Array(0))).code, 0)
      }))

    it.effect("shows nowhere", () =>
      Effect.gen(function*() {
        const logged: Array<unknown> = []
        const answers = yield* Effect.flatMap(
          front({ deleteTask: () => Effect.dieMessage("broken") }, { token }),
          (target) =>
            Effect.all([
              call(target, v1("DeleteTask"), Pb.DeleteTaskRequestSchema, { taskId: "x" }, {
                authorization: "Bearer s3cret-token"
              }),
              call(target, v1("DeleteTask"), Pb.DeleteTaskRequestSchema, { taskId: "x" }, {
                authorization: "Bearer 0ther"
              })
            ])
        ).pipe(Effect.provide(capturing(logged)))
        assert.strictEqual(logged.length, 1)
        assert.notMatch(inspect([answers, logged], { depth: 20 }), /s3cret|0ther/)
      }))
  })

  describe("metrics", () => {
    it.effect("count calls with one answer by their names, with their codes and times; no logs", () =>
      Effect.gen(function*() {
        const done: Array<RequestDone> = []
        let inFlight = 0
        let most = 0
        const metrics: ApiMetrics.Service = {
          requestDone: (request) => Effect.sync(() => void done.push(request)),
          inFlight: (transport, delta) =>
            Effect.sync(() => {
              assert.strictEqual(transport, "grpc")
              inFlight += delta
              most = Math.max(most, inFlight)
            })
        }
        const target = yield* Effect.provideService(
          front({
            listTaskRuns: () => Effect.as(Clock.sleep("2 seconds"), []),
            deleteTask: (id) => new ApiError({ label: "TaskNotFound", detail: id }),
            queryTasks: () => Effect.dieMessage("broken"),
            streamTaskLogs: () => Effect.succeed(Stream.empty)
          }, { apply: true, token: Redacted.make("t") }),
          ApiMetrics,
          metrics
        )
        const headers = { authorization: "Bearer t" }
        const id = toBinary(Pb.GetTaskStatusRequestSchema, create(Pb.GetTaskStatusRequestSchema, { taskId: "x" }))
        const runs = yield* Effect.fork(GrpcCall.call(target, v1("ListTaskRuns"), id, headers))
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(runs)
        yield* GrpcCall.call(target, later("DeleteTask"), id, headers)
        yield* Effect.provide(GrpcCall.call(target, v1("ListTasks"), new Uint8Array(0), headers), capturing([]))
        yield* GrpcCall.call(target, v1("SubmitTask"), Uint8Array.of(0xff), headers)
        yield* GrpcCall.call(target, v1("StreamTaskLogs"), id, headers)
        yield* GrpcCall.call(target, v1("ListTasks"), new Uint8Array(0))
        const cancelled = yield* Effect.fork(GrpcCall.call(target, v1("ListTaskRuns"), id, headers))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(cancelled)
        const request = (method: string, path: string, code: number, durationMs = 0): RequestDone => ({
          transport: "grpc",
          method,
          path,
          status: code,
          durationMs
        })
        assert.deepStrictEqual(done, [
          request("ListTaskRuns", v1("ListTaskRuns"), 0, 2000),
          request("DeleteTask", later("DeleteTask"), 5),
          request("ListTasks", v1("ListTasks"), 13),
          request("SubmitTask", v1("SubmitTask"), 13)
        ])
        assert.deepStrictEqual([inFlight, most], [0, 1])
      }))
  })
})
