import { execFile } from "node:child_process"
import { assert, it } from "vitest"

const diagnostics = (project: string): Promise<string> =>
  new Promise((resolve) => {
    execFile(
      "node_modules/.bin/effect-language-service",
      ["diagnostics", "--project", project, "--format", "text", "--strict"],
      (_, stdout) => resolve(stdout)
    )
  })

it("the Effect diagnostics see through namespace imports", async () => {
  const report = await diagnostics("test/fixtures/tooling/tsconfig.json")
  const found = Array.from(report.matchAll(/error effect\((\w+)\)/g), ([, rule]) => rule)
  assert.sameMembers(found, [
    "floatingEffect",
    "multipleEffectProvide",
    "globalErrorInEffectFailure",
    "scopeInLayerEffect",
    "tryCatchInEffectGen",
    "missingReturnYieldStar"
  ])
})
