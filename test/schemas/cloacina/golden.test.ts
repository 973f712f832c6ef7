import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as AST from "effect/SchemaAST"
import * as AgentProtocol from "../../../src/schemas/cloacina/AgentProtocol.js"
import * as Accounts from "../../../src/schemas/cloacina/api/Accounts.js"
import * as Agents from "../../../src/schemas/cloacina/api/Agents.js"
import * as Executions from "../../../src/schemas/cloacina/api/Executions.js"
import * as Fleet from "../../../src/schemas/cloacina/api/Fleet.js"
import * as Graphs from "../../../src/schemas/cloacina/api/Graphs.js"
import * as Health from "../../../src/schemas/cloacina/api/Health.js"
import * as Instances from "../../../src/schemas/cloacina/api/Instances.js"
import * as Keys from "../../../src/schemas/cloacina/api/Keys.js"
import * as Operations from "../../../src/schemas/cloacina/api/Operations.js"
import * as Secrets from "../../../src/schemas/cloacina/api/Secrets.js"
import * as Sessions from "../../../src/schemas/cloacina/api/Sessions.js"
import * as Tenants from "../../../src/schemas/cloacina/api/Tenants.js"
import * as Triggers from "../../../src/schemas/cloacina/api/Triggers.js"
import * as Workflows from "../../../src/schemas/cloacina/api/Workflows.js"
import * as Delivery from "../../../src/schemas/cloacina/Delivery.js"
import { OidcMembership } from "../../../src/schemas/cloacina/Sessions.js"
import { toError } from "../../../src/services/cloacina/internal/answers.js"
import * as Golden from "../../fixtures/cloacina/Golden.js"

interface Endpoint {
  readonly method: string
  readonly path: string
  readonly successSchema: { readonly ast: AST.AST }
  readonly payloadSchema: Option.Option<{ readonly ast: AST.AST }>
}

const endpoints: ReadonlyArray<Endpoint> = [
  Accounts,
  Agents,
  Executions,
  Fleet,
  Graphs,
  Health,
  Instances,
  Keys,
  Operations,
  Secrets,
  Sessions,
  Tenants,
  Triggers,
  Workflows
].flatMap((group): ReadonlyArray<{ readonly endpoint: Endpoint }> => Object.values(group)).map(({ endpoint }) =>
  endpoint
)

const pattern = ({ path }: Endpoint) => new RegExp(`^${path.replace(/:\w+/g, "[^/]+")}$`)

/** Parameters match any segment: of several routes that match, the one with the fewest parameters is meant. */
const endpointOf = ({ method, path }: Golden.Request): Endpoint | undefined =>
  endpoints.filter((endpoint) => endpoint.method === method && pattern(endpoint).test(path.replace(/\?.*/, "")))
    .sort((a, b) => a.path.split(":").length - b.path.split(":").length)[0]

const schemaOf = ({ ast }: { readonly ast: AST.AST }): Schema.Schema<unknown, unknown> => Schema.make(ast)

/** What goes on the wire. */
const sent = (encoded: unknown): unknown => JSON.parse(JSON.stringify(encoded))

const isRecord = (u: unknown): u is Record<string, unknown> => typeof u === "object" && u !== null && !Array.isArray(u)

/** Without members that are null: in a request it makes no difference whether they are there. */
const withoutNulls = (json: unknown): unknown =>
  Array.isArray(json)
    ? json.map(withoutNulls)
    : isRecord(json)
    ? Object.fromEntries(
      Object.entries(json).filter(([, value]) => value !== null).map(([name, value]) => [name, withoutNulls(value)])
    )
    : json

const exchanges = Golden.cases.flatMap((recorded) =>
  recorded.exchanges.map((exchange, position) => ({
    ...exchange,
    case: recorded.name,
    name: `${recorded.name} #${position} ${exchange.request.method} ${exchange.request.path.slice(0, 70)}`
  }))
)
const answered = exchanges.filter(({ response }) => response.status < 300)
const refused = exchanges.filter(({ response }) => response.status >= 400)
const frames = Golden.cases.flatMap((recorded) =>
  recorded.websockets.flatMap((socket, number) =>
    socket.frames.map((frame, position) => ({
      ...frame,
      path: socket.request.path,
      name: `${recorded.name} socket ${number} #${position}`
    }))
  )
)

/** Routes that no service of the SDK calls: a browser goes there, and preflights are no calls. */
const isUndeclared = ({ method, path }: Golden.Request): boolean =>
  method === "OPTIONS" || method === "HEAD" || path.startsWith("/v1/auth/callback")

