/**
 * The reactor socket: a command, its answer, the next command.
 *
 * Source: contract 6.5.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { ReactorResponse as Answer } from "../../schemas/cloacina/Delivery.js"
import { ReactorResponse } from "../../schemas/cloacina/Delivery.js"
import type { CallFields } from "../../schemas/core/Errors.js"
import {
  DecodeError,
  Forbidden,
  Internal,
  InvalidInput,
  NotFound,
  Timeout,
  TransportError
} from "../../schemas/core/Errors.js"
import type { Connection, ConnectionClosed } from "../core/Connection.js"
import type * as Feed from "../core/Feed.js"
import type { DeliveryError, Failed } from "./Delivery.js"
import * as Link from "./Link.js"

/**
 * What a command can end with.
 *
 * @since 0.1.0
 * @category errors
 */
export type CommandError = Exclude<DeliveryError, { readonly _tag: "StreamInterrupted" }> | NotFound

type AnswerOf<T extends Answer["type"]> = Extract<Answer, { readonly type: T }>

type Info = Pick<CallFields, "operation" | "method" | "route">

/**
 * Sends commands one at a time, in the order they were given; each waits for its own answer.
 *
 * @internal
 */
export interface Commands {
  readonly run: <T extends Answer["type"]>(
    info: Info,
    command: string,
    expected: T
  ) => Effect.Effect<AnswerOf<T>, CommandError>
}

const decodeAnswer = Schema.decodeUnknownEither(Schema.parseJson(ReactorResponse))

/** What an error of the server means: it has texts only. */
const refusal = (info: Info, message: string): CommandError => {
  const detail = message.slice(0, 1000)
  if (/^operation \w+ not permitted/.test(message)) return new Forbidden({ ...info, detail })
  if (/^no reactor (handle|registered) for /.test(message)) return new NotFound({ ...info, detail })
  if (message.startsWith("invalid command")) {
    return new InvalidInput({ ...info, detail, issues: [{ path: "", message: detail }] })
  }
  return new Internal({ ...info, detail })
}

/**
 * Commands over one connection at a time, which is open when this is done. A connection that was lost, or whose answers
 * no longer belong to the commands (one was given up on), is replaced in front of the next command; a command is never
 * sent twice.
 *
 * @internal
 */
export const make = (options: {
  readonly open: Effect.Effect<Connection, Failed, Scope.Scope>
  readonly answerTimeout: Duration.DurationInput
  readonly policy?: Partial<Feed.Policy> | undefined
}): Effect.Effect<Commands, CommandError, Scope.Scope> =>
  Effect.gen(function*() {
    const links = yield* Link.make(options)
    const lock = yield* Effect.makeSemaphore(1)
    const limitMs = Duration.toMillis(options.answerTimeout)
    const current = Effect.mapError(links.current, notInterrupted)
    yield* current

    const exchange = (info: Info, command: string): Effect.Effect<string, CommandError> =>
      Effect.flatMap(Effect.zip(current, Deferred.make<string, ConnectionClosed>()), ([link, answer]) => {
        link.onFrame = (frame) => {
          if (typeof frame === "string") Deferred.unsafeDone(answer, Effect.succeed(frame))
        }
        link.onClosed = (closed) => Deferred.unsafeDone(answer, Effect.fail(closed))
        return link.connection.send([command]).pipe(
          Effect.zipRight(Deferred.await(answer)),
          Effect.mapError(({ code }) =>
            new TransportError({
              ...info,
              phase: "response",
              code: String(code),
              detail: "the connection ended in front of the answer: the command may have been carried out"
            })
          ),
          limitMs === Infinity ? (self) => self : Effect.timeoutFail({
            duration: limitMs,
            onTimeout: () =>
              new Timeout({
                ...info,
                kind: "total",
                limitMs,
                detail: `no answer within ${limitMs} ms: the command may have been carried out`
              })
          }),
          Effect.ensuring(Effect.sync(() => {
            link.onFrame = undefined
            link.onClosed = undefined
          })),
          Effect.onError(() => links.discard)
        )
      })

    return {
      run: <T extends Answer["type"]>(info: Info, command: string, expected: T) =>
        lock.withPermits(1)(
          Effect.flatMap(exchange(info, command), (text): Effect.Effect<AnswerOf<T>, CommandError> => {
            const isExpected = (answer: Answer): answer is AnswerOf<T> => answer.type === expected
            const decoded = decodeAnswer(text)
            if (Either.isRight(decoded) && decoded.right.type === "error") {
              const error = refusal(info, decoded.right.message)
              // The server looks the reactor up when the socket opens, and never again.
              return error._tag === "NotFound"
                ? Effect.zipRight(links.discard, Effect.fail(error))
                : Effect.fail(error)
            }
            if (Either.isRight(decoded) && isExpected(decoded.right)) return Effect.succeed(decoded.right)
            return Effect.zipRight(
              links.discard,
              Effect.fail(
                new DecodeError({
                  ...info,
                  path: "",
                  expected: `an answer of type ${expected}`,
                  detail: `expected an answer of type ${expected}: the command may have been carried out`
                })
              )
            )
          })
        )
    }
  })

/** Opening a connection never ends in it: that is what feeds end in. */
const notInterrupted = (error: DeliveryError): CommandError =>
  error._tag === "StreamInterrupted" ? new TransportError({ ...error, phase: "request" }) : error
