/**
 * Decoding what `JSON.parse` gave, without the price of Schema's general machinery: an `Either` a member, and a check for
 * effects at each. A list of executions costs half of what it costs otherwise, its JSON included.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as AST from "effect/SchemaAST"
import { LeafId, MemberId } from "../../schemas/core/Wire.js"
import type { Member } from "../../schemas/core/Wire.js"

/** What a decoder gives for what does not decode. */
const refused = Symbol()

type Decode = (raw: unknown) => unknown

const leafOf = AST.getAnnotation<Decode>(LeafId)
const memberOf = AST.getAnnotation<Member>(MemberId)

/** Annotations that change how a node decodes. */
const isAltered = (ast: AST.AST): boolean =>
  Option.isSome(AST.getParseOptionsAnnotation(ast)) || Option.isSome(AST.getDecodingFallbackAnnotation(ast))

const bySchema = (ast: AST.AST): Decode => {
  const decode = ParseResult.decodeUnknownEither(Schema.make<unknown, unknown>(ast))
  return (raw) => Either.getOrElse(decode(raw), () => refused)
}

const isRecord = (raw: unknown): raw is Readonly<Record<string, unknown>> =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw)

const struct = (ast: AST.TypeLiteral): Decode => {
  const members = ast.propertySignatures.map(({ isOptional, name, type }) => ({
    name: String(name),
    isOptional,
    decode: compile(type)
  }))
  return (raw) => {
    if (!isRecord(raw)) return refused
    const out: Record<string, unknown> = {}
    for (const { decode, isOptional, name } of members) {
      if (isOptional && !Object.hasOwn(raw, name)) continue
      const value = decode(raw[name])
      if (value === refused) return refused
      out[name] = value
    }
    return out
  }
}

const array = (item: Decode): Decode => (raw) => {
  if (!Array.isArray(raw)) return refused
  const out: Array<unknown> = []
  for (const element of raw) {
    const value = item(element)
    if (value === refused) return refused
    out.push(value)
  }
  return out
}

const optional = (member: Decode): Decode => (raw) => {
  const value = member(raw)
  return value === refused && raw === undefined ? undefined : value
}

/** The decoder of a node; those that wire models seldom have are left to Schema. */
const compile = (ast: AST.AST): Decode => {
  if (isAltered(ast)) return bySchema(ast)
  switch (ast._tag) {
    case "StringKeyword":
      return (raw) => typeof raw === "string" ? raw : refused
    case "NumberKeyword":
      return (raw) => typeof raw === "number" ? raw : refused
    case "BooleanKeyword":
      return (raw) => typeof raw === "boolean" ? raw : refused
    case "UnknownKeyword":
      return (raw) => raw
    case "Literal":
      return (raw) => raw === ast.literal ? raw : refused
    case "Declaration": {
      const leaf = leafOf(ast)
      if (Option.isSome(leaf)) {
        const decode = leaf.value
        return (raw) => {
          const value = decode(raw)
          return value === undefined ? refused : value
        }
      }
      const member = memberOf(ast)
      const [inner] = ast.typeParameters
      if (Option.isNone(member) || inner === undefined) return bySchema(ast)
      const { missing, present } = member.value
      const decode = compile(inner)
      return (raw) => {
        if (raw === undefined || raw === null) return missing()
        const value = decode(raw)
        return value === refused ? refused : present(value)
      }
    }
    case "TypeLiteral":
      return ast.indexSignatures.length === 0 && ast.propertySignatures.length > 0 &&
          ast.propertySignatures.every(({ name }) => typeof name === "string")
        ? struct(ast)
        : bySchema(ast)
    case "TupleType": {
      const [rest] = ast.rest
      return rest !== undefined && ast.rest.length === 1 && ast.elements.length === 0
        ? array(compile(rest.type))
        : bySchema(ast)
    }
    case "Union": {
      const [member, other] = ast.types
      return ast.types.length === 2 && AST.isUndefinedKeyword(other) ? optional(compile(member)) : bySchema(ast)
    }
    default:
      return bySchema(ast)
  }
}

/**
 * As `Schema.decodeUnknownEither`, faster where the value decodes; what does not is looked at again by Schema, which says
 * why.
 *
 * @internal
 */
export const make = <A>(ast: AST.AST): (raw: unknown) => Either.Either<A, ParseResult.ParseError> => {
  const decode = compile(ast)
  const explain = Schema.decodeUnknownEither(Schema.make<A, unknown>(ast))
  // Nothing is left to check: this only names the type.
  const typed = Schema.decodeUnknownEither(Schema.make<A, unknown>(AST.unknownKeyword))
  return (raw) => {
    const value = decode(raw)
    return value === refused ? explain(raw) : typed(value)
  }
}
