import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { assert } from "vitest"
import { switchyard } from "./inProcess.js"

const oneLine = /^switchyard: [^\n]+\n$/

const commands: ReadonlyArray<ReadonlyArray<string>> = [
  [],
  ["serve"],
  ["serve", "solti"],
  ["solti"],
  ...["run", "submit", "get", "list", "runs", "logs", "delete"].map((verb) => ["solti", verb]),
  ["serve", "cloacina"],
  ["cloacina"],
  ...["execute", "health", "whoami"].map((verb) => ["cloacina", verb]),
  ...Object.entries({
    workflows: ["list", "get", "deploy", "source", "pause", "resume", "remove"],
    executions: ["list", "get", "tasks", "events", "follow", "await"],
    triggers: ["list", "get", "fire", "pause", "resume"],
    tenants: ["list", "create", "remove"],
    ops: ["watch"]
  }).flatMap(([noun, verbs]) => [["cloacina", noun], ...verbs.map((verb) => ["cloacina", noun, verb])])
]

describe("help", () => {
  for (const words of commands) {
    const name = ["switchyard", ...words].join(" ")
    it.effect(`has a page for ${name}`, () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* switchyard([...words, "--help"], { terminal: 90 })
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.include(stdout, `Usage: ${name} `)
        assert.include(stdout, "\nExamples:\n")
        const [prose = ""] = stdout.split("\nExamples:\n")
        for (const line of prose.split("\n")) assert.isAtMost(line.length, 90)
      }))
  }

  it.effect("shows options with their meaning, and exit codes", () =>
    Effect.gen(function*() {
      const root = yield* switchyard(["-h"])
      assert.match(root.stdout, /^ {2}130 +interrupted/m)
      assert.match(root.stdout, /^ {2}solti +Runs tasks/m)
      const run = yield* switchyard(["solti", "run", "-h"])
      assert.match(run.stdout, /^ {2}-f, --file spec\.json +The whole spec/m)
      assert.match(run.stdout, /^ {6}--slot text +The lane/m)
      assert.match(run.stdout, /^ {2}<command> +The command and its arguments/m)
      assert.notInclude(run.stdout, "true or false value")
      for (const verb of ["run", "submit", "get", "list", "runs", "logs", "delete"]) {
        const { stdout } = yield* switchyard(["solti", verb, "-h"])
        assert.match(stdout, /^ {6}--grpc host:port +Where the server is, over gRPC/m)
        assert.match(stdout, /^ {6}--tls-key file +gRPC over TLS: .*--tls-cert/m)
        assert.match(stdout, /^ {6}--allow-plaintext +gRPC without TLS/m)
      }
      const serve = yield* switchyard(["serve", "solti", "-h"])
      assert.match(serve.stdout, /^ {6}--grpc-port integer +Serve gRPC as well/m)
      assert.match(serve.stdout, /^ {6}--tls-client-ca file +mTLS for gRPC/m)
      assert.match(serve.stdout, /TLS is for\s+gRPC only/)
    }))

  it.effect("is what a command without its subcommand shows, as an error", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* switchyard(["solti"])
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.include(stderr, "Usage: switchyard solti <command>")
    }))
})

describe("the command line itself", () => {
  it.effect("shows its version", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* switchyard(["--version"]), { code: 0, stdout: "1.2.3\n", stderr: "" })
    }))

  const wrong: ReadonlyArray<readonly [string, ReadonlyArray<string>, RegExp]> = [
    ["a command that is none", ["solti", "rnu"], /no such command: rnu \(see switchyard solti --help\)/],
    ["options in front of the command", ["solti", "--json", "list"], /options stand behind it/],
    ["a log level that is none", ["--log-level", "loud", "solti", "list"], /--log-level wants one of all, trace/],
    ["a log level without a value", ["solti", "list", "--log-level"], /--log-level wants one of/],
    ["completions for no shell", ["--completions", "tcsh"], /bash, zsh, fish/],
    ["an unknown option", ["solti", "list", "--slto", "x"], /--slto/],
    ["a wrong port", ["serve", "solti", "--port", "70000"], /--port wants a number below 65536/],
    ["a wrong mode", ["serve", "cloacina", "--mode", "odd"], /faithful, documented/],
    ["a verb that is none", ["cloacina", "tenants", "lst"], /no such command: lst \(see switchyard cloacina tenants/],
    ["a word too many", ["cloacina", "health", "now"], /now/],
    ["a wrong grace", ["serve", "solti", "--grace", "-1s"], /--grace wants a duration/]
  ]

  for (const [name, args, message] of wrong) {
    it.effect(`refuses ${name}`, () =>
      Effect.gen(function*() {
        const { code, stderr, stdout } = yield* switchyard(args)
        assert.match(stderr, message)
        assert.match(stderr, oneLine)
        assert.deepStrictEqual([code, stdout], [2, ""])
      }))
  }
})

describe("completions", () => {
  it.effect("complete commands, options and values in bash", () =>
    Effect.gen(function*() {
      const { stdout } = yield* switchyard(["--completions", "bash"])
      const complete = (...words: ReadonlyArray<string>) => {
        const use = `COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _switchyard; echo "\${COMPREPLY[*]}"`
        return execFileSync("bash", ["-c", `${stdout}\n${use}`, "bash", ...words], { encoding: "utf8" }).trim()
      }
      assert.strictEqual(complete("switchyard", ""), "serve solti cloacina --help --version --completions --log-level")
      assert.strictEqual(complete("switchyard", "solti", "r"), "run runs")
      assert.strictEqual(complete("switchyard", "solti", "run", "--s"), "--slot --script")
      assert.strictEqual(complete("switchyard", "solti", "run", "--restart", ""), "never on-failure always")
      assert.strictEqual(complete("switchyard", "solti", "run", "--slot", ""), "")
      assert.strictEqual(complete("switchyard", "solti", "run", "--", ""), "")
      assert.strictEqual(complete("switchyard", "solti", "list", "--tls"), "--tls-ca --tls-cert --tls-key")
      assert.strictEqual(complete("switchyard", "serve", "solti", "--grpc"), "--grpc-port")
      assert.strictEqual(complete("switchyard", "--completions", "f"), "fish")
      assert.strictEqual(complete("switchyard", "cloacina", "executions", "f"), "follow")
      assert.strictEqual(
        complete("switchyard", "cloacina", "executions", "list", "--status", "C"),
        "Completed Cancelled"
      )
      assert.strictEqual(complete("switchyard", "serve", "cloacina", "--mode", ""), "faithful documented")
    }))

  it.effect("stand on those of bash in zsh, and have their own form in fish", () =>
    Effect.gen(function*() {
      const bash = yield* switchyard(["--completions", "bash"])
      const zsh = yield* switchyard(["--completions", "zsh"])
      const fish = yield* switchyard(["--completions=fish"])
      assert.isTrue(zsh.stdout.endsWith(bash.stdout))
      assert.include(zsh.stdout, "bashcompinit")
      assert.include(fish.stdout, `complete -c switchyard -n "__switchyard_at ' solti run'" -l slot -r -d '`)
      assert.include(fish.stdout, "-x -a 'never on-failure always'")
      assert.include(fish.stdout, "-f -a delete -d 'Stops tasks")
    }))
})
