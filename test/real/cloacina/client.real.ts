/**
 * The client against the published server, service by service.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, layer } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Cloacina from "../../../src/cloacina.js"
import { layerTransport } from "../../../src/node.js"
import { AccumulatorSockets } from "../../../src/services/cloacina/AccumulatorSockets.js"
import { Delivery } from "../../../src/services/cloacina/Delivery.js"
import { OpsWatch } from "../../../src/services/cloacina/OpsWatch.js"
import { ReactorSockets } from "../../../src/services/cloacina/ReactorSockets.js"
import * as Packages from "../../fixtures/cloacina/Packages.js"
import * as RealServer from "./server.js"

const url = process.env["CLOACINA_REAL_URL"] ?? ""
const key = process.env["CLOACINA_REAL_KEY"] ?? ""
const run = process.env["CLOACINA_REAL_RUN"] ?? ""

const tenant = "client_real"

/** Every 0.1 s, for 30 s. */
const soon = Schedule.spaced("100 millis").pipe(Schedule.upTo("30 seconds"))

const sockets = Layer.mergeAll(Delivery.layer, OpsWatch.layer, ReactorSockets.layer, AccumulatorSockets.layer)

/** The tenant with its compiler, a secret, and everything that the tests execute. */
const prepared = Effect.gen(function*() {
  const { create } = yield* Cloacina.Tenants
  yield* create({ name: tenant })
  yield* Effect.provide(RealServer.compile({ run }, tenant), NodeContext.layer)
  const secrets = yield* Cloacina.Secrets
  yield* secrets.create({ name: "warehouse", fields: { user: Redacted.make("etl") } })
  const workflows = yield* Cloacina.Workflows
  for (const name of ["flow-plain", "flow-diamond", "flow-fail", "flow-retry", "flow-secret", "flow-poll"]) {
    yield* workflows.deploy(Packages.get(name), { loadWithin: 0 })
  }
  yield* (yield* Cloacina.Executions).execute("flow_plain", { waitUntilLoaded: "30 seconds" })
})

const Client = Layer.effectDiscard(prepared).pipe(
  Layer.provideMerge(Layer.provideMerge(sockets, Cloacina.layer({ url, key: Redacted.make(key), tenant }))),
  Layer.provide(layerTransport())
)

