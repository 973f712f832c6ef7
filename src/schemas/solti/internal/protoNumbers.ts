/**
 * Numbers as protobuf has them: integers that fit, enum values by their numbers.
 */
import * as Schema from "effect/Schema"
import type { OpenEnum, OpenEnumSchema } from "../../core/Wire.js"
import { OutputStream } from "../Logs.js"
import { AdmissionStrategy, JitterStrategy, RestartStrategy, ScriptRuntime, TaskStatus } from "../Tasks.js"

export const maxUInt64 = 18446744073709551615n

const clamp = (value: bigint, min: bigint, max: bigint): bigint => value < min ? min : value > max ? max : value

// Numbers that do not fit would make the writer throw in the middle of an answer.
export const uint64 = (value: bigint): bigint => clamp(value, 0n, maxUInt64)

export const int64 = (value: bigint): bigint => clamp(value, -9223372036854775808n, 9223372036854775807n)

const whole = (value: number, min: number, max: number): number =>
  Number.isNaN(value) ? 0 : Math.trunc(Math.min(Math.max(value, min), max))

export const uint32 = (value: number): number => whole(value, 0, 4294967295)

export const int32 = (value: number): number => whole(value, -2147483648, 2147483647)

// The bounds are beyond all 64-bit integers; infinities have no bigint.
export const big = (value: number): bigint => BigInt(whole(value, -1e20, 1e20))

/** The numbers of an enum, by its places in `known`; numbers and values of later versions stay what they are. */
const enumeration = <Known extends string>(
  schema: OpenEnumSchema<Known>,
  known: ReadonlyArray<Known | undefined> = schema.known
) => {
  const numbers = new Map<unknown, number>(known.map((name, number) => [name, number]))
  const raw = Schema.decodeSync(schema)
  return {
    known: schema.known,
    fromNumber: (number: number): OpenEnum<Known> => known[number] ?? raw(number),
    toNumber: (value: OpenEnum<Known>): number | undefined =>
      numbers.get(value) ?? (typeof value === "number" && (value | 0) === value ? value : undefined)
  }
}

export const restarts = enumeration(RestartStrategy)

export const jitters = enumeration(JitterStrategy)

export const admissions = enumeration(AdmissionStrategy)

export const runtimes = enumeration(ScriptRuntime)

export const streams = enumeration(OutputStream, [undefined, "stdout", "stderr"])

export const statuses = enumeration(TaskStatus)
