/**
 * What the life of a Cloacina server is made of, in chapters. Each makes its own tenant, so that they can be told in any
 * order; what they expect is in the statuses, everything else is for the comparison of two servers.
 */
import * as Effect from "effect/Effect"
import type { Player, Unexpected } from "./player.js"
import { text } from "./player.js"

export interface Chapter {
  readonly name: string
  readonly tell: (player: Player) => Effect.Effect<void, Unexpected>
}

const nowhere = "00000000-0000-4000-8000-000000000000"

/** A tenant with a key of each role, called after it: `north-read` and so on. */
const tenant = (player: Player, name: string) =>
  Effect.gen(function*() {
    yield* player.call("god", "POST", "/v1/tenants", { body: { name } })
    for (const role of ["read", "write", "admin"]) {
      yield* player.key(`${name}-${role}`, "god", `/v1/tenants/${name}/keys`, {
        body: { name: `${name}-${role}`, role },
        status: 201
      })
    }
  })

const statusOf = (body: unknown): string => text(body, "build_status")

/** Uploads packages and waits until they are built. */
const built = (player: Player, name: string, packages: ReadonlyArray<string>) =>
  Effect.forEach(packages, (each) =>
    Effect.gen(function*() {
      const id = text(yield* player.upload(`${name}-write`, name, each), "package_id")
      const path = `/v1/tenants/${name}/workflows/${id}`
      yield* player.until(`${name}-read`, path, (body) => ["success", "failed"].includes(statusOf(body)))
    }), { discard: true })

/** Executes a workflow and waits for its end; gives the id. */
const executed = (player: Player, name: string, workflow: string, context: unknown, status: string) =>
  Effect.gen(function*() {
    const execute = `/v1/tenants/${name}/workflows/${workflow}/execute`
    const id = text(yield* player.accepted(`${name}-write`, execute, { context }), "execution_id")
    const path = `/v1/tenants/${name}/executions/${id}`
    yield* player.until(`${name}-read`, path, (body) => text(body, "status") === status)
    yield* player.call(`${name}-read`, "GET", `${path}/events`)
    yield* player.call(`${name}-read`, "GET", `${path}/tasks`)
    return id
  })

const access: Chapter = {
  name: "tenants, keys, roles",
  tell: (player) =>
    Effect.gen(function*() {
      const { call, key } = player
      yield* tenant(player, "story_access")
      yield* call("god", "POST", "/v1/tenants", { body: { name: "story_access" }, status: 400 })
      for (const name of ["bad-name", "public", "", "9lives"]) {
        yield* call("god", "POST", "/v1/tenants", { body: { name }, status: 400 })
      }
      for (const role of ["read", "write", "admin"]) {
        const as = `story_access-${role}`
        yield* call(as, "GET", "/v1/auth/whoami")
        yield* call(as, "GET", "/v1/tenants", { status: 403 })
        yield* call(as, "GET", "/v1/tenants/public/workflows", { status: 403 })
        yield* call(as, "GET", "/v1/tenants/story_access/keys", { status: role === "admin" ? 200 : 403 })
        yield* call(as, "POST", "/v1/tenants/story_access/workflows/none/pause", {
          status: role === "read" ? 403 : 404
        })
        yield* call(as, "GET", "/v1/agents", { status: role === "admin" ? 200 : 403 })
      }
      const made = yield* key("loader", "story_access-admin", "/v1/tenants/story_access/keys", {
        body: { name: "loader" },
        status: 201
      })
      const path = `/v1/tenants/story_access/keys/${text(made, "id")}`
      yield* call("loader", "GET", "/v1/auth/whoami")
      yield* call("story_access-admin", "DELETE", path)
      yield* call("loader", "GET", "/v1/auth/whoami", { status: 401 })
      yield* call("story_access-admin", "DELETE", path, { status: 404 })
      yield* call("story_access-admin", "DELETE", "/v1/tenants/story_access/keys/abc", { status: 400 })
      yield* call("story_access-admin", "GET", "/v1/tenants/story_access/keys")
      yield* call("god", "GET", "/v1/tenants/story_access/limits")
      yield* call("god", "POST", "/v1/tenants/story_access/limits", { body: { max_agents: 2 } })
      yield* call("story_access-admin", "POST", "/v1/tenants/story_access/fleet/provision")
      yield* call("story_access-admin", "POST", "/v1/tenants/story_access/fleet/provision", { status: 409 })
      yield* call("story_access-read", "GET", "/v1/tenants/story_access/fleet")
      // One that has been used lies in a cache that removing a tenant does not clear, for 30 s.
      yield* key("unused", "god", "/v1/tenants/story_access/keys", { body: { name: "unused" }, status: 201 })
      yield* call("god", "DELETE", "/v1/tenants/story_access")
      yield* call("unused", "GET", "/v1/auth/whoami", { status: 401 })
      yield* call("god", "GET", "/v1/tenants/story_access/workflows")
    })
}

