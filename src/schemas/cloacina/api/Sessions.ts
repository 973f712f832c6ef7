/**
 * Login, refresh, logout, whoami (contract 4.3).
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import { declare } from "../../core/Endpoint.js"
import { NotImplemented, PayloadTooLarge } from "../../core/Errors.js"
import { LocalLogin, LoggedOut, LoginKey, Whoami } from "../Sessions.js"

/**
 * `POST /v1/auth/local/login`: a key of 15 minutes; 429 while locked.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const login = declare(
  HttpApiEndpoint.post("login", "/v1/auth/local/login").setPayload(LocalLogin).addSuccess(LoginKey),
  { repeat: "never", errors: [PayloadTooLarge], isPublic: true }
)

/**
 * `POST /v1/auth/refresh`: a new key for a minted one, which is revoked at once.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const refresh = declare(
  HttpApiEndpoint.post("refresh", "/v1/auth/refresh").addSuccess(LoginKey),
  { repeat: "never", errors: [NotImplemented] }
)

/**
 * `POST /v1/auth/logout`: revokes the key that is sent, whatever key it is.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const logout = declare(
  HttpApiEndpoint.post("logout", "/v1/auth/logout").addSuccess(LoggedOut),
  { repeat: "never", errors: [] }
)

/**
 * `GET /v1/auth/whoami`: whose key this is.
 *
 * @since 0.1.0
 * @category endpoints
 */
export const whoami = declare(
  HttpApiEndpoint.get("whoami", "/v1/auth/whoami").addSuccess(Whoami),
  { repeat: "safe", errors: [] }
)
