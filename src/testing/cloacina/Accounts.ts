/**
 * Local accounts (contract 4.4).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Api from "../../schemas/cloacina/api/Accounts.js"
import * as Body from "./Body.js"
import { parseUuid, uuid } from "./Clockwork.js"
import { answer, answerList, type Call, type Handler, handler, type Refusal, refuse, tenantAdmin } from "./Handler.js"
import type { World } from "./World.js"

interface Account {
  readonly id: string
  readonly tenant: string | undefined
  readonly username: string
  readonly role: string
  password: Redacted.Redacted
  status: "active" | "disabled"
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Accounts {
  readonly handlers: ReadonlyArray<Handler>
  /** The active account that this name and password open; `undefined` does not say why not. */
  readonly open: (tenant: string | undefined, username: string, password: string) => Account | undefined
  readonly byId: (id: string) => Account | undefined
}

interface CreateAccount {
  readonly username: string
  readonly password: string
  readonly role: string
}

const CreateAccount = Body.object<CreateAccount>("CreateAccountRequest", {
  username: Body.string,
  password: Body.string,
  role: Body.string
})

const ResetPassword = Body.object<{ readonly password: string }>("ResetPasswordRequest", { password: Body.string })

const toInfo = ({ id, role, status, username }: Account) => ({ id, username, role, status })

/**
 * The accounts of the options and those to come.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = ({ options }: World): Effect.Effect<Accounts> =>
  Effect.gen(function*() {
    const accounts: Array<Account> = []
    const named = (tenant: string | undefined, username: string) =>
      accounts.find((account) => account.tenant === tenant && account.username === username)
    const byId = (id: string) => accounts.find((account) => account.id === id)

    const add = (tenant: string | undefined, username: string, password: Redacted.Redacted, role: string) =>
      Effect.map(uuid, (id) => {
        const account: Account = { id, tenant, username, role, password, status: "active" }
        accounts.push(account)
        return account
      })

    const find = ({ param, tenant }: Call): Effect.Effect<Account, Refusal> => {
      const id = parseUuid(param("account_id"))
      if (id === undefined) return refuse(400, "invalid_account_id", "invalid account ID format")
      const account = byId(id)
      return account?.tenant === tenant
        ? Effect.succeed(account)
        : refuse(404, "account_not_found", "account not found in this tenant")
    }

    for (const { password, role, tenant, username } of options.accounts ?? []) {
      yield* add(tenant, username, password, role)
    }

    return {
      open: (tenant, username, password) => {
        const account = named(tenant, username)
        return account?.status === "active" && Redacted.value(account.password) === password ? account : undefined
      },
      byId,
      handlers: [
        handler(Api.create, tenantAdmin, (call) =>
          Effect.gen(function*() {
            const { password, role, username } = yield* Body.read(call, CreateAccount)
            if (named(call.tenant, username) !== undefined) {
              return yield* refuse(500, "internal_error", "failed to create account")
            }
            return answer(toInfo(yield* add(call.tenant, username, Redacted.make(password), role)), 201)
          })),
        handler(Api.listAll, tenantAdmin, ({ tenant }) =>
          Effect.sync(() =>
            answerList(
              accounts.filter((account) => account.tenant === tenant).reverse().map(toInfo)
            )
          )),
        handler(Api.disable, tenantAdmin, (call) =>
          Effect.map(find(call), (account) => {
            account.status = "disabled"
            return answer({ status: "disabled", id: call.param("account_id") })
          })),
        handler(Api.resetPassword, tenantAdmin, (call) =>
          Effect.gen(function*() {
            const { password } = yield* Body.read(call, ResetPassword)
            const account = yield* find(call)
            account.password = Redacted.make(password)
            return answer({ status: "password_reset", id: call.param("account_id") })
          }))
      ]
    }
  })
