import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { assert, describe } from "vitest"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import * as SocketFault from "../../../src/testing/core/SocketFault.js"
import { ask, emulator, god } from "./support/ask.js"
import { endOf, listen, messages, open, payloads, pushed, refusal, send, settle } from "./support/sockets.js"

const keys = [
  { name: "north", role: "read" as const, tenant: "north", key: Redacted.make("north") },
  { name: "south", role: "read" as const, tenant: "south", key: Redacted.make("south") }
]

const layer = emulator({ tenants: ["north", "south"], keys })

const path = "/v1/ws/delivery/exec_events%3A1"

const row = { recipient: "exec_events:1", kind: "execution_event", payload: { event_type: "probe" } }

const ticketOf = (key: string) =>
  Effect.map(ask("POST", "/v1/auth/ws-ticket", { key }), (answer) => String(answer.member("ticket")))

const stateOf = (id: number) =>
  Effect.flatMap(CloacinaTesting.Deliveries, ({ row }) => Effect.map(row(id), Option.map(({ state }) => state)))

describe("opening", () => {
  it.scoped("is refused in the words of the server", () =>
    Effect.gen(function*() {
      const unauthorized = (error: string) => [401, JSON.stringify({ error, code: "unauthorized" })]
      assert.deepStrictEqual(
        yield* refusal(path),
        unauthorized("missing credential: provide Authorization bearer header or ?token=<ticket>")
      )
      assert.deepStrictEqual(yield* refusal(path, { key: "nope" }), unauthorized("invalid Authorization bearer token"))
      assert.deepStrictEqual(
        yield* refusal(`${path}?token=${god}`),
        unauthorized("invalid or expired WebSocket ticket")
      )
      assert.deepStrictEqual(
        yield* refusal(path, { headers: { authorization: "Basic bm9ydGg=" } }),
        unauthorized("missing credential: provide Authorization bearer header or ?token=<ticket>")
      )
    }).pipe(Effect.provide(layer)))

  it.scoped("is for upgrades, before anybody is asked for a key", () =>
    Effect.gen(function*() {
      const answer = yield* ask("GET", path)
      assert.deepStrictEqual([answer.status, answer.text], [400, "Connection header did not include 'upgrade'"])
    }).pipe(Effect.provide(layer)))

  it.scoped("takes the scheme in lower case", () =>
    Effect.gen(function*() {
      const listener = yield* listen(path, { headers: { authorization: "bearer north" } })
      assert.deepStrictEqual(messages(listener), [{ type: "welcome", protocol_version: 1, max_known_id: 0 }])
    }).pipe(Effect.provide(layer)))

  it.scoped("takes a ticket once, and keeps it when a header is there", () =>
    Effect.gen(function*() {
      const ticket = yield* ticketOf("north")
      const withTicket = `${path}?token=${ticket}`
      yield* Effect.scoped(open(withTicket, { key: "north" }))
      yield* Effect.scoped(open(withTicket))
      assert.strictEqual((yield* refusal(withTicket))[0], 401)
    }).pipe(Effect.provide(layer)))

  it.scoped("takes no ticket that is a minute old, and uses up one that opens nothing", () =>
    Effect.gen(function*() {
      const old = yield* ticketOf("north")
      yield* CloacinaTesting.advance("60 seconds")
      assert.strictEqual((yield* refusal(`${path}?token=${old}`))[0], 401)
      const wasted = yield* ticketOf("north")
      assert.strictEqual((yield* refusal(`/v1/ws/reactor/nope?token=${wasted}`))[0], 403)
      assert.strictEqual((yield* refusal(`${path}?token=${wasted}`))[0], 401)
    }).pipe(Effect.provide(layer)))
})

