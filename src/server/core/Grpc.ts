/**
 * gRPC over a front: calls by their path, messages in and out, statuses, deadlines and limits. It knows no service.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { identity } from "effect/Function"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { codes } from "../../schemas/core/Grpc.js"
import {
  type BodyAborted,
  type BodyTooLarge,
  empty,
  type Front,
  type FrontRequest,
  type FrontResponse,
  pathOf,
  StreamBody
} from "./Front.js"
import { toTrailers } from "./GrpcDetails.js"
import { frame, headLength, type Misframed, Reader, Scanner } from "./GrpcFrames.js"
import { GrpcStatus, okTrailers, responseHeaders, shuttingDown, trailersOnly } from "./GrpcStatus.js"

/**
 * A method of a service, by what comes in and goes out. Messages are bytes.
 *
 * - `requestLimit`: the longest message of a request, in bytes, where it is less than that of the front
 * - `Unary`, `ServerStream`: `handle` runs once the one message of the request has come; its scope closes with the call
 * - `ServerStream`: the response begins as soon as `handle` has succeeded, whether the stream has a message or not;
 *   `isFramed`: its messages are frames already (`GrpcFrames.frame`), which many streams may share
 * - `Bidi`: `messages` come as the client sends them; what the client sends is read only as fast as they are pulled
 *
 * A client that cancels, or whose deadline has passed, interrupts the handler and its stream.
 *
 * @since 0.1.0
 * @category models
 */
export type Method =
  | {
    readonly _tag: "Unary"
    readonly requestLimit?: number | undefined
    readonly handle: (
      message: Uint8Array,
      request: FrontRequest
    ) => Effect.Effect<Uint8Array, GrpcStatus, Scope.Scope>
  }
  | {
    readonly _tag: "ServerStream"
    readonly requestLimit?: number | undefined
    readonly isFramed?: boolean | undefined
    readonly handle: (
      message: Uint8Array,
      request: FrontRequest
    ) => Effect.Effect<Stream.Stream<Uint8Array, GrpcStatus>, GrpcStatus, Scope.Scope>
  }
  | {
    readonly _tag: "Bidi"
    readonly requestLimit?: number | undefined
    readonly handle: (
      messages: Stream.Stream<Uint8Array, GrpcStatus>,
      request: FrontRequest
    ) => Stream.Stream<Uint8Array, GrpcStatus>
  }

/**
 * - `methods`: by path, `/<package>.<Service>/<Method>`
 * - `maxMessageBytes`: the longest message in either direction, in bytes
 * - `tooLargeCode`: the status of a longer one; default RESOURCE_EXHAUSTED
 * - `refuse`: looked at before everything else: authentication
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly methods: ReadonlyMap<string, Method>
  readonly maxMessageBytes: number
  readonly tooLargeCode?: number | undefined
  readonly refuse?: ((request: FrontRequest) => GrpcStatus | undefined) | undefined
}

const status = (code: number, detail: string) => new GrpcStatus({ code, detail })

const refused = (status: GrpcStatus, headers?: Readonly<Record<string, string>>): FrontResponse =>
  trailersOnly(toTrailers(status), headers)

const internal = status(codes.INTERNAL, "internal error")

const tooSlow = status(codes.DEADLINE_EXCEEDED, "the request took too long to arrive")

const noMessage = status(codes.UNIMPLEMENTED, "the request has no message")

const secondMessage = status(codes.UNIMPLEMENTED, "the request has a second message")

const cutShort = status(codes.INTERNAL, "the request ended in the middle of a message")

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** The milliseconds of `grpc-timeout`, `undefined` without it. */
const timeoutOf = (request: FrontRequest): Either.Either<number | undefined, GrpcStatus> => {
  const given = request.headers["grpc-timeout"]
  if (given === undefined) return Either.right(undefined)
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(given) ?? []
  const factor = unitMs[unit]
  return digits === undefined || factor === undefined
    ? Either.left(
      status(codes.INVALID_ARGUMENT, "invalid grpc-timeout: it must be 1 to 8 digits and one of H, M, S, m, u, n")
    )
    : Either.right(Number(digits) * factor)
}

/** What a request must be before its body is looked at. */
const objection = (request: FrontRequest): FrontResponse | undefined => {
  if (request.method !== "POST") return empty(405, { allow: "POST" })
  if (!/^application\/grpc(?:\+proto)?\s*(?:;|$)/i.test(request.headers["content-type"] ?? "")) {
    return empty(415, { "accept-post": "application/grpc, application/grpc+proto" })
  }
  const encoding = request.headers["grpc-encoding"] ?? "identity"
  if (encoding === "identity") return undefined
  return refused(status(codes.UNIMPLEMENTED, "the request is compressed: only identity is supported"), {
    "grpc-accept-encoding": "identity"
  })
}

