import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { inspect } from "node:util"
import * as Cloacina from "../../../src/cloacina.js"
import * as Golden from "../../fixtures/cloacina/Golden.js"
import { answer, cloacina, key, refusal } from "../support/Cloacina.js"
import { type Sent, settle } from "../support/Memory.js"
import { suite } from "./support/Calls.js"
import { replay } from "./support/Replay.js"

const minted = "clk_MintedKey0001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
const loginKey = { key: minted, tenant_id: "north", role: "write", expires_at: "2026-09-03T08:15:00.004+00:00" }
const shown = { tenant_id: "north", role: "write", expires_at: "2026-09-03T08:15:00.004+00:00" }
const password = "correct \"horse\""

suite(Cloacina.Sessions, [
  {
    name: "login",
    call: (sessions) =>
      Effect.map(sessions.login({ username: "mira", password, tenant: "north" }), ({ key: _, ...rest }) => rest),
    request: () => "POST /v1/auth/local/login",
    body: { username: "mira", password, tenant: "north" },
    answer: loginKey,
    gives: {
      ...shown,
      tenant_id: { _id: "Option", _tag: "Some", value: "north" },
      expires_at: { _id: "Option", _tag: "Some", value: shown.expires_at }
    },
    errors: ["PayloadTooLarge"],
    isPublic: true,
    secrets: [password]
  },
  {
    name: "refresh",
    call: (sessions) => sessions.refresh(),
    request: () => "POST /v1/auth/refresh",
    answer: loginKey,
    errors: ["NotImplemented"]
  },
  {
    name: "logout",
    call: (sessions) => sessions.logout(),
    request: () => "POST /v1/auth/logout",
    answer: { status: "logged_out" },
    gives: { status: "logged_out" }
  },
  {
    name: "whoami",
    call: (sessions) => sessions.whoami(),
    request: () => "GET /v1/auth/whoami",
    answer: { tenant_id: "north", role: "captain", is_admin: false, name: "local:1" }
  }
])

interface ServerOptions {
  /** What happens to a refresh, by its number from 0. */
  readonly onRefresh?: (index: number) => Response | "reset" | Effect.Effect<void> | undefined
}

/** A server that knows which keys are alive, as the real one does: 15 minutes each, and one refresh. */
const server = (options: ServerOptions = {}) => {
  const alive = new Map<string, number>([[key, Infinity]])
  let made = 0
  let refreshes = 0
  const times: Array<number> = []
  const mint = (now: number) => {
    made += 1
    const fresh = `clk_session${String(made).padStart(4, "0")}`
    alive.set(fresh, now + 15 * 60_000)
    return answer(200, {
      key: fresh,
      tenant_id: "north",
      role: "write",
      expires_at: new Date(now + 15 * 60_000).toISOString().replace("Z", "+00:00")
    })
  }
  const unauthorized = () => refusal(401, "unauthorized", "invalid or revoked API key")
  const reply = ({ body, headers, path }: Sent) =>
    Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      if (path.endsWith("/login")) {
        const { password } = JSON.parse(body)
        return password === "pw" ? mint(now) : refusal(401, "unauthorized", "invalid username or password")
      }
      const presented = (headers["authorization"] ?? "").slice("Bearer ".length)
      if ((alive.get(presented) ?? 0) <= now) return unauthorized()
      if (path.endsWith("/refresh")) {
        const index = refreshes++
        times.push(now)
        const told = options.onRefresh?.(index)
        if (told === "reset" || told instanceof Response) return told
        if (presented === key) return refusal(400, "not_refreshable", "only minted login keys can be refreshed")
        alive.delete(presented)
        if (told !== undefined) yield* told
        return mint(now)
      }
      if (path.endsWith("/logout")) {
        alive.delete(presented)
        return answer(200, { status: "logged_out" })
      }
      return answer(200, { tenant_id: "north", role: "write", is_admin: false, name: presented })
    })
  const { layer, sent } = cloacina(reply)
  return { alive, layer, sent, times }
}

