/**
 * What the routes of the emulator are made of: who calls, who may, what is answered (contract 2.11, 3.1, 3.2).
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type FrontRequest, type FrontResponse, json } from "../../server/core/Front.js"

/**
 * What a key may do in its tenant.
 *
 * @since 0.1.0
 * @category models
 */
export type Level = "read" | "write" | "admin"

/**
 * Who calls. `tenant` is undefined for god keys and for keys of OIDC rules without one; `role` is the stored text, `level`
 * what it counts as.
 *
 * @since 0.1.0
 * @category models
 */
export interface Identity {
  readonly keyId: string
  readonly name: string
  readonly tenant: string | undefined
  readonly role: string
  readonly level: Level
  readonly isGod: boolean
}

/**
 * Who may call a route.
 *
 * - `public`: everybody, without a key
 * - `platform`: god keys
 * - `tenant`: keys of the tenant of the path with this level; `database` says that the route needs the tenant's schema
 * - `any`: keys with this level
 * - `unclassified`: nobody
 * - `socket`: the route looks for the credential itself, behind the check that the request is an upgrade
 *
 * @since 0.1.0
 * @category models
 */
export type Access =
  | { readonly _tag: "public" }
  | { readonly _tag: "platform" }
  | { readonly _tag: "tenant"; readonly level: Level; readonly database: boolean }
  | { readonly _tag: "any"; readonly level: Level }
  | { readonly _tag: "unclassified" }
  | { readonly _tag: "socket" }

/**
 * Admin keys of the tenant of the path, for routes that do not ask its database.
 *
 * @since 0.1.0
 * @category models
 */
export const tenantAdmin: Access = { _tag: "tenant", level: "admin", database: false }

/**
 * Keys of the tenant of the path with this level, for routes that ask its database.
 *
 * @since 0.1.0
 * @category models
 */
export const tenantRows = (level: "read" | "write"): Access => ({ _tag: "tenant", level, database: true })

/**
 * All keys.
 *
 * @since 0.1.0
 * @category models
 */
export const anyKey: Access = { _tag: "any", level: "read" }

/**
 * An error of the server in its envelope.
 *
 * @since 0.1.0
 * @category errors
 */
export class Refusal extends Data.TaggedError("Refusal")<{
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}> {}

/**
 * An error of the server's framework: plain text.
 *
 * @since 0.1.0
 * @category errors
 */
export class Rejection extends Data.TaggedError("Rejection")<{ readonly status: number; readonly text: string }> {}

/**
 * One call of a route. `tenant` is the tenant of the path, `""` where it has none; `query` gives the last value of a
 * parameter, decoded. On `public` and `socket` routes `identity` is that of nobody.
 *
 * @since 0.1.0
 * @category models
 */
export interface Call {
  readonly request: FrontRequest
  readonly param: (name: string) => string
  readonly query: (name: string) => string | undefined
  readonly tenant: string
  readonly identity: Identity
}

/**
 * A route with who may call it and what answers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Handler {
  readonly method: string
  /** With parameters in braces. */
  readonly template: string
  readonly access: Access
  readonly handle: (call: Call) => Effect.Effect<FrontResponse, Refusal | Rejection, Scope.Scope>
}

/**
 * A route for a declared endpoint.
 *
 * @since 0.1.0
 * @category constructors
 */
export const handler = (
  declared: { readonly endpoint: { readonly method: string; readonly path: string } },
  access: Access,
  handle: Handler["handle"]
): Handler => ({
  method: declared.endpoint.method,
  template: declared.endpoint.path.replace(/:(\w+)/g, "{$1}"),
  access,
  handle
})

/**
 * An answer in JSON.
 *
 * @since 0.1.0
 * @category constructors
 */
export const answer = (body: unknown, status = 200, headers?: Readonly<Record<string, string>>): FrontResponse =>
  json(status, JSON.stringify(body), headers)

/**
 * An answer with a list. `total` is only the number of its items (contract 2.5); `head` is what else the answer says.
 *
 * @since 0.1.0
 * @category constructors
 */
export const answerList = (items: ReadonlyArray<unknown>, head?: { readonly tenant_id: string }): FrontResponse =>
  answer({ ...head, items, total: items.length })

/**
 * @since 0.1.0
 * @category constructors
 */
export const refuse = (status: number, code: string, message: string): Refusal => new Refusal({ status, code, message })