describe("frames of the client", () => {
  const welcomed = (...frames: ReadonlyArray<unknown>) =>
    Effect.gen(function*() {
      const listener = yield* listen(path, { key: god })
      yield* send(listener, ...frames)
      return [listener.frames.length, endOf(listener)]
    }).pipe(Effect.provide(layer))

  it.scoped("hello is taken, several times, with and without a cursor", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* welcomed(
          { type: "hello", protocol_version: 1, since_id: 5 },
          { type: "hello", protocol_version: 1 },
          { type: "hello", protocol_version: 1, since_id: null, more: true }
        ),
        [1, undefined]
      )
    }))

  it.scoped("hello of another version closes 4426", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* welcomed({ type: "hello", protocol_version: 99, since_id: null }),
        [1, [4426, "unsupported protocol_version", "peer"]]
      )
    }))

  it.scoped("what cannot be understood closes 4400", () =>
    Effect.gen(function*() {
      const invalid = [1, [4400, "invalid client frame", "peer"]]
      const frames = [
        "hi there",
        "[]",
        "null",
        { type: "subscribe", protocol_version: 1 },
        { type: "ack", protocol_version: 1, id: "7" },
        { type: "ack", protocol_version: 1, id: 1.5 },
        { type: "ack", id: 7 },
        "{\"type\":\"ack\",\"protocol_version\":1,\"id\":7.0}",
        "{\"type\":\"ack\",\"protocol_version\":1,\"id\":1e2}",
        "{\"type\":\"ack\",\"protocol_version\":1,\"id\":9223372036854775808}",
        "{\"type\":\"ack\",\"protocol_version\":1,\"id\":01}",
        "{\"type\":\"ack\",\"protocol_version\":1,\"id\":1,\"id\":2}",
        "{\"type\":\"hello\",\"protocol_version\":1.0}",
        "[\"hello\",1]",
        { type: "hello", protocol_version: 1, since_id: "5" },
        { type: "hello", protocol_version: -1 }
      ]
      for (const frame of frames) assert.deepStrictEqual(yield* welcomed(frame), invalid, JSON.stringify(frame))
    }))

  it.scoped("bytes and acks of unknown rows are ignored", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* welcomed("[\"ack\",1,-5]", "[\"hello\",1,null]", new Uint8Array([0, 1]), {
          type: "ack",
          protocol_version: 7,
          id: 999_999_999
        }),
        [1, undefined]
      )
    }))

  it.scoped("a close frame ends the connection and gives up its place", () =>
    Effect.gen(function*() {
      const { connections } = yield* CloacinaTesting.Deliveries
      const listener = yield* listen(path, { key: god })
      assert.strictEqual(yield* connections("exec_events:1"), 1)
      yield* listener.connection.close(1000)
      yield* settle
      assert.strictEqual(yield* connections(), 0)
    }).pipe(Effect.provide(layer)))
})

describe("rows", () => {
  it.scoped("are pushed behind the welcome, and acked", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const id = yield* deliveries.insert(row)
      const listener = yield* listen(path, { key: god })
      assert.deepStrictEqual(messages(listener), [
        { type: "welcome", protocol_version: 1, max_known_id: 0 },
        {
          type: "push",
          protocol_version: 1,
          id,
          kind: "execution_event",
          recipient: "exec_events:1",
          tenant_id: null,
          payload_b64: btoa(JSON.stringify(row.payload))
        }
      ])
      assert.deepStrictEqual(yield* stateOf(id), Option.some("delivered"))
      yield* send(listener, { type: "ack", protocol_version: 1, id })
      assert.deepStrictEqual(yield* stateOf(id), Option.some("acked"))
    }).pipe(Effect.provide(layer)))

  it.scoped("reach keys of their tenant only, and god keys those of none", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const listeners = yield* Effect.forEach(["north", "south", god], (key) => listen(path, { key }))
      yield* deliveries.insertAll([{ ...row, tenant: "north" }, row])
      yield* settle
      assert.deepStrictEqual(listeners.map(pushed), [[1], [], [2]])
    }).pipe(Effect.provide(layer)))

  it.scoped("can be acked by a stranger, and are never delivered then", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const id = yield* deliveries.insert({ ...row, tenant: "north" })
      yield* send(yield* listen("/v1/ws/delivery/other", { key: "south" }), { type: "ack", protocol_version: 1, id })
      assert.deepStrictEqual(pushed(yield* listen(path, { key: "north" })), [])
    }).pipe(Effect.provide(layer)))

  it.scoped("come again on the next connection when they were not acked", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      yield* deliveries.insertAll([row, row])
      const first = yield* listen(path, { key: god })
      yield* send(first, { type: "ack", protocol_version: 1, id: 1 })
      yield* first.connection.drop
      yield* settle
      const second = yield* listen(path, { key: god })
      assert.deepStrictEqual([pushed(first), pushed(second)], [[1, 2], [2]])
    }).pipe(Effect.provide(layer)))

  it.scoped("come again on the same connection after 60 to 90 s", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const listener = yield* listen(path, { key: god })
      yield* CloacinaTesting.advance("12 seconds")
      yield* deliveries.insert(row)
      yield* CloacinaTesting.advance("77 seconds")
      assert.deepStrictEqual(pushed(listener), [1])
      yield* CloacinaTesting.advance("1 seconds")
      assert.deepStrictEqual(pushed(listener), [1, 1])
    }).pipe(Effect.provide(layer)))

  it.scoped("stay pending behind a client that does not read: 32 wait for it", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const connection = yield* open(path, { key: god, highWater: 4 })
      yield* settle
      // Welcome and three rows wait at the client; the rest of this pass waits in the connection.
      yield* deliveries.insertAll(Array.from({ length: 10 }, () => row))
      yield* settle
      yield* deliveries.insertAll(Array.from({ length: 50 }, () => row))
      yield* settle
      assert.deepStrictEqual(yield* deliveries.counts, { pending: 18, delivered: 42, acked: 0 })
      yield* Effect.forkScoped(Effect.forever(connection.receive))
      yield* settle
      assert.deepStrictEqual(yield* deliveries.counts, { pending: 18, delivered: 42, acked: 0 })
      yield* deliveries.insert({ ...row, recipient: "nobody" })
      yield* settle
      assert.deepStrictEqual(yield* deliveries.counts, { pending: 1, delivered: 60, acked: 0 })
    }).pipe(Effect.provide(layer)))

  it.scoped("do not wait for the next insert where connections drain the outbox", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      yield* deliveries.insertAll(Array.from({ length: 2000 }, () => row))
      const listener = yield* listen(path, { key: god, highWater: 8 })
      assert.strictEqual(new Set(pushed(listener)).size, 2000)
    }).pipe(Effect.provide(emulator({ delivery: { drains: true } }))))
})

