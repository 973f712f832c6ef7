import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import * as InMemory from "../../../src/server/core/InMemory.js"
import { WebSockets } from "../../../src/services/core/WebSockets.js"
import * as EmulatorModule from "../../../src/testing/cloacina/Emulator.js"
import * as Differences from "../../fixtures/cloacina/Differences.js"
import * as Golden from "../../fixtures/cloacina/Golden.js"
import * as Replay from "../../fixtures/cloacina/Replay.js"
import * as Worlds from "../../fixtures/cloacina/Worlds.js"

const url = "http://server.test:8080"

const methods: ReadonlyArray<HttpMethod> = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

const methodOf = (name: string): HttpMethod => methods.find((method) => method === name) ?? assert.fail(name)

/** The emulator in the context, under a `TestClock`. */
const emulated = Effect.gen(function*() {
  const http = yield* HttpClient.HttpClient
  const webSockets = yield* WebSockets
  const deliveries = yield* CloacinaTesting.Deliveries
  const target: Replay.Target = {
    ask: ({ body, headers, method, path }) =>
      Effect.gen(function*() {
        const request = HttpClientRequest.setMethod(HttpClientRequest.get(url + path, { headers }), methodOf(method))
        const answer = yield* http.execute(Option.match(body, {
          onNone: () => request,
          onSome: (bytes) => HttpClientRequest.bodyUint8Array(request, bytes, headers["content-type"])
        }))
        return { status: answer.status, headers: answer.headers, body: yield* answer.text }
      }).pipe(Effect.scoped, Effect.orDie),
    open: (path, headers) =>
      webSockets.open({
        url: url.replace("http", "ws") + path,
        headers,
        openTimeout: "10 seconds",
        keepAlive: "1 day",
        highWater: 1000
      }),
    insert: ({ kind, payload, recipient, tenant }) =>
      deliveries.insert({ kind, payload, recipient, tenant: tenant ?? undefined }),
    advance: (ms) => ms === 0 ? Effect.void : CloacinaTesting.advance(ms)
  }
  return target
})

const stage = ({ clock, options }: Worlds.World) => {
  const layerEmulator = CloacinaTesting.layerHttpClient({ ...options, time: "manual" })
  return Layer.mergeAll(
    InMemory.layerWebSockets(EmulatorModule.makeFront)
  ).pipe(
    Layer.provideMerge(layerEmulator),
    Layer.provide(Layer.effectDiscard(TestClock.setTime(Date.parse(clock))))
  )
}

const prepare = (target: Replay.Target, names: Replay.Names, { before }: Worlds.World) =>
  Effect.forEach(before, (step) => {
    if ("case" in step) {
      const earlier = Golden.get(step.case)
      return Effect.scoped(Replay.play(target, names, earlier, Worlds.of(earlier).staging))
    }
    if ("wait" in step) return target.advance(step.wait)
    if ("upload" in step) return Replay.upload(target, names, step.tenant, Worlds.god, step.upload)
    return Effect.map(
      Effect.suspend(() =>
        target.ask({
          method: step.method,
          path: names.toPlayed(step.path),
          headers: {
            ...(step.key === undefined ? {} : { authorization: `Bearer ${names.toPlayed(step.key)}` }),
            ...(step.body === undefined ? {} : { "content-type": "application/json" })
          },
          body: step.body === undefined
            ? Option.none()
            : Option.some(new TextEncoder().encode(names.toPlayed(JSON.stringify(step.body))))
        })
      ),
      ({ body, status }) => {
        if (status >= 300 !== (step.fails === true)) {
          throw new Error(`${step.method} ${step.path} before the case: ${status} ${body}`)
        }
        names.learn(step.gives, JSON.parse(body))
      }
    )
  }, { discard: true })

/** What is compared, one after the other: where, what was recorded, what came. */
const compare = (recorded: Golden.Case, world: Worlds.World) =>
  Effect.gen(function*() {
    const target = yield* emulated
    const names = new Replay.Names()
    yield* prepare(target, names, world)
    const { answers, sockets } = yield* Replay.play(target, names, recorded, world.staging)
    return [
      ...recorded.exchanges.map((exchange, position) => ({
        part: "exchanges" as const,
        position,
        where: `exchange ${position}: ${exchange.request.method} ${exchange.request.path}`,
        expected: Replay.expected(exchange),
        found: Option.fromNullable(answers[position]).pipe(
          Option.map((answer) => Replay.comparable(exchange.request, answer, names)),
          Option.getOrUndefined
        )
      })),
      ...recorded.websockets.map((socket, position) => ({
        part: "sockets" as const,
        position,
        where: `socket ${position}: ${socket.request.path}`,
        expected: Replay.expectedSocket(socket),
        found: Option.fromNullable(sockets[position]).pipe(
          Option.map((live) => Replay.comparableSocket(live, socket, names)),
          Option.getOrUndefined
        )
      }))
    ]
  })

/** The rows that the recorder saw in the database at the end: their state, and how often they were handed out. */
const outboxOf = ({ outbox_after_ack, outbox_after_foreign_ack, outbox_at_end }: Golden.Case) =>
  outbox_at_end ?? outbox_after_ack ?? outbox_after_foreign_ack

const compareOutbox = (recorded: Golden.Case) =>
  Effect.gen(function*() {
    const expected = outboxOf(recorded)
    const rows = yield* (yield* CloacinaTesting.Deliveries).rows
    if (expected !== undefined) {
      const found = rows.map(({ attempts, state }) => expected.includes("|") ? `${state}|${attempts}` : state)
      assert.deepStrictEqual(found, [expected])
    }
    if (recorded.outbox_rows_for_recipient !== undefined) {
      assert.lengthOf(rows, Number(recorded.outbox_rows_for_recipient))
    }
  })

describe("golden recordings on the emulator", () => {
  for (const recorded of Golden.cases) {
    const difference = Differences.of(recorded.name)
    if (difference?.excluded === true) continue
    it.scoped(recorded.name, () =>
      Effect.forEach(Worlds.parts(recorded), ([part, world]) =>
        Effect.gen(function*() {
          for (const { expected, found, position, where, ...compared } of yield* compare(part, world)) {
            if (difference?.[compared.part]?.includes(position) === true) {
              assert.notDeepEqual(found, expected, `${where} does not differ any more: ${difference.reason}`)
            } else {
              assert.deepStrictEqual(found, expected, where)
            }
          }
          yield* compareOutbox(part)
        }).pipe(Effect.provide(stage(world)))))
  }
})

describe("differences", () => {
  it("are of what was recorded", () => {
    for (const { case: name, excluded, exchanges = [], sockets = [] } of Differences.differences) {
      const recorded = Golden.get(name)
      for (const position of exchanges) assert.isDefined(recorded.exchanges[position], `${name} ${position}`)
      for (const position of sockets) assert.isDefined(recorded.websockets[position], `${name} ${position}`)
      assert.isTrue(excluded === true || exchanges.length + sockets.length > 0)
    }
  })

  it("are named once per case", () => {
    const cases = Differences.differences.map((difference) => difference.case)
    assert.strictEqual(new Set(cases).size, cases.length)
  })

  it("are few", () => {
    assert.isBelow(Differences.differences.filter(({ excluded }) => excluded).length, 12)
  })

  it("worlds are of what was recorded", () => {
    for (const name of Worlds.named) assert.isDefined(Golden.get(name))
  })
})
