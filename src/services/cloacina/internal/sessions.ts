import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Api from "../../../schemas/cloacina/api/Sessions.js"
import type { Timestamp } from "../../../schemas/cloacina/Common.js"
import { timestampToDateTime } from "../../../schemas/cloacina/Common.js"
import type { Role } from "../../../schemas/cloacina/Keys.js"
import type { LoginKey } from "../../../schemas/cloacina/Sessions.js"
import { isTransient } from "../../../schemas/core/Errors.js"
import type { CallInfo } from "../../core/Plane.js"
import * as Transport from "../../core/Transport.js"
import type { Client } from "../Client.js"
import { tenantOf } from "../Client.js"
import type { RefreshError, Session, SessionOptions, Sessions, SessionStatus } from "../Sessions.js"
import * as Calls from "./calls.js"

/** How long a key lives that does not say (contract 4.3). */
const lifetimeMs = 15 * 60_000

/** The web interface of the server refreshes that often (contract 7.6). */
const longestMs = 10 * 60_000

/** A key that a login made. */
interface Minted {
  readonly key: Redacted.Redacted
  readonly tenant: Option.Option<string>
  readonly role: Role
  readonly expiresAt: Option.Option<Timestamp>
}

const minted = ({ expires_at, key, role, tenant_id }: LoginKey): Minted => ({
  key,
  tenant: tenant_id,
  role,
  expiresAt: expires_at
})

const active = ({ expiresAt, role, tenant }: Minted): SessionStatus => ({ _tag: "Active", tenant, role, expiresAt })

/** A status, and the one behind it. A `SubscriptionRef` would bring `PubSub` along, 12 KiB of a browser's bundle. */
interface Standing {
  readonly status: SessionStatus
  readonly next: Deferred.Deferred<Standing>
}

const standing = (status: SessionStatus): Standing => ({ status, next: Deferred.unsafeMake(FiberId.none) })

/** How long the key still lives. A clock that disagrees with the server's does not make it longer, nor dead. */
const leftMs = (key: Minted, now: number): number => {
  const left = Option.map(
    Option.flatMap(key.expiresAt, timestampToDateTime),
    (time) => DateTime.toEpochMillis(time) - now
  )
  return Option.match(left, {
    onNone: () => lifetimeMs,
    onSome: (left) => left > 0 ? Math.min(left, lifetimeMs) : lifetimeMs
  })
}

/**
 * Runs an effect to its end, whatever happens to the fiber that waits for it, but under its own time-outs: those need a
 * fiber that can be interrupted.
 */
const toItsEnd = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(Effect.interruptible(effect)), Fiber.join))

export const make = (client: Client.Service): Sessions.Service => {
  const { info, unary } = Calls.make(client, "Sessions")
  const callLogin = unary("login", Api.login, {
    secrets: ({ payload: { password } }) => [Redacted.value(password)]
  })
  const callRefresh = unary("refresh", Api.refresh)
  const callLogout = unary("logout", Api.logout)
  const callWhoami = unary("whoami", Api.whoami)

  /** No secret travels in clear text to another host. */
  const guarded = <A, E, R>(at: CallInfo, secret: string, effect: Effect.Effect<A, E, R>) =>
    client.allowsSecrets
      ? effect
      : Effect.fail(
        Calls.invalid(at, "url", `must be https to send a ${secret} to another host (or set allowInsecureKey)`)
      )

  const login: Sessions.Service["login"] = ({ password, tenant, username }, options) =>
    guarded(
      info("login", Api.login),
      "password",
      Effect.flatMap(tenantOf(client, { tenant }), (tenant) =>
        callLogin({
          payload: { username, password: Calls.redacted(password), tenant }
        }, options))
    )

  const hold = (first: Minted, options: SessionOptions | undefined) =>
    Effect.gen(function*() {
      const installed = yield* client.credential.install(first.key)
      let current = standing(active(first))
      const become = (status: SessionStatus) =>
        Effect.suspend(() => {
          const { next } = current
          current = standing(status)
          return Deferred.succeed(next, current)
        })
      const ended = yield* Deferred.make<never, RefreshError>()
      const closed = yield* Deferred.make<void>()
      const own = Transport.make({ ...client, token: installed.current, isReplaced: undefined }, "Sessions")
      const refreshOwn = own.unary("refresh", Api.refresh)
      const logoutOwn = own.unary("logout", Api.logout, { total: "5 seconds" })

      yield* Effect.addFinalizer(() =>
        installed.remove.pipe(
          Effect.zipRight(Effect.ignoreLogged(toItsEnd(logoutOwn({}, options)))),
          // Nothing comes behind this: nobody waits for it any longer.
          Effect.zipRight(Deferred.succeed(closed, undefined)),
          Effect.zipRight(Deferred.interrupt(ended))
        )
      )

      const renew = toItsEnd(installed.renew(Effect.map(refreshOwn({}, options), minted)))

      /** Tries again while the key lives: a failure in passing may not have reached the server. */
      const renewed = (leftMs: number, pauseMs: number): Effect.Effect<Minted, RefreshError> =>
        Effect.catchIf(renew, (error) => isTransient(error) && leftMs > pauseMs, () =>
          Effect.zipRight(
            Effect.sleep(pauseMs),
            Effect.suspend(() => renewed(leftMs - pauseMs, Math.min(30_000, pauseMs * 2)))
          ))

      const keepAlive = (key: Minted): Effect.Effect<never, RefreshError> =>
        Effect.gen(function*() {
          const left = leftMs(key, yield* Clock.currentTimeMillis)
          const wait = options?.refreshEvery === undefined
            ? Math.min(longestMs, left * 2 / 3)
            : Math.max(1000, Duration.toMillis(options.refreshEvery))
          yield* Effect.sleep(wait)
          const next = yield* renewed(left - wait, 1000)
          yield* become(active(next))
          return yield* keepAlive(next)
        })

      yield* Effect.forkScoped(Effect.interruptible(Effect.catchAll(keepAlive(first), (error) =>
        Effect.logWarning(`cloacina: the session is no longer refreshed: ${error.message}`).pipe(
          Effect.zipRight(become({ _tag: "Ended", error })),
          Effect.zipRight(Deferred.fail(ended, error))
        ))))
      const session: Session.Service = {
        status: Effect.sync(() =>
          current.status
        ),
        changes: Stream.unfoldEffect(
          Effect.sync(() => current),
          Effect.map((now) => Option.some([now.status, Deferred.await(now.next)] as const))
        ).pipe(Stream.interruptWhenDeferred(closed)),
        ended: Deferred.await(ended)
      }
      return session
    })

  return {
    login,
    refresh: (options) => toItsEnd(client.credential.renew(callRefresh({}, options))),
    logout: (options) => callLogout({}, options),
    whoami: (options) => callWhoami({}, options),
    session: (credentials, options) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(login(credentials, options)), (key) => hold(minted(key), options))
      ),
    sessionOf: ({ key, role, tenant }, options) =>
      guarded(
        info("sessionOf", Api.refresh),
        "key",
        Effect.uninterruptible(hold({
          key,
          role,
          tenant: tenant === "" ? Option.none() : Option.some(tenant),
          expiresAt: Option.none()
        }, options))
      )
  }
}
