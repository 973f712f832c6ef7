import { ESLint } from "eslint"
import { assert, describe, it } from "vitest"

const eslint = new ESLint()

const doc = "/**\n * A module.\n *\n * @since 0.1.0\n */\n"

const rulesBroken = async (file: string, code: string): Promise<Array<string>> => {
  const [result] = await eslint.lintText(code, { filePath: file })
  return Array.from(new Set(result?.messages.map(({ message, ruleId }) => ruleId ?? message)))
}

/** A line of code in a library module, as a described export. */
const exported = (line: string) => `${doc}\n/**\n * A value.\n *\n * @since 0.1.0\n * @category values\n */\n${line}\n`

const importing = (specifier: string) => `${doc}export * from "${specifier}"\n`

describe("import direction", () => {
  const rule = "library/import-direction"

  it.each([
    ["src/schemas/solti/Tasks.ts", "../../services/solti/Tasks.js"],
    ["src/streams/core/Feed.ts", "../../services/core/Transport.js"],
    ["src/services/solti/Tasks.ts", "../../server/solti/Store.js"],
    ["src/server/solti/Store.ts", "../../testing/core/Faults.js"],
    ["src/services/core/Transport.ts", "../solti/Tasks.js"],
    ["src/services/core/Transport.ts", "../../schemas/solti/Tasks.js"],
    ["src/services/solti/Tasks.ts", "../akribes/Runs.js"],
    ["src/services/solti/Tasks.ts", "../../schemas/akribes/Runs.js"],
    ["src/cli/solti.ts", "../services/akribes/Runs.js"],
    ["src/services/solti/Tasks.ts", "../../cli/main.js"],
    ["src/solti.ts", "./cli/main.js"],
    ["src/solti.ts", "./schemas/akribes/Runs.js"],
    ["src/services/solti/Tasks.ts", "../../solti.js"],
    ["src/server/solti/Store.ts", "../../solti/testing.js"],
    ["src/solti/server.ts", "../core.js"],
    ["src/services/solti/Tasks.ts", "../../../test/fixtures/Tasks.js"],
    ["src/services/solti/Tasks.ts", "./Runs"],
    ["src/services/Tasks.ts", "./core/Transport.js"],
    ["src/services/other/Tasks.ts", "../core/Transport.js"]
  ])("%s may not import %s", async (file, specifier) => {
    assert.deepStrictEqual(await rulesBroken(file, importing(specifier)), [rule])
  })

  it.each([
    ["src/streams/core/Feed.ts", "../../schemas/core/Errors.js"],
    ["src/services/solti/Tasks.ts", "../../streams/solti/Logs.js"],
    ["src/services/solti/Tasks.ts", "../core/Transport.js"],
    ["src/server/solti/Store.ts", "../../schemas/solti/Tasks.js"],
    ["src/testing/solti/Emulator.ts", "../../server/solti/Store.js"],
    ["src/cli/main.ts", "./solti.js"],
    ["src/cli/solti.ts", "./output.js"],
    ["src/cli/solti.ts", "../solti/testing.js"],
    ["src/solti.ts", "./services/solti/Tasks.js"],
    ["src/core.ts", "./services/core/Transport.js"],
    ["src/node.ts", "./services/core/NodeTransport.js"]
  ])("%s may import %s", async (file, specifier) => {
    assert.deepStrictEqual(await rulesBroken(file, importing(specifier)), [])
  })
})

describe("imports", () => {
  it.each([
    ["src/services/core/Retry.ts", "effect"],
    ["src/services/core/Retry.ts", "@effect/platform"],
    ["test/services/core/Retry.test.ts", "@effect/platform-node"],
    ["src/services/core/Retry.ts", "node:fs"],
    ["src/streams/core/Feed.ts", "@effect/platform-node/NodeSocket"],
    ["src/solti.ts", "undici"]
  ])("%s may not import %s", async (file, specifier) => {
    const broken = await rulesBroken(file, `${doc}import * as Module from "${specifier}"\n\nModule.call()\n`)
    assert.deepStrictEqual(broken, ["@typescript-eslint/no-restricted-imports"])
  })

  it.each([
    ["src/services/core/NodeTransport.ts", "node:fs"],
    ["src/server/solti/Store.ts", "node:fs"],
    ["src/solti/testing.ts", "@effect/platform-node/NodeHttpServer"],
    ["src/cli/main.ts", "node:process"],
    ["test/services/core/Retry.test.ts", "@effect/vitest"],
    ["src/services/core/Retry.ts", "effect/Effect"]
  ])("%s may import %s", async (file, specifier) => {
    const broken = await rulesBroken(file, `${doc}import * as Module from "${specifier}"\n\nModule.call()\n`)
    assert.deepStrictEqual(broken, [])
  })
})