const accounts: Chapter = {
  name: "accounts and sessions",
  tell: (player) =>
    Effect.gen(function*() {
      const { call, key } = player
      yield* tenant(player, "story_people")
      const path = "/v1/tenants/story_people/accounts"
      const mira = { username: "mira", password: "correct horse", role: "write" }
      const made = text(yield* call("story_people-admin", "POST", path, { body: mira, status: 201 }), "id")
      yield* call("story_people-admin", "POST", path, { body: mira, status: 500 })
      yield* call("story_people-admin", "GET", path)
      const login = { username: "mira", password: "correct horse", tenant: "story_people" }
      yield* call(undefined, "POST", "/v1/auth/local/login", { body: { ...login, password: "wrong" }, status: 401 })
      yield* call(undefined, "POST", "/v1/auth/local/login", { body: { ...login, tenant: null }, status: 401 })
      yield* key("mira", undefined, "/v1/auth/local/login", { body: login })
      yield* call("mira", "GET", "/v1/auth/whoami")
      yield* key("mira-again", "mira", "/v1/auth/refresh")
      yield* call("mira", "GET", "/v1/auth/whoami", { status: 401 })
      yield* call("story_people-read", "POST", "/v1/auth/refresh", { status: 400 })
      yield* call("story_people-admin", "POST", `${path}/${made}/password`, { body: { password: "new" } })
      yield* call("mira-again", "GET", "/v1/auth/whoami")
      yield* call("story_people-admin", "DELETE", `${path}/${made}`)
      yield* call("mira-again", "POST", "/v1/auth/refresh", { status: 401 })
      yield* call("mira-again", "GET", "/v1/auth/whoami", { status: 401 })
      yield* call("story_people-admin", "POST", `${path}/${nowhere}/password`, { body: { password: "x" }, status: 404 })
      yield* call("story_people-read", "POST", "/v1/auth/logout")
      yield* call("story_people-read", "GET", "/v1/auth/whoami", { status: 401 })
    })
}

const secrets: Chapter = {
  name: "secrets",
  tell: (player) =>
    Effect.gen(function*() {
      const { call } = player
      yield* tenant(player, "story_secrets")
      const path = "/v1/tenants/story_secrets/secrets"
      const as = "story_secrets-admin"
      yield* call(as, "POST", path, { body: { name: "stripe", fields: { user: "u", password: "p" } }, status: 201 })
      yield* call(as, "POST", path, { body: { name: "stripe", fields: {} }, status: 409 })
      yield* call(as, "POST", path, { body: { name: "", fields: {} }, status: 201 })
      yield* call(as, "GET", path)
      yield* call(as, "GET", `${path}/stripe`)
      yield* call(as, "PUT", `${path}/stripe`, { body: { fields: { token: "t" } } })
      yield* call(as, "PUT", `${path}/none`, { body: { fields: {} }, status: 404 })
      yield* call(as, "POST", path, { body: { name: "n", fields: { a: 1 } }, status: 422 })
      yield* call("story_secrets-write", "GET", path, { status: 403 })
      yield* call(as, "DELETE", `${path}/stripe`)
      yield* call(as, "GET", `${path}/stripe`, { status: 404 })
    })
}

