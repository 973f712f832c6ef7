/** What runs in the browser: bundled without anything of Node, over `fetch` and the `WebSocket` of the page. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Cloacina from "effect-switchyard/cloacina"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

/** What the page has to know. `url` allows the methods that servers allow by default, `open` allows `PUT` as well. */
export interface Setup {
  readonly url: string
  readonly open: string
  readonly login: Cloacina.Login
  readonly recipient: string
  readonly secret: string
  readonly values: Readonly<Record<string, string>>
}

const cloacina = (url: string, tenant: string | undefined) =>
  Layer.provide(Cloacina.layer({ url, tenant }), FetchHttpClient.layer)

/** What an error says to a program. */
const meaningOf = (error: { readonly _tag: string; readonly code?: string | undefined; readonly detail: string }) => ({
  tag: error._tag,
  ...(error.code === undefined ? {} : { code: error.code }),
  detail: error.detail
})

/** On the server as operators set it up: a session, an execution to its end, both kinds of pushes, and what CORS forbids. */
const usual = ({ login, recipient, secret, values }: Setup) =>
  Effect.gen(function*() {
    const sessions = yield* Cloacina.Sessions
    const executions = yield* Cloacina.Executions
    const delivery = yield* Cloacina.Delivery
    const secrets = yield* Cloacina.Secrets
    const ops = yield* Cloacina.OpsWatch

    const session = yield* sessions.session(login)
    const { role, tenant_id } = yield* sessions.whoami()

    const items = yield* Stream.runCollect(executions.executeAndFollow("close_month", { context: { region: "eu" } }))
    const absent = yield* Effect.flip(executions.get("0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"))

    const snapshot = yield* Effect.flatten(Stream.runHead(ops.watch()))
    const pushes: Array<string> = []
    yield* delivery.subscribeAcked(recipient).pipe(
      Stream.take(1),
      Cloacina.runForEachAcked((push) =>
        Effect.sync(() => pushes.push(push.kind === "execution_event" ? String(push.payload.event_type) : push.kind))
      )
    )

    yield* secrets.create({ name: secret, fields: values })
    const blocked = yield* Effect.flip(secrets.rotate(secret, values))
    const { _tag } = yield* session.status
    return {
      who: `${role} ${Option.getOrNull(tenant_id)}, ${_tag}`,
      log: Array.from(items, Cloacina.render),
      absent: meaningOf(absent),
      isReady: snapshot.server.ready,
      pushes,
      blocked: meaningOf(blocked)
    }
  })

/** On the server that allows `PUT`, and refuses every upgrade. */
const unusual = ({ login, recipient, secret, values }: Setup) =>
  Effect.gen(function*() {
    const sessions = yield* Cloacina.Sessions
    const secrets = yield* Cloacina.Secrets
    const delivery = yield* Cloacina.Delivery
    yield* sessions.session(login)
    yield* secrets.create({ name: secret, fields: values })
    const { name } = yield* secrets.rotate(secret, values)
    const refused = yield* delivery.subscribe(recipient, { reconnect: { base: "20 millis", maxReconnects: 2 } }).pipe(
      Stream.runDrain,
      Effect.flip
    )
    return { rotated: name, refused: meaningOf(refused) }
  })

const program = (setup: Setup) =>
  Effect.gen(function*() {
    const { tenant } = setup.login
    return {
      ...yield* Effect.provide(Effect.scoped(usual(setup)), cloacina(setup.url, tenant)),
      ...yield* Effect.provide(Effect.scoped(unusual(setup)), cloacina(setup.open, tenant))
    }
  }).pipe(
    // Whatever is logged at all is to be looked at.
    Logger.withMinimumLogLevel(LogLevel.All),
    Effect.withLogSpan("page")
  )

/** What the page has seen. */
export interface Story extends Effect.Effect.Success<ReturnType<typeof program>> {}

// For the test, which calls it by its name in the page.
Object.assign(globalThis, { tell: (setup: Setup): Promise<Story> => Effect.runPromise(program(setup)) })
