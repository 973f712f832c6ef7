/**
 * Our declarations against the document of the real server (`cloacina-server emit-openapi`, 0.12.0), member by member.
 */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { openApi } from "../../../src/schemas/cloacina/api/OpenApi.js"

type Json = { readonly [key: string]: unknown }

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)
const at = (value: unknown, ...keys: ReadonlyArray<string>): unknown =>
  keys.reduce<unknown>((value, key) => isJson(value) ? value[key] : undefined, value)
const entries = (value: unknown) => isJson(value) ? Object.entries(value) : []
const list = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []

/** Every fact of a document as one line: what it says about a parameter, a status, a member of a body. */
const factsOf = (document: unknown): Map<string, string> => {
  const facts = new Map<string, string>()

  const resolve = (schema: unknown): unknown => {
    const ref = at(schema, "$ref")
    return typeof ref === "string" ? resolve(at(document, ...ref.slice(2).split("/"))) : schema
  }

  const walk = (path: string, given: unknown, required: boolean): void => {
    let schema = resolve(given)
    let isNullable = false
    const alternatives = list(at(schema, "oneOf")).concat(list(at(schema, "anyOf")))
    if (alternatives.length > 0) {
      const others = alternatives.filter((one) => at(one, "type") !== "null")
      isNullable = others.length < alternatives.length
      assert.strictEqual(others.length, 1, `${path}: unions are not compared`)
      schema = resolve(others[0])
    }
    const types = list(at(schema, "type"))
    const names = types.length > 0 ? types.filter((type) => type !== "null") : [at(schema, "type") ?? "any"]
    isNullable ||= types.includes("null")
    const values = list(at(schema, "enum"))
    const name = `${names.join("|")}${values.length > 0 ? ` ${[...values].sort().join("|")}` : ""}`
    facts.set(path, `${name}${isNullable ? ", nullable" : ""}${required ? "" : ", optional"}`)
    const needed = list(at(schema, "required"))
    for (const [member, inner] of entries(at(schema, "properties"))) {
      walk(`${path}.${member}`, inner, needed.includes(member))
    }
    if (at(schema, "items") !== undefined) walk(`${path}[]`, at(schema, "items"), true)
    if (at(schema, "additionalProperties") !== undefined) walk(`${path}.*`, at(schema, "additionalProperties"), true)
  }

  for (const [path, methods] of entries(at(document, "paths"))) {
    for (const [method, operation] of entries(methods)) {
      const id = `${method.toUpperCase()} ${path}`
      facts.set(id, String(at(operation, "operationId")))
      facts.set(`${id} security`, JSON.stringify(at(operation, "security") ?? "none"))
      for (const parameter of list(at(operation, "parameters"))) {
        walk(
          `${id} ${String(at(parameter, "in"))} ${String(at(parameter, "name"))}`,
          at(parameter, "schema"),
          at(parameter, "required") === true
        )
      }
      for (const [type, content] of entries(at(operation, "requestBody", "content"))) {
        walk(`${id} ${type}`, at(content, "schema"), at(operation, "requestBody", "required") === true)
      }
      for (const [status, response] of entries(at(operation, "responses"))) {
        if (!status.startsWith("2") && !(path === "/ready" && status === "503")) continue
        facts.set(`${id} → ${status}`, "")
        for (const [type, content] of entries(at(response, "content"))) {
          walk(`${id} → ${status} ${type}`, at(content, "schema"), true)
        }
      }
    }
  }
  return facts
}

/** Where the declarations say something else on purpose: which lines, and why. */
const differences: ReadonlyArray<{
  readonly lines: RegExp
  readonly why: string
}> = [
  {
    lines: /^POST \S+ application\/json\.(?:tenant|description|password|cron|enabled|timezone): server .+, nullable, /,
    why: "what is absent in a request is left out, never null, which means the same to the server (contract 2.10)"
  },
  {
    lines: /^POST \S+ application\/json\.(?:context|event|params)(?:\.\*)?: server (?:any, optional|–), declared /,
    why: "the server takes any JSON here and drops what is no object without a word (contract 4.9, 4.10, 5.5)"
  },
  {
    lines: /\.(?:slots|declared_params)\[\]\.default: server object, nullable, optional, declared any, optional$/,
    why: "a default may be any JSON, and is missing when there is none (contract 4.15 line 22)"
  },
  {
    lines: /\.(?:slots|declared_params)\[\]\.schema: server object, declared any$/,
    why: "a fragment of JSON Schema, which may be a boolean too (contract 4.15 line 23)"
  },
  {
    lines: /^GET \/v1\/health\/(?:graphs|reactors)\S* → 200 application\/json\.(?:items\[\]\.)?health[.:]/,
    why: "free-form in the document, one of a few records on the wire (contract 5.8)"
  },
  {
    lines: /^GET \/(?:health|ready) → \d{3} application\/json/,
    why: "the document has no schema for these bodies (contract 4.15 line 28)"
  },
  {
    lines: /^GET \/v1\/health\/reactors\/\{name\}\/fires query limit: server –/,
    why: "the document forgets the parameter (contract 4.15 line 3)"
  }
]

const real = factsOf(JSON.parse(readFileSync(new URL("../../fixtures/cloacina/openapi.json", import.meta.url), "utf8")))
const ours = factsOf(JSON.parse(JSON.stringify(openApi("0.12.0"))))

const found = [...new Set([...real.keys(), ...ours.keys()])].filter((line) => real.get(line) !== ours.get(line)).map(
  (line) => `${line}: server ${real.get(line) ?? "–"}, declared ${ours.get(line) ?? "–"}`
)

describe("the declared endpoints and the document of the server", () => {
  it("name the same 59 operations", () => {
    const operations = (facts: Map<string, string>) => [...facts].filter(([line]) => /^[A-Z]+ \S+$/.test(line))
    assert.strictEqual(operations(real).length, 59)
    assert.deepStrictEqual(new Map(operations(ours)), new Map(operations(real)))
  })

  it("agree on every parameter, status and member, but for the differences that are written down", () => {
    assert.isAbove(real.size, 600)
    assert.deepStrictEqual(found.filter((line) => !differences.some(({ lines }) => lines.test(line))), [])
  })

  it("still differ in everything that is written down", () => {
    for (const { lines, why } of differences) assert.isTrue(found.some((line) => lines.test(line)), `${lines}: ${why}`)
  })
})
