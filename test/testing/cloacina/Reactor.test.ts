import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { assert, describe } from "vitest"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import { ask, emulator, god } from "./support/ask.js"
import { endOf, listen, messages, refusal, send, settle } from "./support/sockets.js"

const keys = [{ name: "south", role: "admin" as const, tenant: "south", key: Redacted.make("south") }]

const ticks = CloacinaTesting.graph("graph_ticks", { reactor: "ticks_rx", accumulators: ["ticks"] })

const layer = emulator({ tenants: ["south"], keys, graphs: [ticks] })

const path = "/v1/ws/reactor/ticks_rx"

const inject = (event: unknown) => ask("POST", "/v1/health/accumulators/ticks/inject", { key: god, body: { event } })

const inputs = Effect.map(ask("GET", "/v1/health/reactors/ticks_rx/fires", { key: god }), (answer) => {
  const fires = answer.member("items")
  return Array.isArray(fires) ? fires.map(({ inputs }) => inputs) : []
})

/** The answers to these commands. */
const obey = (...commands: ReadonlyArray<unknown>) =>
  Effect.gen(function*() {
    const listener = yield* listen(path, { key: god })
    yield* send(listener, ...commands)
    return messages(listener)
  })

const hex = (json: string) =>
  [json.length, 0, 0, 0, 0, 0, 0, 0, ...Array.from(json, (letter) => letter.charCodeAt(0))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("")

describe("opening", () => {
  it.scoped("is refused in the words of the server", () =>
    Effect.gen(function*() {
      const refused = (status: number, error: string, code: string) => [status, JSON.stringify({ error, code })]
      assert.deepStrictEqual(yield* refusal(path), refused(401, "missing auth token", "unauthorized"))
      assert.deepStrictEqual(
        yield* refusal(path, { headers: { authorization: `bearer ${god}` } }),
        refused(401, "missing auth token", "unauthorized")
      )
      assert.deepStrictEqual(
        yield* refusal(path, { key: "nope" }),
        refused(401, "invalid bearer token", "unauthorized")
      )
      assert.deepStrictEqual(
        yield* refusal(`${path}?token=00000000-0000-4000-8000-000000000000`),
        refused(401, "invalid or expired WebSocket ticket", "unauthorized")
      )
      assert.deepStrictEqual(
        yield* refusal("/v1/ws/reactor/nope", { key: god }),
        refused(403, "not authorized for reactor 'nope'", "endpoint_access_denied")
      )
      assert.deepStrictEqual(
        yield* refusal(path, { key: "south" }),
        refused(403, "not authorized for reactor 'ticks_rx'", "endpoint_access_denied")
      )
    }).pipe(Effect.provide(layer)))
})

describe("commands", () => {
  it.scoped("are answered in order", () =>
    Effect.gen(function*() {
      yield* inject({ bid: "x", ask: 1 })
      const answers = yield* obey(
        { command: "get_state" },
        { command: "force_fire" },
        { command: "fire_with", cache: { ticks: [2, 0, 0, 0, 0, 0, 0, 0, 91, 93] } },
        { command: "get_state" },
        { command: "pause" },
        { command: "pause" },
        { command: "resume" },
        { command: "resume" }
      )
      assert.deepStrictEqual(answers, [
        { type: "state", cache: { ticks: hex("{\"ask\":1,\"bid\":\"x\"}") } },
        { type: "fired" },
        { type: "fired" },
        { type: "state", cache: { ticks: hex("[]") } },
        { type: "paused" },
        { type: "paused" },
        { type: "resumed" },
        { type: "resumed" }
      ])
      assert.deepStrictEqual(yield* inputs, [{ ticks: [] }, { ticks: { ask: 1, bid: "x" } }, {
        ticks: { ask: 1, bid: "x" }
      }])
    }).pipe(Effect.provide(layer)))

  it.scoped("that make no sense are errors, and the socket stays open", () =>
    Effect.gen(function*() {
      const expected = "expected one of `force_fire`, `fire_with`, `get_state`, `pause`, `resume`"
      const faults = new Map([
        ["{\"command\": \"explode\"}", `unknown variant \`explode\`, ${expected} at line 1 column 21`],
        ["{\"nope\": 1}", "missing field `command` at line 1 column 11"],
        ["not json", "expected ident at line 1 column 2"],
        ["{\"command\":\"fire_with\"}", "missing field `cache`"],
        ["{\"command\":\"fire_with\",\"cache\":5}", "invalid type: integer `5`, expected a map"],
        ["{\"command\":\"fire_with\",\"cache\":{\"a\":\"x\"}}", "invalid type: string \"x\", expected a sequence"],
        ["{\"command\":\"fire_with\",\"cache\":{\"a\":[256]}}", "invalid value: integer `256`, expected u8"],
        ["{\"command\":5}", "invalid type: integer `5`, expected variant identifier at line 1 column 12"],
        ["{\"command\":1e400}", "number out of range at line 1 column 16"],
        ["{\"command\":\"pause\",\"x\":1e400}", "number out of range at line 1 column 28"],
        ["{\"command\":\"fire_with\",\"cache\":{\"a\":[1e400]}}", "number out of range at line 1 column 42"],
        ["{\"command\":\"fire_with\",\"cache\":1.0}", "invalid type: floating point `1.0`, expected a map"],
        ["{\"command\":\"pause\",\"command\":1}", "duplicate field `command` at line 1 column 28"],
        ["{\"command\":{}}", "invalid type: map, expected variant identifier at line 1 column 11"],
        ["[]", "missing field `command` at line 1 column 2"],
        ["{\"command\":\"pause\"} x", "trailing characters at line 1 column 21"],
        ["", "EOF while parsing a value at line 1 column 0"]
      ])
      assert.deepStrictEqual(
        yield* obey(...faults.keys(), { command: "resume" }),
        [
          ...[...faults.values()].map((fault) => ({ type: "error", message: `invalid command: ${fault}` })),
          { type: "resumed" }
        ]
      )
    }).pipe(Effect.provide(layer)))

  it.scoped("may be arrays", () =>
    Effect.gen(function*() {
      const answers = yield* obey("[\"pause\"]", "[\"fire_with\",{\"ticks\":[1]}]", "[\"resume\"]")
      assert.deepStrictEqual(answers, [{ type: "paused" }, { type: "fired" }, { type: "resumed" }])
    }).pipe(Effect.provide(layer)))

  it.scoped("in bytes are not answered", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* obey(new Uint8Array([1, 2]), { command: "resume" }), [{ type: "resumed" }])
    }).pipe(Effect.provide(layer)))

  it.scoped("pause: events are taken, and nothing is made up for later", () =>
    Effect.gen(function*() {
      const listener = yield* listen(path, { key: god })
      yield* send(listener, { command: "pause" })
      yield* inject(1)
      yield* send(listener, { command: "force_fire" })
      const reactors = yield* ask("GET", "/v1/health/reactors", { key: god })
      assert.include(reactors.text, "\"paused\":true")
      yield* send(listener, { command: "resume" })
      assert.deepStrictEqual(yield* inputs, [])
      yield* send(listener, { command: "force_fire" })
      assert.deepStrictEqual(yield* inputs, [{ ticks: 1 }])
      assert.deepStrictEqual(messages(listener).map(({ type }) => type), ["paused", "fired", "resumed", "fired"])
    }).pipe(Effect.provide(layer)))

  it.scoped("with bare JSON are taken: the record shows it, the graph does not see it", () => {
    const seen: Array<unknown> = []
    return Effect.gen(function*() {
      const bytes = Array.from("{\"px\":7}", (letter) => letter.charCodeAt(0))
      assert.deepStrictEqual(yield* obey({ command: "fire_with", cache: { ticks: bytes } }), [{ type: "fired" }])
      assert.deepStrictEqual(yield* inputs, [{ ticks: { px: 7 } }])
      assert.deepStrictEqual(seen, [{ ticks: null }])
    }).pipe(Effect.provide(emulator({
      graphs: [{
        ...ticks,
        run: (inputs) => {
          seen.push(inputs)
          return []
        }
      }]
    })))
  })

  it.scoped("are not permitted once the reactor is unloaded", () =>
    Effect.gen(function*() {
      const control = yield* CloacinaTesting.GraphControl
      const listener = yield* listen(path, { key: god })
      yield* control.remove("graph_ticks")
      yield* send(listener, { command: "get_state" }, { command: "force_fire" })
      assert.deepStrictEqual(messages(listener).map(({ message }) => message), [
        "operation GetState not permitted on reactor 'ticks_rx'",
        "operation ForceFire not permitted on reactor 'ticks_rx'"
      ])
      assert.strictEqual(endOf(listener), undefined)
    }).pipe(Effect.provide(layer)))

  it.scoped("on the state of a reactor that was loaded again reach the one of before", () =>
    Effect.gen(function*() {
      const control = yield* CloacinaTesting.GraphControl
      const listener = yield* listen(path, { key: god })
      yield* control.remove("graph_ticks")
      yield* control.add(ticks)
      yield* send(listener, { command: "pause" }, { command: "force_fire" })
      yield* settle
      assert.deepStrictEqual(messages(listener), [{ type: "paused" }, { type: "fired" }])
      assert.deepStrictEqual(yield* inputs, [{}])
    }).pipe(Effect.provide(layer)))
})
