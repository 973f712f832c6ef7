/**
 * The API keys and tickets of the emulator (contract 2.2, 4.2).
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { FrontRequest } from "../../server/core/Front.js"
import { token, uuid } from "./Clockwork.js"
import { type Identity, type Level, type Refusal, refuse } from "./Handler.js"

/**
 * A key. `expiresAt` is in ms since 1970, `undefined` for keys that live until they are revoked.
 *
 * @since 0.1.0
 * @category models
 */
export interface Key {
  readonly identity: Identity
  readonly plaintext: string
  readonly createdAt: string
  readonly expiresAt: number | undefined
  readonly revoked: boolean
}

/** What a new key is made of; `plaintext` is made up by default. */
interface NewKey {
  readonly name: string
  readonly role: string
  readonly tenant: string | undefined
  readonly isGod?: boolean | undefined
  readonly plaintext?: string | undefined
  readonly expiresAt?: number | undefined
}

/**
 * How long a ticket lives, in seconds.
 *
 * @since 0.1.0
 * @category constants
 */
export const ticketSeconds = 60

/** What a role counts as: a text that is none of the three is `read`. */
const levelOf = (role: string): Level => role === "admin" || role === "write" ? role : "read"

const unauthorized = (message: string) => refuse(401, "unauthorized", message)

/**
 * The store.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyStore {
  readonly issue: (key: NewKey) => Effect.Effect<Key>
  /** Those not revoked come and go with their lives, revoked ones stay: all, newest first. */
  readonly all: () => ReadonlyArray<Key>
  readonly byId: (id: string) => Key | undefined
  /** Whether the key was there and not yet revoked. */
  readonly revoke: (id: string) => boolean
  /** Revokes the keys of a tenant and says how many there were. */
  readonly revokeTenant: (tenant: string) => number
  /** Who sends the request; 401 otherwise. `anyCase` also takes `bearer` in lower case. */
  readonly authenticate: (
    request: FrontRequest,
    options?: { readonly anyCase?: boolean | undefined }
  ) => Effect.Effect<Identity, Refusal>
  /** A ticket for one socket, which stands for who asks for it. */
  readonly ticket: (identity: Identity) => Effect.Effect<string>
  /** Takes a ticket; 401 for one that was never issued, has been taken, or is too old. */
  readonly redeemTicket: (ticket: string) => Effect.Effect<Identity, Refusal>
}

/**
 * An empty store.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (timestamp: Effect.Effect<string>): Effect.Effect<KeyStore> =>
  Effect.sync(() => {
    const keys: Array<Key> = []
    const byPlaintext = new Map<string, number>()
    const byId = new Map<string, number>()
    const tickets = new Map<string, { readonly identity: Identity; readonly until: number }>()

    const revoke = (id: string): boolean => {
      const at = byId.get(id)
      const key = at === undefined ? undefined : keys[at]
      if (at === undefined || key === undefined || key.revoked) return false
      keys[at] = { ...key, revoked: true }
      return true
    }

    return {
      issue: (fresh) =>
        Effect.gen(function*() {
          const keyId = yield* uuid
          const { isGod = false, name, role, tenant } = fresh
          const key: Key = {
            identity: { keyId, name, tenant, role, level: levelOf(role), isGod },
            plaintext: fresh.plaintext ?? `clk_${yield* token(32)}`,
            createdAt: yield* timestamp,
            expiresAt: fresh.expiresAt,
            revoked: false
          }
          byPlaintext.set(key.plaintext, keys.length)
          byId.set(keyId, keys.length)
          keys.push(key)
          return key
        }),
      all: () => [...keys].reverse(),
      byId: (id) => keys[byId.get(id) ?? -1],
      revoke,
      revokeTenant: (tenant) =>
        keys.filter(({ identity }) => identity.tenant === tenant).filter(({ identity }) => revoke(identity.keyId))
          .length,
      authenticate: (request, { anyCase = false } = {}) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const header = request.headers["authorization"] ?? ""
          const given = header.slice("Bearer ".length)
          const isBearer = header.startsWith("Bearer ") || anyCase && header.startsWith("bearer ")
          if (!isBearer) return unauthorized("missing or malformed Authorization header")
          const key = keys[byPlaintext.get(given) ?? -1]
          const isAlive = key !== undefined && !key.revoked && (key.expiresAt === undefined || now < key.expiresAt)
          return isAlive ? Effect.succeed(key.identity) : unauthorized("invalid or revoked API key")
        }),
      ticket: (identity) =>
        Effect.zipWith(uuid, Clock.currentTimeMillis, (ticket, now) => {
          for (const [old, { until }] of tickets) if (until <= now) tickets.delete(old)
          tickets.set(ticket, { identity, until: now + ticketSeconds * 1000 })
          return ticket
        }),
      redeemTicket: (ticket) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const found = tickets.get(ticket)
          tickets.delete(ticket)
          return found === undefined || now >= found.until
            ? unauthorized("invalid or expired WebSocket ticket")
            : Effect.succeed(found.identity)
        })
    }
  })
