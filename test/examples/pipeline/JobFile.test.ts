import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, it } from "@effect/vitest"
import * as Solti from "effect-switchyard/solti"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Path from "node:path"
import { assert, expect } from "vitest"
import * as JobFile from "../../../examples/pipeline/JobFile.js"
import { jsonSchema, specOf } from "../../../examples/pipeline/Jobs.js"
import * as Rules from "../../../src/schemas/solti/Rules.js"

const messages = (text: string): ReadonlyArray<string> =>
  Either.match(JobFile.parse("jobs.yaml", text), { onLeft: ({ message }) => message.split("\n"), onRight: () => [] })

const wrong: ReadonlyArray<readonly [name: string, text: string, messages: ReadonlyArray<string>]> = [
  ["an empty file", "", ["jobs.yaml:1: has to be a mapping of fields"]],
  ["a list", "- a\n", ["jobs.yaml:1: has to be a mapping of fields"]],
  ["no jobs", "jobs: []\n", ["jobs.yaml:1: jobs has to name a job"]],
  ["jobs that are none", "# a comment\njobs: 3\n", ["jobs.yaml:2: jobs has to be a list of jobs"]],
  ["a missing member", "jobs:\n  - command: [ls]\n", ["jobs.yaml:2: jobs[0].name is missing"]],
  ["an unknown member", "jobs:\n  - name: a\n    command: [ls]\n    retries: 3\n", [
    "jobs.yaml:4: jobs[0].retries is not a field that is known here"
  ]],
  ["neither command nor script", "jobs:\n  - name: a\n", [
    "jobs.yaml:2: jobs[0] needs exactly one of command and script"
  ]],
  ["both command and script", "jobs:\n  - name: a\n    command: [ls]\n    script: { text: ls }\n", [
    "jobs.yaml:2: jobs[0] needs exactly one of command and script"
  ]],
  ["a number in a command", "jobs:\n  - name: a\n    command:\n      - sleep\n      - 5\n", [
    "jobs.yaml:5: jobs[0].command[1] has to be a text (numbers and the like in quotes)"
  ]],
  ["a command that is no list", "jobs:\n  - name: a\n    command: ls\n", [
    "jobs.yaml:3: jobs[0].command has to be a list of texts: a program and its arguments"
  ]],
  ["a name twice", "jobs:\n  - name: a\n    command: [ls]\n  - name: a\n    command: [ls]\n", [
    "jobs.yaml:4: jobs[1].name is the name of another job already"
  ]],
  [
    "several things at once",
    "jobs:\n  - name: a b\n    command: [ls]\n    timeout: 5s\n    restart: always\n    expect: success\n",
    [
      "jobs.yaml:2: jobs[0].name has to be 1 to 64 of the characters A-Z a-z 0-9 . _ -",
      "jobs.yaml:4: jobs[0].timeout has to be a duration such as \"500 millis\", \"30 seconds\" or \"2 minutes\"",
      "jobs.yaml:5: jobs[0].restart has to be one of never, onFailure",
      "jobs.yaml:6: jobs[0].expect has to be one of succeeded, failed, timeout, exhausted, canceled"
    ]
  ],
  ["a time-out below zero", "jobs:\n  - name: a\n    command: [ls]\n    timeout: -1 seconds\n", [
    "jobs.yaml:4: jobs[0].timeout has to be a duration such as \"500 millis\", \"30 seconds\" or \"2 minutes\""
  ]],
  [
    "a wrong back-off",
    "jobs:\n  - name: a\n    command: [ls]\n    backoff:\n      first: 1 second\n      factor: 0.5\n",
    [
      "jobs.yaml:6: jobs[0].backoff.factor has to be 1 or more"
    ]
  ],
  ["a script without text", "jobs:\n  - name: a\n    script:\n      runtime: perl\n      text: ''\n", [
    "jobs.yaml:4: jobs[0].script.runtime has to be one of bash, python, node",
    "jobs.yaml:5: jobs[0].script.text must not be empty"
  ]],
  ["an environment of numbers", "jobs:\n  - name: a\n    command: [ls]\n    env:\n      A: 'fine'\n      B: 1\n", [
    "jobs.yaml:6: jobs[0].env.B has to be a text (numbers and the like in quotes)"
  ]],
  [
    "a field in JSON",
    "{\n  \"jobs\": [\n    { \"name\": \"a\",\n      \"command\": [\"ls\"],\n      \"slot\": \"a/b\" }\n  ]\n}\n",
    [
      "jobs.yaml:5: jobs[0].slot has to be 1 to 64 of the characters A-Z a-z 0-9 . _ -"
    ]
  ],
  ["a field behind an alias", "a: &a { name: x, command: [ls], cwd: 5 }\njobs:\n  - *a\n", [
    "jobs.yaml:1: a is not a field that is known here",
    "jobs.yaml:1: jobs[0].cwd has to be a text (numbers and the like in quotes)"
  ]]
]

