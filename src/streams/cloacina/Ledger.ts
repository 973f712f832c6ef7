/**
 * Which pushes have come, which the consumers still have, and which are to be acknowledged.
 *
 * Source: contract 6.3 (at-least-once rules), 6.4 (snapshots), 8.7.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Push } from "../../schemas/cloacina/Delivery.js"

/**
 * A push on its way to the consumers.
 *
 * @internal
 */
export class Entry {
  /** How many consumers have not taken it yet. */
  waiting = 0
  /** Whether one of them has. */
  taken = false
  constructor(readonly push: Push, readonly durable: boolean) {}
}

/** How many ids are remembered. */
const window = 10_000

/** How many acknowledgements may wait to be written before no more pushes are read. */
const mostDue = 8192

/** The ids of snapshots come from a counter of their own: acknowledging one would hit somebody's row (contract 6.4). */
const isDurable = ({ kind, recipient }: Push): boolean =>
  kind !== "ops_metrics" && !recipient.startsWith("ops_metrics:")

/**
 * What one subscription knows, over all of its connections. It remembers the last 10,000 ids, so its size is bounded.
 *
 * @internal
 */
export class Ledger {
  private readonly entries = new Map<number, Entry | "acked" | "abandoned">()
  // In the order they came, as a ring: a Map from which the oldest are deleted gets slow to find its first.
  private readonly order: Array<number> = []
  private oldest = 0
  private due: Array<number> = []
  private wake: (() => void) | undefined
  private wakeReader: (() => void) | undefined

  /** The push as a new entry; `undefined` when it has come before, in which case it may be acknowledged again. */
  accept(push: Push): Entry | undefined {
    const entry = new Entry(push, isDurable(push))
    if (!entry.durable) return entry
    const known = this.entries.get(push.id)
    if (known === "acked") this.ack(push.id)
    if (known !== undefined && known !== "abandoned") return undefined
    this.entries.set(push.id, entry)
    if (known === "abandoned") return entry
    if (this.order.length < window) {
      this.order.push(push.id)
    } else {
      const evicted = this.order[this.oldest]
      if (evicted !== undefined) this.entries.delete(evicted)
      this.order[this.oldest] = push.id
      this.oldest = (this.oldest + 1) % window
    }
    return entry
  }

  /** One of the consumers is through with it. */
  took(entry: Entry): void {
    entry.taken = true
    this.release(entry)
  }

  /** One of the consumers went away without it. */
  left(entry: Entry): void {
    this.release(entry)
  }

  private release(entry: Entry): void {
    entry.waiting -= 1
    if (entry.waiting > 0 || !entry.durable) return
    const { id } = entry.push
    if (entry.taken) {
      if (this.entries.has(id)) this.entries.set(id, "acked")
      this.ack(id)
    } else if (this.entries.get(id) === entry) {
      // Nobody had it: it comes again, for those who are there then.
      this.entries.set(id, "abandoned")
    }
  }

  private ack(id: number): void {
    this.due.push(id)
    const { wake } = this
    if (wake !== undefined) {
      this.wake = undefined
      wake()
    }
  }

  /** Whether something is to be acknowledged. */
  get isDue(): boolean {
    return this.due.length > 0
  }

  /** Waits until something is to be acknowledged. */
  readonly hasDue: Effect.Effect<void> = Effect.async<void>((resume) => {
    if (this.isDue) return resume(Effect.void)
    this.wake = () => resume(Effect.void)
  })

  /** What is to be acknowledged; it is not any more. */
  takeDue(): ReadonlyArray<number> {
    const { due, wakeReader } = this
    this.due = []
    this.wakeReader = undefined
    wakeReader?.()
    return due
  }

  /** Whether the server takes acknowledgements more slowly than it pushes. */
  get isBehind(): boolean {
    return this.due.length > mostDue
  }

  /**
   * Waits until it is not, or a second: a server that reads nothing while it waits to be read would wait for ever.
   */
  readonly caughtUp: Effect.Effect<void> = Effect.raceFirst(
    Effect.async<void>((resume) => {
      if (!this.isBehind) return resume(Effect.void)
      this.wakeReader = () => resume(Effect.void)
    }),
    Effect.sleep("1 second")
  )

  /** Puts back what could not be sent. */
  putBack(ids: ReadonlyArray<number>): void {
    this.due = [...ids, ...this.due]
  }
}