const packages: Chapter = {
  name: "packages",
  tell: (player) =>
    Effect.gen(function*() {
      const { call, compile, upload } = player
      const [name, as, path] = ["story_packages", "story_packages-write", "/v1/tenants/story_packages/workflows"]
      yield* tenant(player, name)
      yield* upload(as, name, "flow-plain")
      yield* call(as, "GET", path)
      yield* call(as, "GET", `${path}/flow-plain`, { status: 404 })
      yield* compile(name)
      yield* built(player, name, ["flow-plain", "flow-diamond", "broken-rust"])
      yield* player.until(as, path, (body) => JSON.stringify(body).includes("flow-diamond"))
      yield* call(as, "GET", `${path}/flow-diamond/source`)
      yield* call(as, "GET", `${path}/flow_diamond`, { status: 404 })
      yield* call(as, "POST", path, { text: ["application/json", "{}"], status: 400 })
      yield* call(as, "POST", `${path}/flow_plain/pause`)
      yield* call(as, "POST", `${path}/flow_plain/execute`, { body: {}, status: 409 })
      yield* call(as, "POST", `${path}/flow-plain/resume`)
      yield* upload(as, name, "flow-diamond-1.1.0")
      yield* player.until(as, `${path}/flow-diamond`, (body) => text(body, "version") === "1.1.0")
      yield* call(as, "DELETE", `${path}/flow-plain/1.0.0`)
      yield* call(as, "GET", `${path}/flow-plain`, { status: 404 })
      yield* call(as, "DELETE", `${path}/broken-rust/1.0.0`)
      yield* call(as, "POST", `${path}/nothing/execute`, { body: {}, status: 404 })
    })
}

const executions: Chapter = {
  name: "executions",
  tell: (player) =>
    Effect.gen(function*() {
      const { call, compile } = player
      const name = "story_runs"
      const [as, path] = ["story_runs-write", "/v1/tenants/story_runs"]
      yield* tenant(player, name)
      yield* compile(name)
      yield* built(player, name, [
        "flow-plain",
        "flow-diamond",
        "flow-fail",
        "flow-retry",
        "flow-slow",
        "flow-skip",
        "flow-secret",
        "broken-python"
      ])
      yield* call("story_runs-admin", "POST", `${path}/secrets`, {
        body: { name: "warehouse", fields: { user: "etl" } },
        status: 201
      })
      yield* executed(player, name, "flow_plain", {}, "Completed")
      yield* executed(player, name, "flow_diamond", { region: "eu", extra: true }, "Completed")
      yield* executed(player, name, "flow_fail", {}, "Failed")
      yield* executed(player, name, "flow_retry", { run: "one" }, "Completed")
      yield* executed(player, name, "flow_skip", {}, "Completed")
      yield* executed(player, name, "flow_secret", { region: "eu", warehouse: { $secret: "warehouse" } }, "Completed")
      yield* executed(player, name, "flow_secret", { region: "eu", warehouse: { $secret: "nothing" } }, "Failed")
      yield* executed(player, name, "flow_slow", { seconds: 1 }, "Completed")
      const execute = (workflow: string, context: unknown, status: number) =>
        call(as, "POST", `${path}/workflows/${workflow}/execute`, { body: { context }, status })
      yield* execute("flow_diamond", {}, 400)
      yield* execute("flow_diamond", { region: 5, batch_size: 7.5 }, 400)
      yield* execute("flow_secret", { region: "eu", warehouse: "s3same" }, 400)
      yield* execute("flow-plain", {}, 400)
      yield* execute("broken_python", {}, 400)
      yield* call(as, "GET", `${path}/executions?limit=3`)
      yield* call(as, "GET", `${path}/executions?limit=3&offset=6`)
      yield* call(as, "GET", `${path}/executions?status=Failed`)
      yield* call(as, "GET", `${path}/executions?workflow=flow_retry`)
      yield* call(as, "GET", `${path}/executions?limit=0`, { status: 400 })
      yield* call(as, "GET", `${path}/executions?offset=-1`, { status: 400 })
      yield* call(as, "GET", `${path}/executions?limit=abc`, { status: 400 })
      yield* call(as, "GET", `${path}/executions/${nowhere}`, { status: 404 })
      yield* call(as, "GET", `${path}/executions/${nowhere}/events`)
      yield* call(as, "GET", `${path}/executions/nothing`, { status: 400 })
      yield* call(as, "GET", `${path}/workflows`)
      yield* call(as, "GET", `${path}/workflows/flow-diamond`)
    })
}

