/** Packages: the reader, and what the routes make of them beyond the recorded cases. */
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as TestClock from "effect/TestClock"
import { createTar } from "nanotar"
import { assert } from "vitest"
import { bunzip2 } from "../../../src/testing/cloacina/internal/Bzip2.js"
import { read, readTar, sourceOf } from "../../../src/testing/cloacina/PackageReader.js"
import { scriptOf } from "../../../src/testing/cloacina/PythonSource.js"
import { succeeds, task, workflow } from "../../../src/testing/cloacina/Script.js"
import * as Packages from "../../fixtures/cloacina/Packages.js"
import { ask, codeOf, emulator, god } from "./support/ask.js"
import { form, post, upload, uploaded } from "./support/packages.js"

const ok = <A, E>(either: Either.Either<A, E>): A => Either.getOrThrowWith(either, (left) => new Error(String(left)))

const detail = (name: string, tenant = "north") => ask("GET", `/v1/tenants/${tenant}/workflows/${name}`, { key: god })

const statusOf = (name: string) => Effect.map(detail(name), (asked) => asked.member("build_status"))

const execute = (name: string, tenant = "north", context = {}) =>
  ask("POST", `/v1/tenants/${tenant}/workflows/${name}/execute`, { key: god, body: { context } })

describe("the reader", () => {
  it("reads every real package", () => {
    assert.isAtLeast(Packages.names.length, 17)
    for (const name of Packages.names) {
      const archive = ok(read(Packages.get(name)))
      assert.strictEqual(archive.name, name.replace(/-\d.*$/, ""))
      assert.match(archive.version, /^\d+\.\d+\.\d+$/)
      assert.isTrue(archive.files.some(({ path }) => path === "package.toml"))
    }
  })

  it("shows the source by path, with languages", () => {
    assert.deepStrictEqual(
      sourceOf(ok(read(Packages.get("broken-rust")))).map(({ language, path }) => [path, language]),
      [["Cargo.lock", null], ["Cargo.toml", "toml"], ["package.toml", "toml"], ["src/lib.rs", "rust"]]
    )
  })

  it("leaves out of the source what is no text, and what is too long", () => {
    const file = (path: string, bytes: Uint8Array) => ({ path, bytes })
    const archive = {
      ...ok(read(Packages.get("flow-plain"))),
      files: [
        file("b.bin", Uint8Array.of(0xff, 0xfe)),
        file("long.txt", new Uint8Array(1024 * 1024 + 1).fill(97)),
        file("full.txt", new Uint8Array(1024 * 1024).fill(97)),
        file(".hidden", Uint8Array.of(97))
      ]
    }
    assert.deepStrictEqual(sourceOf(archive).map(({ language, path }) => [path, language]), [
      [".hidden", null],
      ["full.txt", "text"]
    ])
  })

  it("refuses what is longer than the limit, without unpacking it", () => {
    const bytes = Packages.get("flow-plain")
    assert.isTrue(Either.isRight(bunzip2(bytes, 10_240)))
    const refused = bunzip2(bytes, 10_239)
    assert.strictEqual(Either.isLeft(refused) && refused.left.reason, "longer than 10239 bytes")
    assert.deepStrictEqual(
      read(bytes, 100),
      Either.left("Package validation failed: Failed to unpack source archive: longer than 100 bytes")
    )
  })

  it.prop("refuses every truncation of a package", [
    FastCheck.constantFrom(...Packages.names),
    FastCheck.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  ], ([name, part]) => {
    const bytes = Packages.get(name)
    const cut = read(bytes.subarray(0, Math.floor(part * bytes.length)))
    assert.match(Either.isLeft(cut) ? cut.left : "read", /^Package validation failed: /)
  })

  it.prop("refuses every damage to a package", [
    FastCheck.constantFrom(...Packages.names),
    FastCheck.array(FastCheck.tuple(FastCheck.nat(), FastCheck.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4
    })
  ], ([name, damages]) => {
    const bytes = Packages.get(name).slice()
    // Bits behind the last one of the stream mean nothing.
    for (const [at, bits] of damages) bytes[at % (bytes.length - 1)]! ^= bits
    if (bytes.every((byte, at) => byte === Packages.get(name)[at])) return
    const damaged = read(bytes)
    assert.match(Either.isLeft(damaged) ? damaged.left : "read", /^Package validation failed: /)
  })

  it.prop("refuses whatever claims to be one", [FastCheck.uint8Array({ maxLength: 400 })], ([noise]) => {
    const bytes = Uint8Array.of(0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ...noise)
    assert.isTrue(Either.isLeft(read(bytes)))
  })
})

