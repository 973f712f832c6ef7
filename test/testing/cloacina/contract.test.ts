/** What the official suites assert (contract 12), on the emulator. `test/real/cloacina` asserts it on the real server. */
import { layer } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Cloacina from "../../../src/cloacina.js"
import * as CloacinaTesting from "../../../src/cloacina/testing.js"
import * as Contract from "../../fixtures/cloacina/Contract.js"

const key = Redacted.make("god")

const Client = Cloacina.layer({ url: "http://127.0.0.1:8080", key, tenant: Contract.tenant }).pipe(
  Layer.provide(CloacinaTesting.layerHttpClient({ key }))
)

layer(Client)("the official contract suite", (it) => {
  for (const [title, check] of Contract.checks) it.effect(title, () => check)
})
