/**
 * Tenants (contract 4.5, 9.2, 9.3).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Api from "../../schemas/cloacina/api/Tenants.js"
import * as Body from "./Body.js"
import { answer, answerList, type Call, type Handler, handler, refuse } from "./Handler.js"
import { tell, type World } from "./World.js"

interface CreateTenant {
  readonly name: string
  readonly description: string | undefined
  readonly password: string | undefined
}

const CreateTenant = Body.object<CreateTenant>("CreateTenantRequest", {
  name: Body.string,
  description: Body.optional(Body.string),
  password: Body.optional(Body.string)
})

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ hooks, keys, options, tenants }: World): ReadonlyArray<Handler> => {
  const create = (call: Call) =>
    Effect.gen(function*() {
      const { description = null, name } = yield* Body.read(call, CreateTenant)
      const invalid = tenants.invalid(name)
      const fault = invalid === undefined ? tenants.create(name) : undefined
      if (invalid !== undefined || fault !== undefined) {
        const message = invalid === undefined ? `SQL execution error: ${fault}` : `Invalid schema name: ${invalid}`
        return yield* refuse(400, "tenant_creation_failed", message)
      }
      yield* tell(hooks.onTenantCreated, name.toLowerCase())
      return answer({ name, username: name, description }, 201)
    })

  const remove = ({ param }: Call) =>
    Effect.gen(function*() {
      const name = param("schema_name")
      const invalid = tenants.invalid(name)
      if (invalid !== undefined) {
        return yield* refuse(400, "tenant_removal_failed", `Invalid schema name: ${invalid}`)
      }
      const revoked = keys.revokeTenant(name)
      const hadRunner = tenants.runners.delete(name)
      const hadDatabase = tenants.databases.delete(name)
      yield* tell(hooks.onRunnerEvicted, name)
      if (options.tenantDeletion === "documented" && tenants.exists(name)) {
        tenants.drop(name)
        yield* tell(hooks.onTenantRemoved, name)
      }
      return answer({
        status: "removed",
        schema_name: name,
        revoked_keys: revoked,
        runner_evicted: hadRunner,
        db_cache_evicted: hadDatabase
      })
    })

  return [
    handler(Api.create, { _tag: "platform" }, create),
    handler(
      Api.listAll,
      { _tag: "platform" },
      () => Effect.sync(() => answerList(tenants.names().map((name) => ({ name }))))
    ),
    handler(Api.remove, { _tag: "platform" }, remove)
  ]
}
