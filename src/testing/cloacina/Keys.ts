/**
 * API keys and tickets (contract 4.2).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Api from "../../schemas/cloacina/api/Keys.js"
import * as Body from "./Body.js"
import { parseUuid } from "./Clockwork.js"
import { answer, answerList, type Call, type Handler, handler, type Refusal, refuse, tenantAdmin } from "./Handler.js"
import { type Key, ticketSeconds } from "./KeyStore.js"
import type { World } from "./World.js"

const CreateKey = Body.object<{ readonly name: string; readonly role: "admin" | "write" | "read" }>(
  "CreateKeyRequest",
  {
    name: Body.string,
    role: Body.withDefault(Body.oneOf("admin", "write", "read"), "admin")
  }
)

const common = ({ createdAt, identity: { isGod, role, tenant } }: Key) => ({
  permissions: role,
  tenant_id: tenant ?? null,
  is_admin: isGod,
  created_at: createdAt
})

const list = (keys: ReadonlyArray<Key>) =>
  answerList(keys.map((key) => ({
    id: key.identity.keyId,
    name: key.identity.name,
    ...common(key),
    revoked: key.revoked
  })))

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ keys }: World): ReadonlyArray<Handler> => {
  const create = (call: Call, tenant: string) =>
    Effect.gen(function*() {
      const { name, role } = yield* Body.read(call, CreateKey)
      const key = yield* keys.issue({ name, role, tenant })
      return answer({ id: key.identity.keyId, name, key: key.plaintext, ...common(key) }, 201)
    })

  const find = (id: string, tenant?: string): Effect.Effect<string, Refusal> => {
    const uuid = parseUuid(id)
    if (uuid === undefined) return refuse(400, "invalid_key_id", "invalid key ID format")
    return tenant !== undefined && keys.byId(uuid)?.identity.tenant !== tenant
      ? refuse(404, "key_not_found", "key not found in this tenant")
      : Effect.succeed(uuid)
  }

  const revoke = ({ param }: Call, tenant?: string) =>
    Effect.flatMap(find(param("key_id"), tenant), (id) =>
      keys.revoke(id)
        ? Effect.succeed(answer({ status: "revoked", id: param("key_id") }))
        : refuse(404, "key_not_found", "key not found or already revoked"))

  return [
    handler(Api.create, { _tag: "platform" }, (call) => create(call, "public")),
    handler(Api.listAll, { _tag: "platform" }, () => Effect.sync(() => list(keys.all()))),
    handler(Api.revoke, { _tag: "platform" }, (call) => revoke(call)),
    handler(Api.createInTenant, tenantAdmin, (call) => create(call, call.tenant)),
    handler(
      Api.listInTenant,
      tenantAdmin,
      ({ tenant }) => Effect.sync(() => list(keys.all().filter(({ identity }) => identity.tenant === tenant)))
    ),
    handler(Api.revokeInTenant, tenantAdmin, (call) => revoke(call, call.tenant)),
    handler(Api.ticket, { _tag: "any", level: "read" }, ({ identity }) =>
      Effect.map(
        keys.ticket(identity),
        (ticket) => answer({ ticket, expires_in_seconds: ticketSeconds })
      ))
  ]
}
