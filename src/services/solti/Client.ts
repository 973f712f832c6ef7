/**
 * The Solti plane: where it is, how to get in, and what its answers mean.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { CommonError, InvalidInput } from "../../schemas/core/Errors.js"
import {
  Conflict,
  Forbidden,
  Internal,
  InvalidInput as InvalidInputError,
  InvalidOptions,
  PayloadTooLarge,
  RateLimited,
  Unauthorized,
  Unavailable,
  VersionMismatch
} from "../../schemas/core/Errors.js"
import { ErrorEnvelope, TaskNotFound } from "../../schemas/solti/Errors.js"
import * as BaseUrl from "../core/BaseUrl.js"
import type { CallOptions } from "../core/CallOptions.js"
import type { Answer, Plane } from "../core/Plane.js"
import { excerpt } from "../core/Redaction.js"

/**
 * How to reach a Solti server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** For example `http://127.0.0.1:8085`; a path is kept as a prefix of every route. */
  readonly url: string
  /** Sent as a bearer token, when given. An effect is run again for every attempt, so that it may rotate. */
  readonly token?: Redacted.Redacted | Effect.Effect<Redacted.Redacted> | undefined
  /** A token travels over plain `http` to loopback only, unless this says otherwise. Default false. */
  readonly allowInsecureToken?: boolean | undefined
  /** Time-outs, retries and headers of all calls. */
  readonly options?: CallOptions | undefined
  /** Whether `traceparent` and `b3` are sent; servers of this plane do not read them. Default false. */
  readonly propagateTrace?: boolean | undefined
}

/** The errors that only some endpoints of this plane have. */
type SoltiError = InvalidInput | TaskNotFound | Conflict | PayloadTooLarge

/**
 * The connection that the services of the plane share.
 *
 * @since 0.1.0
 * @category context
 */
export class Client extends Context.Tag("effect-switchyard/solti/Client")<Client, Plane<SoltiError>>() {}

/**
 * What of the options is the same over every wire.
 *
 * @internal
 */
export const shared = ({ options, propagateTrace, token }: Pick<Options, "options" | "propagateTrace" | "token">) => ({
  name: "solti",
  token: token === undefined
    ? Effect.succeedNone
    : Redacted.isRedacted(token)
    ? Effect.succeedSome(token)
    : Effect.asSome(token),
  options: options ?? {},
  propagateTrace: propagateTrace ?? false,
  requestIdHeader: "x-request-id"
})

/**
 * The connection as a layer. Fails with `InvalidOptions` when the options cannot work.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<Client, InvalidOptions, HttpClient.HttpClient> =>
  Layer.effect(
    Client,
    Effect.gen(function*() {
      const baseUrl = BaseUrl.parse(options.url, {
        secret: options.token === undefined ? undefined : "token",
        allowInsecure: options.allowInsecureToken === true,
        allowName: "allowInsecureToken"
      })
      if (Either.isLeft(baseUrl)) {
        return yield* new InvalidOptions({ plane: "solti", issues: [{ path: "url", message: baseUrl.left }] })
      }
      return {
        ...shared(options),
        baseUrl: baseUrl.right,
        httpClient: yield* HttpClient.HttpClient,
        toError
      }
    })
  )

/**
 * `SOLTI_TOKEN`, where it is set.
 *
 * @internal
 */
export const token: Config.Config<Redacted.Redacted | undefined> = Config.option(
  Config.redacted(Config.nonEmptyString("SOLTI_TOKEN"))
).pipe(Config.map(Option.getOrUndefined))

/**
 * The options from the environment: `SOLTI_URL`, and `SOLTI_TOKEN` where the server asks for one.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Options> = Config.all({
  url: Config.nonEmptyString("SOLTI_URL"),
  token
})

/**
 * The connection from configuration, by default from `SOLTI_URL` and `SOLTI_TOKEN`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config<Options> = config
): Layer.Layer<Client, ConfigError.ConfigError | InvalidOptions, HttpClient.HttpClient> =>
  Layer.unwrapEffect(Effect.map(options, layer))

const decodeEnvelope = Schema.decodeUnknownOption(Schema.parseJson(ErrorEnvelope))

const PathWithId = Schema.Struct({ id: Schema.String })
const decodePath = Schema.decodeUnknownOption(PathWithId)

/** `spec.timeoutMs: invalid digit …` names its member, the texts of the validation rules do not. */
const issueOf = (detail: string) => {
  const match = /^(?:Failed to deserialize query string: )?((?:spec|limit|offset|status|slot)[\w.[\]]*): (.*)$/s.exec(
    detail
  )
  return { path: match?.[1] ?? "", message: match?.[2] ?? detail }
}

/**
 * What an answer of a Solti server means (contract 3.1, 3.3, 3.6).
 */
const toError = (answer: Answer): SoltiError | CommonError | undefined => {
  const envelope = Option.getOrElse(decodeEnvelope(answer.text), (): typeof ErrorEnvelope.Type => ({}))
  const { input: _input, redact, retryAfterMs, text, ...call } = answer
  const isEnvelope = envelope.error !== undefined || envelope.message !== undefined
  const detail = excerpt(redact(envelope.message ?? ""), 1000)
  const fields = (fallback: string) => ({
    ...call,
    code: envelope.error === undefined ? undefined : excerpt(redact(envelope.error), 100),
    detail: detail === "" ? fallback : detail,
    excerpt: isEnvelope || text === "" ? undefined : excerpt(text, 4096)
  })
  switch (answer.status) {
    case 400:
    case 422: {
      const issue = issueOf(detail === "" ? excerpt(text, 1000) : detail)
      return new InvalidInputError({ ...fields(issue.message), issues: [issue] })
    }
    case 401:
      return new Unauthorized(fields("the server does not accept the token, or wants one"))
    case 403:
      return new Forbidden(fields("the token does not allow this"))
    case 404:
      return envelope.error === "TaskNotFound"
        ? new TaskNotFound({
          ...fields("no such task"),
          detail: "no such task, or none with a live log",
          taskId: Option.match(decodePath(answer.input.path), { onNone: () => "", onSome: ({ id }) => id })
        })
        : new VersionMismatch({
          ...fields("the server does not have this route: another version of the API, or another service"),
          expected: "Solti task API v1 (0.0.2, 0.0.3)"
        })
    case 405:
      return new VersionMismatch({
        ...fields("the server does not have this operation"),
        expected: answer.operation === "solti.Tasks.apply" ? "0.0.3" : "Solti task API v1 (0.0.2, 0.0.3)"
      })
    case 409:
      return new Conflict(fields("conflict"))
    case 413:
      return new PayloadTooLarge(fields("the spec is too large for the server"))
    case 429:
      return new RateLimited({ ...fields("too many requests"), retryAfterMs })
    case 500:
      return new Internal(fields("the server failed"))
    case 502:
    case 503:
    case 504:
      return new Unavailable({ ...fields("the server is not available"), retryAfterMs })
    default:
      return undefined
  }
}