describe("the source of a Python package", () => {
  const script = (name: string) => {
    const archive = ok(read(Packages.get(name)))
    return scriptOf(archive, archive.workflowName ?? archive.name)
  }

  it("gives tasks with what they wait for, and what is written about them", () => {
    assert.deepStrictEqual(
      script("flow-diamond-1.1.0").tasks?.map(({ after, id, what, why }) => [id, after, what, why]),
      [
        ["prepare", [], "Reads the input.", "Everything else needs it."],
        ["left", ["prepare"], undefined, undefined],
        ["right", ["prepare"], undefined, undefined],
        ["join", ["left", "right"], undefined, undefined],
        ["report", ["join"], undefined, undefined]
      ]
    )
  })

  it("gives parameters, secrets and triggers", () => {
    assert.deepStrictEqual(
      script("flow-secret").params?.map(({ encrypted, name, required }) => [name, encrypted, required]),
      [
        ["region", false, true],
        ["warehouse", true, true]
      ]
    )
    assert.deepStrictEqual(script("flow-secret").tasks?.[0]?.secrets, ["warehouse"])
    assert.deepInclude(script("flow-poll").triggers?.[0], { name: "orders", every: 2000, on: "flow_poll" })
    assert.deepInclude(script("flow-cron").triggers?.[0], { expression: "*/5 * * * * *" })
    assert.deepInclude(script("flow-retry").tasks?.[0], { maxAttempts: 4 })
  })

  it("of a module that raises is not loaded", () => {
    assert.strictEqual(script("broken-python").loads, false)
    assert.strictEqual(script("flow-fail").loads, true)
  })
})