const login = { username: "ana", password: Redacted.make("pw"), tenant: "north" }
const whoAmI = Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.whoami())
const name = Effect.map(whoAmI, ({ name }) => name)
const open = (options?: Cloacina.SessionOptions) =>
  Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.session(login, options))

describe("login", () => {
  it.effect("sends the tenant of the client where none is named: accounts belong to tenants", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(() => answer(200, loginKey), { tenant: "south" })
      const sessions = yield* Effect.provide(Cloacina.Sessions, layer)
      yield* sessions.login({ username: "a", password: "b" })
      yield* Cloacina.withTenant(sessions.login({ username: "a", password: "b" }), "west")
      assert.deepStrictEqual(sent.map(({ body }) => JSON.parse(body).tenant), ["south", "west"])
    }))

  it.effect("shows neither the password nor the key", () =>
    Effect.gen(function*() {
      const { layer } = cloacina(() => answer(200, loginKey))
      const sessions = yield* Effect.provide(Cloacina.Sessions, layer)
      const got = yield* sessions.login({ username: "a", password })
      assert.strictEqual(Redacted.value(got.key), minted)
      assert.notInclude(inspect(got, { depth: 9 }) + JSON.stringify(got), minted)
    }))

  it.effect("is not repeated while the account is locked, and says for how long", () =>
    Effect.gen(function*() {
      const locked = Golden.get("session-throttle").exchanges.find(({ response }) => response.status === 429)?.response
      const { layer, sent } = cloacina(() => answer(429, locked?.body, locked?.headers), {
        options: { retry: { maxRetries: 5 } }
      })
      const error = yield* Effect.flip(Effect.provide(
        Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.login(login)),
        layer
      ))
      assert.isTrue(error._tag === "RateLimited")
      if (error._tag === "RateLimited") assert.strictEqual(error.retryAfterMs, 30_000)
      assert.strictEqual(sent.length, 1)
    }))

  it.effect("sends no password in clear text to another host", () =>
    Effect.gen(function*() {
      const attempt = (allowInsecureKey: boolean) => {
        const { layer, sent } = cloacina(() => answer(200, loginKey), {
          url: "http://flows.example.org",
          key: undefined,
          allowInsecureKey
        })
        return Effect.map(
          Effect.either(Effect.provide(Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.login(login)), layer)),
          (result) => [Either.isRight(result), sent.length] as const
        )
      }
      assert.deepStrictEqual(yield* attempt(false), [false, 0])
      assert.deepStrictEqual(yield* attempt(true), [true, 1])
    }))
})

describe("refresh and logout", () => {
  it.effect("follow the recorded session", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(replay("session-login-refresh-logout"), { key: undefined })
      yield* Effect.gen(function*() {
        const sessions = yield* Cloacina.Sessions
        const client = yield* Cloacina.Client
        const { key } = yield* sessions.login({ username: "ana", password: "pw-ana", tenant: "north" })
        yield* client.credential.replace(() => Effect.succeedSome(key))
        yield* sessions.whoami()
        yield* sessions.refresh()
        yield* sessions.logout()
      }).pipe(Effect.provide(layer))
      const keys = sent.slice(1).map(({ headers }) => headers["authorization"]?.slice(0, 20))
      assert.deepStrictEqual(keys, [
        "Bearer clk_FakeKey01",
        "Bearer clk_FakeKey01",
        "Bearer clk_FakeKey01"
      ])
      assert.notStrictEqual(sent[2]?.headers["authorization"], sent[3]?.headers["authorization"])
    }))

  it.effect("a key that no login made cannot be refreshed, and stays", () =>
    Effect.gen(function*() {
      const { layer } = server()
      const error = yield* Effect.flip(Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.refresh())).pipe(
        Effect.provide(layer)
      )
      assert.strictEqual(error._tag, "InvalidInput")
      assert.strictEqual(error.code, "not_refreshable")
    }))

  it.effect("a refresh that is refused does not wait for itself", () =>
    Effect.gen(function*() {
      const { layer } = cloacina(() => refusal(401, "unauthorized"))
      const fiber = yield* Effect.fork(
        Effect.flip(Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.refresh())).pipe(Effect.provide(layer))
      )
      yield* settle
      const exit = yield* Fiber.poll(fiber)
      assert.isTrue(Option.isSome(exit) && Exit.isSuccess(exit.value))
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Unauthorized")
    }))

  it.effect("neither does a call that a program makes while it replaces the key", () =>
    Effect.gen(function*() {
      const { layer } = cloacina(() => refusal(401, "unauthorized"))
      const error = yield* Effect.gen(function*() {
        const client = yield* Cloacina.Client
        const fiber = yield* Effect.fork(
          Effect.flip(client.credential.replace((current) => Effect.as(whoAmI, current)))
        )
        yield* settle
        return yield* Fiber.poll(fiber)
      }).pipe(Effect.provide(layer))
      assert.isTrue(Option.isSome(error) && Exit.isSuccess(error.value))
    }))
})