describe("library code", () => {
  const file = "src/services/core/Retry.ts"

  it.each([
    ["export const a = console", "no-restricted-globals"],
    ["export const a = process.env", "no-restricted-globals"],
    ["export const a = setTimeout", "no-restricted-globals"],
    ["export const a = Buffer.from(\"\")", "no-restricted-globals"],
    ["export const a = Date.now()", "no-restricted-properties"],
    ["export const a = Math.random()", "no-restricted-properties"],
    ["export const a = new Date()", "no-restricted-syntax"],
    ["export const a = Effect.runSync(b)", "no-restricted-syntax"],
    ["export const a = b.push(...c)", "no-restricted-syntax"],
    ["export const a = b as string", "@typescript-eslint/consistent-type-assertions"],
    ["export const a = b!", "@typescript-eslint/no-non-null-assertion"],
    ["export const a = (b: any) => b", "@typescript-eslint/no-explicit-any"],
    ["export type A = string[]", "@typescript-eslint/array-type"],
    ["export type A = readonly string[]", "@typescript-eslint/array-type"],
    ["export const a = b == c", "eqeqeq"],
    ["export const a = { b: b }", "object-shorthand"],
    ["export const a = 1 // TODO", "no-warning-comments"],
    ["export const a = 1 // @ts-ignore", "@typescript-eslint/ban-ts-comment"],
    ["export const a = 1;", "@effect/dprint"],
    ["export const a = 'b'", "@effect/dprint"],
    ["export const a = [1, 2,]", "@effect/dprint"],
    ["export const a = b => b", "@effect/dprint"],
    [`export const a = "${"x".repeat(60)}" + "${"x".repeat(60)}"`, "@effect/dprint"]
  ])("%s", async (line, rule) => {
    assert.include(await rulesBroken(file, exported(line)), rule)
  })

  it("a good module is fine", async () => {
    assert.deepStrictEqual(await rulesBroken(file, exported("export const a: ReadonlyArray<string> = [\"b\"]")), [])
  })

  it("an adapter meets the world, and still runs no effect", async () => {
    const node = "src/services/core/NodeTransport.ts"
    assert.deepStrictEqual(await rulesBroken(node, exported("export const a = [process.env, Date.now()]")), [])
    assert.deepStrictEqual(await rulesBroken(node, exported("export const a = Effect.runSync(b)")), [
      "no-restricted-syntax"
    ])
  })

  it("an adapter with a list meets what is on it", async () => {
    const sandbox = "src/server/solti/Sandbox.ts"
    assert.deepStrictEqual(await rulesBroken(sandbox, exported("export const a = process.platform")), [])
    assert.deepStrictEqual(await rulesBroken(sandbox, exported("export const a = setTimeout")), [
      "no-restricted-globals"
    ])
  })

  it("a module has at most 350 lines of code", async () => {
    const lines = (count: number) => exported("export const a = [\n" + "  1,\n".repeat(count) + "  1\n]")
    assert.deepStrictEqual(await rulesBroken(file, lines(400)), ["max-lines"])
    assert.deepStrictEqual(await rulesBroken(file, lines(300)), [])
  })

  it("a type is imported as a type", async () => {
    const code = `${doc}import { Effect } from "effect/Effect"\n\nlet a: Effect<void>\na.pipe()\n`
    assert.include(await rulesBroken(file, code), "@typescript-eslint/consistent-type-imports")
  })
})

describe("doc comments", () => {
  const file = "src/services/core/Retry.ts"
  const rule = "library/doc-tags"

  it.each([
    ["no doc of the module", "export {}\n"],
    ["no @since of the module", "/** A module. */\nexport {}\n"],
    ["the doc of the first export is not the module's", exported("export const a = 1").slice(doc.length + 1)],
    ["no doc of an export", `${doc}export const a = 1\n`],
    ["no @category", `${doc}/** @since 0.1.0 */\nexport interface A {}\n`.replace("{}", "{\n  readonly b: 1\n}")],
    ["no @since of a namespace", `${doc}export * as Retry from "./Policy.js"\n`]
  ])("%s", async (_, code) => {
    assert.deepStrictEqual(await rulesBroken(file, code), [rule])
  })

  it("an internal module needs none", async () => {
    assert.deepStrictEqual(await rulesBroken("src/services/core/internal/retry.ts", "export const a = 1\n"), [])
  })

  it("an internal export needs no tags", async () => {
    assert.deepStrictEqual(await rulesBroken(file, `${doc}/** @internal */\nexport const a = 1\n`), [])
  })
})

describe("suppressions", () => {
  const file = "src/services/core/Retry.ts"
  const rule = "house/reasons"
  const off = (comment: string) => exported("export const a = 1") + `\n// ${comment}\nconsole.log(a)\n`

  it("have a reason", async () => {
    assert.deepStrictEqual(await rulesBroken(file, off("eslint-disable-next-line no-restricted-globals")), [rule])
    assert.deepStrictEqual(
      await rulesBroken(file, off("eslint-disable-next-line no-restricted-globals -- shows how a reason looks")),
      []
    )
    assert.include(await rulesBroken(file, off("@effect-diagnostics floatingEffect:off")), rule)
  })

  it("name their rule", async () => {
    assert.deepStrictEqual(await rulesBroken(file, off("eslint-disable-next-line -- everything is wrong here")), [rule])
    assert.include(await rulesBroken(file, off("@effect-diagnostics *:off -- everything is wrong here")), rule)
  })

  it("that suppress nothing are reported", async () => {
    const code = off("eslint-disable-next-line eqeqeq -- nothing here compares")
    const [result] = await eslint.lintText(code, { filePath: file })
    assert.match(result?.messages[0]?.message ?? "", /Unused eslint-disable directive/)
  })
})

describe("tests", () => {
  it.each(["it.skip", "it.only", "describe.skip", "test.todo"])("%s is refused", async (call) => {
    const code = `import { ${call.split(".")[0]} } from "vitest"\n\n${call}("never")\n`
    assert.deepStrictEqual(await rulesBroken("test/a.test.ts", code), ["no-restricted-properties"])
  })
})
