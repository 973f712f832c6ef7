import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Schema from "effect/Schema"
import { OidcMembership } from "../../../schemas/cloacina/Sessions.js"
import type { InvalidInput } from "../../../schemas/core/Errors.js"
import { locate } from "../../core/Codec.js"
import * as Calls from "./calls.js"

const info = { operation: "cloacina.Sessions.oidcMemberships", method: "GET", route: "/v1/auth/callback" }

const broken = (message: string, path = "memberships") => Either.left(Calls.invalid(info, path, message))

const decode = Schema.decodeUnknownEither(Schema.Array(OidcMembership))

const parse = (json: string): Either.Either<unknown, InvalidInput> =>
  Either.try({
    try: (): unknown => JSON.parse(json),
    catch: () => Calls.invalid(info, "memberships", "must be JSON")
  })

const textOf = (encoded: string): Either.Either<string, InvalidInput> => {
  const bytes = Encoding.decodeBase64Url(encoded)
  if (Either.isLeft(bytes)) return broken("must be base64url without padding")
  return Either.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes.right),
    catch: () => Calls.invalid(info, "memberships", "must be UTF-8 inside the base64url")
  })
}

/** The value of `memberships` in an address, its fragment, or what stands behind the `#`. */
const parameterOf = (text: string): string | undefined =>
  text.slice(text.indexOf("#") + 1).split("&").find((part) => part.startsWith("memberships="))?.slice(
    "memberships=".length
  )

/** Contract 4.3/17. */
export const memberships = (
  fragmentOrJson: string
): Either.Either<ReadonlyArray<OidcMembership>, InvalidInput> => {
  const text = fragmentOrJson.trim()
  if (text === "") return broken("must be a fragment, or the JSON of the callback: it is empty")
  const parameter = text.startsWith("[") ? undefined : parameterOf(text)
  if (parameter === undefined && !text.startsWith("[")) return broken("must be in the fragment as memberships=…")
  const json = parameter === undefined ? Either.right(text) : textOf(parameter)
  return Either.flatMap(Either.flatMap(json, parse), (value) =>
    Either.mapLeft(decode(value), (error) => {
      const { expected, path } = locate(error.issue)
      return Calls.invalid(info, path === "" ? "memberships" : `memberships.${path}`, `expected ${expected}`)
    }))
}
