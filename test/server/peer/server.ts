/**
 * Solti servers in a process of their own, for peers that are not ours. The only argument is a JSON object of settings,
 * one entry a server; when all accept connections, one JSON line on stdout tells their URLs. SIGTERM ends them.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SoltiServer from "../../../src/solti/server.js"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** What is left out has the server's own default. Times are ms. */
const Settings = Schema.Struct({
  token: optional(Schema.String),
  keepAlive: optional(Schema.Number),
  requestTimeout: optional(Schema.Number),
  grace: optional(Schema.Number),
  runTtl: optional(Schema.Number),
  taskTtl: optional(Schema.Number),
  sweepInterval: optional(Schema.Number),
  maxConcurrent: optional(Schema.Number),
  subprocess: optional(Schema.Struct({
    drain: optional(Schema.Number),
    env: optional(Schema.Record({ key: Schema.String, value: Schema.String })),
    tempDirectory: optional(Schema.String)
  }))
})

const start = ({ token, ...settings }: typeof Settings.Type) =>
  Effect.map(
    Layer.build(SoltiServer.layer({ ...settings, token: token === undefined ? undefined : Redacted.make(token) })),
    (context) => Context.get(context, SoltiServer.SoltiServer).url
  )

const program = Effect.gen(function*() {
  const text = yield* Effect.sync(() => process.argv[2] ?? "")
  const settings = yield* Schema.decode(
    Schema.parseJson(Schema.Record({ key: Schema.String, value: Settings }))
  )(text)
  const urls: Record<string, string> = {}
  for (const [name, each] of Object.entries(settings)) {
    urls[name] = yield* start(each)
  }
  yield* Console.log(JSON.stringify({ urls }))
  return yield* Effect.never
}).pipe(
  Effect.scoped,
  Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
)

NodeRuntime.runMain(program, { disablePrettyLogger: true })