describe("golden answers", () => {
  it("are there in numbers", () => {
    assert.isAbove(answered.length, 250)
    assert.isAbove(refused.length, 150)
    assert.isAbove(frames.length, 150)
  })

  it("cover every declared endpoint", () => {
    const called = new Set(exchanges.map(({ request }) => endpointOf(request)))
    assert.deepStrictEqual(endpoints.filter((endpoint) => !called.has(endpoint)).map(({ path }) => path), [])
  })

  it.each(answered.filter(({ request }) => !isUndeclared(request)))(
    "$name decodes, and encodes to what was received",
    ({ request, response }) => {
      const endpoint = endpointOf(request)
      assert.isDefined(endpoint, "no endpoint is declared for it")
      const schema = schemaOf(endpoint.successSchema)
      if (response.headers["content-type"]?.startsWith("application/json") !== true) {
        const body = response.body_text ?? ""
        const plain = endpoint.path.startsWith("/v1/agent/") ? new TextEncoder().encode(body) : body
        assert.deepStrictEqual(Schema.decodeUnknownSync(schema)(plain), plain)
        return
      }
      const decoded = Schema.decodeUnknownSync(schema)(response.body)
      assert.deepStrictEqual(sent(Schema.encodeUnknownSync(schema)(decoded)), response.body)
    }
  )

  it("of the callback are memberships", () => {
    const callback = answered.filter(({ request }) => request.path.startsWith("/v1/auth/callback"))
    assert.isNotEmpty(callback)
    for (const { response } of callback) {
      const decoded = Schema.decodeUnknownSync(Schema.Array(OidcMembership))(response.body)
      assert.deepStrictEqual(sent(Schema.encodeSync(Schema.Array(OidcMembership))(decoded)), response.body)
    }
  })
})

/** What the contract (3.3) makes of a status, where the code does not say otherwise. */
const tagOf: Readonly<Record<number, string>> = {
  400: "InvalidInput",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "VersionMismatch",
  409: "Conflict",
  413: "PayloadTooLarge",
  415: "InvalidInput",
  422: "InvalidInput",
  429: "RateLimited",
  500: "Internal",
  501: "NotImplemented",
  503: "Unavailable"
}

const Envelope = Schema.Struct({ error: Schema.String, code: Schema.String })

describe("golden errors", () => {
  it.each(refused)("$name has its tag, code, text and request id", ({ request, response }) => {
    const text = response.body === undefined ? response.body_text ?? "" : JSON.stringify(response.body)
    const retryAfter = response.headers["retry-after"]
    const error = toError({
      operation: "cloacina.Golden.call",
      method: request.method,
      route: request.path,
      status: response.status,
      requestId: response.headers["x-request-id"],
      text,
      retryAfterMs: retryAfter === undefined ? undefined : Number(retryAfter) * 1000,
      input: {},
      redact: (text) => text
    })
    assert.isDefined(error)
    const envelope = Schema.decodeUnknownOption(Envelope, { onExcessProperty: "error" })(response.body)
    const code = Option.match(envelope, { onNone: () => "unknown", onSome: ({ code }) => code })
    assert.strictEqual(
      error._tag,
      response.status === 404 && code === "not_found" ? "VersionMismatch" : tagOf[response.status]
    )
    if (!("code" in error)) return assert.fail("no error of a call")
    assert.strictEqual(error.code, code)
    assert.strictEqual(error.requestId, response.headers["x-request-id"])
    assert.match(error.requestId ?? "", /^[0-9a-f]{8}-/)
    if (Option.isSome(envelope)) assert.strictEqual(error.detail, envelope.value.error)
    else if (text !== "") assert.strictEqual(error.detail, text)
    if (error._tag === "RateLimited") assert.isAbove(error.retryAfterMs ?? 0, 0)
    if (error._tag === "InvalidInput") assert.isNotEmpty(error.issues)
  })

  it("are told apart where the server joins them", () => {
    const joined = refused.find(({ case: name }) => name === "execute-wrong-type")
    assert.isDefined(joined)
    const error = toError({
      operation: "",
      method: "",
      route: "",
      status: joined.response.status,
      requestId: undefined,
      text: JSON.stringify(joined.response.body),
      retryAfterMs: undefined,
      input: {},
      redact: (text) => text
    })
    if (error?._tag !== "InvalidInput") return assert.fail("no InvalidInput")
    assert.deepStrictEqual(error.issues.map(({ path }) => path), ["region", "batch_size"])
  })
})

