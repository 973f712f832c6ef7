/**
 * The rules that the options of an emulator follow, whoever wrote them: a seed that breaks one is refused, an emulator
 * dies as it starts. No fault shows a secret.
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { GraphScript } from "../GraphScript.js"
import { read } from "../PackageReader.js"
import * as Script from "../Script.js"
import * as TenantStore from "../TenantStore.js"
import type { Options } from "../World.js"
import * as Cron from "./Cron.js"

/** Where, and which rule. */
export interface Issue {
  readonly path: ReadonlyArray<PropertyKey>
  readonly message: string
}

/** A defect of an emulator that is asked for what cannot be. */
export class InvalidEmulatorOptions
  extends Data.TaggedError("InvalidEmulatorOptions")<{ readonly faults: ReadonlyArray<string> }>
{
  override get message() {
    return `the options of the emulator are invalid: ${this.faults.join("; ")}`
  }
}

/** `workflows[0].tasks: …`, one line whatever names hold. */
export const lineOf = ({ message, path }: Issue): string => {
  const where = path.reduce<string>(
    (text, part) => typeof part === "number" ? `${text}[${part}]` : `${text}${text === "" ? "" : "."}${String(part)}`,
    ""
  )
  const line = where === "" ? message : `${where}: ${message}`
  return line.replace(/[\p{Cc}\u2028\u2029]/gu, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)
}

const issue = (path: ReadonlyArray<PropertyKey>, message: string): Issue => ({ path, message })

const under = (path: ReadonlyArray<PropertyKey>, issues: ReadonlyArray<Issue>): ReadonlyArray<Issue> =>
  issues.map((each) => issue([...path, ...each.path], each.message))

const each = <A>(
  path: ReadonlyArray<PropertyKey>,
  all: ReadonlyArray<A> | undefined,
  issuesOf: (item: A, at: number) => ReadonlyArray<Issue>
): ReadonlyArray<Issue> => (all ?? []).flatMap((item, at) => under([...path, at], issuesOf(item, at)))

/** Faults for those that have what one before them has; `keyOf` says `undefined` for what may be there again. */
const twice = <A>(
  path: ReadonlyArray<PropertyKey>,
  all: ReadonlyArray<A> | undefined,
  keyOf: (item: A) => string | undefined,
  messageOf: (item: A) => string,
  member?: string
): ReadonlyArray<Issue> => {
  const seen = new Set<string>()
  return each(path, all, (item) => {
    const key = keyOf(item)
    if (key === undefined || !seen.has(key)) {
      if (key !== undefined) seen.add(key)
      return []
    }
    return [issue(member === undefined ? [] : [member], messageOf(item))]
  })
}

const twiceNamed = (path: ReadonlyArray<PropertyKey>, all: ReadonlyArray<{ readonly name: string }> | undefined) =>
  twice(path, all, ({ name }) => name, ({ name }) => `'${name}' is there already`, "name")

const duration = (path: ReadonlyArray<PropertyKey>, value: Duration.DurationInput | undefined): ReadonlyArray<Issue> =>
  value === undefined || Option.isSome(Duration.decodeUnknown(value)) ? [] : [issue(path, "is no duration")]

const tenantsOf = ({ tenant = [] }: Script.Workflow): ReadonlyArray<string> =>
  typeof tenant === "string" ? [tenant] : tenant

const tenantName = (name: string): ReadonlyArray<Issue> => {
  const fault = name === "public" ? undefined : TenantStore.faultOf(name)
  return fault === undefined ? [] : [issue([], fault)]
}

const attempts = ({ attempts: all }: Script.Task): ReadonlyArray<Issue> =>
  all === undefined || typeof all === "function"
    ? []
    : "_tag" in all
    ? duration(["attempts", "takes"], all.takes)
    : each(["attempts"], all, ({ takes }) => duration(["takes"], takes))

const task = (script: Script.Task): ReadonlyArray<Issue> => [
  ...duration(["takes"], script.takes),
  ...attempts(script),
  ...duration(["retry", "delay"], script.retry?.delay),
  ...duration(["retry", "maxDelay"], script.retry?.maxDelay)
]

const trigger = (script: Script.Trigger): ReadonlyArray<Issue> => {
  if (script._tag === "Poll") return duration(["every"], script.every)
  const faultIn = (timezone: string) => Either.getOrUndefined(Either.flip(Cron.parse(script.expression, timezone)))
  const fault = faultIn("UTC")
  if (fault !== undefined) return [issue(["cron"], fault)]
  const zoneFault = faultIn(script.timezone)
  return zoneFault === undefined ? [] : [issue(["timezone"], zoneFault)]
}

const archive = (bytes: Uint8Array | undefined): ReadonlyArray<Issue> =>
  bytes === undefined
    ? []
    : Either.match(read(bytes), { onLeft: (reason) => [issue(["archive"], reason)], onRight: () => [] })

