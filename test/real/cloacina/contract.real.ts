/** What the official suites assert (contract 12), on the published server. */
import { layer } from "@effect/vitest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Cloacina from "../../../src/cloacina.js"
import { layerTransport } from "../../../src/node.js"
import * as Contract from "../../fixtures/cloacina/Contract.js"

const Client = Cloacina.layer({
  url: process.env["CLOACINA_REAL_URL"] ?? "",
  key: Redacted.make(process.env["CLOACINA_REAL_KEY"] ?? ""),
  tenant: Contract.tenant
}).pipe(Layer.provide(layerTransport()))

layer(Client, { excludeTestServices: true })("the official contract suite, on a published 0.12.0 server", (it) => {
  for (const [title, check] of Contract.checks) it.effect(title, () => check)
})
