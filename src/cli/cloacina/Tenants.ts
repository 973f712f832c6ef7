/**
 * `switchyard cloacina tenants`
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../cloacina.js"
import * as Group from "../core/Group.js"
import * as Table from "../core/Table.js"
import * as Part from "./Part.js"
import * as View from "./View.js"

const path = "tenants"

const list = Part.list(
  { name: "list", path, summary: "Lists the tenants besides public, by name.", examples: ["list"] },
  Options.none,
  {
    schema: Cloacina.Tenant,
    nothing: "no tenants",
    columns: [View.text<Cloacina.Tenant>("TENANT", ({ name }) => name)],
    items: () => Stream.fromIterableEffect(Effect.flatMap(Cloacina.Tenants, (tenants) => tenants.list()))
  }
)

const description = Options.text("description").pipe(
  Options.optional,
  Options.withDescription("Comes back in the answer, and is kept nowhere.")
)

const create = Part.answer(
  {
    name: "create",
    path,
    summary: "Makes a tenant.",
    words: [["name", "1 to 63 lower-case letters, digits and _, no digit first."]],
    examples: ["create north"]
  },
  description,
  {
    schema: Cloacina.TenantCreated,
    ask: ([name = ""], description) =>
      Effect.flatMap(
        Cloacina.Tenants,
        (tenants) => tenants.create({ name, description: Option.getOrUndefined(description) })
      ),
    lines: ({ name, username }) => [`created ${View.visible(name)} (database role ${View.visible(username)})`]
  }
)

const remove = Part.answer(
  {
    name: "remove",
    path,
    summary: "Revokes the keys of a tenant and shuts its runner down.",
    text: ["The name stays taken on the server: give the next tenant another one. An unknown tenant is a success."],
    words: [["name", "Its name."]],
    examples: ["remove north"]
  },
  Options.none,
  {
    schema: Cloacina.TenantRemoved,
    ask: ([name = ""]) => Effect.flatMap(Cloacina.Tenants, (tenants) => tenants.remove(name)),
    lines: (removed) =>
      Table.pairs([
        ["removed", View.visible(removed.schema_name)],
        ["keys revoked", String(removed.revoked_keys)],
        ["runner stopped", removed.runner_evicted ? "yes" : "no"]
      ])
  }
)

/**
 * @since 0.1.0
 * @category commands
 */
export const { command, page } = Group.make({
  name: path,
  summary: "Tenants of the server; needs a god key.",
  examples: ["switchyard cloacina tenants create north", "switchyard cloacina tenants list --json"]
}, [list, create, remove])