describe("uploads", () => {
  it.effect("take the first part named file, among others and with an empty preamble", () =>
    Effect.gen(function*() {
      const bytes = Packages.get("flow-plain")
      const other = { name: "note", bytes: new TextEncoder().encode("--cut\r\n") }
      assert.strictEqual((yield* post(form([other, { name: "file", bytes }]))).status, 201)
      assert.deepInclude(yield* post(form([other])), {
        status: 400,
        text: "{\"error\":\"no 'file' field in multipart request\",\"code\":\"invalid_request\"}"
      })
      assert.deepInclude(yield* post(form([{ name: "file", bytes }], { end: false })), {
        status: 400,
        text:
          "{\"error\":\"failed to read file: Error parsing `multipart/form-data` request\",\"code\":\"invalid_request\"}"
      })
      assert.deepInclude(yield* post(form([other], { end: false })), {
        status: 400,
        text: "{\"error\":\"no 'file' field in multipart request\",\"code\":\"invalid_request\"}"
      })
      assert.deepInclude(yield* post(form([{ name: "file", bytes }]), { contentType: "multipart/form-data" }), {
        status: 400,
        text: "Invalid `boundary` for `multipart/form-data` request"
      })
      assert.strictEqual((yield* post(new Uint8Array())).status, 400)
    }).pipe(Effect.provide(emulator({ tenants: ["north"] }))))

  it.effect("say what is wrong with an archive that can be unpacked", () =>
    Effect.gen(function*() {
      const answer = yield* upload(Packages.get("flow-plain").subarray(0, 300))
      assert.strictEqual(answer.status, 400)
      assert.match(
        answer.text,
        /"error":"Package validation failed: Failed to unpack source archive: .*"upload_failed"/
      )
    }).pipe(Effect.provide(emulator({ tenants: ["north"] }))))

  it.effect("are built by the clock, loaded within five seconds, and replaced by another version", () =>
    Effect.gen(function*() {
      const id = yield* uploaded(Packages.get("flow-diamond"), "public")
      const status = Effect.map(detail(id, "public"), (asked) => asked.member("build_status"))
      assert.strictEqual(yield* status, "pending")
      yield* TestClock.adjust("60 millis")
      assert.strictEqual(yield* status, "building")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* status, "success")
      // Built a moment after the loader had looked.
      assert.deepStrictEqual((yield* detail(id, "public")).member("tasks"), [])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual((yield* detail("flow-diamond", "public")).member("tasks"), [
        "prepare",
        "left",
        "right",
        "join"
      ])
      assert.strictEqual((yield* execute("flow_diamond", "public", { region: "eu" })).status, 202)

      const second = yield* uploaded(Packages.get("flow-diamond-1.1.0"), "public")
      assert.deepStrictEqual(codeOf(yield* detail(id, "public")), [404, "workflow_not_found"])
      assert.deepStrictEqual(codeOf(yield* detail("flow-diamond", "public")), [404, "workflow_not_found"])
      // The code that is loaded runs on until the loader looks.
      assert.strictEqual((yield* execute("flow_diamond", "public", { region: "eu" })).status, 202)
      yield* TestClock.adjust("6 seconds")
      assert.lengthOf((yield* detail(second, "public")).member("tasks") as Array<unknown>, 5)
    }).pipe(Effect.provide(emulator({ buildTime: "1 second" }))))

  it.effect("fail as their script says, and keep the end of the text", () =>
    Effect.gen(function*() {
      const id = yield* uploaded(Packages.get("broken-rust"))
      yield* TestClock.adjust("10 seconds")
      const failed = yield* detail(id)
      assert.strictEqual(failed.member("build_status"), "failed")
      assert.strictEqual(failed.member("build_error"), `${"x".repeat(65_531)} end.`)
      assert.deepStrictEqual((yield* ask("GET", "/v1/tenants/north/workflows", { key: god })).member("items"), [])
    }).pipe(
      Effect.provide(emulator({
        tenants: ["north"],
        workflows: [workflow("broken_rust", { build: { takes: "3 seconds", fails: `${"x".repeat(70_000)} end.` } })]
      }))
    ))

  it.effect("do what the script of their workflow says, whatever their source", () =>
    Effect.gen(function*() {
      const id = yield* uploaded(Packages.get("fan-first"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* detail(id)).member("tasks"), ["scripted"])
      const other = yield* uploaded(Packages.get("fan-second"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* detail(other)).member("tasks"), ["fan_second"])
    }).pipe(Effect.provide(emulator({
      tenants: ["north"],
      workflows: [workflow("fan_first", { tasks: [task("scripted", { attempts: succeeds() })] })]
    }))))

  it.effect("wait for a runner in a tenant without one", () =>
    Effect.gen(function*() {
      const id = yield* uploaded(Packages.get("flow-plain"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* statusOf(id), "success")
      assert.deepStrictEqual((yield* detail(id)).member("tasks"), [])
      assert.deepStrictEqual(codeOf(yield* execute("flow_plain")), [400, "execution_failed"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* execute("flow_plain")).status, 202)
      assert.deepStrictEqual((yield* detail(id)).member("tasks"), ["only"])
    }).pipe(Effect.provide(emulator({ tenants: ["north"] }))))

  it.effect("that build and cannot be loaded look healthy, and are never executed", () =>
    Effect.gen(function*() {
      const id = yield* uploaded(Packages.get("broken-python"), "public")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* detail(id, "public")).member("build_status"), "success")
      assert.deepStrictEqual(codeOf(yield* execute("broken_python", "public")), [400, "execution_failed"])
    }).pipe(Effect.provide(emulator())))

  it.effect("with a graph only have no workflow", () =>
    Effect.gen(function*() {
      const id = yield* uploaded(Packages.get("graph-ticks"), "public")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* detail(id, "public")).member("workflow_name"), "graph-ticks")
      assert.deepStrictEqual(codeOf(yield* execute("graph-ticks", "public")), [400, "execution_failed"])
    }).pipe(Effect.provide(emulator())))
})

