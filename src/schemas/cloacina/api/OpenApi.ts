/**
 * The declarations as an OpenAPI 3.1 document: the 59 operations that the server's own document has (contract 4.15). A
 * test compares the two; the emulator serves this one.
 *
 * @since 0.1.0
 */
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { NullableId } from "../../core/Wire.js"
import * as AccountModels from "../Accounts.js"
import * as ExecutionModels from "../Executions.js"
import * as FleetModels from "../Fleet.js"
import * as GraphModels from "../Graphs.js"
import * as InstanceModels from "../Instances.js"
import * as KeyModels from "../Keys.js"
import * as SecretModels from "../Secrets.js"
import * as SessionModels from "../Sessions.js"
import * as SlotModels from "../Slots.js"
import * as TenantModels from "../Tenants.js"
import * as TriggerModels from "../Triggers.js"
import * as WorkflowModels from "../Workflows.js"
import * as Accounts from "./Accounts.js"
import * as Executions from "./Executions.js"
import * as Fleet from "./Fleet.js"
import * as Graphs from "./Graphs.js"
import * as Health from "./Health.js"
import * as Instances from "./Instances.js"
import * as Keys from "./Keys.js"
import * as Secrets from "./Secrets.js"
import * as Sessions from "./Sessions.js"
import * as Tenants from "./Tenants.js"
import * as Triggers from "./Triggers.js"
import * as Workflows from "./Workflows.js"

interface WithAst {
  readonly ast: AST.AST
}

/** What this module reads of a declared endpoint. */
interface Operation {
  readonly isPublic: boolean
  readonly endpoint: {
    readonly path: string
    readonly method: string
    readonly pathSchema: Option.Option<WithAst>
    readonly urlParamsSchema: Option.Option<WithAst>
    readonly payloadSchema: Option.Option<WithAst>
    readonly successSchema: WithAst
  }
}

/** By the ids that the server's document gives them. */
const operations: Readonly<Record<string, Operation>> = {
  health: Health.health,
  ready: Health.ready,
  create_key: Keys.create,
  list_keys: Keys.listAll,
  revoke_key: Keys.revoke,
  create_tenant_key: Keys.createInTenant,
  list_tenant_keys: Keys.listInTenant,
  revoke_tenant_key: Keys.revokeInTenant,
  create_ws_ticket: Keys.ticket,
  local_login: Sessions.login,
  refresh: Sessions.refresh,
  logout: Sessions.logout,
  whoami: Sessions.whoami,
  create_account: Accounts.create,
  list_accounts: Accounts.listAll,
  disable_account: Accounts.disable,
  reset_password: Accounts.resetPassword,
  create_tenant: Tenants.create,
  list_tenants: Tenants.listAll,
  remove_tenant: Tenants.remove,
  create_secret: Secrets.create,
  list_secrets: Secrets.listAll,
  get_secret: Secrets.get,
  rotate_secret: Secrets.rotate,
  delete_secret: Secrets.remove,
  upload_workflow: Workflows.upload,
  list_workflows: Workflows.listAll,
  get_workflow: Workflows.get,
  get_workflow_source: Workflows.source,
  pause_workflow: Workflows.pause,
  resume_workflow: Workflows.resume,
  delete_workflow: Workflows.remove,
  create_instance: Instances.create,
  list_instances: Instances.listAll,
  get_instance: Instances.get,
  delete_instance: Instances.remove,
  execute_workflow: Executions.execute,
  list_executions: Executions.listAll,
  get_execution: Executions.get,
  get_execution_events: Executions.events,
  get_execution_tasks: Executions.tasks,
  list_triggers: Triggers.listAll,
  get_trigger: Triggers.get,
  pause_trigger: Triggers.pause,
  resume_trigger: Triggers.resume,
  fire_trigger: Triggers.fire,
  get_trigger_interface: Triggers.surface,
  list_accumulators: Graphs.listAccumulators,
  inject_accumulator: Graphs.inject,
  get_accumulator_interface: Graphs.accumulatorSurface,
  list_reactors: Graphs.listReactors,
  fire_reactor: Graphs.fire,
  list_reactor_fires: Graphs.fires,
  reactor_fire_timeseries: Graphs.timeseries,
  get_reactor_interface: Graphs.reactorSurface,
  list_graphs: Graphs.listGraphs,
  get_graph: Graphs.getGraph,
  list_agents: Fleet.listAgents,
  compiler_status: Fleet.compiler
}

