/**
 * Messages of a stream between connect's iterables and Effect's streams.
 *
 * @since 0.1.0
 */
import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf"
import type { UnaryResponse } from "@connectrpc/connect"
import { Code, ConnectError } from "@connectrpc/connect"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { RpcConnection } from "./Rpc.js"

/**
 * One message, as the input of a call.
 *
 * @internal
 */
export async function* single<A>(message: A): AsyncIterable<A> {
  yield message
}

/**
 * Sends one message and gives the answer to it. `deadline` is in ms; the call is cancelled with the fiber.
 *
 * @internal
 */
export const exchange = <I extends DescMessage, O extends DescMessage>(
  { after, unary }: Pick<RpcConnection, "after" | "unary">,
  method: DescMethodUnary<I, O>,
  message: MessageShape<I>,
  headers: Headers,
  deadline: number | undefined
): Effect.Effect<UnaryResponse<I, O>, Broken> =>
  Effect.async((resume) => {
    // One controller for both: linking another one to it for the deadline is a tenth of the call.
    const controller = new AbortController()
    let passed: ConnectError | undefined
    const keep = deadline === undefined ? undefined : after?.(deadline, () => {
      passed = new ConnectError("the deadline has passed", Code.DeadlineExceeded)
      // Without a reason: the server is to hear CANCEL.
      controller.abort()
    })
    unary.unary(method, controller.signal, undefined, headers, message).then(
      (response) => {
        keep?.()
        resume(Effect.succeed(response))
      },
      (cause: unknown) => {
        keep?.()
        resume(Effect.fail({ cause: passed ?? cause }))
      }
    )
    return Effect.sync(() => {
      keep?.()
      controller.abort()
    })
  })

/** How many messages are read ahead of the consumer. */
const ahead = 256

interface Broken {
  readonly cause: unknown
}

/**
 * What `select` makes of the messages of an iterable; `undefined` is left out. What has come together is given as one chunk: a fiber that wakes for every message costs
 * more than the message. At most 256 are read ahead, then the connection's flow control holds the server back.
 *
 * @internal
 */
export const toStream = <M, A>(
  messages: AsyncIterable<M>,
  select: (message: M) => A | undefined,
  later: (run: () => void) => void
): Stream.Stream<A, Broken> =>
  Stream.suspend(() => {
    const iterator = messages[Symbol.asyncIterator]()
    let buffer: Array<A> = []
    let end: Option.Option<Broken> | undefined
    let waiting: (() => void) | undefined
    let isReading = false
    let isWaking = false

    const wake = () => {
      if (isWaking || waiting === undefined) return
      isWaking = true
      later(() => {
        isWaking = false
        const resume = waiting
        waiting = undefined
        resume?.()
      })
    }

    const read = async () => {
      isReading = true
      try {
        while (end === undefined && buffer.length < ahead) {
          const next = await iterator.next()
          if (next.done === true) {
            end = Option.none()
          } else {
            const item = select(next.value)
            if (item === undefined) continue
            buffer.push(item)
          }
          wake()
        }
      } catch (cause) {
        end = Option.some({ cause })
        wake()
      }
      isReading = false
    }

    const pull: Effect.Effect<Chunk.Chunk<A>, Option.Option<Broken>> = Effect.suspend(() => {
      if (!isReading && end === undefined && buffer.length < ahead) void read()
      if (buffer.length > 0) {
        const taken = Chunk.unsafeFromArray(buffer)
        buffer = []
        if (!isReading && end === undefined) void read()
        return Effect.succeed(taken)
      }
      if (end !== undefined) return Effect.fail(end)
      return Effect.zipRight(
        Effect.async<void>((resume) => {
          // Something may have come while the fiber let others go first.
          if (buffer.length > 0 || end !== undefined) return resume(Effect.void)
          waiting = () => resume(Effect.void)
          return Effect.sync(() => {
            waiting = undefined
          })
        }),
        pull
      )
    })
    return Stream.repeatEffectChunkOption(pull)
  })
