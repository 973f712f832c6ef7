import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { ticket as ticketEndpoint } from "../../../schemas/cloacina/api/Keys.js"
import type { Declared } from "../../../schemas/core/Endpoint.js"
import type { CommonError, InvalidInput } from "../../../schemas/core/Errors.js"
import { TransportError, Unauthorized, UnexpectedStatus } from "../../../schemas/core/Errors.js"
import { isPassing } from "../../../streams/cloacina/Delivery.js"
import type { Connection } from "../../../streams/core/Connection.js"
import * as CallOptions from "../../core/CallOptions.js"
import type { AnyEndpoint, Input, InputOf } from "../../core/Codec.js"
import * as Redirect from "../../core/Redirect.js"
import * as Transport from "../../core/Transport.js"
import * as Upgrade from "../../core/Upgrade.js"
import type { Client } from "../Client.js"
import type { SocketOptions } from "../SocketOptions.js"

/** Why a socket did not open. */
export interface OpenFailed {
  readonly error: InvalidInput | CommonError
  readonly verdict: "reconnect" | "fail"
  readonly ticketRefused: boolean
}

/** The code of the error where there is nothing to open sockets with. */
const noWebSocket = "NO_WEB_SOCKET"

/** Where the owner of a reactor is, by the redirect of another replica: its path is wrong by one letter (contract 6.6). */
const ownerOf = (location: string | undefined): URL | undefined => {
  const url = Option.getOrUndefined(Option.liftThrowable(() => new URL(location ?? ""))())
  if (url === undefined || url.protocol !== "http:" && url.protocol !== "https:") return undefined
  return url.username === "" && url.password === "" ? url : undefined
}

/** The same path at another origin, without the prefix of the proxy that the first one is reached through. */
const moved = (url: string, baseUrl: string, owner: URL): string => {
  const prefix = owner.pathname.match(/^(.*?)\/v1\//)?.[1] ?? ""
  return `${owner.origin}${prefix}${url.slice(baseUrl.length)}`
}

/** What opens the sockets of an endpoint, in the name of a method of an area. */
export const opener = <Endpoint extends AnyEndpoint>(
  client: Client.Service,
  area: string,
  name: string,
  declared: Declared<Endpoint, never>,
  settings?: { readonly followsOwner?: boolean }
) => {
  const callTicket = Transport.make(client, area).unary("ticket", ticketEndpoint)
  const info = Transport.callInfo(client, area, name, declared)
  const upgrade = Upgrade.make(client, info, declared)

  const open = (
    input: InputOf<Endpoint> & Input,
    options: SocketOptions | undefined
  ): Effect.Effect<Connection, OpenFailed, Scope.Scope> => {
    const fail = (error: OpenFailed["error"], verdict: OpenFailed["verdict"] = "fail") =>
      Effect.fail<OpenFailed>({ error, verdict, ticketRefused: false })

    if (Option.isNone(client.webSockets)) {
      return fail(
        new TransportError({
          ...info,
          phase: "request",
          code: noWebSocket,
          detail: "there is no WebSocket here: provide the one of effect-switchyard/node"
        })
      )
    }
    const webSockets = client.webSockets.value
    const url = upgrade.url(input)
    if (Either.isLeft(url)) return fail(url.left)

    const ticket = callTicket({}, options).pipe(
      Effect.mapError((error): OpenFailed => ({
        error,
        verdict: isPassing(error) ? "reconnect" : "fail",
        ticketRefused: false
      })),
      Effect.map(({ ticket }) => Redacted.value(ticket))
    )
    const key = Effect.flatMap(client.token, (token) =>
      Option.isSome(token)
        ? Effect.succeed(token.value)
        : fail(new Unauthorized({ ...info, detail: "no credential is configured; nothing was sent" })))

    const attempt = (
      at: string,
      own: Record<string, string>,
      hops: number
    ): Effect.Effect<Connection, OpenFailed, Scope.Scope> => {
      const usesHeader = options?.authorization === "header" && webSockets.sendsHeaders
      const credential: Effect.Effect<{ readonly key?: Redacted.Redacted; readonly ticket?: string }, OpenFailed> =
        usesHeader ? Effect.map(key, (key) => ({ key })) : Effect.map(ticket, (ticket) => ({ ticket }))

      return Effect.flatMap(credential, ({ key, ticket }) =>
        upgrade.open(webSockets, {
          url: ticket === undefined ? at : `${at}?token=${encodeURIComponent(ticket)}`,
          headers: key === undefined ? own : { ...own, authorization: `Bearer ${Redacted.value(key)}` },
          openTimeout: options?.openTimeout ?? "10 seconds",
          keepAlive: options?.keepAlive ?? "25 seconds",
          highWater: options?.highWater ?? 1024,
          secrets: [
            ...Object.values(own),
            ...ticket === undefined ? [] : [ticket],
            ...key === undefined ? [] : [Redacted.value(key)]
          ]
        }).pipe(Effect.catchAll(({ error, refusal }) => {
          const status = Option.getOrUndefined(refusal)?.status
          if (status === 307 && settings?.followsOwner === true) {
            const owner = ownerOf(Option.getOrUndefined(refusal)?.headers["location"])
            if (owner === undefined || client.mayFollow?.(owner) !== true || hops === 0) {
              return fail(
                new UnexpectedStatus({
                  ...info,
                  status,
                  requestId: error.requestId,
                  detail: hops === 0
                    ? `redirected more than ${Redirect.hops} times`
                    : "redirected to where the key must not be sent"
                })
              )
            }
            // The first ticket is used up; any replica hands out the next.
            return attempt(moved(url.right, client.baseUrl, owner), own, hops - 1)
          }
          if (status === 401 && key !== undefined) {
            return Effect.flatMap(
              client.isReplaced?.(key) ?? Effect.succeed(false),
              (isReplaced) => fail(error, isReplaced ? "reconnect" : "fail")
            )
          }
          return Effect.fail<OpenFailed>({
            error,
            verdict: status === 401 || isPassing(error) ? "reconnect" : "fail",
            ticketRefused: status === 401
          })
        })))
    }

    return Effect.withFiberRuntime((fiber) => {
      const region = fiber.getFiberRef(CallOptions.currentCallOptions)
      const { headers } = CallOptions.merge(CallOptions.merge(client.options, region), options ?? {})
      const own: Record<string, string> = {}
      for (const [name, value] of Object.entries(webSockets.sendsHeaders ? headers ?? {} : {})) {
        if (name === "authorization" || value === undefined) continue
        own[name] = Redacted.isRedacted(value) ? Redacted.value(value) : value
      }
      return attempt(url.right, own, Redirect.hops)
    })
  }

  return { info, open }
}