describe("JobFile", () => {
  for (const [name, text, expected] of wrong) {
    it(`names line, field and rule of ${name}`, () => {
      assert.sameMembers([...messages(text)], [...expected])
    })
  }

  it("names the line of what is no YAML", () => {
    const broken = [
      "jobs:\n  - name: a\n    command: [ls\n",
      "jobs:\n  - name: a\n    name: b\n",
      "jobs: \"\n",
      "{\"jobs\": [}"
    ]
    for (const text of broken) {
      const [first = ""] = messages(text)
      assert.match(first, /^jobs\.yaml:\d: [A-Z]/)
    }
  })

  it("does not let aliases grow without bound", () => {
    const layers = [
      "a: &a [x,x,x,x,x,x,x,x,x]",
      "b: &b [*a,*a,*a,*a,*a,*a]",
      "c: &c [*b,*b,*b,*b,*b,*b]",
      "jobs: [*c,*c,*c]"
    ]
    assert.deepStrictEqual(messages(layers.join("\n")), ["jobs.yaml: has too many aliases"])
  })

  it.effect("says that a file cannot be read", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(JobFile.read("/nowhere/jobs.yaml"))
      assert.strictEqual(error.message, "/nowhere/jobs.yaml: cannot be read: NotFound")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it("fills in what a job leaves out", () => {
    const [job] = Either.getOrThrow(JobFile.parse("jobs.yaml", "jobs:\n  - name: a\n    command: [ls]\n"))
    assert.deepStrictEqual(job, {
      name: "a",
      command: ["ls"],
      env: {},
      cwd: ".",
      admission: "queue",
      timeout: "1 minute",
      restart: "never",
      expect: "succeeded"
    })
  })

  it("takes anchors and merge keys", () => {
    const text = "jobs:\n  - &a\n    name: a\n    command: [ls]\n    slot: shared\n  - <<: *a\n    name: b\n"
    const jobs = Either.getOrThrow(JobFile.parse("jobs.yaml", text))
    assert.deepStrictEqual(jobs.map(({ name, slot }) => [name, slot]), [["a", "shared"], ["b", "shared"]])
  })
})

describe("Jobs", () => {
  const options = { directory: "/home/me/project", env: { PIPELINE_TMP: "/tmp/x" } }

  const specs = (text: string) => Either.getOrThrow(JobFile.parse("jobs.yaml", text)).map((job) => specOf(job, options))

  it.effect("makes specs that a server takes from the jobs of the repo", () =>
    Effect.gen(function*() {
      const { directory, jobs } = yield* JobFile.read("examples/pipeline/jobs.yaml")
      assert.strictEqual(directory, Path.resolve("examples/pipeline"))
      for (const job of jobs) assert.deepStrictEqual(Rules.check(specOf(job, { directory, env: {} })), [])
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it("makes a spec of everything that a job can say", () => {
    const [command, script] = specs(`
jobs:
  - name: build
    command: [make, -k]
    env: { CI: "1" }
    cwd: sub
    slot: heavy
    admission: replace
    timeout: 90 seconds
    restart: onFailure
    backoff: { first: 100 millis, max: 2 minutes, factor: 1.5, jitter: equal }
  - name: check
    script: { runtime: python, text: "print(1)", args: [-v] }
`)
    assert.deepStrictEqual(
      command,
      Solti.command("make", ["-k"], {
        slot: "heavy",
        admission: "replace",
        timeout: "90 seconds",
        restart: "onFailure",
        backoff: { first: "100 millis", max: "2 minutes", factor: 1.5, jitter: "equal" },
        env: { PIPELINE_TMP: "/tmp/x", CI: "1" },
        cwd: "/home/me/project/sub",
        labels: { pipeline: "build" }
      })
    )
    assert.deepStrictEqual(
      script,
      Solti.script("python", "print(1)", {
        slot: "check",
        admission: "queue",
        timeout: "1 minute",
        env: { PIPELINE_TMP: "/tmp/x" },
        cwd: "/home/me/project",
        labels: { pipeline: "check" },
        args: ["-v"]
      })
    )
  })

  it("has the JSON schema that is published next to it (vitest -u writes it)", async () => {
    await expect(`${JSON.stringify(jsonSchema(), null, 2)}\n`).toMatchFileSnapshot(
      "../../../examples/pipeline/jobs.schema.json"
    )
  })
})
