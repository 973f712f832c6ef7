/** The plane in a real browser, on an emulator at another origin. Without a Chromium it runs in CI only, to fail there. */
import { describe, it } from "@effect/vitest"
import * as CloacinaTesting from "effect-switchyard/cloacina/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Esbuild from "esbuild"
import { once } from "node:events"
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { assert } from "vitest"
import * as Chromium from "./Chromium.js"
import type { Setup, Story } from "./page.js"

const chromium = Chromium.executable()

if (chromium === undefined && process.env["CI"] === undefined) {
  process.stdout.write("Skipped: there is no Chromium here for test/browser (CHROMIUM says where one is).\n")
}

const bundle = Effect.promise(() =>
  Esbuild.build({
    entryPoints: ["test/browser/page.ts"],
    bundle: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "silent"
  })
)

/** Serves the page; gives its origin. */
const origin = (script: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = Http.createServer(({ url }, response) => {
        const isScript = url === "/page.js"
        response.setHeader("content-type", isScript ? "text/javascript" : "text/html")
        response.end(
          isScript ? script : `<!doctype html><link rel="icon" href="data:,"><script src="/page.js"></script>`
        )
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return server
    }),
    (server) =>
      Effect.promise(async () => {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      })
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

const executionId = "0b9f4c1e-2a7d-4c55-b0a3-7d2e9c6f1a44"
const recipient = `exec_events:${executionId}`
const password = "planted-passw0rd"
const field = "planted-f1eld"

const { fails, succeeds, task, workflow } = CloacinaTesting

const server = (cors: CloacinaTesting.CorsOptions, faults: ReadonlyArray<CloacinaTesting.Rule> = []) =>
  Effect.map(
    Layer.build(CloacinaTesting.layerServer({
      tenants: ["north"],
      accounts: [{ username: "mira", password: Redacted.make(password), role: "admin", tenant: "north" }],
      workflows: [
        workflow("close_month", {
          tenant: "north",
          tasks: [
            task("extract"),
            task("load", {
              after: ["extract"],
              attempts: [fails("RuntimeError: locked"), succeeds()],
              retry: { delay: "50 millis", jitter: false }
            })
          ]
        })
      ],
      cors,
      faults
    })),
    (context) => ({
      url: Context.get(context, CloacinaTesting.TestServer).url,
      deliveries: Context.get(context, CloacinaTesting.Deliveries),
      requests: Effect.map(
        Context.get(context, CloacinaTesting.Recorder).requests,
        (requests) =>
          requests.map(({ method, path, status }) => `${method} ${path} ${Option.getOrElse(status, () => "-")}`)
      )
    })
  )

const tell = (page: Chromium.Page, setup: Setup): Effect.Effect<Story> =>
  Effect.promise(async () =>
    JSON.parse(String(
      await page.evaluate(
        `tell(${JSON.stringify(setup)}).then(JSON.stringify)`
      )
    ))
  )

describe.runIf(chromium !== undefined || process.env["CI"] !== undefined)("in a browser", () => {
  it.scopedLive("logs in, executes, follows, listens and rotates", () =>
    Effect.gen(function*() {
      const { outputFiles: [script] = [] } = yield* bundle
      const here = yield* origin(script?.text ?? "")
      const usual = yield* server({ origins: [here] })
      const open = yield* server({ origins: [here], methods: ["GET", "POST", "PUT", "DELETE", "OPTIONS"] }, [
        { on: "Sockets.delivery", times: Infinity, fault: CloacinaTesting.Fault.status(503) }
      ])
      const id = yield* usual.deliveries.insert({
        recipient,
        kind: "execution_event",
        tenant: "north",
        payload: {
          id: "e-1",
          workflow_execution_id: executionId,
          task_execution_id: null,
          event_type: "task_completed",
          event_data: null,
          created_at: "2026-09-03T08:15:04.221907+00:00"
        }
      })
      const page = yield* Effect.acquireRelease(
        Effect.promise(() => Chromium.open(chromium ?? "chromium", here)),
        (page) => Effect.promise(page.close)
      )
      const setup = { recipient, secret: "warehouse", values: { password: field } }
      const login = { username: "mira", password, tenant: "north" }
      const story = yield* tell(page, { ...setup, login, url: usual.url, open: open.url })

      assert.deepStrictEqual(story, {
        who: "admin north, Active",
        log: story.log,
        absent: { tag: "NotFound", code: "execution_not_found", detail: "Database error: Record not found" },
        isReady: true,
        pushes: ["task_completed"],
        // Nothing tells a page why a request was not sent, or a connection not opened.
        blocked: { tag: "TransportError", detail: "no answer came" },
        rotated: "warehouse",
        refused: {
          tag: "StreamInterrupted",
          detail: "gave up after 3 failed connections, the last with TransportError: the connection could not be " +
            "opened: the server refused the connection or could not be reached; the platform does not say which"
        }
      })
      assert.match(story.log[0] ?? "", /^started [0-9a-f-]{36}$/)
      assert.deepStrictEqual(story.log.slice(1).map((line) => line.replace(/ (?:at|after) .*/, "")), [
        "extract task_marked_ready",
        "extract task_completed",
        "load task_marked_ready",
        "load task_retry_scheduled attempt 2",
        "load task_completed",
        "workflow_completed",
        "= completed"
      ])

      const row = Effect.map(usual.deliveries.row(id), (row) => Option.getOrUndefined(row)?.state)
      yield* Effect.repeat(row, { until: (state) => state === "acked", schedule: Schedule.spaced("20 millis") })

      // The browser asks first, and keeps what would be refused to itself.
      const preflights = yield* usual.requests
      assert.include(preflights, "OPTIONS /v1/tenants/north/secrets/warehouse 200")
      assert.isFalse(preflights.some((request) => request.startsWith("PUT")))
      assert.include(yield* open.requests, "PUT /v1/tenants/north/secrets/warehouse 200")
      const upgrades = (yield* open.requests).filter((request) => request.includes("/v1/ws/delivery/"))
      assert.lengthOf(upgrades, 3)

      // What is on the screen and in the history of whoever sits in front of it.
      const { console, credentials, urls } = page.seen
      assert.strictEqual(credentials.size, 2)
      const secrets = [password, field, ...Array.from(credentials, (value) => value.replace("Bearer ", ""))]
      for (const text of [...console, ...urls]) {
        for (const secret of secrets) assert.notInclude(text, secret)
      }
      const sockets = urls.filter((url) => url.startsWith("ws:"))
      assert.lengthOf(sockets, 2 + 3)
      for (const url of sockets) {
        assert.match(url, /^ws:\/\/127\.0\.0\.1:\d+\/v1\/ws\/delivery\/[^/?]+\?token=[0-9a-f-]{36}$/)
      }
      assert.deepStrictEqual(
        urls.filter((url) => url.includes("?") && !sockets.includes(url)),
        []
      )
    }), 120_000)
})
