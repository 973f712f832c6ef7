/**
 * The delivery socket: greeting, pushes, acknowledgements, reconnects.
 *
 * Source: contract 6.3, 6.7.
 *
 * @since 0.1.0
 */
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { DELIVERY_PROTOCOL_VERSION } from "../../schemas/cloacina/Delivery.js"
import type { CallFields, CommonError, StreamInterrupted } from "../../schemas/core/Errors.js"
import {
  DecodeError,
  InvalidInput,
  isTransient,
  Timeout,
  TransportError,
  VersionMismatch
} from "../../schemas/core/Errors.js"
import type { Connection, ConnectionClosed, Frame } from "../core/Connection.js"
import * as Feed from "../core/Feed.js"
import * as Frames from "./Frames.js"
import type { Entry, Ledger } from "./Ledger.js"

/**
 * What a subscription can end with.
 *
 * @since 0.1.0
 * @category errors
 */
export type DeliveryError = InvalidInput | CommonError | StreamInterrupted

/**
 * Why a connection did not come to be, or ended, and whether another is worth a try. `ticketRefused`: the server did not
 * accept the ticket of the upgrade, so that the next try takes a new one.
 *
 * @internal
 */
export interface Failed {
  readonly error: DeliveryError
  readonly verdict: "reconnect" | "fail"
  readonly ticketRefused?: boolean | undefined
}

/**
 * What a feed of pushes needs.
 *
 * @internal
 */
export interface Source {
  /** Opens one connection, with a ticket of its own; it is closed with 1000 when the scope closes. */
  readonly open: Effect.Effect<Connection, Failed, Scope.Scope>
  /** Of the errors. */
  readonly info: Pick<CallFields, "operation" | "method" | "route">
  /** How long a server may take to say welcome. */
  readonly welcomeTimeout: Duration.DurationInput
  /** What becomes of a push that is not what its kind promises: the failure of the stream, or a push of unknown kind. */
  readonly undecodable?: "fail" | "raw" | undefined
  /** The pauses between connections: 100 ms, doubling up to 30 s. */
  readonly policy?: Partial<Omit<Feed.Policy, "maxReconnects">> | undefined
}

/** How many tickets in a row may be refused: the server hands out tickets that it could not store (contract 4.2). */
const ticketLimit = 3

const badFrame = 4400
const badVersion = 4426

/** What it means that a connection ended, where the close code has no meaning of its own. */
const closedError = (info: Source["info"], { by, code, reason }: ConnectionClosed): TransportError =>
  new TransportError({
    ...info,
    phase: "response",
    code: String(code),
    detail: `the ${by === "here" ? "client" : "server"} ended the connection${
      reason === "" ? "" : `: ${reason.slice(0, 200)}`
    }`
  })

const onClosed = (info: Source["info"]) => (closed: ConnectionClosed): Failed => {
  const { by, code, reason } = closed
  if (by === "here" || code !== badFrame && code !== badVersion) {
    return { error: closedError(info, closed), verdict: "reconnect" }
  }
  const fields = { ...info, code: String(code), detail: `the server refuses the protocol: ${reason.slice(0, 200)}` }
  return {
    error: code === badVersion
      ? new VersionMismatch({ ...fields, expected: `delivery protocol ${DELIVERY_PROTOCOL_VERSION}` })
      : new InvalidInput({ ...fields, issues: [{ path: "", message: "a frame of this SDK was not understood" }] }),
    verdict: "fail"
  }
}

const read = (connection: Connection, info: Source["info"]): Effect.Effect<Chunk.Chunk<Frame>, Failed> =>
  Effect.mapError(connection.receive, onClosed(info))

/**
 * One connection: hello, welcome, then its pushes as entries of the ledger, those that have come before left out. While
 * it lives it carries the acknowledgements that are due, those of one turn of the event loop in one write.
 */
