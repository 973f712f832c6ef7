/**
 * One socket for all who listen to a recipient: two sockets of one tenant for one recipient throw each other off for
 * ever (contract 6.3). A push is acknowledged when everybody who listened when it came has taken it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { globalValue } from "effect/GlobalValue"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Push } from "../../schemas/cloacina/Delivery.js"
import { isAuth, StreamInterrupted } from "../../schemas/core/Errors.js"
import type { DeliveryError, Failed, Source } from "./Delivery.js"
import * as Delivery from "./Delivery.js"
import type { Entry } from "./Ledger.js"
import { Ledger } from "./Ledger.js"

/**
 * One who listens.
 *
 * @internal
 */
export interface Listening {
  /** Who holds the credential, and what of it is listened to: together they name the socket. */
  readonly holder: object
  readonly key: string
  /** How the socket is opened, if this is the first who listens. */
  readonly source: Source
  /** How many pushes wait for this consumer before the socket is no longer read; `latest`: one, the newest. */
  readonly capacity: number | "latest"
  /** How many connections in a row may fail before this consumer does. */
  readonly maxReconnects: number
  readonly observer: {
    readonly reconnected: () => void
    readonly delivered: (count: number) => void
  }
}

/**
 * How many pushes a consumer may have that it has not acknowledged. More ids than the ledger remembers would be taken for
 * new ones when they come again.
 */
const mostInHand = 8192

/** What a consumer has in front of it and in hand. */
class Consumer {
  private queue: Array<Entry> = []
  private head = 0
  private wake: (() => void) | undefined
  private wakeHand: (() => void) | undefined
  private ended: Cause.Cause<DeliveryError> | undefined
  /** Given, and not taken yet. */
  readonly inHand = new Set<Entry>()
  private given = 0

  constructor(readonly options: Listening) {}

  get size(): number {
    return this.queue.length - this.head
  }

  get isFull(): boolean {
    const { capacity } = this.options
    return capacity !== "latest" && this.isListening && this.size >= capacity
  }

  /** Half of the queue is empty: a pump that waits is woken once for many pushes. */
  get hasRoom(): boolean {
    const { capacity } = this.options
    return capacity === "latest" || !this.isListening || this.size <= capacity >> 1
  }

  get isListening(): boolean {
    return this.ended === undefined
  }

  put(entry: Entry, ledger: Ledger): void {
    if (this.options.capacity === "latest") {
      // What a newer one replaces is done with, so all are from the start.
      this.queue = []
      this.head = 0
      ledger.took(entry)
    }
    this.queue.push(entry)
    this.signal()
  }

  end(cause: Cause.Cause<DeliveryError>): void {
    this.ended ??= cause
    this.signal()
  }

  /** The next push, or the end; `undefined` when there is neither yet. */
  next(): Entry | Cause.Cause<DeliveryError> | undefined {
    const entry = this.queue[this.head]
    if (entry === undefined) {
      this.report()
      return this.ended
    }
    this.given += 1
    this.head += 1
    if (this.head === this.queue.length) {
      this.queue = []
      this.head = 0
    } else if (this.head === 1024) {
      this.queue = this.queue.slice(this.head)
      this.head = 0
    }
    return entry
  }

  /** Tells how many pushes were given since it last told: metrics cost more than a push. */
  private report(): void {
    if (this.given > 0) this.options.observer.delivered(this.given)
    this.given = 0
  }

  private signal(): void {
    const { wake } = this
    this.wake = undefined
    wake?.()
    if (this.isHandFree) this.freeHand()
  }

  private freeHand(): void {
    const { wakeHand } = this
    this.wakeHand = undefined
    wakeHand?.()
  }

  get isHandFree(): boolean {
    return this.inHand.size < mostInHand || !this.isListening
  }