layer(Client, { excludeTestServices: true })("the client on a published 0.12.0 server", (it) => {
  it.effect("executes, and says how it ended", () =>
    Effect.gen(function*() {
      const executions = yield* Cloacina.Executions
      const diamond = yield* executions.executeAndAwait("flow_diamond", {
        context: { region: "eu" },
        waitUntilLoaded: "30 seconds"
      })
      assert.strictEqual(diamond._tag, "Completed")
      assert.lengthOf(diamond.tasks, 4)
      assert.isTrue(Option.isSome(diamond.duration))
      const failed = yield* executions.executeAndAwait("flow_fail", { waitUntilLoaded: "30 seconds" })
      assert.strictEqual(failed._tag, "Failed")
      assert.include(JSON.stringify(failed), "disk full")
      const secret = yield* executions.executeAndAwait("flow_secret", {
        context: { region: "eu", warehouse: Cloacina.secretRef("warehouse") },
        waitUntilLoaded: "30 seconds"
      })
      assert.strictEqual(secret._tag, "Completed")
    }))

  it.effect("follows an execution through its retries to the end", () =>
    Effect.gen(function*() {
      const executions = yield* Cloacina.Executions
      const items = yield* executions.executeAndFollow("flow_retry", {
        context: { run: "client" },
        waitUntilLoaded: "30 seconds",
        hint: "socket"
      }).pipe(Stream.runCollect, Effect.map(Chunk.toReadonlyArray))
      assert.strictEqual(items[0]?.type, "started")
      assert.strictEqual(items.at(-1)?.type, "ended")
      const types = JSON.stringify(items).match(/task_retry_scheduled/g)
      assert.lengthOf(types ?? [], 2)
    }))

  it.effect("iterates over pages, each execution once", () =>
    Effect.gen(function*() {
      const executions = yield* Cloacina.Executions
      const all = yield* executions.list({ limit: 1000 })
      const ids = yield* executions.iterate({}, { pageSize: 2 }).pipe(
        Stream.map(({ id }) => id),
        Stream.runCollect,
        Effect.map(Chunk.toReadonlyArray)
      )
      assert.deepStrictEqual(ids, all.map(({ id }) => id))
    }))

  it.effect("has the server's own words for what it refuses, with code and request id", () =>
    Effect.gen(function*() {
      const executions = yield* Cloacina.Executions
      const input = yield* Effect.flip(executions.execute("flow_diamond", { context: { region: 5 } }))
      assert.strictEqual(input._tag, "InvalidInput")
      if (input._tag === "InvalidInput") {
        assert.strictEqual(input.code, "workflow_input_invalid")
        assert.deepStrictEqual(input.issues.map(({ path }) => path), ["region"])
        assert.match(input.requestId ?? "", /^[0-9a-f-]{36}$/)
      }
      const absent = yield* Effect.flip(executions.get("00000000-0000-4000-8000-000000000000"))
      assert.strictEqual(absent._tag, "NotFound")
      const workflows = yield* Cloacina.Workflows
      yield* workflows.pause("flow_poll")
      assert.strictEqual((yield* Effect.flip(executions.execute("flow_poll")))._tag, "Conflict")
      yield* workflows.resume("flow_poll")
      const taken = yield* workflows.deploy(Packages.get("broken-rust"), { loadWithin: 0 }).pipe(Effect.flip)
      assert.strictEqual(taken._tag, "BuildFailed")
    }))

  it.effect("manages keys, accounts, instances and triggers", () =>
    Effect.gen(function*() {
      const keys = yield* Cloacina.Keys
      const made = yield* keys.create({ name: "loader", role: "write" })
      assert.strictEqual(made.permissions, "write")
      yield* keys.revoke(made.id)
      assert.strictEqual((yield* Effect.flip(keys.revoke(made.id)))._tag, "NotFound")
      const accounts = yield* Cloacina.Accounts
      const account = yield* accounts.create({ username: "mira", password: Redacted.make("pw"), role: "write" })
      const sessions = yield* Cloacina.Sessions
      const login = yield* sessions.login({ username: "mira", password: Redacted.make("pw"), tenant })
      assert.deepStrictEqual(login.tenant_id, Option.some(tenant))
      yield* accounts.disable(account.id)
      const instances = yield* Cloacina.Instances
      const instance = yield* instances.create("flow_diamond", {
        instance_name: "nightly",
        params: { region: "eu" },
        cron: "30 2 * * *"
      })
      assert.isTrue(Option.isSome(instance.next_run_at))
      const triggers = yield* Cloacina.Triggers
      const fired = yield* triggers.fire("orders", { order: "A-17" })
      assert.strictEqual(fired.fired, 1)
    }))

  it.effect("listens and speaks over all three sockets", () =>
    Effect.gen(function*() {
      const watch = yield* OpsWatch
      const snapshot = Option.getOrThrow(yield* Stream.runHead(watch.watch()))
      assert.isTrue(snapshot.server.ready)
      const delivery = yield* Delivery
      const quiet = yield* delivery.subscribe("exec_events:nothing").pipe(
        Stream.interruptAfter("1 second"),
        Stream.runCollect
      )
      assert.isTrue(Chunk.isEmpty(quiet))
      const workflows = yield* Cloacina.Workflows
      yield* workflows.deploy(Packages.get("graph-probe"), { loadWithin: 0 })
      const graphs = yield* Cloacina.Graphs
      yield* Effect.retry(graphs.get("graph_probe"), soon)
      const accumulator = yield* Effect.flatMap(AccumulatorSockets, (sockets) => sockets.ingest("probe"))
      yield* accumulator.send({ value: 10.5 })
      const fires = yield* graphs.fires("probe_rx").pipe(
        Effect.filterOrFail((fires) => fires.length > 0),
        Effect.retry(soon)
      )
      assert.deepStrictEqual(fires[0]?.inputs, { probe: { value: 10.5 } })
      const reactor = yield* Effect.flatMap(ReactorSockets, (sockets) => sockets.connect("probe_rx"))
      assert.deepStrictEqual(yield* reactor.getState, { probe: { value: 10.5 } })
      yield* reactor.pause
      yield* reactor.resume
      yield* reactor.fireWith({ probe: { value: 1.5 } })
      const none = yield* Effect.flatMap(ReactorSockets, (sockets) => sockets.connect("none")).pipe(Effect.flip)
      assert.strictEqual(none._tag, "Forbidden")
    }).pipe(Effect.scoped))
})
