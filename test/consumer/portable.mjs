// Runs where only the two required peers are installed: no part of Node's side may be reached from here.
import * as Cloacina from "effect-switchyard/cloacina"
import * as Core from "effect-switchyard/core"
import * as Solti from "effect-switchyard/solti"
import * as assert from "node:assert/strict"

for (const module of [Cloacina, Core, Solti]) {
  assert.ok(Object.keys(module).length > 0)
}

for (
  const hidden of ["effect-switchyard", "effect-switchyard/services/core/Transport", "effect-switchyard/dist/core.js"]
) {
  await assert.rejects(import(hidden), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" }, hidden)
}
