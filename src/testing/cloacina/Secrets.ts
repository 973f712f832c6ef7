/**
 * Secrets (contract 4.6): values go in and never come out, except for executions.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Api from "../../schemas/cloacina/api/Secrets.js"
import * as Body from "./Body.js"
import { uuid } from "./Clockwork.js"
import * as Database from "./Database.js"
import { answer, answerList, type Call, type Handler, handler, type Refusal, refuse, tenantAdmin } from "./Handler.js"
import type { Secret, World } from "./World.js"

type Fields = Readonly<Record<string, string>>

const CreateSecret = Body.object<{ readonly name: string; readonly fields: Fields }>("CreateSecretRequest", {
  name: Body.string,
  fields: Body.record(Body.string)
})

const RotateSecret = Body.object<{ readonly fields: Fields }>("RotateSecretRequest", {
  fields: Body.record(Body.string)
})

const toMetadata = ({ createdAt, fields, id, name, updatedAt }: Secret) => ({
  id,
  name,
  field_names: Object.keys(fields).sort(),
  created_at: createdAt,
  updated_at: updatedAt
})

const notFound = (name: string) => refuse(404, "secret_not_found", `secret not found: ${name}`)

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (world: World): ReadonlyArray<Handler> => {
  const { hooks, options, secrets, timestamp } = world
  hooks.onTenantRemoved.push((tenant) => Effect.sync(() => void secrets.delete(tenant)))

  /** Asks the database itself, unlike other routes of tenants: only behind the look for the key-encryption key. */
  const open = (tenant: string): Effect.Effect<Map<string, Secret>, Refusal> => {
    if (options.secrets === false) {
      return refuse(
        503,
        "secrets_not_configured",
        "secrets are not configured on this server (CLOACINA_SECRET_KEK unset or invalid)"
      )
    }
    const fault = Database.fault(world, tenant, "rows")
    if (fault !== undefined) return fault
    const found = secrets.get(tenant) ?? new Map<string, Secret>()
    secrets.set(tenant, found)
    return Effect.succeed(found)
  }

  const find = ({ param, tenant }: Call) =>
    Effect.flatMap(open(tenant), (all): Effect.Effect<readonly [Secret, Map<string, Secret>], Refusal> => {
      const secret = all.get(param("name"))
      return secret === undefined ? notFound(param("name")) : Effect.succeed([secret, all])
    })

  return [
    handler(Api.create, tenantAdmin, (call) =>
      Effect.gen(function*() {
        const { fields, name } = yield* Body.read(call, CreateSecret)
        const all = yield* open(call.tenant)
        if (all.has(name)) {
          return yield* refuse(409, "secret_exists", `a secret named '${name}' already exists in this tenant`)
        }
        const createdAt = yield* timestamp
        const secret: Secret = { id: yield* uuid, name, fields, createdAt, updatedAt: createdAt }
        all.set(name, secret)
        return answer(toMetadata(secret), 201)
      })),
    handler(
      Api.listAll,
      tenantAdmin,
      ({ tenant }) => Effect.map(open(tenant), (all) => answerList([...all.values()].map(toMetadata)))
    ),
    handler(Api.get, tenantAdmin, (call) => Effect.map(find(call), ([secret]) => answer(toMetadata(secret)))),
    handler(Api.rotate, tenantAdmin, (call) =>
      Effect.gen(function*() {
        const { fields } = yield* Body.read(call, RotateSecret)
        const [secret, all] = yield* find(call)
        const rotated = { ...secret, fields, updatedAt: yield* timestamp }
        all.set(secret.name, rotated)
        return answer(toMetadata(rotated))
      })),
    handler(Api.remove, tenantAdmin, (call) =>
      Effect.map(find(call), ([{ name }, all]) => {
        all.delete(name)
        return answer({ status: "deleted", name })
      }))
  ]
}
