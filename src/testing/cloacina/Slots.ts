/**
 * Declared inputs and what may be bound to them (contract 4.9/41, 5.4).
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import type { Reader } from "../../schemas/core/StrictJson.js"
import * as Body from "./Body.js"
import type { Param, Values } from "./Script.js"

/**
 * A slot as on the wire: no `default` member where there is none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Slot {
  readonly name: string
  readonly schema: Values
  readonly required: boolean
  readonly default?: unknown
  readonly encrypted: boolean
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const slotOf = (param: Param): Slot => ({
  name: param.name,
  schema: param.schema,
  required: param.required,
  ...("default" in param ? { default: param.default } : {}),
  encrypted: param.encrypted
})

/**
 * Whether a value is a JSON object.
 *
 * @since 0.1.0
 * @category utils
 */
export const isObject = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const typeOf = (value: unknown): string => value === null ? "null" : Array.isArray(value) ? "array" : typeof value

const isOf = (type: string, value: unknown, isFloat: boolean): boolean => {
  switch (type) {
    case "integer":
      return Number.isInteger(value) && !isFloat
    case "string":
    case "number":
    case "boolean":
    case "array":
    case "object":
    case "null":
      return typeOf(value) === type
    default:
      return true
  }
}

/**
 * What is wrong with the type of a value, only the top-level `type` of the schema counts; `undefined` if nothing is.
 * `isFloat`: the number was written with a fraction, `7.0`, and is no integer.
 *
 * @since 0.1.0
 * @category utils
 */
export const typeFault = (schema: unknown, value: unknown, isFloat = false): string | undefined => {
  const type = isObject(schema) ? schema["type"] : undefined
  return typeof type === "string" && !isOf(type, value, isFloat)
    ? `expects type '${type}', got ${typeOf(value)}`
    : undefined
}

const isReference = (value: unknown): boolean =>
  isObject(value) && Object.keys(value).length === 1 && typeof value["$secret"] === "string"

/**
 * Values as they came: `floats` names the numbers that were written with a fraction. What is no object counts as nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Input {
  readonly value: unknown
  readonly floats: ReadonlySet<string>
}

/**
 * Values in a body.
 *
 * @since 0.1.0
 * @category fields
 */
export const input: Body.Field<Input> = {
  read: (reader: Reader): Input => {
    if (reader.peek() !== "object") return { value: Body.any.read(reader), floats: new Set() }
    const members = new Map<string, unknown>()
    const floats = new Set<string>()
    reader.object((name) => {
      floats.delete(name)
      if (reader.peek() === "number") {
        const token = Body.numberToken(reader)
        if (!Body.isWhole(token)) floats.add(name)
        members.set(name, Number(token))
      } else members.set(name, Body.any.read(reader))
    })
    return { value: Object.fromEntries(members), floats }
  },
  absent: undefined
}

/**
 * The values of an input that is an object.
 *
 * @since 0.1.0
 * @category utils
 */
export const valuesOf = (input: Input | undefined): Values | undefined =>
  isObject(input?.value) ? input.value : undefined

/**
 * What is wrong with this input, in the words of the server.
 *
 * @since 0.1.0
 * @category utils
 */
export const faultsOf = (slots: ReadonlyArray<Slot>, input: Input | undefined): ReadonlyArray<string> => {
  const values = valuesOf(input) ?? {}
  return slots.flatMap((slot) => {
    if (!Object.hasOwn(values, slot.name)) {
      return slot.required && !("default" in slot) ? [`missing required param '${slot.name}'`] : []
    }
    const value = values[slot.name]
    if (slot.encrypted) {
      return isReference(value)
        ? []
        : [`secret '${slot.name}' must be bound via {"$secret": "name"}, not a literal value`]
    }
    const fault = typeFault(slot.schema, value, input?.floats.has(slot.name))
    return fault === undefined ? [] : [`param '${slot.name}' ${fault}`]
  })
}

/**
 * Values with the references to secrets taken out: the name of the parameter with that of its secret.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bound {
  readonly context: Values
  readonly secrets: ReadonlyMap<string, string>
}

/** Keys that the scheduler sets; a binding cannot. */
const reserved = new Set([
  "scheduled_time",
  "schedule_id",
  "schedule_timezone",
  "schedule_expression",
  "trigger_name",
  "triggered_at"
])

/** What is wrong with an object that has the key `$secret`. */
const referenceFault = (value: Values): string | undefined =>
  Object.keys(value).length !== 1
    ? "a '$secret' reference object must contain only the '$secret' key"
    : typeof value["$secret"] === "string" && value["$secret"] !== ""
    ? undefined
    : "'$secret' must reference a non-empty secret name string"

/**
 * Binds values as execute and instances do: reserved keys are dropped, secrets set apart. Fails with what is wrong with a
 * reference.
 *
 * @since 0.1.0
 * @category constructors
 */
export const bind = (values: Values): Either.Either<Bound, string> => {
  const context = new Map<string, unknown>()
  const secrets = new Map<string, string>()
  for (const [name, value] of Object.entries(values)) {
    if (reserved.has(name)) continue
    if (name === "__cloacina_secret_refs__") {
      return Either.left(`instance param '${name}' collides with the reserved secret-reference key`)
    }
    if (!isObject(value) || !Object.hasOwn(value, "$secret")) {
      context.set(name, value)
      continue
    }
    const fault = referenceFault(value)
    if (fault !== undefined) return Either.left(`instance param '${name}' has a malformed secret reference: ${fault}`)
    secrets.set(name, String(value["$secret"]))
  }
  return Either.right({ context: Object.fromEntries(context), secrets })
}
