import { assert, describe, it } from "@effect/vitest"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import * as Cloacina from "../../../src/cloacina.js"
import { cloacina, refusal } from "../support/Cloacina.js"
import * as Observe from "../support/Observe.js"

const Document = Schema.Struct({
  paths: Schema.Record({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Schema.Unknown }) })
})
const document = Schema.decodeUnknownSync(Schema.parseJson(Document))(
  readFileSync(new URL("../../fixtures/cloacina/openapi.json", import.meta.url), "utf8")
)
/** Without the names of parameters, which are ours. */
const line = (method: string, path: string) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, "{}")}`

/** `Requests` reaches everything, and says nothing about names. */
const areas = [
  Cloacina.Accounts,
  Cloacina.Executions,
  Cloacina.Fleet,
  Cloacina.Graphs,
  Cloacina.Health,
  Cloacina.Instances,
  Cloacina.Keys,
  Cloacina.Secrets,
  Cloacina.Sessions,
  Cloacina.Tenants,
  Cloacina.Triggers,
  Cloacina.Workflows
]

/** Enough for every input with members. */
const input = { name: "x", role: "read", username: "x", password: "x", fields: {}, instance_name: "x", tenant: "x" }

type Method = (...input: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown> | Stream.Stream<unknown, unknown>

describe("the operations of the server's document", () => {
  it.effect("have a method each, with a name of its own", () =>
    Effect.gen(function*() {
      const { layer } = cloacina(() => refusal(500, "internal_error"))
      const context: Context.Context<never> = yield* Effect.provide(Effect.context<Cloacina.Services>(), layer)
      const names = new Set<string>()
      const calls = areas.flatMap(({ key }) => {
        const service = context.unsafeMap.get(key) as Readonly<Record<string, Method>>
        return Object.entries(service).flatMap(([name, method]) => {
          names.add(`cloacina.${key.split("/").at(-1)}.${name}`)
          return [["x", "x", "x"], [input, input], ["x", input, input]].map((given) =>
            Effect.suspend(() => {
              const made = method(...given)
              return Effect.isEffect(made) ? Effect.asVoid(made) : Effect.void
            }).pipe(Effect.exit)
          )
        })
      })
      const observer = Observe.make()
      yield* observer.observe(Effect.all(calls))
      const reached = new Set(
        observer.spans.filter(({ name }) => names.has(name)).map(({ attributes }) =>
          line(String(attributes.get("http.request.method")), String(attributes.get("http.route")))
        )
      )
      const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => line(method, path))
      )
      assert.strictEqual(operations.length, 59)
      assert.deepStrictEqual(operations.filter((operation) => !reached.has(operation)), [])
    }))
})
