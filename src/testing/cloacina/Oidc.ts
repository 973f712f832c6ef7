/**
 * Login with an identity provider, which is played here as well (contract 4.3).
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import { empty } from "../../server/core/Front.js"
import { token } from "./Clockwork.js"
import { answer, type Call, type Handler, refuse } from "./Handler.js"
import type { Key } from "./KeyStore.js"
import type { World } from "./World.js"

/** How long a login may stay at the provider, in ms. */
const stateLife = 600_000

/**
 * @since 0.1.0
 * @category models
 */
export interface Oidc {
  readonly handlers: ReadonlyArray<Handler>
  /** Whether the login behind a key may still be prolonged. */
  readonly isOpen: (keyId: string, now: number) => boolean
  /** The login goes on with another key. */
  readonly move: (from: string, to: string) => void
  readonly close: (keyId: string) => void
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  { now, options: { oidc } }: World,
  mint: (name: string, role: string, tenant: string | undefined) => Effect.Effect<Key>
): Oidc => {
  /** When a login in flight is given up. */
  const states = new Map<string, number>()
  /** When a login can no longer be prolonged, by the id of its key. */
  const deadlines = new Map<string, number>()
  const maxAge = Duration.toMillis(oidc?.sessionMaxAge ?? "8 hours")
  const issuer = oidc?.issuer ?? "https://login.example.com"
  const disabled = refuse(501, "oidc_disabled", "OIDC login is not configured on this server")

  const login = Effect.gen(function*() {
    if (oidc === undefined) return yield* disabled
    const [state, challenge, nonce] = yield* Effect.all([token(24), token(32), token(24)])
    states.set(state, (yield* now) + stateLife)
    const query = new URLSearchParams({
      response_type: "code",
      client_id: oidc.clientId ?? "flows",
      state,
      code_challenge: challenge,
      code_challenge_method: "S256",
      redirect_uri: oidc.redirectUri ?? "https://flows.example.com/v1/auth/callback",
      scope: oidc.scopes ?? "openid email profile groups",
      nonce
    })
    return empty(303, { location: `${issuer}/auth?${query}` })
  })

  const callback = ({ query }: Call) =>
    Effect.gen(function*() {
      if (oidc === undefined) return yield* disabled
      if (query("error") !== undefined) {
        return yield* refuse(401, "unauthorized", "identity provider returned an error")
      }
      const code = query("code")
      const state = query("state")
      if (code === undefined || state === undefined) {
        return yield* refuse(400, "invalid_callback", "missing code or state")
      }
      const until = states.get(state)
      states.delete(state)
      const time = yield* now
      if (until === undefined || time >= until) {
        return yield* refuse(401, "unauthorized", "invalid or expired login state")
      }
      const person = Object.hasOwn(oidc.codes, code) ? oidc.codes[code] : undefined
      if (person === undefined || person === "refused") {
        return yield* refuse(401, "unauthorized", "OIDC login failed")
      }
      if (person.memberships.length === 0) {
        return yield* refuse(403, "identity_not_mapped", "your identity is not mapped to any tenant")
      }
      const memberships = yield* Effect.forEach(person.memberships, ({ role, tenant }) =>
        Effect.map(mint(`oidc:${issuer}:${person.subject}`, role, tenant === "" ? undefined : tenant), (key) => {
          deadlines.set(key.identity.keyId, time + maxAge)
          return { key: key.plaintext, tenant, role }
        }))
      if (oidc.successRedirect === undefined) {
        return answer(memberships)
      }
      const fragment = Encoding.encodeBase64Url(JSON.stringify(memberships))
      return empty(303, { location: `${oidc.successRedirect}#memberships=${fragment}` })
    })

  return {
    handlers: [
      { method: "GET", template: "/v1/auth/oidc/login", access: { _tag: "public" }, handle: () => login },
      { method: "GET", template: "/v1/auth/callback", access: { _tag: "public" }, handle: callback }
    ],
    isOpen: (keyId, time) => time < (deadlines.get(keyId) ?? 0),
    move: (from, to) => {
      const deadline = deadlines.get(from)
      deadlines.delete(from)
      if (deadline !== undefined) deadlines.set(to, deadline)
    },
    close: (keyId) => void deadlines.delete(keyId)
  }
}
