/**
 * A declared endpoint as two pure functions: input to request, body text to value.
 *
 * @since 0.1.0
 */
import type * as HttpApiEndpoint from "@effect/platform/HttpApiEndpoint"
import * as HttpApiSchema from "@effect/platform/HttpApiSchema"
import * as HttpBody from "@effect/platform/HttpBody"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type { HttpMethod } from "@effect/platform/HttpMethod"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type * as ParseResult from "effect/ParseResult"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import type { CallFields } from "../../schemas/core/Errors.js"
import { DecodeError, InvalidInput } from "../../schemas/core/Errors.js"
import * as Decoder from "./Decoder.js"
import { percentEncode } from "./Redaction.js"

/**
 * What the SDK reads of a declared endpoint.
 *
 * @since 0.1.0
 * @category models
 */
export interface AnyEndpoint {
  readonly name: string
  readonly path: string
  readonly method: HttpMethod
  readonly pathSchema: Option.Option<{ readonly ast: AST.AST }>
  readonly urlParamsSchema: Option.Option<{ readonly ast: AST.AST }>
  readonly payloadSchema: Option.Option<{ readonly ast: AST.AST }>
  readonly successSchema: { readonly ast: AST.AST }
}

type Part<Name extends string, A> = [A] extends [never] ? unknown : { readonly [K in Name]: A }

/**
 * What a call of the endpoint takes: `path`, `urlParams` and `payload`, as far as it declares them.
 *
 * @since 0.1.0
 * @category models
 */
export type InputOf<Endpoint> = Endpoint extends HttpApiEndpoint.HttpApiEndpoint<
  infer _Name,
  infer _Method,
  infer Path,
  infer UrlParams,
  infer Payload,
  infer _Headers,
  infer _Success,
  infer _Error,
  infer _R,
  infer _RE
> ? Part<"path", Path> & Part<"urlParams", UrlParams> & Part<"payload", Payload>
  : never

/**
 * What a call of the endpoint gives.
 *
 * @since 0.1.0
 * @category models
 */
export type SuccessOf<Endpoint> = Endpoint extends HttpApiEndpoint.HttpApiEndpoint<
  infer _Name,
  infer _Method,
  infer _Path,
  infer _UrlParams,
  infer _Payload,
  infer _Headers,
  infer Success,
  infer _Error,
  infer _R,
  infer _RE
> ? Success
  : never

/**
 * The input of a call without its types.
 *
 * @since 0.1.0
 * @category models
 */
export interface Input {
  readonly path?: unknown
  readonly urlParams?: unknown
  readonly payload?: unknown
}

/**
 * The template of a route as the planes' documents write it: `/tasks/{id}`.
 *
 * @internal
 */
export const routeOf = (path: string): string => path.replace(/:(\w+)/g, "{$1}")

interface Located {
  readonly path: ReadonlyArray<PropertyKey>
  readonly expected: string
  /** How far the input agreed with the schema before. */
  readonly depth: number
}

const at = (path: ReadonlyArray<PropertyKey>, expected: string): Located => ({ path, expected, depth: path.length })

const find = (issue: ParseResult.ParseIssue, path: ReadonlyArray<PropertyKey>): Located => {
  switch (issue._tag) {
    case "Pointer":
      return find(issue.issue, path.concat(issue.path))
    case "Composite": {
      const issues: ReadonlyArray<ParseResult.ParseIssue> = "_tag" in issue.issues ? [issue.issues] : issue.issues
      // Of the members of a union, the one that got furthest says most about what was meant.
      return issues.map((inner) => find(inner, path)).reduce(
        (best, found) => found.depth > best.depth ? found : best,
        { path, expected: nameOf(issue.ast), depth: -1 }
      )
    }
    case "Refinement":
      return issue.kind === "From" ? find(issue.issue, path) : at(path, nameOf(issue.ast))
    case "Transformation":
      return issue.kind === "Transformation" ? at(path, nameOf(issue.ast)) : find(issue.issue, path)
    case "Missing":
      return { path, expected: `${nameOf(issue.ast)}, but the member is missing`, depth: path.length - 0.5 }
    case "Unexpected":
      return at(path, "no such member")
    case "Type":
    case "Forbidden":
      return at(path, nameOf(issue.ast))
  }
}

/**
 * Where and what an issue is, never the value that caused it.
 *
 * @internal
 */
export const locate = (issue: ParseResult.ParseIssue): { readonly path: string; readonly expected: string } => {
  const { expected, path } = find(issue, [])
  return { path: path.map(String).join("."), expected }
}

/** What JSON would change without a word: a secret would arrive as "<redacted>", a number as null. */
const isLost = (value: unknown): boolean =>
  Redacted.isRedacted(value) || typeof value === "number" && !Number.isFinite(value)

