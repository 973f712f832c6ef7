import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Solti from "../../../src/solti.js"
import * as Memory from "../support/Memory.js"

const outcome: Solti.Outcome = {
  taskId: Solti.TaskId.make("t"),
  status: "failed",
  phase: Option.some("exhausted"),
  attempts: 2,
  exitCode: Option.some(3),
  error: Option.some("bad \u001b[31m"),
  runs: []
}

const lines: ReadonlyArray<readonly [event: Solti.Submitted | Solti.FollowEvent, line: string]> = [
  [{ type: "submitted", taskId: Solti.TaskId.make("t-1") }, "submitted t-1"],
  [Memory.chunk(2, 0, "hello\tworld"), "2 | hello\tworld"],
  [Memory.chunk(2, 0, "oops", "stderr"), "2 ! oops"],
  [{ type: "runStarted", attempt: 2, startedAt: 1 }, "2 > started"],
  [{ type: "runFinished", attempt: 2, exitCode: Option.none(), finishedAt: 1 }, "2 < finished"],
  [{ type: "runFinished", attempt: 2, exitCode: Option.some(3), finishedAt: 1 }, "2 < finished with exit code 3"],
  [{ type: "lagged", skipped: 1 }, "- 1 event skipped: read too slowly"],
  [{ type: "lagged", skipped: 12 }, "- 12 events skipped: read too slowly"],
  [{ type: "gap" }, "- reconnected: what was written in between is lost"],
  [{ type: "headGap", attempt: 1, stream: "stderr", missed: 1 }, "- joined late: the first 1 line of stderr missed"],
  [{ type: "logMissed" }, "- the task was over before its log could be opened"],
  [{ type: "ended", outcome }, "= failed after 2 attempts, exit code 3: bad \\u001b[31m"]
]

describe("render", () => {
  it.each(lines)("%j", (event, line) => {
    assert.strictEqual(Solti.render(event), line)
  })

  it("tells a success in few words", () => {
    const success: Solti.Outcome = {
      ...outcome,
      status: "succeeded",
      attempts: 1,
      exitCode: Option.none(),
      error: Option.none()
    }
    assert.strictEqual(Solti.renderOutcome(success), "succeeded after 1 attempt")
    assert.isTrue(Solti.isSuccess(success))
    assert.isFalse(Solti.isSuccess(outcome))
  })
})

describe("escapeControls", () => {
  it("shows what would drive a terminal", () => {
    assert.strictEqual(
      Solti.escapeControls("\u001b]0;title\u0007\u009b2J\r\n\u202edlrow\u0000ok\t"),
      "\\u001b]0;title\\u0007\\u009b2J\\u000d\\u000a\\u202edlrow\\u0000ok\t"
    )
  })

  it.prop(
    "leaves one line without control characters, whatever a task writes",
    [FastCheck.fullUnicodeString()],
    ([text]) => {
      const shown = Solti.render(Memory.chunk(1, 0, text))
      return !/[\p{Cc}\u2028\u2029]/u.test(shown.replaceAll("\t", ""))
    }
  )
})