describe("what is in the archive", () => {
  const tarOf = (files: Readonly<Record<string, string | Uint8Array>>) =>
    createTar(Object.entries(files).map(([name, data]) => ({ name, data })))

  const faultOf = (files: Readonly<Record<string, string | Uint8Array>>): string => {
    const found = readTar(tarOf(files).slice(), new Uint8Array())
    return Either.isLeft(found) ? found.left.replace("Package validation failed: ", "") : "read"
  }

  const manifest = (text: string | Uint8Array) => faultOf({ "p-1/package.toml": text })

  it("must be one folder with a package.toml", () => {
    const unpacking = "Failed to unpack source archive: "
    const text = "[package]\nname = \"p\"\nversion = \"1\"\n[metadata]\n"
    assert.strictEqual(faultOf({ "p-1/package.toml": text }), "read")
    assert.strictEqual(faultOf({ "./p-1/package.toml": text }), "read")
    const oneFolder = `${unpacking}archive must contain exactly one top-level directory`
    const noManifest = `${unpacking}invalid archive: archive does not contain a package.toml`
    assert.strictEqual(faultOf({}), noManifest)
    assert.strictEqual(faultOf({ "package.toml": text }), noManifest)
    assert.strictEqual(faultOf({ "a/b/package.toml": text }), noManifest)
    assert.strictEqual(faultOf({ "p-1/package.toml": text, "q/x": "y" }), oneFolder)
    assert.strictEqual(faultOf({ "p-1/other.toml": text }), noManifest)
  })

  it("must have a manifest with a name and a version", () => {
    const loading = /^Failed to load package\.toml: /
    assert.strictEqual(manifest("[metadata]\n"), "Failed to load package.toml: missing field `package`")
    const named = "[package]\nname = \"p\"\n"
    assert.match(manifest("[package]\nversion = \"1\"\n"), /: missing field `name`$/)
    assert.match(manifest(named), /: missing field `version`$/)
    assert.match(manifest(`${named}version = 1\n`), /: invalid type for `version`, expected a string$/)
    assert.strictEqual(manifest(`${named}version = "1"\n`), "read")
    assert.match(manifest(`metadata = 1\n${named}version = "1"\n`), /: \[metadata\] must be a table$/)
    const described = (member: string) => manifest(`${named}version = "1"\nother = 1\n[metadata]\n${member}\n`)
    assert.strictEqual(described("author = \"a\""), "read")
    assert.match(described("language = 7"), /: invalid type for `language`, expected a string$/)
    assert.match(described("autor = \"a\""), /: unknown field `autor`, expected one of `workflow_name`, /)
    assert.match(manifest("[package\n"), loading)
    assert.match(manifest(Uint8Array.of(0xff, 0xfe)), loading)
  })

  it.prop("is refused when damaged, whatever the damage", [
    FastCheck.array(FastCheck.tuple(FastCheck.nat({ max: 1535 }), FastCheck.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 8
    })
  ], ([damages]) => {
    const tar = tarOf({ "p-1/package.toml": "[package]\nname = \"p\"\n", "p-1/a": "x" }).slice()
    for (const [at, byte] of damages) tar[at] = byte
    assert.isTrue(Either.isLeft(readTar(tar, new Uint8Array())))
  })
})