  readonly handFree: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.isHandFree) return resume(Effect.void)
    this.wakeHand = () => resume(Effect.void)
  })

  /** Whether the push was in hand, and is not any more. */
  putDown(entry: Entry): boolean {
    const wasInHand = this.inHand.delete(entry)
    if (wasInHand) this.freeHand()
    return wasInHand
  }

  readonly arrival: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.size > 0 || !this.isListening) return resume(Effect.void)
    this.wake = () => resume(Effect.void)
  })

  /** Leaves everything that has not been taken to the others. */
  abandon(ledger: Ledger): void {
    this.report()
    if (this.options.capacity === "latest") return
    for (const entry of this.inHand) ledger.left(entry)
    for (const entry of this.queue.slice(this.head)) ledger.left(entry)
    this.inHand.clear()
    this.queue = []
    this.head = 0
  }
}

/** A socket and its consumers. */
class Hub {
  readonly ledger = new Ledger()
  readonly consumers = new Set<Consumer>()
  fiber: Fiber.RuntimeFiber<void> | undefined
  isOver = false
  private wakePump: (() => void) | undefined

  /** Somebody has room again, or needs none any more. */
  madeRoom(): void {
    const { wakePump } = this
    if (wakePump === undefined) return
    for (const consumer of this.consumers) if (!consumer.hasRoom) return
    this.wakePump = undefined
    wakePump()
  }

  private get isBlocked(): boolean {
    for (const consumer of this.consumers) if (consumer.isFull) return true
    return false
  }

  private readonly room: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (!this.isBlocked) return resume(Effect.void)
    this.wakePump = () => resume(Effect.void)
  })

  /** Gives pushes to everybody, as far as all have room; then waits until they do: the slowest sets the pace. */
  private offer(entries: ReadonlyArray<Entry>, from: number): Effect.Effect<void> {
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i]
      if (entry === undefined) break
      if (this.isBlocked) return Effect.flatMap(this.room, () => this.offer(entries, i))
      for (const consumer of this.consumers) if (consumer.isListening) entry.waiting += 1
      for (const consumer of this.consumers) if (consumer.isListening) consumer.put(entry, this.ledger)
    }
    return Effect.void
  }

  private interrupted(failures: number, last: Option.Option<Failed>): void {
    for (const consumer of this.consumers) {
      const { maxReconnects, observer, source } = consumer.options
      if (failures <= maxReconnects) {
        observer.reconnected()
        continue
      }
      const error = Option.getOrUndefined(last)?.error
      consumer.end(Cause.fail(
        error !== undefined && isAuth(error) ? error : new StreamInterrupted({
          ...source.info,
          code: error?.code,
          status: error?.status,
          requestId: error?.requestId,
          attempts: failures,
          detail: `gave up after ${failures} failed connections${
            error === undefined ? "" : `, the last with ${error._tag}: ${error.detail}`
          }`
        })
      ))
    }
    this.madeRoom()
  }

  /** Reads the socket until it fails for good, which everybody then learns. */
  run(source: Source): Effect.Effect<void> {
    return Delivery.feed(source, this.ledger, (failures, last) => this.interrupted(failures, last)).pipe(
      Stream.runForEachChunk((entries) => this.offer(Chunk.toReadonlyArray(entries), 0)),
      Effect.mapError(({ error }) => error),
      Effect.catchAllCause((cause) =>
        Effect.sync(() => {
          this.isOver = true
          for (const consumer of this.consumers) consumer.end(cause)
        })
      )
    )
  }
}

interface Slot {
  readonly lock: Effect.Semaphore
  hub: Hub | undefined
  /** Who listens, or is about to. */
  users: number
}

const slots = globalValue(
  "effect-switchyard/cloacina/Shared/slots",
  () => new WeakMap<object, Map<string, Slot>>()
)

const slotOf = ({ holder, key }: Listening): Slot => {
  let ofHolder = slots.get(holder)
  if (ofHolder === undefined) slots.set(holder, ofHolder = new Map())
  let slot = ofHolder.get(key)
  if (slot === undefined) ofHolder.set(key, slot = { lock: Effect.unsafeMakeSemaphore(1), hub: undefined, users: 0 })
  return slot
}

interface Seat {
  readonly slot: Slot
  readonly hub: Hub
  readonly consumer: Consumer
}