describe("session", () => {
  it.effect("puts its key in place, refreshes it in time, and leaves everything as it was", () =>
    Effect.gen(function*() {
      const { alive, layer, times } = server()
      yield* Effect.gen(function*() {
        const scope = yield* Scope.make()
        assert.strictEqual(yield* name, key)
        yield* Scope.extend(open(), scope)
        assert.strictEqual(yield* name, "clk_session0001")
        yield* TestClock.adjust("9 minutes")
        assert.deepStrictEqual(times, [])
        yield* TestClock.adjust("1 minute")
        yield* settle
        assert.deepStrictEqual(times, [600_000])
        assert.strictEqual(yield* name, "clk_session0002")
        yield* TestClock.adjust("50 minutes")
        yield* settle
        assert.isAbove(times.length, 4)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* name, key)
        assert.deepStrictEqual([...alive.keys()], [key], "its own key is revoked, the other one is not")
        yield* TestClock.adjust("1 hour")
        assert.isBelow(times.length, 10)
      }).pipe(Effect.provide(layer))
    }))

  it.effect("refreshes as often as it is told to", () =>
    Effect.gen(function*() {
      const { layer, times } = server()
      yield* Effect.scoped(Effect.gen(function*() {
        yield* open({ refreshEvery: "1 minute" })
        for (let minute = 0; minute < 5; minute++) {
          yield* TestClock.adjust("1 minute")
          yield* settle
        }
      })).pipe(Effect.provide(layer))
      assert.deepStrictEqual(times, [60_000, 120_000, 180_000, 240_000, 300_000])
    }))

  it.effect("runs an effect for the key again when it is over", () =>
    Effect.gen(function*() {
      let rotated = 0
      const { layer, sent } = cloacina(
        ({ path }) =>
          path.endsWith("login")
            ? answer(200, loginKey)
            : answer(200, { status: "logged_out", tenant_id: null, role: "read", is_admin: false, name: "" }),
        { key: Effect.sync(() => Redacted.make(`clk_rotating${rotated++}`)) }
      )
      yield* Effect.gen(function*() {
        yield* whoAmI
        yield* Effect.scoped(Effect.zipRight(open(), whoAmI))
        yield* whoAmI
        yield* whoAmI
      }).pipe(Effect.provide(layer))
      const keys = sent.filter(({ path }) => path.endsWith("whoami")).map(({ headers }) => headers["authorization"])
      assert.deepStrictEqual(keys, [
        "Bearer clk_rotating0",
        `Bearer ${minted}`,
        "Bearer clk_rotating1",
        "Bearer clk_rotating2"
      ])
    }))

  it.effect("sends a call that is refused while the key changes once more", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { layer, sent } = server({ onRefresh: () => Deferred.await(gate) })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* open()
        yield* TestClock.adjust("10 minutes")
        yield* settle
        // The server has revoked the old key, and its answer is on the way.
        const call = yield* Effect.fork(name)
        yield* settle
        assert.isTrue(Option.isNone(yield* Fiber.poll(call)))
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* Fiber.join(call), "clk_session0002")
        assert.strictEqual(sent.filter(({ path }) => path.endsWith("whoami")).length, 2)
      })).pipe(Effect.provide(layer))
    }))

  it.effect("ends with the first refusal, says so once, and leaves the key alone", () =>
    Effect.gen(function*() {
      const warnings: Array<string> = []
      const logger = Logger.make(({ logLevel, message }) => {
        if (logLevel._tag === "Warning") warnings.push(String(message))
      })
      const { layer, times } = server({
        onRefresh: (index) => index === 1 ? refusal(401, "unauthorized", "account is no longer active") : undefined
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* open()
        const changes = yield* Effect.fork(Stream.runCollect(Stream.take(session.changes, 3)))
        const ended = yield* Effect.fork(Effect.exit(session.ended))
        yield* settle
        assert.strictEqual((yield* session.status)._tag, "Active")
        yield* TestClock.adjust("10 minutes")
        yield* settle
        yield* TestClock.adjust("10 minutes")
        yield* settle
        const status = yield* session.status
        assert.isTrue(status._tag === "Ended" && status.error._tag === "Unauthorized")
        assert.isTrue(Exit.isFailure(yield* Fiber.join(ended)))
        assert.deepStrictEqual(
          Chunk.toReadonlyArray(yield* Fiber.join(changes)).map(({ _tag }) => _tag),
          ["Active", "Active", "Ended"]
        )
        yield* TestClock.adjust("2 hours")
        yield* settle
        assert.strictEqual(times.length, 2)
        const error = yield* Effect.flip(name)
        assert.strictEqual(error._tag, "Unauthorized")
      })).pipe(Effect.provide(layer), Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
      assert.strictEqual(warnings.length, 1)
      assert.notInclude(warnings.join(), "clk_")
    }))

  it.effect("tries again after a failure in passing, while the key lives", () =>
    Effect.gen(function*() {
      const { layer, times } = server({ onRefresh: (index) => index < 3 ? "reset" : undefined })
      yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* open()
        for (let second = 0; second < 610; second += 1) yield* TestClock.adjust("1 second")
        yield* settle
        assert.deepStrictEqual(times, [600_000, 601_000, 603_000, 607_000])
        assert.strictEqual((yield* session.status)._tag, "Active")
        assert.strictEqual(yield* name, "clk_session0002")
      })).pipe(Effect.provide(layer))
    }))

  it.effect("gives up when the key is over", () =>
    Effect.gen(function*() {
      const { layer, times } = server({ onRefresh: () => "reset" })
      yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* open()
        for (let minute = 0; minute < 40; minute++) {
          yield* TestClock.adjust("1 minute")
          yield* settle
        }
        assert.strictEqual((yield* session.status)._tag, "Ended")
      })).pipe(Effect.provide(layer))
      assert.isAbove(times.length, 4)
      assert.isBelow(times.at(-1) ?? Infinity, Duration.toMillis("16 minutes"))
    }))

  it.effect("fails where the login does, and changes nothing", () =>
    Effect.gen(function*() {
      const { layer } = server()
      yield* Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.scoped(
          Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.session({ ...login, password: "wrong" }))
        ))
        assert.strictEqual(error._tag, "Unauthorized")
        assert.strictEqual(yield* name, key)
      }).pipe(Effect.provide(layer))
    }))

  it.effect("ends one by one, in any order", () =>
    Effect.gen(function*() {
      const { alive, layer } = server()
      yield* Effect.gen(function*() {
        const first = yield* Scope.make()
        const second = yield* Scope.make()
        yield* Scope.extend(open(), first)
        yield* Scope.extend(open(), second)
        assert.strictEqual(yield* name, "clk_session0002")
        yield* Scope.close(first, Exit.void)
        assert.strictEqual(yield* name, "clk_session0002")
        yield* Scope.close(second, Exit.void)
        assert.strictEqual(yield* name, key)
        assert.deepStrictEqual([...alive.keys()], [key])
      }).pipe(Effect.provide(layer))
    }))

  it.effect("does not lose the key of a refresh that is under way when it ends", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const { alive, layer } = server({ onRefresh: () => Deferred.await(gate) })
      yield* Effect.gen(function*() {
        const scope = yield* Scope.make()
        yield* Scope.extend(open(), scope)
        yield* TestClock.adjust("10 minutes")
        yield* settle
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* settle
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(closing)
        assert.deepStrictEqual([...alive.keys()], [key])
      }).pipe(Effect.provide(layer))
    }))

  it.effect("goes on with the key of a refresh that the program makes, and revokes that", () =>
    Effect.gen(function*() {
      const { alive, layer } = server()
      yield* Effect.gen(function*() {
        const scope = yield* Scope.make()
        const session = yield* Scope.extend(open(), scope)
        yield* Effect.flatMap(Cloacina.Sessions, (sessions) => sessions.refresh())
        assert.strictEqual(yield* name, "clk_session0002")
        yield* TestClock.adjust("10 minutes")
        yield* settle
        assert.strictEqual((yield* session.status)._tag, "Active")
        assert.strictEqual(yield* name, "clk_session0003")
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* name, key)
        assert.deepStrictEqual([...alive.keys()], [key])
      }).pipe(Effect.provide(layer))
    }))

  it.effect("leaves nobody waiting behind its scope", () =>
    Effect.gen(function*() {
      const { layer } = server()
      yield* Effect.gen(function*() {
        const scope = yield* Scope.make()
        const session = yield* Scope.extend(open(), scope)
        const changes = yield* Effect.fork(Stream.runCollect(session.changes))
        const ended = yield* Effect.fork(session.ended)
        yield* settle
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(Chunk.size(yield* Fiber.join(changes)), 1)
        assert.isTrue(Exit.isInterrupted(yield* Fiber.await(ended)))
      }).pipe(Effect.provide(layer))
    }))

  it.effect("ends although the server says nothing", () =>
    Effect.gen(function*() {
      const { layer } = cloacina(({ path }) => path.endsWith("login") ? answer(200, loginKey) : "silent")
      yield* Effect.gen(function*() {
        const fiber = yield* Effect.fork(Effect.scoped(open()))
        yield* settle
        yield* TestClock.adjust("6 seconds")
        yield* Fiber.join(fiber)
      }).pipe(Effect.provide(layer))
    }))

  it.effect("is a layer too", () =>
    Effect.gen(function*() {
      const { alive, layer } = server()
      yield* name.pipe(
        Effect.tap((name) => assert.strictEqual(name, "clk_session0001")),
        Effect.zipRight(Effect.flatMap(Cloacina.Session, (session) => session.status)),
        Effect.tap((status) => assert.strictEqual(status._tag, "Active")),
        Effect.provide(Layer.provideMerge(Cloacina.layerSession(login), layer))
      )
      assert.deepStrictEqual([...alive.keys()], [key])
    }))
})