/** A context that is no object is accepted and ignored by the server; the SDK does not let one write it. */
const notOurs = "execute-context-not-object"

describe("golden requests", () => {
  const bodies = exchanges.filter(({ request, response }) => "body" in request && response.status < 300)

  it.each(bodies.filter((exchange) => exchange.case !== notOurs))(
    "$name is what our model encodes to",
    ({ request }) => {
      const endpoint = endpointOf(request)
      assert.isDefined(endpoint)
      const schema = schemaOf(Option.getOrThrow(endpoint.payloadSchema))
      const decoded = Schema.decodeUnknownSync(schema)(request.body)
      assert.deepStrictEqual(
        withoutNulls(sent(Schema.encodeUnknownSync(schema)(decoded))),
        withoutNulls(request.body)
      )
    }
  )

  it("that the SDK does not allow are refused by its model", () => {
    const request = Golden.get(notOurs).exchanges[0]?.request
    assert.isDefined(request)
    const endpoint = endpointOf(request)
    assert.isDefined(endpoint)
    const schema = schemaOf(Option.getOrThrow(endpoint.payloadSchema))
    assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(schema)(request.body)))
  })
})

const ServerFrame = Schema.Union(Delivery.Welcome, Delivery.PushFrame)
const ClientFrame = Schema.Union(Delivery.Hello, Delivery.Ack)

const payloadSchema = (kind: unknown): Schema.Schema<unknown, unknown> => {
  switch (kind) {
    case "execution_event":
      return Schema.make(Delivery.ExecutionEventPush.ast)
    case "ops_metrics":
      return Schema.make(Delivery.OpsMetrics.ast)
    case "agent_work":
      return Schema.make(AgentProtocol.WorkPacket.ast)
    default:
      return assert.fail(`no payload is known for ${String(kind)}`)
  }
}

const delivered = frames.filter(({ from, json, path }) =>
  from === "server" && json !== undefined && path.startsWith("/v1/ws/delivery/")
)
const reactions = frames.filter(({ from, json, path }) =>
  from === "server" && json !== undefined && path.startsWith("/v1/ws/reactor/")
)

describe("golden frames", () => {
  it.each(delivered)("$name: a frame of the delivery socket decodes, with its payload", ({ json, payload }) => {
    const decoded = Schema.decodeUnknownSync(ServerFrame)(json)
    assert.deepStrictEqual(sent(Schema.encodeSync(ServerFrame)(decoded)), json)
    if (decoded.type === "welcome") return
    const carried: unknown = JSON.parse(new TextDecoder().decode(Golden.fromBase64(decoded.payload_b64)))
    assert.deepStrictEqual(carried, payload)
    const schema = payloadSchema(decoded.kind)
    assert.deepStrictEqual(sent(Schema.encodeSync(schema)(Schema.decodeUnknownSync(schema)(carried))), carried)
  })

  it.each(reactions)("$name: an answer of the reactor socket decodes", ({ json }) => {
    const decoded = Schema.decodeUnknownSync(Delivery.ReactorResponse)(json)
    assert.deepStrictEqual(sent(Schema.encodeSync(Delivery.ReactorResponse)(decoded)), json)
  })

  it("of clients are what our models encode to, where the server took them", () => {
    const taken = Golden.cases.flatMap(({ websockets }) => websockets).filter(({ close }) =>
      close?.code !== 4400 && close?.code !== 4426
    )
    const hellos = taken.flatMap(({ frames, request }) =>
      request.path.startsWith("/v1/ws/delivery/") ? frames.filter(({ from }) => from === "client") : []
    ).filter(({ json }) => json !== undefined)
    assert.isAbove(hellos.length, 20)
    for (const { json } of hellos) {
      const decoded = Schema.decodeUnknownSync(ClientFrame)(json)
      assert.deepStrictEqual(withoutNulls(sent(Schema.encodeSync(ClientFrame)(decoded))), withoutNulls(json))
    }
    const commands = frames.filter(({ from, json, path }) =>
      from === "client" && path.startsWith("/v1/ws/reactor/") && isRecord(json) && json["command"] !== undefined
      && json["command"] !== "explode" && !(json["command"] === "fire_with" && json["cache"] === undefined)
    )
    assert.isAbove(commands.length, 8)
    for (const { json } of commands) {
      const decoded = Schema.decodeUnknownSync(Delivery.ReactorCommand)(json)
      assert.deepStrictEqual(sent(Schema.encodeSync(Delivery.ReactorCommand)(decoded)), json)
    }
  })
})