const connect = (
  source: Source,
  ledger: Ledger
): Effect.Effect<Stream.Stream<Entry, Failed>, Failed, Scope.Scope> =>
  Effect.gen(function*() {
    const { info } = source
    const connection = yield* source.open
    let welcomed = false
    let failure: Failed | undefined

    const fail = (error: DeliveryError) => {
      failure = { error, verdict: "fail" }
    }

    /** The entries of some frames, up to the first that is a failure; binary frames mean nothing (contract 6.3). */
    const take = (frames: Chunk.Chunk<Frame>): Array<Entry> => {
      const entries: Array<Entry> = []
      for (const frame of frames) {
        if (typeof frame !== "string") continue
        const incoming = Frames.decode(frame)
        if (incoming === undefined) continue
        if (incoming instanceof Frames.Welcome) {
          welcomed = true
          if (incoming.version === DELIVERY_PROTOCOL_VERSION) continue
          fail(
            new VersionMismatch({
              ...info,
              detail: "the server speaks another version of the delivery protocol",
              expected: String(DELIVERY_PROTOCOL_VERSION),
              actual: String(incoming.version)
            })
          )
          return entries
        }
        const isRaw = incoming instanceof Frames.Undecodable && source.undecodable === "raw"
        const push = isRaw ? incoming.raw ?? incoming : incoming
        if (push instanceof Frames.Undecodable) {
          const { expected, id, path } = push
          fail(
            new DecodeError({
              ...info,
              path,
              expected,
              detail: `push ${id} does not decode${path === "" ? "" : ` at ${path}`}: expected ${expected}; ` +
                "it is not acknowledged"
            })
          )
          return entries
        }
        const entry = ledger.accept(push)
        if (entry !== undefined) entries.push(entry)
      }
      return entries
    }

    // If it cannot be said any more, what has come can still be read, and then why.
    yield* Effect.ignore(connection.send([Frames.hello]))
    const first: Array<Entry> = []
    const welcome: Effect.Effect<void, Failed> = Effect.flatMap(read(connection, info), (frames) => {
      for (const entry of take(frames)) first.push(entry)
      return welcomed || failure !== undefined ? Effect.void : welcome
    })
    const limitMs = Duration.toMillis(source.welcomeTimeout)
    yield* Effect.timeoutFail(welcome, {
      duration: limitMs,
      onTimeout: (): Failed => ({
        error: new Timeout({
          ...info,
          kind: "firstByte",
          limitMs,
          detail: `the server did not say welcome within ${limitMs} ms`
        }),
        verdict: "reconnect"
      })
    })

    const acknowledge = Effect.suspend(() => {
      const ids = ledger.takeDue()
      return Effect.onError(connection.send(ids.map(Frames.ack)), () => Effect.sync(() => ledger.putBack(ids)))
    })
    // What is due when the connection closes goes out if it can do so at once: closing waits for nobody.
    yield* Effect.addFinalizer(() =>
      ledger.isDue
        ? Effect.ignore(Effect.raceFirst(Effect.interruptible(acknowledge), Effect.interruptible(Effect.sleep(0))))
        : Effect.void
    )
    yield* ledger.hasDue.pipe(
      Effect.zipRight(Effect.sleep(0)),
      Effect.zipRight(acknowledge),
      Effect.forever,
      Effect.ignore,
      Effect.forkScoped
    )

    const next: Effect.Effect<Chunk.Chunk<Entry>, Option.Option<Failed>> = Effect.suspend(() => {
      if (failure !== undefined) return Effect.fail(Option.some(failure))
      if (ledger.isBehind) return Effect.zipRight(ledger.caughtUp, receive)
      return receive
    })
    const receive: typeof next = Effect.suspend(() =>
      Effect.matchEffect(read(connection, info), {
        onFailure: (failed) => Effect.fail(Option.some(failed)),
        onSuccess: (frames) => {
          const entries = take(frames)
          return entries.length === 0 ? next : Effect.succeed(Chunk.unsafeFromArray(entries))
        }
      })
    )
    const rest = Stream.repeatEffectChunkOption(next)
    return first.length === 0 ? rest : Stream.concat(Stream.fromIterable(first), rest)
  })

/**
 * The pushes over as many connections as it takes; never gives up by itself. `interrupted` is told about each connection
 * that failed, in front of the pause: how many have failed in a row, and the last failure.
 *
 * @internal
 */
export const feed = (
  source: Source,
  ledger: Ledger,
  interrupted: (failures: number, last: Option.Option<Failed>) => void
): Stream.Stream<Entry, Failed> => {
  let refused = 0
  const open = source.open.pipe(
    Effect.tap(() => Effect.sync(() => refused = 0)),
    Effect.mapError((failed): Failed => {
      if (failed.ticketRefused !== true) return failed
      refused += 1
      return refused > ticketLimit ? { ...failed, verdict: "fail" } : failed
    })
  )
  return Feed.make<Entry, never, Failed, Failed, never>({
    connect: () => connect({ ...source, open }, ledger),
    classify: ({ verdict }) => verdict,
    onEnd: "reconnect",
    waitOf: ({ error }) => Feed.waitOf(error),
    observer: { reconnected: interrupted, delivered: () => {} }
  }, {
    policy: { base: "100 millis", cap: "30 seconds", ...source.policy, maxReconnects: Infinity },
    interrupted: (_, last) =>
      Option.getOrElse(last, (): Failed => ({
        error: new TransportError({ ...source.info, phase: "response", detail: "the server ended the connection" }),
        verdict: "fail"
      }))
  })
}

/**
 * Whether what prepares a connection may do better next time.
 *
 * @internal
 */
export const isPassing = (error: { readonly _tag: string }): boolean => isTransient(error) || error._tag === "Internal"
