/** An emulator whose scope closes in the middle of something: nothing of it is left. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type * as HttpClient from "@effect/platform/HttpClient"
import { describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Supervisor from "effect/Supervisor"
import * as TestClock from "effect/TestClock"
import { assert } from "vitest"
import * as Cloacina from "../../../src/cloacina.js"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import type { WebSockets } from "../../../src/services/core/WebSockets.js"
import * as Packages from "../../fixtures/cloacina/Packages.js"
import { ask, god } from "./support/ask.js"
import { upload } from "./support/packages.js"
import { open } from "./support/sockets.js"

/** Who runs, and who died. */
class Watch extends Supervisor.AbstractSupervisor<void> {
  readonly running = new Set<Fiber.RuntimeFiber<unknown, unknown>>()
  readonly defects: Array<string> = []
  override get value() {
    return Effect.void
  }
  override onStart<A, E, R>(
    _context: Context.Context<R>,
    _effect: Effect.Effect<A, E, R>,
    _parent: unknown,
    fiber: Fiber.RuntimeFiber<A, E>
  ) {
    this.running.add(fiber)
  }
  override onEnd<A, E>(exit: Exit.Exit<A, E>, fiber: Fiber.RuntimeFiber<A, E>) {
    this.running.delete(fiber)
    if (Exit.isFailure(exit) && Cause.isDie(exit.cause)) this.defects.push(Cause.pretty(exit.cause))
  }
}

type Parts = HttpClient.HttpClient | WebSockets | CloacinaTesting.Emulator

const options: CloacinaTesting.Options = {
  key: Redacted.make(god),
  tenants: ["north"],
  buildTime: "10 minutes",
  workflows: [
    CloacinaTesting.workflow("flow", {
      tenant: "north",
      tasks: [CloacinaTesting.task("t", { takes: "1 hour" })],
      triggers: [
        CloacinaTesting.cron("* * * * *"),
        CloacinaTesting.trigger("poll", { every: "1 second", fires: () => true })
      ]
    })
  ],
  graphs: [CloacinaTesting.graph("g", { reactor: "r", accumulators: ["a"], takes: "1 hour" })]
}

const statusOf = (path: string, status: number) =>
  Effect.map(ask("GET", path, { key: god }), (asked) => assert.strictEqual(asked.status, status))

/** What is in the middle when the scope closes; some of it goes on by itself and must end with the emulator. */
const middles: Readonly<Record<string, Effect.Effect<unknown, unknown, Parts | Scope.Scope>>> = {
  "a build": Effect.gen(function*() {
    const [name = ""] = Packages.names
    const { status } = yield* upload(Packages.get(name))
    assert.strictEqual(status, 201)
  }),
  "an execution": Effect.gen(function*() {
    const asked = yield* ask("POST", "/v1/tenants/north/workflows/flow/execute", { key: god, body: { context: {} } })
    assert.strictEqual(asked.status, 202)
    yield* statusOf(`/v1/tenants/north/executions/${String(asked.member("execution_id"))}`, 200)
  }),
  "an open socket": Effect.gen(function*() {
    const connection = yield* open("/v1/ws/delivery/agent:a", { key: god })
    yield* Effect.forkScoped(Effect.ignore(Effect.forever(connection.receive)))
  }),
  "a fire of a graph": Effect.gen(function*() {
    const connection = yield* open("/v1/ws/accumulator/a", { key: god })
    yield* connection.send([new TextEncoder().encode("{}")])
  })
}

/** Closes the emulator's scope after `pause`, then that of its client, and looks at what is left when time has passed. */
const closing = (
  layer: Layer.Layer<Parts>,
  middle: Effect.Effect<unknown, unknown, Parts | Scope.Scope>,
  pause: Effect.Effect<void>,
  after: Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const watch = new Watch()
    yield* Effect.gen(function*() {
      const [server, client] = yield* Effect.all([Scope.make(), Scope.make()])
      const parts = yield* Layer.buildWithScope(layer, server)
      yield* middle.pipe(Effect.orDie, Scope.extend(client), Effect.provide(parts))
      yield* pause
      assert.isAbove(watch.running.size, 0)
      yield* Scope.close(server, Exit.void)
      yield* Scope.close(client, Exit.void)
    }).pipe(Effect.supervised(watch))
    yield* after
    assert.strictEqual(watch.running.size, 0)
    assert.deepStrictEqual(watch.defects, [])
  })

for (const [name, middle] of Object.entries(middles)) {
  describe(`${name} under way`, () => {
    for (const time of ["auto", "manual"] as const) {
      it.effect(`leaves nothing when the emulator ends, time being ${time}`, () =>
        Effect.gen(function*() {
          const pause = time === "manual" ? CloacinaTesting.advance("5 seconds") : Effect.void
          const after = TestClock.adjust("2 hours")
          yield* closing(CloacinaTesting.layerHttpClient({ ...options, time }), middle, pause, after)
        }))
    }

    it.live("leaves nothing when the emulator ends under the real clock", () =>
      Effect.gen(function*() {
        const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length
        const before = timers()
        yield* closing(
          CloacinaTesting.layerHttpClient(options),
          middle,
          Effect.sleep("70 millis"),
          Effect.sleep("70 millis")
        )
        assert.isAtMost(timers(), before)
      }))
  })
}

describe("a server on a port", () => {
  it.live("leaves nothing of an execution when it ends", () =>
    Effect.gen(function*() {
      const watch = new Watch()
      yield* Effect.gen(function*() {
        const server = yield* Scope.make()
        const parts = yield* Layer.buildWithScope(CloacinaTesting.layerServer(options), server)
        const { url } = Context.get(parts, CloacinaTesting.TestServer)
        const services = yield* Layer.build(
          Layer.provide(Cloacina.layer({ url, key: Redacted.make(god), tenant: "north" }), FetchHttpClient.layer)
        )
        const { execute } = Context.get(services, Cloacina.Executions)
        yield* execute("flow")
        yield* Effect.sleep(Duration.millis(70))
        yield* Scope.close(server, Exit.void)
      }).pipe(Effect.scoped, Effect.supervised(watch))
      for (let turns = 0; turns < 20 && watch.running.size > 0; turns++) yield* Effect.sleep("5 millis")
      assert.strictEqual(watch.running.size, 0)
      assert.deepStrictEqual(watch.defects, [])
    }))
})