const join = (options: Listening): Effect.Effect<Seat> =>
  Effect.suspend(() => {
    const slot = slotOf(options)
    slot.users += 1
    const consumer = new Consumer(options)
    // Behind the lock: the socket of those who have just left is closed before another opens.
    return slot.lock.withPermits(1)(Effect.suspend(() => {
      if (slot.hub !== undefined && !slot.hub.isOver) {
        slot.hub.consumers.add(consumer)
        return Effect.succeed({ slot, hub: slot.hub, consumer })
      }
      const hub = new Hub()
      slot.hub = hub
      hub.consumers.add(consumer)
      // In no scope of a consumer: the socket lives as long as anybody listens.
      return Effect.map(Effect.forkDaemon(Effect.interruptible(hub.run(options.source))), (fiber) => {
        hub.fiber = fiber
        return { slot, hub, consumer }
      })
    }))
  })

const leave = ({ consumer, hub, slot }: Seat): Effect.Effect<void> =>
  slot.lock.withPermits(1)(Effect.suspend(() => {
    consumer.abandon(hub.ledger)
    hub.consumers.delete(consumer)
    hub.madeRoom()
    if (hub.consumers.size > 0 || hub.fiber === undefined) return Effect.void
    hub.isOver = true
    return Effect.asVoid(Fiber.interrupt(hub.fiber))
  })).pipe(Effect.ensuring(Effect.sync(() => {
    // Behind the lock: whoever waits for it has the same slot as whoever comes now.
    slot.users -= 1
    if (slot.users === 0) slots.get(consumer.options.holder)?.delete(consumer.options.key)
  })))

/**
 * A push, and how to say that it has been dealt with. Later calls do nothing, and neither do calls when the stream has
 * ended: the push comes again.
 *
 * @since 0.1.0
 * @category models
 */
export interface Acked<out A> {
  readonly push: A
  readonly ack: Effect.Effect<void>
}

const listening = <A>(
  options: Listening,
  /** Called in front of each push but the first, and in front of the end. */
  asked: (seat: Seat) => void,
  give: (seat: Seat, entry: Entry) => A
): Stream.Stream<A, DeliveryError> =>
  Stream.unwrapScoped(Effect.map(Effect.acquireRelease(join(options), leave), (seat) => {
    const { consumer, hub } = seat

    type Next = Channel.Channel<Chunk.Chunk<A>, unknown, DeliveryError, unknown, void, unknown>
    const next: Next = Channel.suspend(() => {
      asked(seat)
      return look
    })
    const look: Next = Channel.suspend(() => {
      if (!consumer.isHandFree) return Channel.zipRight(Channel.fromEffect(consumer.handFree), look)
      const found = consumer.next()
      if (found === undefined) return Channel.zipRight(Channel.fromEffect(consumer.arrival), look)
      if (Cause.isCause(found)) return Channel.failCause(found)
      hub.madeRoom()
      // One at a time, since asking for the next one is what says that this one has been taken.
      return Channel.flatMap(Channel.write(Chunk.of(give(seat, found))), () => next)
    })
    return Stream.fromChannel(next)
  }))

/**
 * The pushes of a recipient, each taken when the next one is asked for; with `latest`, as it comes.
 *
 * @internal
 */
export const subscribe = (options: Listening): Stream.Stream<Push, DeliveryError> =>
  listening(
    options,
    ({ consumer, hub }) => {
      for (const entry of consumer.inHand) hub.ledger.took(entry)
      consumer.inHand.clear()
    },
    ({ consumer }, entry) => {
      if (options.capacity !== "latest") consumer.inHand.add(entry)
      return entry.push
    }
  )

/**
 * The pushes of a recipient, each taken when its consumer says so. Behind 8,192 of which it has not said it, no further
 * one is given until it does.
 *
 * @internal
 */
export const subscribeAcked = (options: Listening): Stream.Stream<Acked<Push>, DeliveryError> =>
  listening(options, () => {}, ({ consumer, hub }, entry) => {
    consumer.inHand.add(entry)
    return {
      push: entry.push,
      ack: Effect.sync(() => {
        if (consumer.putDown(entry)) hub.ledger.took(entry)
      })
    }
  })
