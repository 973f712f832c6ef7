import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { KeyRole } from "../../../schemas/cloacina/Keys.js"
import type { Declared } from "../../../schemas/core/Endpoint.js"
import type { CommonError } from "../../../schemas/core/Errors.js"
import { InvalidInput } from "../../../schemas/core/Errors.js"
import * as Paginate from "../../../streams/core/Paginate.js"
import type { AnyEndpoint, Input, InputOf, SuccessOf } from "../../core/Codec.js"
import type { CallInfo } from "../../core/Plane.js"
import * as Transport from "../../core/Transport.js"
import type { Client, TenantOptions } from "../Client.js"
import { tenantOf } from "../Client.js"

/** The largest page that the server gives (contract 2.5). */
const largestPage = 1000

/** How many keys an iteration remembers: its memory is the same for a hundred items and for a million. */
const keptKeys = 10_000

/** New items at the head shift the pages: one may hold nothing new, and the next one does. */
const maxRepeats = 100

/** What the official clients wait for an answer (contract 2.4). */
const requestTimeout = "30 seconds"

const isRole = Schema.is(KeyRole)

/**
 * The calls of one area. An endpoint without a tenant is called by `unary`; `tenant` is the same for those that have
 * one: what it makes takes the input as a function of the tenant, which is the call's own, the region's or the client's.
 */
export const make = (client: Client.Service, area: string) => {
  const transport = Transport.make(client, area)

  const unary: typeof transport.unary = (name, declared, settings) =>
    transport.unary(name, declared, { total: requestTimeout, ...settings })

  const tenant = <Endpoint extends AnyEndpoint, E extends { readonly _tag: string }>(
    name: string,
    declared: Declared<Endpoint, E>,
    settings?: Transport.Settings<Endpoint>
  ) => {
    const call = unary(name, declared, settings)
    return (
      input: (tenant_id: string) => InputOf<Endpoint> & Input,
      options?: TenantOptions
    ): Effect.Effect<SuccessOf<Endpoint>, E | CommonError | InvalidInput> =>
      Effect.flatMap(tenantOf(client, options), (tenant_id) => call(input(tenant_id), options))
  }

  /** Of the errors of a method that sends nothing, or makes something else of an answer. */
  const info = (name: string, declared: Parameters<typeof Transport.callInfo>[3]): CallInfo =>
    Transport.callInfo(client, area, name, declared)

  /** Refuses a text that is no role: the server takes it for `admin` or for `read`, and not every program is compiled. */
  const withRole = <A, E>(
    at: CallInfo,
    role: unknown,
    call: Effect.Effect<A, E>
  ): Effect.Effect<A, E | InvalidInput> =>
    isRole(role) ? call : Effect.fail(invalid(at, "role", "must be read, write or admin"))

  return { ...transport, unary, tenant, info, withRole }
}

/** An input that the SDK refuses before any request. */
export const invalid = (info: CallInfo, path: string, message: string): InvalidInput =>
  new InvalidInput({ ...info, detail: `invalid input: ${path}: ${message}`, issues: [{ path, message }] })

/** A value that nobody prints from here on. */
export const redacted = (value: string | Redacted.Redacted): Redacted.Redacted =>
  Redacted.isRedacted(value) ? value : Redacted.make(value)

/** The items of a list response; `total` is only their number (contract 2.5). */
export const itemsOf = <Item>(list: { readonly items: ReadonlyArray<Item> }): ReadonlyArray<Item> => list.items

/**
 * All items of a paged list, each once as far as the latest 10,000 tell, a page at a time as they are consumed; over
 * after a page that is not full (contract 7.3).
 */
export const iterate = <Item, E>(
  info: CallInfo,
  options: {
    readonly pageSize: number | undefined
    readonly fetch: (page: { readonly limit: number; readonly offset: number }) => Effect.Effect<ReadonlyArray<Item>, E>
    readonly keyOf: (item: Item) => string
  }
): Stream.Stream<Item, E | InvalidInput> => {
  const limit = options.pageSize ?? 100
  return Number.isInteger(limit) && limit >= 1 && limit <= largestPage
    ? Paginate.byOffset({
      fetch: (offset) => options.fetch({ limit, offset }),
      limit,
      isLast: (count) => count < limit,
      keyOf: options.keyOf,
      window: keptKeys,
      maxRepeats
    })
    : Stream.fail(invalid(info, "pageSize", `must be a whole number from 1 to ${largestPage}`))
}