const workflow = (script: Script.Workflow): ReadonlyArray<Issue> =>
  [
    ...typeof script.tenant === "string"
      ? under(["tenant"], tenantName(script.tenant))
      : [
        ...each(["tenant"], script.tenant, tenantName),
        ...twice(["tenant"], script.tenant, (name) => name, (name) => `'${name}' is there already`)
      ],
    ...archive(script.archive),
    ...twiceNamed(["params"], script.params),
    ...Script.faultsOf(script.tasks ?? []).map((fault) => issue(["tasks"], fault)),
    ...each(["tasks"], script.tasks, task),
    ...each(["triggers"], script.triggers, trigger),
    ...twice(
      ["triggers"],
      script.triggers,
      (each) => each._tag === "Poll" ? each.name : undefined,
      (each) => each._tag === "Poll" ? `'${each.name}' is there already` : "",
      "name"
    ),
    ...duration(["build", "takes"], script.build?.takes)
  ].map(({ message, path }) => issue(path, `${message} (workflow '${script.name}')`))

/** Scripts that are never used: one before says what the workflow does in a tenant, or for uploads of the version. */
const hidden = (workflows: ReadonlyArray<Script.Workflow> | undefined): ReadonlyArray<Issue> =>
  each(["workflows"], workflows, (script, at) => {
    const before = (workflows ?? []).slice(0, at).filter(({ name }) => name === script.name)
    const own = tenantsOf(script)
    const shared = own.find((tenant) => before.some((other) => tenantsOf(other).includes(tenant)))
    if (shared !== undefined) return [issue(["name"], `'${script.name}' is there already in the tenant '${shared}'`)]
    return own.length === 0 && before.some(({ version }) => version === script.version)
      ? [issue(["name"], `'${script.name}' is there already`)]
      : []
  })

const graph = (script: GraphScript): ReadonlyArray<Issue> => {
  const ids = script.nodes?.map(({ id }) => id) ?? [script.name]
  const edges = script.edges ?? []
  const unknown = (member: "from" | "to", id: string) =>
    ids.includes(id) ? [] : [issue([member], `there is no node '${id}'`)]
  return [
    ...twiceNamed(["accumulators"], script.accumulators),
    ...twice(["nodes"], script.nodes, ({ id }) => id, ({ id }) => `'${id}' is there already`, "id"),
    ...each(["edges"], edges, ({ from, to }) => [...unknown("from", from), ...unknown("to", to)]),
    ...Script.hasCircle(
        ids.map((id) => ({ id, after: edges.flatMap(({ from, to }) => to === id ? [from] : []) }))
      )
      ? [issue(["edges"], "they lead in a circle")]
      : [],
    ...twiceNamed(["slots"], script.slots),
    ...duration(["takes"], script.takes)
  ].map(({ message, path }) => issue(path, `${message} (graph '${script.name}')`))
}

/**
 * What is wrong with the options of an emulator. Tenants are there when `tenants` or a workflow names them; whatever else
 * names one that is not, is wrong.
 */
export const check = (options: Options): ReadonlyArray<Issue> => {
  const { accounts, executions, graphs, keys, storedSecrets, tenants, workflows } = options
  const there = new Set(["public", ...tenants ?? [], ...(workflows ?? []).flatMap(tenantsOf)])
  const of = ({ tenant }: { readonly tenant?: string | null | undefined }): ReadonlyArray<Issue> =>
    tenant === undefined || tenant === null || there.has(tenant)
      ? []
      : [issue(["tenant"], `there is no tenant '${tenant}': neither \`tenants\` nor a workflow names it`)]
  const texts = [{ key: options.key }, ...keys ?? []].map(({ key }) => key && Redacted.value(key))
  const inTenant = (tenant: string | null | undefined, name: string) => JSON.stringify([tenant, name])
  return [
    ...each(["tenants"], tenants, tenantName),
    ...twice(["tenants"], tenants, (name) => name, (name) => `'${name}' is there already`),
    ...options.key !== undefined && texts[0] === "" ? [issue(["key"], "is empty")] : [],
    ...each(["keys"], keys, (key, at) => {
      const text = texts[at + 1]
      return [
        ...of(key),
        ...text === "" ? [issue(["key"], "is empty")] : [],
        ...text !== undefined && texts.indexOf(text) <= at ? [issue(["key"], "another key has this text")] : []
      ]
    }),
    ...each(["accounts"], accounts, of),
    ...twice(
      ["accounts"],
      accounts,
      ({ tenant, username }) => inTenant(tenant, username),
      ({ username }) => `'${username}' is there already`,
      "username"
    ),
    ...each(["storedSecrets"], storedSecrets, of),
    ...twice(
      ["storedSecrets"],
      storedSecrets,
      ({ name, tenant }) => inTenant(tenant, name),
      ({ name }) => `'${name}' is there already`,
      "name"
    ),
    ...each(["workflows"], workflows, workflow),
    ...hidden(workflows),
    ...each(["graphs"], graphs, (script) => [...of(script), ...graph(script)]),
    ...twice(
      ["graphs"],
      graphs,
      ({ name, package: ofPackage, tenant }) => JSON.stringify([name, ofPackage, tenant]),
      ({ name }) => `'${name}' is there already`,
      "name"
    ),
    ...each(["executions"], executions, (execution) => {
      const faults = of(execution)
      if (faults.length > 0) return faults
      const { tenant, workflow: name } = execution
      return (workflows ?? []).some((script) => script.name === name && tenantsOf(script).includes(tenant))
        ? []
        : [issue(["workflow"], `there is no workflow '${name}' in the tenant '${tenant}' from the start`)]
    }),
    ...duration(["buildTime"], options.buildTime)
  ]
}