const toJson = (value: unknown): Option.Option<string> => {
  let isWhole = true
  try {
    const text: string | undefined = JSON.stringify(
      value,
      function(this: Record<string, unknown>, key, given: unknown) {
        // What a member was before its `toJSON` ran.
        if (isLost(this[key])) isWhole = false
        return given
      }
    )
    return isWhole ? Option.fromNullable(text) : Option.none()
  } catch {
    return Option.none()
  }
}

/** What every transport takes as a header: some throw, some stay silent, some fail late where it is none. */
const isHeader = (name: string, value: string): boolean =>
  /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t -~\u0080-\u00ff]*$/.test(value)

const nameOf = (ast: AST.Annotated): string => {
  const name = Option.getOrElse(AST.getIdentifierAnnotation(ast), () => String(ast))
  return name.length > 120 ? `${name.slice(0, 120)}…` : name
}

/**
 * What an answer says beside its body.
 *
 * @internal
 */
export interface Received {
  readonly status: number
  readonly requestId: string | undefined
  readonly contentType: string
  /** Bounds and redacts a text before it becomes part of an error. */
  readonly excerpt: (text: string) => string
}

/** @internal */
export interface Codec<in Input, out Success> {
  /** The media type that the endpoint answers with. */
  readonly accept: string
  readonly request: (
    input: Input,
    headers: Record<string, string>,
    body?: HttpBody.HttpBody
  ) => Either.Either<HttpClientRequest.HttpClientRequest, InvalidInput>
  /** Whether a status outside 2xx is an answer that the endpoint declares as a success, like a 503 of a health check. */
  readonly isDeclared: (status: number) => boolean
  readonly decode: (text: string, received: () => Received) => Either.Either<Success, DecodeError>
  /** The answer of an endpoint that gives bytes. */
  readonly decodeBytes: (bytes: Uint8Array, received: () => Received) => Either.Either<Uint8Array, DecodeError>
}

/** How much of bytes that are not what was promised is looked at. */
const excerptLimit = 4096

