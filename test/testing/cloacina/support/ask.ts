/** Requests to an emulator in memory, by hand. */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as CloacinaTesting from "../../../../src/cloacina/testing.js"

export const god = "god"

/** An emulator without services; time stands until a test turns it. */
export const emulator = (options: CloacinaTesting.Options = {}) =>
  CloacinaTesting.layerHttpClient({ key: Redacted.make(god), ...options, time: "manual" })

export interface Asked {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Of a body in JSON: the member with this name, `undefined` without one. */
  readonly member: (name: string) => unknown
}

const memberOf = (text: string) => (name: string): unknown => {
  const value: unknown = JSON.parse(text)
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)).get(name) : undefined
}

/** `body` is sent as JSON, `text` as it is. */
export const ask = (method: HttpMethod, path: string, options: {
  readonly key?: string
  readonly body?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
} = {}) =>
  Effect.gen(function*() {
    const http = yield* HttpClient.HttpClient
    const sent = options.text ?? (options.body === undefined ? undefined : JSON.stringify(options.body))
    const bare = HttpClientRequest.make(method)(`http://127.0.0.1:8080${path}`, {
      headers: {
        ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
        ...(sent === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers
      }
    })
    const request = sent === undefined
      ? bare
      : HttpClientRequest.bodyText(bare, sent, options.headers?.["content-type"] ?? "application/json")
    const answer = yield* http.execute(request)
    const text = yield* answer.text
    return { status: answer.status, headers: answer.headers, text, member: memberOf(text) } satisfies Asked
  }).pipe(Effect.scoped, Effect.orDie)

/** Status and code. */
export const codeOf = (asked: Asked): readonly [number, unknown] => [asked.status, asked.member("code")]
