import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FileSystem from "@effect/platform/FileSystem"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as Http from "node:http"
import * as Cloacina from "../../../src/cloacina.js"
import { packageFile } from "../../../src/cloacina/node.js"
import * as Multipart from "../../../src/services/cloacina/internal/multipart.js"
import * as Golden from "../../fixtures/cloacina/Golden.js"
import { answer, cloacina, refusal } from "../support/Cloacina.js"
import { running, type Sent, settle } from "../support/Memory.js"
import { transports } from "../support/Transports.js"
import { suite } from "./support/Calls.js"

const id = "d2c1b0a9-8f7e-4d6c-b5a4-938271605f4e"
const summary = {
  id,
  package_name: "close-books",
  workflow_name: "close_month",
  version: "1.4.0",
  description: null,
  tasks: ["extract", "load"],
  created_at: "2026-09-03T07:58:00+00:00",
  paused: false
}
const detail = (build_status: string, more: Record<string, unknown> = {}) => ({
  tenant_id: "north",
  ...summary,
  tasks: [],
  task_graph: [],
  build_status,
  build_error: null,
  declared_params: [],
  ...more
})
const paused = { tenant_id: "north", id, name: "close_month", status: "paused", paused: true }

suite(Cloacina.Workflows, [
  {
    name: "list",
    call: (workflows, _, tenant) => workflows.list({ tenant }),
    request: (_, tenant) => `GET /v1/tenants/${tenant}/workflows`,
    answer: { tenant_id: "north", items: [summary], total: 1 }
  },
  {
    name: "get",
    call: (workflows, name, tenant) => workflows.get(name, { tenant }),
    request: (name, tenant) => `GET /v1/tenants/${tenant}/workflows/${name}`,
    answer: detail("success"),
    errors: ["NotFound"]
  },
  {
    name: "source",
    call: (workflows, name, tenant) => workflows.source(name, { tenant }),
    request: (name, tenant) => `GET /v1/tenants/${tenant}/workflows/${name}/source`,
    answer: {
      tenant_id: "north",
      id,
      package_name: "close-books",
      workflow_name: "close_month",
      version: "1.4.0",
      files: [{ path: "package.toml", language: "toml", contents: "[package]\n" }]
    },
    errors: ["NotFound"]
  },
  {
    name: "pause",
    call: (workflows, name, tenant) => workflows.pause(name, { tenant }),
    request: (name, tenant) => `POST /v1/tenants/${tenant}/workflows/${name}/pause`,
    answer: paused,
    gives: paused,
    errors: ["NotFound"]
  },
  {
    name: "resume",
    call: (workflows, name, tenant) => workflows.resume(name, { tenant }),
    request: (name, tenant) => `POST /v1/tenants/${tenant}/workflows/${name}/resume`,
    answer: { ...paused, status: "resumed", paused: false },
    errors: ["NotFound"]
  },
  {
    name: "remove",
    call: (workflows, name, tenant) => workflows.remove(name, "1.4.0/x", { tenant }),
    request: (name, tenant) => `DELETE /v1/tenants/${tenant}/workflows/${name}/1.4.0%2Fx`,
    answer: { status: "deleted", package_name: "close-books", version: "1.4.0" },
    errors: ["NotFound"]
  }
])

/** What a parser of forms makes of a body. */
const parse = (body: Uint8Array, contentType: string) =>
  Effect.promise(async () => {
    const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType } }).formData()
    const entries = await Promise.all(
      [...form.entries()].map(async ([name, value]) => {
        if (typeof value === "string") return { name, filename: "", bytes: new TextEncoder().encode(value) }
        return { name, filename: value.name, bytes: new Uint8Array(await value.arrayBuffer()) }
      })
    )
    return entries
  })

const bytesOf = (body: ReturnType<typeof Multipart.bytes>): Effect.Effect<Uint8Array, unknown> => {
  if (body._tag === "Uint8Array") return Effect.succeed(body.body)
  if (body._tag !== "Stream") throw new Error(body._tag)
  return Effect.map(Stream.runCollect(body.stream), (parts) => Buffer.concat(Chunk.toReadonlyArray(parts)))
}