/** What is JSON, or begins like it, may hold what must not be shown; text of another kind is the only hint there is. */
const isOpaque = (contentType: string, text: string): boolean =>
  contentType.toLowerCase().includes("json") || /^\s*[{[]/.test(text)

/**
 * A success that is not what the endpoint promises: HTML from a proxy, an empty body, half a document.
 *
 * @internal
 */
export const notPromised = (
  info: Pick<CallFields, "operation" | "method" | "route">,
  expected: string,
  received: Received,
  text: string
): DecodeError => {
  const { contentType } = received
  return new DecodeError({
    ...info,
    status: received.status,
    requestId: received.requestId,
    path: "",
    expected,
    detail: `expected ${expected}, got ${
      text === ""
        ? "an empty body"
        : contentType === ""
        ? "no content type"
        : received.excerpt(contentType.slice(0, 100))
    }`,
    excerpt: text === "" || isOpaque(contentType, text) ? undefined : received.excerpt(text)
  })
}

/** @internal */
export const make = <Endpoint extends AnyEndpoint>(
  endpoint: Endpoint,
  info: Pick<CallFields, "operation" | "method" | "route">,
  baseUrl: string
): Codec<InputOf<Endpoint> & Input, SuccessOf<Endpoint>> => {
  const invalid = (path: string, message: string) =>
    new InvalidInput({
      ...info,
      detail: `invalid input: ${path === "" ? "" : `${path}: `}${message}`,
      issues: [{ path, message }]
    })

  const invalidPart = (error: ParseResult.ParseError) => {
    const { expected, path } = locate(error.issue)
    return invalid(path, `expected ${expected}`)
  }

  const encoder = (schema: AnyEndpoint["pathSchema"]) =>
    Option.match(schema, {
      onNone: () => () => Either.right<unknown>(undefined),
      onSome: ({ ast }) => Schema.encodeUnknownEither(Schema.make<unknown, unknown>(ast))
    })
  const encodePath = encoder(endpoint.pathSchema)
  const encodeUrlParams = encoder(endpoint.urlParamsSchema)
  const encodePayload = encoder(endpoint.payloadSchema)
  const segments = endpoint.path.slice(1).split("/")

  const pathOf = (input: unknown): Either.Either<string, InvalidInput> => {
    if (Option.isNone(endpoint.pathSchema)) return Either.right(endpoint.path)
    const encoded = encodePath(input)
    if (Either.isLeft(encoded)) return Either.left(invalidPart(encoded.left))
    const values = new Map(Object.entries(encoded.right ?? {}))
    let path = ""
    for (const segment of segments) {
      if (!segment.startsWith(":")) {
        path += `/${segment}`
        continue
      }
      const name = segment.slice(1)
      const value = String(values.get(name))
      // URL parsers fold dot segments even when they are encoded.
      if (value.trim() === "") return Either.left(invalid(name, "must not be empty"))
      if (value === "." || value === "..") return Either.left(invalid(name, "must not be a dot segment"))
      const part = percentEncode(value)
      if (Option.isNone(part)) return Either.left(invalid(name, "must be well-formed Unicode"))
      path += `/${part.value}`
    }
    return Either.right(path)
  }

  const queryOf = (input: unknown): Either.Either<string, InvalidInput> => {
    const encoded = encodeUrlParams(input)
    if (Either.isLeft(encoded)) return Either.left(invalidPart(encoded.left))
    const parts: Array<string> = []
    for (const [name, value] of Object.entries(encoded.right ?? {})) {
      for (const item of Array.isArray(value) ? value : [value]) {
        if (item === undefined) continue
        const part = percentEncode(String(item))
        const key = percentEncode(name)
        if (Option.isNone(part) || Option.isNone(key)) return Either.left(invalid(name, "must be well-formed Unicode"))
        parts.push(`${key.value}=${part.value}`)
      }
    }
    return Either.right(parts.length === 0 ? "" : `?${parts.join("&")}`)
  }

  const decoderOf = (ast: AST.AST) => Decoder.make<SuccessOf<Endpoint>>(ast)
  // A status outside 2xx has its own schema; what is 2xx decodes with the others, whichever it is.
  const decoders = new Map<number, ReturnType<typeof decoderOf>>()
  const successes: Array<AST.AST> = []
  const { ast: declaredAst } = endpoint.successSchema
  for (const ast of AST.isUnion(declaredAst) ? declaredAst.types : [declaredAst]) {
    const status = HttpApiSchema.getStatusSuccessAST(ast)
    if (status < 200 || status > 299) decoders.set(status, decoderOf(ast))
    else successes.push(ast)
  }
  const successAst = decoders.size === 0 ? declaredAst : AST.Union.make(successes)
  const decodeSuccess = decoderOf(successAst)
  const isVoid = AST.isVoidKeyword(successAst)
  const encoding = HttpApiSchema.getEncoding(successAst)
  const isText = encoding.kind === "Text"
  const isPromised = (received: Received) => received.contentType.toLowerCase().startsWith(encoding.contentType)

  return {
    accept: encoding.kind === "Json" ? "application/json" : encoding.contentType,
    request: (input, headers, body) => {
      const path = pathOf(input.path)
      if (Either.isLeft(path)) return Either.left(path.left)
      const query = queryOf(input.urlParams)
      if (Either.isLeft(query)) return Either.left(query.left)
      for (const name in headers) {
        if (!isHeader(name, headers[name] ?? "")) {
          return Either.left(invalid("headers", "one cannot be sent as a header"))
        }
      }
      const request = HttpClientRequest.make(endpoint.method)(`${baseUrl}${path.right}${query.right}`, { headers })
      if (Option.isNone(endpoint.payloadSchema)) return Either.right(request)
      if (body !== undefined) return Either.right(HttpClientRequest.setBody(request, body))
      const payload = encodePayload(input.payload)
      if (Either.isLeft(payload)) return Either.left(invalidPart(payload.left))
      const text = toJson(payload.right)
      return Option.isNone(text)
        ? Either.left(invalid("", "must be JSON: no cycles, no bigint, no NaN, no Redacted"))
        : Either.right(HttpClientRequest.setBody(request, HttpBody.text(text.value, "application/json")))
    },
    isDeclared: (status) => decoders.has(status),
    decodeBytes: (bytes, received) =>
      isPromised(received())
        ? Either.right(bytes)
        : Either.left(
          notPromised(info, encoding.contentType, received(), new TextDecoder().decode(bytes.subarray(0, excerptLimit)))
        ),
    decode: (text, received) => {
      let json: unknown = isText ? text : undefined
      if (isText && !isPromised(received())) {
        return Either.left(notPromised(info, encoding.contentType, received(), text))
      }
      // An endpoint without a body succeeds by its status alone, whatever a server adds.
      if (!isVoid && !isText) {
        try {
          json = JSON.parse(text)
        } catch {
          return Either.left(notPromised(info, "JSON", received(), text))
        }
      }
      const decode = decoders.size === 0 ? decodeSuccess : decoders.get(received().status) ?? decodeSuccess
      const decoded = decode(json)
      if (Either.isRight(decoded)) return Either.right(decoded.right)
      const { expected, path } = locate(decoded.left.issue)
      const { requestId, status } = received()
      return Either.left(
        new DecodeError({
          ...info,
          status,
          requestId,
          path,
          expected,
          detail: `the answer does not decode${path === "" ? "" : ` at ${path}`}: expected ${expected}`
        })
      )
    }
  }
}
