/**
 * What waits to be pushed: the rows of the delivery outbox with the relay that hands them to connections and the
 * sweeper that takes back what nobody acknowledged (contract 6.3).
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import type * as Scope from "effect/Scope"
import { Heap } from "./internal/Heap.js"

/**
 * How the outbox works. The defaults are the server's.
 *
 * - `channelDepth`: frames that wait for a connection whose client does not read; default 32
 * - `passRows`: how many of the oldest pending rows the relay looks at when it is woken; default 256
 * - `sweepEvery`: default 30 s
 * - `stuckAfter`: the age at which a delivered row is delivered again, counted from its creation; default 60 s
 * - `drains`: whether a connection that has sent everything wakes the relay again, so that rows do not wait for the next
 *   insert, connect or sweep; default `false`, as on the server
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly channelDepth?: number | undefined
  readonly passRows?: number | undefined
  readonly sweepEvery?: Duration.DurationInput | undefined
  readonly stuckAfter?: Duration.DurationInput | undefined
  readonly drains?: boolean | undefined
}

/**
 * A row to insert. Only keys of `tenant` receive it; without one only god keys do. `payload` is sent as it is if it is
 * text or bytes, anything else as JSON.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewRow {
  readonly recipient: string
  readonly kind: string
  readonly tenant?: string | undefined
  readonly payload: unknown
}

/**
 * @since 0.1.0
 * @category models
 */
export type RowState = "pending" | "delivered" | "acked"

/**
 * A row as it is now. `attempts` counts how often it was handed to a connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface RowStatus {
  readonly id: number
  readonly recipient: string
  readonly kind: string
  readonly tenant: string | undefined
  readonly payload: unknown
  readonly state: RowState
  readonly attempts: number
}

/**
 * How many rows there are, and have been acknowledged so far.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counts {
  readonly pending: number
  readonly delivered: number
  readonly acked: number
}

/**
 * Takes frames for a connection; `false` when it has no room.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sink {
  readonly offer: (frame: string) => boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Outbox {
  /** Inserts rows and wakes the relay. Gives their ids. */
  readonly insert: (rows: Iterable<NewRow>) => Effect.Effect<Array<number>>
  /** Marks a row as acknowledged, whatever its state and whosever it is; `false` if there is none that is open. */
  readonly ack: (id: number) => boolean
  /**
   * Rows for the pair go to the sink from now on; those that were delivered are pending again. Gives the sink that was
   * there before.
   */
  readonly attach: (recipient: string, tenant: string | undefined, sink: Sink) => Sink | undefined
  /** Ends {@link attach} for the pair, whosever sink is there, as the server does. */
  readonly detach: (recipient: string, tenant: string | undefined) => Sink | undefined
  /** Where rows for the pair go now. */
  readonly sinkOf: (recipient: string, tenant: string | undefined) => Sink | undefined
  /** Lets the relay go over the oldest pending rows. */
  readonly wake: (rows?: number) => void
  /** Takes back what was delivered long ago. Happens by itself, too. */
  readonly sweep: Effect.Effect<void>
  /** A row that is open or was acknowledged lately. */
  readonly row: (id: number) => RowStatus | undefined
  /** All open rows and the last 1,000 that were acknowledged. */
  readonly rows: () => Array<RowStatus>
  readonly counts: () => Counts
}

interface Address {
  readonly key: string
  readonly recipient: string
  readonly tenant: string | undefined
  /** By kind. */
  readonly middles: Map<string, string>
  readonly delivered: Set<Row>
  open: number
  sink: Sink | undefined
}

interface Row {
  readonly id: number
  readonly new: NewRow
  readonly address: Address
  readonly createdAt: number
  state: RowState
  attempts: number
}

const keptAcked = 1000

const ascii = /^[\0-\x7f]*$/

const base64 = (payload: unknown): string => {
  if (payload instanceof Uint8Array) return Encoding.encodeBase64(payload)
  const text = typeof payload === "string" ? payload : JSON.stringify(payload)
  return ascii.test(text) ? btoa(text) : Encoding.encodeBase64(text)
}

type Head = Pick<NewRow, "kind" | "recipient" | "tenant">

/** What lies between the id and the payload of a push. */
const middleOf = ({ kind, recipient, tenant }: Head): string =>
  `,"kind":${JSON.stringify(kind)},"recipient":${JSON.stringify(recipient)},"tenant_id":${
    tenant === undefined ? "null" : JSON.stringify(tenant)
  },"payload_b64":"`

const frameOf = (id: number, middle: string, payload: unknown): string =>
  `{"type":"push","protocol_version":1,"id":${id}${middle}${base64(payload)}"}`

/**
 * A push as it is on the wire.
 *
 * @internal
 */
export const pushFrame = (id: number, row: NewRow): string => frameOf(id, middleOf(row), row.payload)

