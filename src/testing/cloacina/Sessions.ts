/**
 * Logins and the keys they make (contract 4.3).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Api from "../../schemas/cloacina/api/Sessions.js"
import type { FrontRequest, FrontResponse } from "../../server/core/Front.js"
import type { Accounts } from "./Accounts.js"
import * as Body from "./Body.js"
import { formatMicros } from "./Clockwork.js"
import { answer, anyKey, type Call, type Handler, handler, Refusal, refuse } from "./Handler.js"
import * as Oidc from "./Oidc.js"
import * as Throttle from "./Throttle.js"
import type { World } from "./World.js"

/** How long a key of a login lives, in ms. */
const keyLife = 900_000

interface Login {
  readonly username: string
  readonly password: string
  readonly tenant: string | undefined
}

const Login = Body.object<Login>("LocalLoginRequest", {
  username: Body.string,
  password: Body.string,
  tenant: Body.optional(Body.string)
})

const throttled = (seconds: number) =>
  new Refusal({
    status: 429,
    code: "login_throttled",
    message: "too many failed login attempts — try again later",
    headers: { "retry-after": String(seconds) }
  })

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World, accounts: Accounts): ReadonlyArray<Handler> => {
  const { keys, now, options } = world
  const throttle = Throttle.make(options.throttle)
  const addressOf = ({ headers }: FrontRequest): string =>
    options.throttle?.trustProxyHeaders === true ? headers["x-forwarded-for"]?.split(",")[0]?.trim() ?? "" : ""

  const mint = (name: string, role: string, tenant: string | undefined) =>
    Effect.flatMap(now, (time) => keys.issue({ name, role, tenant, expiresAt: time + keyLife }))

  const oidc = Oidc.make(world, mint)

  const answerKey = (name: string, role: string, tenant: string | undefined) =>
    Effect.map(mint(name, role, tenant), (key): readonly [string, FrontResponse] => [
      key.identity.keyId,
      answer({
        key: key.plaintext,
        tenant_id: tenant ?? null,
        role,
        expires_at: key.expiresAt === undefined ? null : formatMicros(key.expiresAt * 1000)
      })
    ])

  const login = (call: Call) =>
    Effect.gen(function*() {
      const { password, tenant, username } = yield* Body.read(call, Login)
      const attempt = { user: JSON.stringify([tenant, username]), address: addressOf(call.request) }
      const time = yield* now
      const locked = throttle.locked(attempt, time)
      if (locked !== undefined) return yield* throttled(locked)
      const account = accounts.open(tenant, username, password)
      if (account === undefined) {
        const wait = throttle.failed(attempt, time)
        return yield* wait === undefined
          ? refuse(401, "unauthorized", "invalid username or password")
          : throttled(wait)
      }
      throttle.succeeded(attempt)
      const [, response] = yield* answerKey(`local:${account.id}`, account.role, account.tenant)
      return response
    })

  const refresh = ({ identity: { keyId, name, role, tenant } }: Call) =>
    Effect.gen(function*() {
      if (keys.byId(keyId)?.expiresAt === undefined) {
        return yield* refuse(400, "not_refreshable", "only minted login keys can be refreshed")
      }
      const isLocal = name.startsWith("local:")
      if (isLocal && accounts.byId(name.slice("local:".length))?.status !== "active") {
        keys.revoke(keyId)
        return yield* refuse(401, "unauthorized", "account is no longer active")
      }
      if (!isLocal && !oidc.isOpen(keyId, yield* now)) {
        keys.revoke(keyId)
        return yield* refuse(401, "unauthorized", "session is no longer active")
      }
      const [fresh, response] = yield* answerKey(name, role, tenant)
      keys.revoke(keyId)
      oidc.move(keyId, fresh)
      return response
    })

  return [
    handler(Api.login, { _tag: "public" }, login),
    handler(Api.refresh, anyKey, refresh),
    handler(Api.logout, anyKey, ({ identity }) =>
      Effect.sync(() => {
        keys.revoke(identity.keyId)
        oidc.close(identity.keyId)
        return answer({ status: "logged_out" })
      })),
    handler(
      Api.whoami,
      anyKey,
      ({ identity: { isGod, name, role, tenant = null } }) =>
        Effect.succeed(answer({ tenant_id: tenant, role, is_admin: isGod, name }))
    ),
    ...oidc.handlers
  ]
}