describe("the form of an upload", () => {
  it.effect.prop(
    "holds the bytes as they are, in one part named file, and knows its length",
    [FastCheck.uint8Array({ maxLength: 2000 }), FastCheck.array(FastCheck.integer({ min: 1, max: 500 }))],
    ([file, cuts]) =>
      Effect.gen(function*() {
        const boundary = yield* Multipart.boundary
        const whole = Multipart.bytes(boundary, file)
        const encoded = yield* bytesOf(whole)
        const parts = yield* parse(encoded, whole.contentType ?? "")
        assert.deepStrictEqual(parts.map(({ filename, name }) => [name, filename]), [["file", "package.cloacina"]])
        assert.deepStrictEqual(parts[0]?.bytes, new Uint8Array(file))

        const pieces: Array<Uint8Array> = []
        let at = 0
        for (const cut of [...cuts, file.length]) {
          pieces.push(file.subarray(at, at + cut))
          at += cut
        }
        const told: Array<number> = []
        const streamed = Multipart.stream(boundary, { size: file.length, stream: Stream.fromIterable(pieces) }, {
          sent: (count) => Effect.sync(() => told.push(count)),
          failed: () => {}
        })
        assert.strictEqual(streamed.contentLength, encoded.length)
        assert.strictEqual(streamed.contentType, whole.contentType)
        assert.isTrue(Buffer.from(yield* bytesOf(streamed)).equals(encoded))
        assert.strictEqual(told.at(-1), file.length)
      }),
    { fastCheck: { numRuns: 100 } }
  )

  it.effect("is not closed by what looks like its end", () =>
    Effect.gen(function*() {
      const file = new TextEncoder().encode("\r\n--switchyard-\r\n\r\n--switchyard-00--\r\n")
      const form = Multipart.bytes(yield* Multipart.boundary, file)
      const parts = yield* parse(yield* bytesOf(form), form.contentType ?? "")
      assert.deepStrictEqual(parts[0]?.bytes, file)
    }))

  it.effect("has another boundary each time", () =>
    Effect.gen(function*() {
      const boundaries = new Set(yield* Effect.replicateEffect(Multipart.boundary, 100))
      assert.strictEqual(boundaries.size, 100)
      for (const boundary of boundaries) assert.match(boundary, /^switchyard-[0-9a-f]{32}$/)
    }))
})

/** A server on the wire that answers every upload with what it found in it. */
const receiver = Effect.acquireRelease(
  Effect.async<Http.Server>((resume) => {
    const server = Http.createServer((request, response) => {
      const parts: Array<Buffer> = []
      request.on("data", (part: Buffer) => parts.push(part))
      request.on("error", () => {})
      request.on("end", () => {
        const body = new Uint8Array(Buffer.concat(parts))
        const { headers } = request
        const form = new Response(body, { headers: { "content-type": headers["content-type"] ?? "" } }).formData()
        void form.then(async (form) => {
          const file = form.get("file")
          const bytes = file instanceof Blob ? Buffer.from(await file.arrayBuffer()) : Buffer.alloc(0)
          const digest = createHash("sha256").update(bytes).digest("hex")
          response.writeHead(201, { "content-type": "application/json" })
          response.end(JSON.stringify({
            package_id: digest,
            tenant_id: `${headers["content-length"] === String(body.length)}`
          }))
        })
      })
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  }),
  (server) =>
    Effect.async<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    })
)

describe("upload over every transport", () => {
  const file = new Uint8Array(1_500_000).map((_, i) => (i * 7 + (i >> 8)) % 256)
  const sha256 = createHash("sha256").update(file).digest("hex")

  for (const { layer, name } of transports) {
    it.scopedLive(`arrives as it is: ${name}`, () =>
      Effect.gen(function*() {
        const address = (yield* receiver).address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const context = yield* Layer.build(
          Cloacina.layer({ url: `http://127.0.0.1:${port}`, key: Redacted.make("clk_x") }).pipe(Layer.provide(layer))
        )
        const workflows = Context.get(context, Cloacina.Workflows)
        const fs = yield* FileSystem.FileSystem
        const path = `${yield* fs.makeTempDirectoryScoped()}/p.cloacina`
        yield* fs.writeFile(path, file)
        const sources: ReadonlyArray<Cloacina.PackageInput> = [
          file,
          new Blob([file]),
          new File([file], "p.cloacina"),
          yield* packageFile(path)
        ]
        for (const source of sources) {
          const seen: Array<Cloacina.UploadProgress> = []
          const uploaded = yield* workflows.upload(source, {
            onProgress: (progress) => Effect.sync(() => seen.push(progress))
          })
          assert.strictEqual(uploaded.package_id, sha256)
          const isStream = !(source instanceof Uint8Array) && !(source instanceof Blob)
          // The standard leaves no room for a length beside a stream.
          assert.strictEqual(uploaded.tenant_id, String(!isStream || name !== "fetch"), "the length is announced")
          assert.deepStrictEqual(seen[0], { sent: 0, total: file.length })
          assert.deepStrictEqual(seen.at(-1), { sent: file.length, total: file.length })
          if (isStream) assert.isAbove(seen.length, 10)
        }
      }).pipe(Effect.provide(NodeFileSystem.layer)), 30_000)
  }
})