/**
 * An empty outbox, whose relay runs until the scope closes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Outbox, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const clock = yield* Effect.clock
    const start = clock.unsafeCurrentTimeMillis()
    const passRows = options.passRows ?? 256
    const sweepEvery = Duration.toMillis(options.sweepEvery ?? "30 seconds")
    const stuckAfter = Duration.toMillis(options.stuckAfter ?? "60 seconds")

    const addresses = new Map<string, Address>()
    const open = new Map<number, Row>()
    const acked = new Map<number, Row>()
    const pending = new Heap<Row>((a, b) => a.id < b.id)
    const counts = { pending: 0, delivered: 0, acked: 0 }
    let lastId = 0
    let listeners = 0
    let due = 0
    let isSweeping = false
    const woken = Effect.unsafeMakeLatch(false)

    const keyOf = (recipient: string, tenant: string | undefined): string =>
      tenant === undefined ? `g${recipient}` : `t${tenant.length}:${tenant}${recipient}`

    /** Most rows in a row are for the same pair. */
    let last: Address | undefined

    const addressOf = (recipient: string, tenant: string | undefined): Address => {
      if (last !== undefined && last.recipient === recipient && last.tenant === tenant) return last
      const key = keyOf(recipient, tenant)
      let address = addresses.get(key)
      if (address === undefined) {
        address = { key, recipient, tenant, middles: new Map(), delivered: new Set(), open: 0, sink: undefined }
        addresses.set(key, address)
      }
      last = address
      return address
    }

    /** Frames for one connection have most of their text in common. */
    const toFrame = ({ address, id, new: { kind, payload, recipient, tenant } }: Row): string => {
      let middle = address.middles.get(kind)
      if (middle === undefined) {
        middle = middleOf({ kind, recipient, tenant })
        address.middles.set(kind, middle)
      }
      return frameOf(id, middle, payload)
    }

    const forget = (address: Address): void => {
      if (address.open > 0 || address.sink !== undefined) return
      addresses.delete(address.key)
      if (last === address) last = undefined
    }

    const takeBack = (row: Row): void => {
      row.address.delivered.delete(row)
      row.state = "pending"
      counts.delivered--
      counts.pending++
      pending.push(row)
    }

    const isDelivered = (row: Row): boolean => {
      const { sink } = row.address
      if (sink === undefined || !sink.offer(toFrame(row))) return false
      row.state = "delivered"
      row.attempts++
      row.address.delivered.add(row)
      counts.pending--
      counts.delivered++
      return true
    }

    /** The oldest pending rows, whosever they are: many for nobody keep the relay from all others. */
    const pass = (): void => {
      const left: Array<Row> = []
      for (let seen = 0; seen < passRows;) {
        const row = pending.pop()
        if (row === undefined) break
        if (row.state !== "pending") continue
        seen++
        if (!isDelivered(row)) left.push(row)
      }
      for (const row of left) pending.push(row)
    }

    const relay = Effect.forever(Effect.suspend(() => {
      if (due <= 0 || listeners === 0) {
        due = 0
        woken.unsafeClose()
        return woken.await
      }
      due -= passRows
      pass()
      // Lets connections send what they were given before the next pass.
      return Effect.yieldNow()
    }))

    const wake = (rows = 1): void => {
      due = Math.max(due, 0) + rows
      woken.unsafeOpen()
    }

    const sweepNow = (): void => {
      const before = clock.unsafeCurrentTimeMillis() - stuckAfter
      let stuck = 0
      for (const row of open.values()) {
        if (row.createdAt >= before || stuck === 256) break
        stuck++
        if (row.state === "delivered") takeBack(row)
      }
      if (stuck > 0) wake()
    }

    /** Sweeps at whole intervals since the start, as long as there is something to sweep. */
    const sweeper = Effect.suspend(() => {
      const now = clock.unsafeCurrentTimeMillis()
      const next = start + (Math.floor((now - start) / sweepEvery) + 1) * sweepEvery
      return Effect.map(Clock.sleep(Duration.millis(next - now)), sweepNow)
    }).pipe(
      Effect.repeat({ while: () => open.size > 0 }),
      Effect.zipRight(Effect.sync(() => {
        isSweeping = false
      }))
    )

    const keepSweeping = Effect.suspend(() => {
      if (isSweeping || open.size === 0) return Effect.void
      isSweeping = true
      return Effect.forkIn(Effect.interruptible(sweeper), scope)
    })

    const add = (fresh: NewRow): number => {
      const address = addressOf(fresh.recipient, fresh.tenant)
      const row: Row = {
        id: ++lastId,
        new: fresh,
        address,
        createdAt: clock.unsafeCurrentTimeMillis(),
        state: "pending",
        attempts: 0
      }
      address.open++
      open.set(row.id, row)
      pending.push(row)
      counts.pending++
      return row.id
    }

    const statusOf = ({ attempts, id, new: { kind, payload, recipient, tenant }, state }: Row): RowStatus => ({
      id,
      recipient,
      kind,
      tenant,
      payload,
      state,
      attempts
    })

    yield* Effect.forkScoped(Effect.interruptible(relay))
    return {
      insert: (rows) =>
        Effect.suspend(() => {
          const ids = Array.from(rows, add)
          if (ids.length > 0) wake(ids.length)
          return Effect.as(keepSweeping, ids)
        }),
      ack: (id) => {
        const row = open.get(id)
        if (row === undefined) return false
        counts[row.state]--
        counts.acked++
        row.address.delivered.delete(row)
        row.state = "acked"
        row.address.open--
        open.delete(id)
        forget(row.address)
        acked.set(id, row)
        if (acked.size > keptAcked) { for (const oldest of acked.keys()) if (acked.delete(oldest)) break }
        return true
      },
      attach: (recipient, tenant, sink) => {
        const address = addressOf(recipient, tenant)
        const before = address.sink
        address.sink = sink
        if (before === undefined) listeners++
        for (const row of address.delivered) takeBack(row)
        wake()
        return before
      },
      detach: (recipient, tenant) => {
        const address = addresses.get(keyOf(recipient, tenant))
        const before = address?.sink
        if (address === undefined || before === undefined) return undefined
        address.sink = undefined
        listeners--
        forget(address)
        return before
      },
      sinkOf: (recipient, tenant) => addresses.get(keyOf(recipient, tenant))?.sink,
      wake,
      sweep: Effect.sync(sweepNow),
      row: (id) => {
        const row = open.get(id) ?? acked.get(id)
        return row === undefined ? undefined : statusOf(row)
      },
      rows: () => [...acked.values(), ...open.values()].sort((a, b) => a.id - b.id).map(statusOf),
      counts: () => ({ ...counts })
    }
  })
