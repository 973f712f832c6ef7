/**
 * One message for another, and the messages of a stream: from connect's promises and iterables to effects and streams.
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

/** How many messages are read ahead of the consumer, and how much of them. */
const ahead = { messages: 256, bytes: 4 * 1024 * 1024 }

/**
 * What becomes of the messages of a stream.
 *
 * - `select`: makes an item of a message; `undefined` is left out
 * - `weigh`: about how many bytes an item keeps, where that may be much
 *
 * @internal
 */
export interface Selection<M, A> {
  readonly select: (message: M) => A | undefined
  readonly weigh: (item: A) => number
}

interface Broken {
  readonly cause: unknown
}

/**
 * The items of the messages of an iterable. What has come together is given as one chunk: a fiber that wakes for every
 * message costs more than the message. At most 256 items, or 4 MiB and one item, are read ahead; then the flow control of
 * the connection holds the server back.
 *
 * @internal
 */
export const toStream = <M, A>(
  messages: AsyncIterable<M>,
  { select, weigh }: Selection<M, A>,
  later: (run: () => void) => void
): Stream.Stream<A, Broken> =>
  Stream.suspend(() => {
    const iterator = messages[Symbol.asyncIterator]()
    let buffer: Array<A> = []
    let bytes = 0
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

    const hasRoom = () => end === undefined && buffer.length < ahead.messages && bytes < ahead.bytes

    const read = async () => {
      isReading = true
      try {
        while (hasRoom()) {
          const next = await iterator.next()
          if (next.done === true) {
            end = Option.none()
          } else {
            const item = select(next.value)
            if (item === undefined) continue
            buffer.push(item)
            bytes += weigh(item)
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
      if (!isReading && hasRoom()) void read()
      if (buffer.length > 0) {
        const taken = Chunk.unsafeFromArray(buffer)
        buffer = []
        bytes = 0
        if (!isReading && hasRoom()) void read()
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