/** The status of whatever has ended a call; what no client should see is logged. */
const statusOf = (cause: Cause.Cause<GrpcStatus>): Effect.Effect<GrpcStatus> => {
  const failure = Cause.failureOrCause(cause)
  if (Either.isLeft(failure)) return Effect.succeed(failure.left)
  if (Cause.isInterruptedOnly(failure.right)) return Effect.succeed(shuttingDown)
  return Effect.as(Effect.logError("A gRPC handler failed", failure.right), internal)
}

/**
 * The front of the methods.
 *
 * Every request passes, in this order: `refuse`, path (UNIMPLEMENTED without a text), method and content type (HTTP 405
 * and 415), encoding, `grpc-timeout`, messages, handler. What fails before the first message is answered by a status
 * alone. Defects of handlers are logged and end as INTERNAL; what the end of the server interrupts, as UNAVAILABLE.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Front => {
  const { maxMessageBytes, methods, refuse, tooLargeCode = codes.RESOURCE_EXHAUSTED } = options

  const tooLarge = (verb: "decoded" | "encoded", length?: number, limit = maxMessageBytes) =>
    status(
      tooLargeCode,
      `Error, ${verb} message length too large: ${
        length === undefined ? "" : `found ${length} bytes, `
      }the limit is: ${limit} bytes`
    )

  const misframed = (problem: Misframed, limit: number): GrpcStatus =>
    problem._tag === "TooLong"
      ? tooLarge("decoded", problem.length, limit)
      : problem.flag === 1
      ? status(codes.INTERNAL, "a message is flagged as compressed, but the request has no grpc-encoding")
      : status(codes.INTERNAL, `invalid compression flag ${problem.flag}: 0 and 1 are valid`)

  const unread = (error: BodyTooLarge | BodyAborted, limit: number): GrpcStatus =>
    error._tag === "BodyTooLarge" ? tooLarge("decoded", undefined, limit) : tooSlow

  const limitOf = ({ requestLimit = maxMessageBytes }: Method): number => requestLimit

  /** The message of a request that has exactly one. Whether it is too long is seen before it has come. */
  const readOne = (request: FrontRequest, limit: number): Effect.Effect<Uint8Array, GrpcStatus> =>
    Effect.suspend(() => {
      const scanner = new Scanner(limit)
      return Effect.matchEffect(request.bytes(limit + headLength, (piece) => scanner.accepts(piece)), {
        onFailure: (error) =>
          Effect.fail(
            scanner.problem !== undefined
              ? misframed(scanner.problem, limit)
              // The first message fits: what is too much is another one.
              : scanner.isKnown && error._tag === "BodyTooLarge"
              ? secondMessage
              : unread(error, limit)
          ),
        onSuccess: (bytes) => {
          const messages: Array<Uint8Array> = []
          const reader = new Reader(limit)
          const problem = reader.push(bytes, messages)
          const [message] = messages
          if (message !== undefined && (messages.length > 1 || !reader.isWhole || problem !== undefined)) {
            return Effect.fail(secondMessage)
          }
          if (problem !== undefined) return Effect.fail(misframed(problem, limit))
          if (!reader.isWhole) return Effect.fail(cutShort)
          return message === undefined ? Effect.fail(noMessage) : Effect.succeed(message)
        }
      })
    })

  const readAll = (request: FrontRequest, limit: number): Stream.Stream<Uint8Array, GrpcStatus> =>
    Stream.suspend(() => {
      const reader = new Reader(limit)
      const pieces = request.pieces ?? Stream.fromEffect(request.bytes(limit + headLength))
      return Stream.mapError(pieces, (error) => unread(error, limit)).pipe(
        Stream.mapChunksEffect((pieces) => {
          const messages: Array<Uint8Array> = []
          for (const piece of pieces) {
            const problem = reader.push(piece, messages)
            if (problem !== undefined) return Effect.fail(misframed(problem, limit))
          }
          return Effect.succeed(Chunk.unsafeFromArray(messages))
        }),
        Stream.concat(Stream.execute(Effect.suspend(() => reader.isWhole ? Effect.void : Effect.fail(cutShort))))
      )
    })

  /** A response with messages, each a piece of its own, and the status behind them. */
  const respond = (
    messages: Stream.Stream<Uint8Array, GrpcStatus>,
    deadline: Deadline,
    isFramed = false
  ): FrontResponse => {
    const head = isFramed ? headLength : 0
    // What stands there when nothing else has been said: the stream was interrupted.
    let end = toTrailers(shuttingDown)
    const framing: Framing = Channel.readWithCause({
      onInput: (chunk: Chunk.Chunk<Uint8Array>) => {
        const framed: Array<Uint8Array> = []
        for (const message of chunk) {
          const length = message.length - head
          if (length > maxMessageBytes) {
            end = toTrailers(tooLarge("encoded", length))
            return Channel.asVoid(Channel.write(Chunk.unsafeFromArray(framed)))
          }
          framed.push(isFramed ? message : frame(message))
        }
        return Channel.zipRight(Channel.write(Chunk.unsafeFromArray(framed)), framing)
      },
      onFailure: (cause) =>
        Channel.fromEffect(Effect.map(statusOf(cause), (status) => {
          end = toTrailers(status)
        })),
      onDone: () =>
        Channel.sync(() => {
          end = okTrailers
        })
    })
    return {
      status: 200,
      headers: responseHeaders,
      body: new StreamBody({ stream: Stream.pipeThroughChannel(deadline.stream(messages), framing) }),
      trailers: Effect.sync(() => end)
    }
  }

  const call = (
    method: Method,
    request: FrontRequest,
    deadline: Deadline
  ): Effect.Effect<FrontResponse, GrpcStatus, Scope.Scope> => {
    switch (method._tag) {
      case "Unary":
        return Effect.flatMap(
          deadline.effect(
            Effect.flatMap(readOne(request, limitOf(method)), (message) => method.handle(message, request))
          ),
          (answer) =>
            answer.length > maxMessageBytes
              ? Effect.fail(tooLarge("encoded", answer.length))
              : Effect.succeed({ status: 200, headers: responseHeaders, body: frame(answer), trailers: wentWell })
        )
      case "ServerStream":
        return Effect.map(
          deadline.effect(
            Effect.flatMap(readOne(request, limitOf(method)), (message) => method.handle(message, request))
          ),
          (messages) => respond(messages, deadline, method.isFramed)
        )
      case "Bidi":
        return Effect.sync(() => respond(method.handle(readAll(request, limitOf(method)), request), deadline))
    }
  }

  return (request) => {
    const refusal = refuse?.(request)
    if (refusal !== undefined) return Effect.succeed(refused(refusal))
    const method = methods.get(pathOf(request.target))
    if (method === undefined) return Effect.succeed(refused(status(codes.UNIMPLEMENTED, "")))
    const objected = objection(request)
    if (objected !== undefined) return Effect.succeed(objected)
    const timeoutMs = timeoutOf(request)
    if (Either.isLeft(timeoutMs)) return Effect.succeed(refused(timeoutMs.left))
    return Effect.catchAllCause(
      timeoutMs.right === undefined
        ? call(method, request, noDeadline)
        : Effect.flatMap(deadlineIn(timeoutMs.right), (deadline) => call(method, request, deadline)),
      (cause) => Effect.map(statusOf(cause), (status) => refused(status))
    )
  }
}