const schedules: Chapter = {
  name: "instances and triggers",
  tell: (player) =>
    Effect.gen(function*() {
      const { call, compile, until } = player
      const name = "story_plans"
      const [as, path] = ["story_plans-write", "/v1/tenants/story_plans"]
      yield* tenant(player, name)
      yield* compile(name)
      yield* built(player, name, ["flow-plain", "flow-diamond", "flow-cron", "flow-poll"])
      // The first execution makes the tenant's loader run.
      yield* executed(player, name, "flow_plain", {}, "Completed")
      const instances = `${path}/workflows/flow_diamond/instances`
      const instance = (body: unknown, status: number) => call(as, "POST", instances, { body, status })
      yield* instance({ instance_name: "yearly", params: { region: "eu" }, cron: "30 2 1 1 *" }, 200)
      yield* instance({ instance_name: "by-hand", params: { region: "us" } }, 200)
      yield* instance({ instance_name: "yearly", params: { region: "eu" } }, 409)
      yield* instance({ instance_name: " " }, 400)
      yield* instance({ instance_name: "bad", params: {} }, 400)
      yield* instance({ instance_name: "bad", params: { region: "eu" }, cron: "every day" }, 400)
      yield* instance({ instance_name: "bad", params: { region: "eu" }, cron: "0 2 * * *", timezone: "Mars/Base" }, 400)
      yield* call(as, "GET", `${instances}/yearly`)
      yield* call(as, "DELETE", `${instances}/yearly`)
      yield* call(as, "GET", `${instances}/yearly`, { status: 404 })
      const listed = (body: unknown) => JSON.stringify(body)
      yield* until(as, `${path}/executions?workflow=flow_cron&limit=1`, (body) => listed(body).includes("Completed"))
      yield* call(as, "POST", `${path}/triggers/flow_cron/pause`)
      yield* call(as, "POST", `${path}/triggers/orders/pause`)
      yield* call(as, "POST", `${path}/triggers/flow_cron/resume`)
      yield* call(as, "GET", `${path}/triggers/orders`)
      yield* call(as, "GET", `${path}/triggers/orders/interface`)
      yield* call(as, "GET", `${path}/triggers/none`, { status: 404 })
      yield* call(as, "GET", `${path}/triggers/none/interface`)
      yield* call(as, "GET", `${path}/triggers?limit=100000`, { status: 400 })
      const fire = (trigger: string, body: unknown, status: number) =>
        call(as, "POST", `${path}/triggers/${trigger}/fire`, { body, status })
      yield* fire("orders", { event: { order: "A-17", amount: 3 } }, 200)
      yield* fire("orders", {}, 200)
      yield* fire("orders", { event: { order: 5 } }, 400)
      yield* fire("flow_poll", {}, 404)
      yield* until(
        as,
        `${path}/executions?workflow=flow_poll`,
        (body) => listed(body).split("Completed").length === 3
      )
    })
}

const liveGraph = (body: unknown): boolean => JSON.stringify(body).includes("\"live\"")