const using = <A, E>(
  reply: Parameters<typeof cloacina>[0],
  use: (workflows: Cloacina.Workflows.Service, sent: ReadonlyArray<Sent>) => Effect.Effect<A, E>
) => {
  const { layer, sent } = cloacina(reply, { tenant: "north" })
  return Effect.provide(Effect.flatMap(Cloacina.Workflows, (workflows) => use(workflows, sent)), layer)
}

const file = new TextEncoder().encode("BZh9")
const uploaded = answer(201, { package_id: id, tenant_id: "north" })

/** The service over a transport that reads each body, and breaks when that breaks. */
const overBody = Effect.provide(
  Cloacina.Workflows,
  Cloacina.layer({ url: "http://127.0.0.1:8080", key: Redacted.make("clk_x") }).pipe(
    Layer.provide(Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make((request) =>
        (request.body._tag === "Stream" ? Stream.runDrain(request.body.stream) : Effect.void).pipe(
          Effect.mapBoth({
            onFailure: (cause) => new HttpClientError.RequestError({ request, reason: "Transport", cause }),
            onSuccess: () => HttpClientResponse.fromWeb(request, uploaded.clone())
          })
        )
      )
    ))
  )
)

describe("upload", () => {
  it.effect("says which version is taken", () =>
    Effect.gen(function*() {
      for (const name of ["upload-same-version-other-bytes", "upload-over-failed"]) {
        const recorded = Golden.get(name).exchanges.find(({ response }) => response.status === 400)
        const error = yield* using(() => answer(400, recorded?.response.body), (workflows) =>
          Effect.flip(workflows.upload(file)))
        assert.isTrue(error._tag === "VersionTaken")
        if (error._tag !== "VersionTaken") {
          return
        }
        assert.strictEqual(error.version, "1.0.0")
        assert.match(error.packageName, /^(flow-retry|broken-rust)$/)
      }
    }))

  it.effect("leaves every other refusal as it is", () =>
    Effect.gen(function*() {
      for (const name of ["upload-garbage", "upload-empty", "upload-wrong-field"]) {
        const { response } = Golden.get(name).exchanges[0] ?? assert.fail(name)
        const error = yield* using(() => answer(response.status, response.body), (workflows) =>
          Effect.flip(workflows.upload(file)))
        assert.strictEqual(error._tag, "InvalidInput", name)
      }
    }))

  it.effect("says what cannot be read, and not that a request broke", () =>
    Effect.gen(function*() {
      const workflows = yield* overBody
      const failing = new Cloacina.PackageUnreadable({ path: "p.cloacina", code: "PermissionDenied" })
      const broken: ReadonlyArray<readonly [source: Cloacina.PackageInput, code: string | undefined]> = [
        [{ size: 4, stream: Stream.concat(Stream.make(file.subarray(0, 2)), Stream.fail(failing)) }, failing.code],
        [{ size: 5, stream: Stream.make(file) }, "size changed while it was read"],
        [{ size: 3, stream: Stream.make(file) }, "size changed while it was read"]
      ]
      for (const [source, code] of broken) {
        const error = yield* Effect.flip(workflows.upload(source))
        assert.isTrue(error._tag === "PackageUnreadable")
        if (error._tag === "PackageUnreadable") assert.strictEqual(error.code, code)
      }
    }))

  it.effect("ends with the defect or the interruption of what the caller brings, not as a request that broke", () =>
    Effect.gen(function*() {
      const workflows = yield* overBody
      const source = { size: file.length, stream: Stream.make(file) }
      const at = (end: Effect.Effect<never>) => (progress: Cloacina.UploadProgress) =>
        progress.sent > 0 ? end : Effect.void
      const died = yield* Effect.exit(workflows.upload(source, { onProgress: at(Effect.die("defect")) }))
      assert.deepStrictEqual(died, Exit.die("defect"))
      const stopped = yield* Effect.exit(workflows.upload(source, { onProgress: at(Effect.interrupt) }))
      assert.isTrue(Exit.isInterrupted(stopped))
    }))

  it.effect("is sent once, whatever happens to it", () =>
    using(() => "reset", (workflows, sent) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(workflows.upload(file, { retry: { maxRetries: 5 } }))
        assert.strictEqual(error._tag, "TransportError")
        assert.strictEqual(sent.length, 1)
      })))
})