type Json = { readonly [key: string]: unknown }

const modules: ReadonlyArray<Readonly<Record<string, unknown>>> = [
  AccountModels,
  ExecutionModels,
  FleetModels,
  GraphModels,
  InstanceModels,
  KeyModels,
  SecretModels,
  SessionModels,
  SlotModels,
  TenantModels,
  TriggerModels,
  WorkflowModels
]

/** The structs that have a name become components. */
const names: ReadonlyMap<AST.AST, string> = new Map(
  modules.flatMap((module) =>
    Object.entries(module).flatMap(([name, value]) =>
      Schema.isSchema(value) && AST.isTypeLiteral(value.ast) ? [[value.ast, name] as const] : []
    )
  )
)

const jsonSchemaOf = (ast: AST.AST): Option.Option<object> => AST.getJSONSchemaAnnotation(ast)

/** Open enums are text: the values of today are only described. */
const ofAnnotation = (schema: object): Json =>
  "enum" in schema && Array.isArray(schema.enum)
    ? { type: "string", description: `One of ${schema.enum.join(", ")}, or what a later server knows.` }
    : { ...schema }

const typeOfLiteral = (value: AST.LiteralValue): string => value === null ? "null" : typeof value

const nullable = (schema: Json): Json =>
  typeof schema["type"] === "string"
    ? { ...schema, type: [schema["type"], "null"] }
    : Object.keys(schema).length === 0
    ? schema
    : { oneOf: [{ type: "null" }, schema] }

/** Members that may be absent: `nullable`, `absent` and `defaulted` of Wire, and optional ones. */
const isOptional = (signature: AST.PropertySignature): boolean =>
  signature.isOptional || AST.isDeclaration(signature.type) && signature.type.typeParameters.length > 0

const members = (ast: AST.Union): ReadonlyArray<AST.AST> => ast.types.filter((type) => !AST.isUndefinedKeyword(type))

const ofUnion = (ast: AST.Union, used: Set<AST.AST>): Json => {
  const types = members(ast)
  const literals = types.filter(AST.isLiteral)
  const [first] = types
  if (types.length === 1 && first !== undefined) return schemaOf(first, used)
  return literals.length === types.length
    ? { type: "string", enum: literals.map(({ literal }) => literal) }
    : { oneOf: types.map((type) => schemaOf(type, used)) }
}

const structOf = (ast: AST.TypeLiteral, used: Set<AST.AST>): Json => {
  const required = ast.propertySignatures.filter((signature) => !isOptional(signature)).map(({ name }) => String(name))
  return {
    type: "object",
    ...(ast.propertySignatures.length === 0 ? {} : {
      properties: Object.fromEntries(
        ast.propertySignatures.map(({ name, type }) => [String(name), schemaOf(type, used)])
      )
    }),
    ...(required.length === 0 ? {} : { required }),
    ...(ast.indexSignatures[0] === undefined
      ? {}
      : { additionalProperties: schemaOf(ast.indexSignatures[0].type, used) })
  }
}

/** The wire side of a schema; `used` collects the components that it refers to. */
const schemaOf = (ast: AST.AST, used: Set<AST.AST>): Json => {
  const annotation = jsonSchemaOf(ast)
  if (Option.isSome(annotation)) return ofAnnotation(annotation.value)
  const name = names.get(ast)
  if (name !== undefined) {
    used.add(ast)
    return { $ref: `#/components/schemas/${name}` }
  }
  switch (ast._tag) {
    case "StringKeyword":
      return { type: "string" }
    case "NumberKeyword":
      return { type: "number" }
    case "BooleanKeyword":
      return { type: "boolean" }
    case "Literal":
      return { type: typeOfLiteral(ast.literal), enum: [ast.literal] }
    case "Refinement":
    case "Transformation":
      return schemaOf(ast.from, used)
    case "Declaration": {
      const [inner] = ast.typeParameters
      if (inner === undefined) return {}
      return Option.isSome(AST.getAnnotation(ast, NullableId)) ? nullable(schemaOf(inner, used)) : schemaOf(inner, used)
    }
    case "Union":
      return ofUnion(ast, used)
    case "TupleType":
      return { type: "array", items: ast.rest[0] === undefined ? {} : schemaOf(ast.rest[0].type, used) }
    case "TypeLiteral":
      return structOf(ast, used)
    default:
      return {}
  }
}

