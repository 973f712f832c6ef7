/**
 * The front of the emulator: what every request passes before its route answers (contract 2.7, 2.11, 2.12, 3.6).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import {
  empty,
  type Front,
  type FrontRequest,
  type FrontResponse,
  pathOf,
  queryOf,
  text
} from "../../server/core/Front.js"
import * as Router from "../../server/core/Router.js"
import { isUpgrade } from "../../server/core/Upgrade.js"
import * as Cors from "./Cors.js"
import * as Database from "./Database.js"
import { answer, type Handler, type Identity, Refusal, refuse, Rejection } from "./Handler.js"
import type { World } from "./World.js"

const nobody: Identity = { keyId: "", name: "", tenant: undefined, role: "read", level: "read", isGod: false }

const levels = { read: 0, write: 1, admin: 2 }

const insufficient = refuse(403, "insufficient_permissions", "insufficient permissions")

const tenantDenied = refuse(403, "tenant_access_denied", "access denied for this tenant")

const unclassified = refuse(403, "authz_unclassified", "route not authorized")

/** What speaks against this caller on this route; scope comes before role. */
const denied = ({ access }: Handler, identity: Identity, tenant: string): Refusal | undefined => {
  if (access._tag === "unclassified") return unclassified
  if (identity.isGod || access._tag === "public" || access._tag === "socket") return undefined
  if (access._tag === "platform") return refuse(403, "admin_required", "admin access required")
  if (access._tag === "tenant" && identity.tenant !== tenant) {
    return tenantDenied
  }
  return levels[identity.level] < levels[access.level] ? insufficient : undefined
}

/** Whose words a failing query of the route is told in. */
const askerOf = (template: string): Database.Asker =>
  /\/executions\/\{\w+\}$/.test(template)
    ? "execution"
    : template.includes("/workflows") && !template.includes("/instances")
    ? "registry"
    : "rows"

const databaseFault = (world: World, { access, template }: Handler, tenant: string): Refusal | undefined =>
  access._tag === "tenant" && access.database ? Database.fault(world, tenant, askerOf(template)) : undefined

/** What a request to a socket route lacks to be an upgrade: looked at before anything else, the ticket stays valid. */
const upgradeFault = (request: FrontRequest): Rejection | undefined => {
  const { headers, method } = request
  const refused = (text: string, status = 400) => new Rejection({ status, text })
  if (method !== "GET") return refused("Request method must be `GET`", 405)
  if (!(headers["connection"] ?? "").toLowerCase().includes("upgrade")) {
    return refused("Connection header did not include 'upgrade'")
  }
  if (!isUpgrade(request)) return refused("`Upgrade` header did not include 'websocket'")
  if (headers["sec-websocket-version"] !== "13") return refused("`Sec-WebSocket-Version` header did not include '13'")
  return headers["sec-websocket-key"] === undefined ? refused("`Sec-WebSocket-Key` header missing") : undefined
}

const queryReader = (request: FrontRequest) => {
  const parameters = new URLSearchParams(queryOf(request.target))
  return (name: string): string | undefined => parameters.getAll(name).at(-1)
}

const answerFailure = (failure: Refusal | Rejection): FrontResponse =>
  failure._tag === "Rejection"
    ? text(failure.status, failure.text)
    : answer({ error: failure.message, code: failure.code }, failure.status, failure.headers)

/**
 * The front over these routes.
 *
 * Every request passes, in this order: CORS, route (404), for sockets the upgrade (400), key (401), authorization (403;
 * a method that no route of the path has gets here too), path parameters (400), the tenant's database (500), handler.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  world: World,
  handlers: ReadonlyArray<Handler>,
  count: (method: string, status: number, durationMs: number) => void
): Front => {
  const byRoute = new Map(handlers.map((handler) => [`${handler.method} ${handler.template}`, handler]))
  const publicPaths = new Set(
    handlers.flatMap(({ access, template }) => access._tag === "public" || access._tag === "socket" ? [template] : [])
  )

  const call = (
    handler: Handler,
    request: FrontRequest,
    param: (name: string) => string
  ): Effect.Effect<FrontResponse, Refusal | Rejection, Scope.Scope> =>
    Effect.gen(function*() {
      const { access } = handler
      const notUpgraded = access._tag === "socket" ? upgradeFault(request) : undefined
      if (notUpgraded !== undefined) return yield* notUpgraded
      const identity = access._tag === "public" || access._tag === "socket"
        ? nobody
        : yield* world.access.authenticate(request)
      const tenant = access._tag === "tenant" ? param("tenant_id") : ""
      const refusal = denied(handler, identity, tenant) ?? databaseFault(world, handler, tenant)
      if (refusal !== undefined) return yield* refusal
      return yield* handler.handle({ request, param, query: queryReader(request), tenant, identity })
    })

  const match = Router.make<Refusal | Rejection, never>(handlers.map((handler) => ({
    method: handler.method,
    template: handler.template,
    handle: (request, param) => call(handler, request, param)
  })))

  const route = (request: FrontRequest): Effect.Effect<FrontResponse, Refusal | Rejection, Scope.Scope> => {
    const found = match(request.method, pathOf(request.target))
    if (found._tag === "NotFound") return refuse(404, "not_found", "no route matches this request")
    const template = found._tag === "Found" ? found.route.template : found.template
    if (publicPaths.has(template)) {
      if (found._tag === "Found") return found.route.handle(request, found.param)
      return Effect.succeed(
        found._tag === "MethodNotAllowed" ? empty(405, { allow: found.allow }) : badParam(found.name)
      )
    }
    if (found._tag === "Found" && byRoute.has(`${request.method} ${template}`)) {
      return found.route.handle(request, found.param)
    }
    const refused = Effect.zipRight(
      world.access.authenticate(request),
      found._tag !== "BadParam"
        ? unclassified
        // Whether the tenant may be entered cannot be told then, not even for god keys.
        : template.includes("{tenant_id}")
        ? tenantDenied
        : Effect.succeed(badParam(found.name))
    )
    return found._tag !== "MethodNotAllowed" ? refused : Effect.mapError(
      refused,
      ({ code, message, status }) => new Refusal({ status, code, message, headers: { allow: found.allow } })
    )
  }

  const allow = (request: FrontRequest): string | undefined => {
    const found = match(" ", pathOf(request.target))
    return found._tag === "MethodNotAllowed" ? found.allow : undefined
  }

  const answered = (request: FrontRequest): Effect.Effect<FrontResponse, never, Scope.Scope> =>
    Effect.gen(function*() {
      const started = yield* world.now
      const response = yield* Effect.suspend(() => route(request)).pipe(
        Effect.catchAll((failure) => Effect.succeed(answerFailure(failure))),
        Effect.catchAllDefect((defect) =>
          Effect.as(
            Effect.logError("A route of the emulator failed", defect),
            answer({ error: "internal error", code: "internal_error" }, 500)
          )
        )
      )
      const headers = { ...response.headers, "x-request-id": yield* world.uuid }
      count(request.method, response.status, (yield* world.now) - started)
      return { ...response, headers }
    })

  const cors = world.options.cors
  return cors === undefined ? answered : (request) =>
    request.method === "OPTIONS"
      ? Effect.succeed(Cors.preflight(cors, request, allow(request)))
      : Effect.map(answered(request), (response) => Cors.decorate(cors, request, response))
}

const badParam = (name: string): FrontResponse => text(400, `Invalid URL: Invalid UTF-8 in \`${name}\``)