const wentWell = Effect.succeed(okTrailers)

type Framing = Channel.Channel<Chunk.Chunk<Uint8Array>, Chunk.Chunk<Uint8Array>, never, GrpcStatus, void, unknown>

/** What ends with DEADLINE_EXCEEDED when the time of its call is over. */
interface Deadline {
  readonly effect: <A, R>(effect: Effect.Effect<A, GrpcStatus, R>) => Effect.Effect<A, GrpcStatus, R>
  readonly stream: (stream: Stream.Stream<Uint8Array, GrpcStatus>) => Stream.Stream<Uint8Array, GrpcStatus>
}

const noDeadline: Deadline = { effect: identity, stream: identity }

/** The time counts from here on, for all that the call does. */
const deadlineIn = (timeoutMs: number): Effect.Effect<Deadline> =>
  Effect.map(Effect.clock, (clock) => {
    const end = clock.unsafeCurrentTimeMillis() + timeoutMs
    const left = () => Duration.millis(Math.max(0, end - clock.unsafeCurrentTimeMillis()))
    const exceeded = status(codes.DEADLINE_EXCEEDED, "deadline exceeded")
    return {
      effect: (effect) =>
        Effect.suspend(() => Effect.timeoutFail(effect, { duration: left(), onTimeout: () => exceeded })),
      stream: (stream) =>
        Stream.suspend(() => Stream.interruptWhen(stream, Effect.delay(Effect.fail(exceeded), left())))
    }
  })
