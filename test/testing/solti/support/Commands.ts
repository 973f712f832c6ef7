/** What the commands of the recording do, as scripts of the emulator. */
import * as Option from "effect/Option"
import type * as Solti from "../../../../src/solti.js"
import * as Testing from "../../../../src/solti/testing.js"

/** What a script does in the recording: where it is not a row of `sleep`, `echo`, `exit`, `true` and `kill`. */
const scripts: Readonly<Record<string, (cue: Testing.Cue) => Testing.Attempt>> = {
  "submit-script-bash": () =>
    Testing.succeeds([
      Testing.stdout("args: p q r", { after: "300 millis" }),
      Testing.stderr("oops"),
      Testing.stdout("solti-script-", { after: "200 millis" }),
      "600"
    ]),
  "submit-script-python": () => Testing.succeeds([Testing.stdout("py ['x']", { after: "400 millis" })]),
  "submit-script-custom": () => Testing.succeeds([Testing.stdout("custom 1", { after: "300 millis" })]),
  "logs-on-failure-retry": ({ attempt }) =>
    attempt === 1
      ? Testing.exits(1, [Testing.stdout("first", { after: "300 millis" }), Testing.stderr("bad")])
      : Testing.succeeds([Testing.stdout("second", { after: "300 millis" })]),
  "logs-text": () =>
    Testing.succeeds([
      Testing.stdout("crlf\r", { after: "300 millis" }),
      "two cr\r\r",
      "",
      "\ttab \u0001 \u001b[31mred\u001b[0m \\\"quoted\\\" back\\slash",
      "grün ☃ 😀",
      Testing.raw(Uint8Array.of(...new TextEncoder().encode("bad "), 0xff, 0xfe, 0x20, 0xc3, 0x0a)),
      Testing.raw("no newline")
    ]),
  "logs-truncated": () =>
    Testing.succeeds([Testing.stdout("a".repeat(4096), { after: "300 millis" }), "b".repeat(4100), "after"]),
  "logs-spawn-failure": () => Testing.cannotStart(),
  "spawn-failure-kinds": ({ spec: { kind } }) =>
    Testing.cannotStart(
      "subprocess" in kind && Option.isNone(kind.subprocess.cwd) ? "nul byte found in provided data" : undefined
    ),
  "grpc-submit-and-logs": () =>
    Testing.exits(7, [
      Testing.stdout("one", { after: "300 millis" }),
      Testing.stderr("warn"),
      Testing.raw(Uint8Array.of(...new TextEncoder().encode("bad "), 0xff, 0x0a))
    ]),
  "grpc-submit-script": () => Testing.succeeds([], { takes: "5 seconds" }),
  // A comment, and nothing else.
  "grpc-too-large": () => Testing.succeeds(),
  environment: () =>
    Testing.succeeds([
      Testing.stdout("A=2 RUNNER=from-runner BOTH=from-runner", { after: "300 millis" }),
      "/tmp",
      "/dev/null"
    ]),
  "logs-lagged": () =>
    Testing.succeeds([
      Testing.raw(
        Array.from({ length: 60_000 }, (_, index) => `${index + 1} ${"abcdefghijklmnopqrstuvwxyz".repeat(3)}\n`).join(
          ""
        ),
        { after: "300 millis" }
      ),
      Testing.stdout("end", { after: "500 millis" })
    ])
}

/** The words of a command, or of the command line that its shell gets. */
const lineOf = ({ kind }: Solti.CreateSpec): string => {
  if (!("subprocess" in kind) || !("command" in kind.subprocess)) throw new Error("only commands are read here")
  const { args, command } = kind.subprocess.command
  return command.endsWith("/sh") ? args[1] ?? "" : [command, ...args].join(" ")
}

/** How long a process takes to begin. */
const startMs = 2

/** Reads `sleep 0.3; echo x >&2; exit 3` and the like. */
const read = (line: string): Testing.Attempt => {
  const output: Array<Testing.Write> = []
  let after = startMs
  for (const statement of line.split("; ")) {
    const [, sleep, echo, redirect, exit] =
      /^(?:(?:exec )?sleep ([\d.]+)|echo (.*?)( >&2)?|exit (\d+)|(?:\/bin\/)?true|kill -9 \$\$)$/.exec(statement) ?? []
    if (sleep !== undefined) after += Math.round(Number(sleep) * 1000)
    else if (echo !== undefined) {
      output.push((redirect === undefined ? Testing.stdout : Testing.stderr)(echo, { after }))
      after = 0
    } else if (exit !== undefined) return Testing.exits(Number(exit), [...output, Testing.raw("", { after })])
    else if (statement.startsWith("kill")) return Testing.killed([...output, Testing.raw("", { after })])
    else if (!statement.endsWith("true")) throw new Error(`no script for the recorded command: ${line}`)
  }
  return Testing.succeeds([...output, Testing.raw("", { after })])
}

/** The script for all tasks of a case. */
export const scriptOf = (name: string): Testing.Script =>
  Testing.when((spec) => "subprocess" in spec.kind, (cue) => scripts[name]?.(cue) ?? read(lineOf(cue.spec)))