const parametersOf = (where: "path" | "query", schema: Option.Option<WithAst>, used: Set<AST.AST>) =>
  Option.match(schema, {
    onNone: () => [],
    onSome: ({ ast }) =>
      AST.getPropertySignatures(ast).map((signature) => ({
        name: String(signature.name),
        in: where,
        required: !isOptional(signature),
        schema: schemaOf(signature.type, used)
      }))
  })

const isForm = (ast: AST.AST): boolean => ast === WorkflowModels.PackageForm.ast

const responsesOf = ({ endpoint, isPublic }: Operation, used: Set<AST.AST>): Json => {
  const { ast } = endpoint.successSchema
  const types = AST.isUnion(ast) ? ast.types : [ast]
  return {
    ...Object.fromEntries(types.map((type) => [
      String(HttpApiSchema.getStatusSuccessAST(type)),
      { description: "success", content: { "application/json": { schema: bare(type, used) } } }
    ])),
    ...(isPublic ? {} : {
      default: {
        description: "an error; those of the framework are plain text",
        content: { "application/json": { schema: { $ref: "#/components/schemas/ErrorBody" } } }
      }
    })
  }
}

/** A status makes a copy of a schema, which has lost its name. */
const bare = (ast: AST.AST, used: Set<AST.AST>): Json => {
  const original = AST.isTypeLiteral(ast)
    ? [...names.keys()].find((named) => AST.isTypeLiteral(named) && named.propertySignatures === ast.propertySignatures)
    : undefined
  return schemaOf(original ?? ast, used)
}

const operationOf = (operationId: string, operation: Operation, used: Set<AST.AST>): Json => {
  const { endpoint, isPublic } = operation
  return {
    operationId,
    parameters: [
      ...parametersOf("path", endpoint.pathSchema, used),
      ...parametersOf("query", endpoint.urlParamsSchema, used)
    ],
    ...Option.match(endpoint.payloadSchema, {
      onNone: () => ({}),
      onSome: ({ ast }) => ({
        requestBody: {
          required: true,
          content: { [isForm(ast) ? "multipart/form-data" : "application/json"]: { schema: schemaOf(ast, used) } }
        }
      })
    }),
    responses: responsesOf(operation, used),
    ...(isPublic ? {} : { security: [{ api_key: [] }] })
  }
}

/**
 * The document. `version` is what `info.version` says.
 *
 * @since 0.1.0
 * @category constructors
 */
export const openApi = (version: string): Readonly<Record<string, unknown>> => {
  const used = new Set<AST.AST>()
  const paths: Record<string, Record<string, Json>> = {}
  for (const [operationId, operation] of Object.entries(operations)) {
    const path = operation.endpoint.path.replace(/:(\w+)/g, "{$1}")
    paths[path] = {
      ...paths[path],
      [operation.endpoint.method.toLowerCase()]: operationOf(operationId, operation, used)
    }
  }
  const schemas: Record<string, Json> = {
    ErrorBody: {
      type: "object",
      properties: { error: { type: "string" }, code: { type: "string" } },
      required: ["error", "code"]
    }
  }
  // A component may refer to others, which the set gives after it.
  for (const ast of used) {
    const name = names.get(ast)
    if (name !== undefined && AST.isTypeLiteral(ast)) schemas[name] = structOf(ast, used)
  }
  return {
    openapi: "3.1.0",
    info: { title: "cloacina-server API", version },
    paths,
    components: {
      schemas,
      securitySchemes: { api_key: { type: "http", scheme: "bearer" } }
    }
  }
}
