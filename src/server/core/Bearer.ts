/**
 * The bearer token that a front asks for (contract 12.1): `Authorization: Bearer <token>`, the same over HTTP and gRPC.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import { createHash, timingSafeEqual } from "node:crypto"
import type { FrontRequest } from "./Front.js"

/**
 * What a request without the right token is told; it says nothing about what was given.
 *
 * @since 0.1.0
 * @category constants
 */
export const refusal = "missing or invalid bearer token"

const digest = (value: string) => createHash("sha256").update(value).digest()

/**
 * Whether a request has the token, under the scheme `Bearer` or `bearer`; without a token every request has it.
 *
 * Compares digests: the time it takes says nothing about the token, nor about its length.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (token: Redacted.Redacted | undefined): (request: Pick<FrontRequest, "headers">) => boolean => {
  if (token === undefined) return () => true
  const expected = digest(Redacted.value(token))
  return ({ headers }) => {
    const given = /^[Bb]earer (.+)$/.exec(headers["authorization"] ?? "")?.[1]
    return given !== undefined && timingSafeEqual(digest(given), expected)
  }
}