describe("a second connection for the same pair", () => {
  it.scoped("ends both within 5 ms of its welcome, without a close frame", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const first = yield* listen(path, { key: god })
      const second = yield* listen(path, { key: god })
      assert.deepStrictEqual([first.frames.length, second.frames.length], [1, 1])
      assert.deepStrictEqual([endOf(first), endOf(second)], [undefined, undefined])
      yield* CloacinaTesting.advance("5 millis")
      assert.deepStrictEqual([endOf(first), endOf(second)], [[1006, "", "peer"], [1006, "", "peer"]])
      const id = yield* deliveries.insert(row)
      yield* settle
      assert.deepStrictEqual(yield* stateOf(id), Option.some("pending"))
      const third = yield* listen(path, { key: god })
      assert.deepStrictEqual(pushed(third), [id])
    }).pipe(Effect.provide(layer)))

  it.scoped("is another pair with the key of another tenant", () =>
    Effect.gen(function*() {
      const listeners = yield* Effect.forEach(["north", "south"], (key) => listen(path, { key }))
      yield* CloacinaTesting.advance("1 second")
      assert.deepStrictEqual(listeners.map(endOf), [undefined, undefined])
    }).pipe(Effect.provide(layer)))
})

describe("control", () => {
  it.scoped("drops connections as a crash would", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const one = yield* listen(path, { key: god })
      const other = yield* listen("/v1/ws/delivery/other", { key: god })
      assert.strictEqual(yield* deliveries.drop("exec_events:1"), 1)
      yield* settle
      assert.deepStrictEqual([endOf(one), endOf(other)], [[1006, "", "peer"], undefined])
      assert.strictEqual(yield* deliveries.connections(), 1)
    }).pipe(Effect.provide(layer)))
})

describe("faults", () => {
  it.scoped("hit sockets, and leave rows to the next connection", () =>
    Effect.gen(function*() {
      const deliveries = yield* CloacinaTesting.Deliveries
      const faults = yield* CloacinaTesting.Faults
      const cut = yield* faults.inject({ on: "Sockets.delivery", fault: SocketFault.cut(2, { code: 1001 }) })
      yield* deliveries.insertAll([row, row, row])
      const first = yield* listen(path, { key: god })
      assert.deepStrictEqual([pushed(first), endOf(first)], [[1], [1001, "", "peer"]])
      assert.strictEqual(yield* cut.hits, 1)
      assert.deepStrictEqual(pushed(yield* listen(path, { key: god })), [1, 2, 3])
    }).pipe(Effect.provide(layer)))
})

describe("executions", () => {
  const execute = (key: string) =>
    Effect.gen(function*() {
      yield* ask("POST", "/v1/tenants/public/workflows/hello/execute", { key: god, body: {} })
      yield* CloacinaTesting.advance("10 seconds")
      const answer = yield* ask("POST", "/v1/tenants/public/workflows/hello/execute", { key: god, body: {} })
      const id = String(answer.member("execution_id"))
      const listener = yield* listen(`/v1/ws/delivery/exec_events%3A${id}`, { key })
      yield* CloacinaTesting.advance("10 seconds")
      const log = yield* ask("GET", `/v1/tenants/public/executions/${id}/events`, { key: god })
      return { id, listener, log: log.member("events") }
    })

  const workflows = [CloacinaTesting.workflow("hello", { tenant: "public" })]

  it.scoped("push nothing, as on the server", () =>
    Effect.gen(function*() {
      const { listener, log } = yield* execute(god)
      assert.isArray(log)
      assert.isNotEmpty(log)
      assert.deepStrictEqual(pushed(listener), [])
    }).pipe(Effect.provide(emulator({ workflows }))))

  it.scoped("push every event in the documented mode, to god keys and to those of the tenant", () =>
    Effect.gen(function*() {
      for (const key of [god, "public"]) {
        const { id, listener, log } = yield* execute(key)
        const events = Array.isArray(log) ? log : []
        assert.isNotEmpty(events)
        assert.deepStrictEqual(
          payloads(listener).map(({ task_execution_id }) => typeof task_execution_id === "string"),
          events.map(({ task_name }) => task_name !== null)
        )
        assert.deepStrictEqual(
          payloads(listener).map(({ created_at, event_data, event_type, id, workflow_execution_id }) => ({
            created_at,
            event_data,
            event_type,
            id,
            workflow_execution_id
          })),
          events.map(({ created_at, event_data, event_type, id: event }) => ({
            created_at,
            event_data,
            event_type,
            id: event,
            workflow_execution_id: id
          }))
        )
      }
    }).pipe(Effect.provide(emulator({
      workflows,
      mode: "documented",
      keys: [{ name: "public", role: "read", key: Redacted.make("public") }]
    }))))
})