const graphs: Chapter = {
  name: "graphs",
  tell: (player) =>
    Effect.gen(function*() {
      const { call, compile, until } = player
      const name = "story_graphs"
      const as = "story_graphs-read"
      yield* tenant(player, name)
      yield* tenant(player, "story_others")
      yield* compile(name)
      yield* built(player, name, ["flow-plain", "graph-ticks", "graph-pair", "graph-levels"])
      yield* executed(player, name, "flow_plain", {}, "Completed")
      for (const graph of ["graph_ticks", "graph_pair", "graph_levels"]) {
        yield* until(as, `/v1/health/graphs/${graph}`, liveGraph)
      }
      yield* call(as, "GET", "/v1/health/graphs")
      yield* call(as, "GET", "/v1/health/reactors")
      yield* call(as, "GET", "/v1/health/accumulators")
      yield* call(as, "GET", "/v1/health/accumulators/ticks/interface")
      yield* call(as, "GET", "/v1/health/reactors/pair_rx/interface")
      const inject = (accumulator: string, body: unknown, status = 200, by = as) =>
        call(by, "POST", `/v1/health/accumulators/${accumulator}/inject`, { body, status })
      const fires = (reactor: string, count: number) =>
        until(
          as,
          `/v1/health/reactors/${reactor}/fires`,
          (body) => JSON.stringify(body).split("fired_at").length === count + 1
        )
      yield* inject("ticks", { event: { bid: 10.5, ask: 10.75 } })
      yield* fires("ticks_rx", 1)
      yield* inject("ticks", { event: { bid: 666, ask: 1.5 } })
      yield* fires("ticks_rx", 2)
      yield* inject("pair_a", { event: { value: 2 } })
      yield* inject("pair_b", { event: { value: 3 } })
      yield* fires("pair_rx", 1)
      for (const value of [1, 2, 3, 4]) {
        yield* inject("levels", { event: { level: value } })
        yield* fires("levels_rx", value)
      }
      yield* inject("ticks", {}, 422)
      yield* inject("none", { event: 1 }, 403)
      yield* inject("ticks", { event: { bid: 1.5, ask: 2.5 } }, 403, "story_others-read")
      const fire = (reactor: string, body: unknown, status = 200) =>
        call(as, "POST", `/v1/health/reactors/${reactor}/fire`, { body, status })
      yield* fire("pair_rx", {})
      yield* fires("pair_rx", 2)
      yield* fire("pair_rx", { mode: "fire_with", inputs: { pair_a: { value: 20 }, pair_b: { value: 22 } } })
      yield* fires("pair_rx", 3)
      yield* fire("pair_rx", { mode: "fire_with" }, 400)
      yield* fire("pair_rx", { mode: null }, 400)
      yield* fire("pair_rx", { inputs: null }, 422)
      yield* fire("none", {}, 403)
      yield* call(as, "GET", "/v1/health/reactors/pair_rx/fires?limit=1")
      yield* call(as, "GET", "/v1/health/reactors/pair_rx/fires?limit=0")
      yield* call(as, "GET", "/v1/health/reactors/none/fires", { status: 404 })
      yield* call(as, "GET", "/v1/health/graphs/none", { status: 404 })
      yield* call(as, "GET", "/v1/health/accumulators")
      yield* call(as, "GET", "/v1/health/reactors")
      yield* player.socket(as, "/v1/ws/reactor/ticks_rx", ({ close, ended, frames, send }) =>
        Effect.gen(function*() {
          const commands = [
            { command: "get_state" },
            { command: "force_fire" },
            { command: "fire_with", cache: { ticks: [1, 0, 0, 0, 0, 0, 0, 0, 55] } },
            { command: "pause" },
            { command: "resume" },
            { command: "explode" },
            { nope: 1 },
            "not json"
          ]
          for (const [index, command] of commands.entries()) {
            yield* send(command)
            yield* frames(index + 1)
          }
          yield* close
          yield* ended
        }))
      yield* fires("ticks_rx", 4)
      yield* player.socket(as, "/v1/ws/accumulator/ticks", ({ close, send }) =>
        send(new TextEncoder().encode("{\"bid\":7.5,\"ask\":7.75}")).pipe(
          Effect.zipRight(fires("ticks_rx", 5)),
          Effect.zipRight(close)
        ))
      for (const path of ["reactor/none", "accumulator/none"]) {
        yield* player.socket(as, `/v1/ws/${path}`, () =>
          Effect.void)
      }
    })
}