describe("packageFile", () => {
  it.scopedLive("says that there is no such file", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(packageFile("/nowhere/p.cloacina"))
      assert.strictEqual(error._tag, "PackageUnreadable")
      assert.strictEqual(error.code, "NotFound")
      const directory = yield* Effect.flip(packageFile("/"))
      assert.strictEqual(directory.code, "it is a Directory")
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

describe("build", () => {
  const building = (statuses: ReadonlyArray<Record<string, unknown> | "gone">) => {
    let asked = 0
    return () => {
      const one = statuses[Math.min(asked, statuses.length - 1)] ?? "gone"
      asked += 1
      return one === "gone" ? refusal(404, "workflow_not_found") : answer(200, one)
    }
  }

  it.effect("waits through every status that is not the end", () =>
    using(
      building([detail("pending"), detail("building"), detail("linking"), detail("success")]),
      (workflows, sent) =>
        Effect.gen(function*() {
          const built = yield* running(workflows.build(id))
          assert.strictEqual(built.build_status, "success")
          assert.strictEqual(sent.length, 4)
          assert.isAbove(yield* Clock.currentTimeMillis, 1000)
        })
    ))

  it.effect("fails with the compiler's words", () =>
    using(
      building([detail("pending"), detail("failed", { build_error: "cargo build failed" })]),
      (workflows) =>
        Effect.gen(function*() {
          const error = yield* running(Effect.flip(workflows.build(id)))
          assert.isTrue(error._tag === "BuildFailed")
          if (error._tag !== "BuildFailed") return
          assert.deepStrictEqual(error.error, Option.some("cargo build failed"))
          assert.strictEqual(error.packageName, "close-books")
        })
    ))

  it.effect("tells an unknown upload from one that was superseded", () =>
    Effect.gen(function*() {
      const unknown = yield* using(building(["gone"]), (workflows) => Effect.flip(workflows.build(id)))
      assert.strictEqual(unknown._tag, "NotFound")
      const superseded = yield* using(building([detail("pending"), "gone"]), (workflows) =>
        running(Effect.flip(workflows.build(id))))
      assert.strictEqual(superseded._tag, "Superseded")
    }))
})

/** A server that builds within 1 s and loads within 3 s; `known`: it had the package before. */
const deploying = (options: {
  readonly known?: boolean
  readonly rust?: boolean
  readonly loads?: boolean
  readonly fails?: boolean
} = {}) =>
(request: Sent) =>
  Effect.map(Clock.currentTimeMillis, (now) => {
    const { method, path } = request
    if (path.endsWith("/execute")) {
      return now < 3000
        ? refusal(400, "execution_failed", "Workflow execution failed: Workflow not found in registry: close_month")
        : answer(202, { execution_id: "e1", workflow_name: "close_month", tenant_id: "north", status: "scheduled" })
    }
    if (path.endsWith("/workflows")) {
      const items = options.known === true ? [summary] : []
      return method === "POST"
        ? answer(201, { package_id: id, tenant_id: "north" })
        : answer(200, { tenant_id: "north", items, total: items.length })
    }
    if (options.known !== true && now < 1000) return answer(200, detail(now < 500 ? "pending" : "building"))
    if (options.fails === true) return answer(200, detail("failed"))
    const hasTasks = options.rust === true || options.known === true || options.loads !== false && now >= 3000
    return answer(200, detail("success", hasTasks ? { tasks: ["extract", "load"] } : {}))
  })

describe("deploy", () => {
  const outcomes: ReadonlyArray<
    readonly [name: string, server: Parameters<typeof deploying>[0], tag: string, loading: string, until: number]
  > = [
    ["a Python package that is loaded", {}, "Deployed", "observed", 3000],
    ["a Python package that never is", { loads: false }, "Deployed", "notObserved", 7000],
    ["a Rust package", { rust: true }, "Deployed", "unobservable", 1000],
    ["bytes that are known", { known: true }, "AlreadyKnown", "unobservable", 0]
  ]
  for (const [name, server, tag, loading, until] of outcomes) {
    it.effect(`ends: ${name}`, () =>
      using(deploying(server), (workflows, sent) =>
        Effect.gen(function*() {
          const deployment = yield* running(workflows.deploy(file))
          assert.strictEqual(deployment._tag, tag)
          assert.strictEqual(deployment.loading, loading)
          assert.strictEqual(deployment.workflow, "close_month")
          assert.strictEqual(deployment.version, "1.4.0")
          assert.deepStrictEqual(deployment.probe, Option.none())
          assert.isFalse(sent.some(({ path }) => path.endsWith("/execute")), "nothing is started")
          const took = yield* Clock.currentTimeMillis
          assert.isAtLeast(took, until)
          assert.isAtMost(took, until + 1500)
        })))
  }

  it.effect("does not wait for the loader when it is told not to", () =>
    using(deploying({ loads: false }), (workflows) =>
      Effect.gen(function*() {
        const deployment = yield* running(workflows.deploy(file, { loadWithin: 0 }))
        assert.strictEqual(deployment.loading, "notObserved")
        assert.isAtMost(yield* Clock.currentTimeMillis, 2000)
      })))

  it.effect("starts an execution when it is told to, as soon as that works", () =>
    using(deploying({ rust: true }), (workflows, sent) =>
      Effect.gen(function*() {
        const deployment = yield* running(workflows.deploy(file, { probe: { context: { region: "eu" } } }))
        assert.strictEqual(deployment.loading, "observed")
        assert.deepStrictEqual(deployment.probe, Option.some("e1"))
        const starts = sent.filter(({ path }) => path.endsWith("/execute"))
        assert.isAbove(starts.length, 1)
        assert.deepStrictEqual(JSON.parse(starts[0]?.body ?? ""), { context: { region: "eu" } })
      })))

  it.effect("fails with a build that fails", () =>
    using(deploying({ fails: true }), (workflows) =>
      Effect.gen(function*() {
        const error = yield* running(Effect.flip(workflows.deploy(file)))
        assert.strictEqual(error._tag, "BuildFailed")
      })))

  it.effect("fails when another upload takes its place", () =>
    using(
      ({ method, path }) =>
        path.endsWith("/workflows")
          ? method === "POST" ? uploaded.clone() : answer(200, { tenant_id: "north", items: [], total: 0 })
          : refusal(404, "workflow_not_found"),
      (workflows) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(workflows.deploy(file))
          assert.strictEqual(error._tag, "Superseded")
        })
    ))

  it.effect("tells its phases, one after the other", () =>
    using(deploying(), (workflows) =>
      Effect.gen(function*() {
        const phases = Chunk.toReadonlyArray(yield* running(Stream.runCollect(workflows.deployPhases(file))))
        assert.deepStrictEqual(
          phases.map((phase) => phase.type === "building" ? `building ${String(phase.status)}` : phase.type),
          [
            "uploading",
            "uploading",
            "uploaded",
            "building pending",
            "building building",
            "built",
            "loading",
            "ready"
          ]
        )
        const last = phases.at(-1)
        if (last?.type === "ready") assert.strictEqual(last.deployment.loading, "observed")
      })))

  it.effect("ends its phases with the failure", () =>
    using(deploying({ fails: true }), (workflows) =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const error = yield* running(
          Effect.flip(
            Stream.runForEach(workflows.deployPhases(file), (phase) => Effect.sync(() => seen.push(phase.type)))
          )
        )
        assert.strictEqual(error._tag, "BuildFailed")
        assert.strictEqual(seen.at(-1), "building")
      })))

  it.effect("stops with its consumer", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      yield* using(
        ({ method }) =>
          method === "GET"
            ? answer(200, { tenant_id: "north", items: [], total: 0 })
            : Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined)),
        (workflows) => Stream.runDrain(Stream.take(workflows.deployPhases(file), 1))
      )
      yield* settle
      yield* Deferred.await(stopped)
    }))
})