describe("OIDC", () => {
  const fragment = "#memberships=W3sia2V5IjoiY2xrX1ptOXYiLCJ0ZW5hbnQiOiJub3J0aCIsInJvbGUiOiJ3cml0ZSJ9XQ"

  it("sends the browser to the login", () => {
    assert.strictEqual(
      Cloacina.oidcLoginUrl("https://flows.example.com/api/"),
      "https://flows.example.com/api/v1/auth/oidc/login"
    )
  })

  it("reads the fragment of the contract, alone and in an address", () => {
    const texts = [
      fragment,
      fragment.slice(1),
      `https://ui.example.com/?x=1${fragment}`,
      `#a=b&${fragment.slice(1)}&c=d`
    ]
    for (const text of texts) {
      const [first, ...rest] = Either.getOrThrow(Cloacina.oidcMemberships(text))
      assert.deepStrictEqual(rest, [])
      assert.strictEqual(first?.tenant, "north")
      assert.strictEqual(first?.role, "write")
      assert.strictEqual(first === undefined ? "" : Redacted.value(first.key), "clk_Zm9v")
      assert.notInclude(inspect(first, { depth: 9 }), "Zm9v")
    }
  })

  it("reads the recorded answer of the callback", () => {
    const body = Golden.get("oidc-login-callback-refresh").exchanges[1]?.response.body
    const memberships = Either.getOrThrow(Cloacina.oidcMemberships(JSON.stringify(body)))
    assert.deepStrictEqual(memberships.map(({ tenant }) => tenant), ["north", "south", ""])
  })

  it.prop("reads what a server writes", [
    FastCheck.array(FastCheck.record({
      key: FastCheck.string({ unit: "grapheme", minLength: 1 }),
      tenant: FastCheck.string({ unit: "grapheme" }),
      role: FastCheck.constantFrom<string>("read", "write", "admin", "captain")
    }))
  ], ([memberships]) => {
    const read = Either.getOrThrow(
      Cloacina.oidcMemberships(`#memberships=${Encoding.encodeBase64Url(JSON.stringify(memberships))}`)
    )
    assert.deepStrictEqual(
      read.map(({ key, role, tenant }) => ({ key: Redacted.value(key), tenant, role: String(role) })),
      memberships
    )
  })

  it("names the rule that a text breaks, and shows nothing of it", () => {
    const broken: ReadonlyArray<readonly [text: string, message: RegExp, path: string]> = [
      ["", /empty/, "memberships"],
      ["#state=clk_Zm9v", /in the fragment as memberships/, "memberships"],
      ["#memberships=clk_Zm9v!", /base64url/, "memberships"],
      [`#memberships=${Encoding.encodeBase64Url(Uint8Array.of(0x5b, 0xff))}`, /UTF-8/, "memberships"],
      [`#memberships=${Encoding.encodeBase64Url("[{\"key\":\"clk_Zm9v\"")}`, /JSON/, "memberships"],
      ["[{\"key\":\"clk_Zm9v\",\"tenant\":\"north\"}]", /missing/, "memberships.0.role"],
      ["[{\"key\":[\"clk_Zm9v\"],\"tenant\":\"north\",\"role\":\"read\"}]", /expected/, "memberships.0.key"]
    ]
    for (const [text, message, path] of broken) {
      const error = Either.getOrThrow(Either.flip(Cloacina.oidcMemberships(text)))
      assert.strictEqual(error._tag, "InvalidInput")
      assert.match(error.issues[0]?.message ?? "", message, text)
      assert.strictEqual(error.issues[0]?.path, path)
      assert.notInclude(inspect(error, { depth: 9 }) + JSON.stringify(error), "clk_Zm9v")
    }
  })

  it.effect("sends the key of a membership in clear text to no other host", () =>
    Effect.gen(function*() {
      const { layer, sent } = cloacina(() => answer(200, {}), { url: "http://flows.example.org", key: undefined })
      const [membership] = yield* Cloacina.oidcMemberships(fragment)
      if (membership === undefined) return assert.fail("no membership")
      const error = yield* Effect.flatMap(
        Cloacina.Sessions,
        (sessions) => Effect.flip(Effect.scoped(sessions.sessionOf(membership)))
      ).pipe(Effect.provide(layer))
      assert.strictEqual(error._tag, "InvalidInput")
      assert.strictEqual(sent.length, 0)
    }))

  it.effect("makes a session of a membership", () =>
    Effect.gen(function*() {
      const { alive, layer, times } = server()
      alive.set("clk_Zm9v", 15 * 60_000)
      const [membership] = yield* Cloacina.oidcMemberships(fragment)
      if (membership === undefined) return assert.fail("no membership")
      yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* (yield* Cloacina.Sessions).sessionOf(membership)
        const status = yield* session.status
        assert.isTrue(status._tag === "Active" && Option.contains(status.tenant, "north"))
        assert.strictEqual(yield* name, "clk_Zm9v")
        yield* TestClock.adjust("10 minutes")
        yield* settle
        assert.deepStrictEqual(times, [600_000])
        assert.strictEqual(yield* name, "clk_session0001")
      })).pipe(Effect.provide(layer))
      assert.deepStrictEqual([...alive.keys()], [key])
    }))
})