const sockets: Chapter = {
  name: "delivery sockets",
  tell: (player) =>
    Effect.gen(function*() {
      yield* tenant(player, "story_feeds")
      const as = "story_feeds-read"
      const path = `/v1/ws/delivery/exec_events%3A${nowhere}`
      const hello = { type: "hello", protocol_version: 1, since_id: null }
      const refused: ReadonlyArray<unknown> = [
        { ...hello, protocol_version: 99 },
        "hi there",
        { type: "subscribe", protocol_version: 1 },
        { type: "ack", protocol_version: 1, id: "7" },
        { type: "ack", protocol_version: 1 }
      ]
      for (const frame of refused) {
        yield* player.socket(as, path, ({ ended, frames, send }) =>
          frames(1).pipe(Effect.zipRight(send(frame)), Effect.zipRight(ended)))
      }
      yield* player.socket(as, path, ({ close, ended, frames, send }) =>
        Effect.gen(function*() {
          yield* frames(1)
          yield* send(hello)
          yield* send({ type: "hello", protocol_version: 1 })
          yield* send({ type: "ack", protocol_version: 1, id: 999_999_999 })
          yield* send(new Uint8Array([0, 1]))
          yield* Effect.sleep("300 millis")
          yield* close
          yield* ended
        }))
      yield* player.socket(as, "/v1/ws/delivery/ops_metrics%3Aglobal", ({ close, frames }) =>
        Effect.zipRight(frames(2), close))
      yield* player.socket({}, path, () =>
        Effect.void)
      yield* player.socket({ token: nowhere }, path, () =>
        Effect.void)
      yield* player.socket({ authorization: "Bearer clk_nope" }, path, () =>
        Effect.void)
      yield* player.call(as, "GET", path, { status: 400 })
    })
}

const rejections: Chapter = {
  name: "what is refused",
  tell: (player) =>
    Effect.gen(function*() {
      const { call } = player
      const json = (body: string) => ["application/json", body] as const
      const keys = (text: readonly [string, string], status: number) =>
        call("god", "POST", "/v1/auth/keys", { text, status })
      yield* keys(json("{\"name\":"), 400)
      yield* keys(json("{}"), 422)
      yield* call("god", "POST", "/v1/auth/keys", { text: json("[1]"), status: 422, note: "a list for an object" })
      yield* keys(json("{\"name\": 5}"), 422)
      yield* keys(json("{\"name\":\"x\",\"role\":null}"), 400)
      yield* keys(json("{\"name\":\"x\",\"role\":\"owner\"}"), 422)
      yield* keys(["text/plain", "{}"], 415)
      yield* call("god", "POST", "/v1/auth/keys", { status: 415 })
      yield* call(undefined, "GET", "/v1/nope", { status: 404 })
      yield* call("god", "GET", "/v1/auth/keys/", { status: 404 })
      yield* call(undefined, "GET", "/v1/auth/keys", { status: 401 })
      yield* call("clk_unknown", "GET", "/v1/auth/keys", { status: 401 })
      yield* call("god", "PATCH", "/v1/auth/keys", { status: 403 })
      yield* call(undefined, "DELETE", "/health", { status: 405 })
      yield* call(undefined, "GET", "/v1/auth/local/login", { status: 405 })
      yield* call("god", "POST", "/v1/agent/keys", { body: {}, status: 403 })
      yield* call("god", "GET", "/v1/tenants/nosuchtenant/workflows", { status: 500 })
      yield* call("god", "GET", "/v1/tenants/bad-name/workflows", { status: 500 })
      yield* call("god", "GET", `/v1/tenants/nosuchtenant/executions/${nowhere}`, { status: 404 })
      yield* call(undefined, "GET", "/health")
      yield* call(undefined, "GET", "/ready")
    })
}

/** All of it. */
export const chapters: ReadonlyArray<Chapter> = [
  access,
  accounts,
  secrets,
  rejections,
  packages,
  executions,
  schedules,
  graphs,
  sockets
]
