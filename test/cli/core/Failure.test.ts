import { describe, it } from "@effect/vitest"
import { assert } from "vitest"
import { ExitCode, meanings } from "../../../src/cli/core/ExitCode.js"
import { fromError, render, usage } from "../../../src/cli/core/Failure.js"
import { PackageId } from "../../../src/schemas/cloacina/Common.js"
import { PackageUnreadable } from "../../../src/schemas/cloacina/Workflows.js"
import * as Errors from "../../../src/schemas/core/Errors.js"
import { TaskNotFound } from "../../../src/schemas/solti/Errors.js"
import { Superseded, VersionTaken } from "../../../src/services/cloacina/Workflows.js"

const call = { operation: "solti.Tasks.get", method: "GET", route: "/api/v1/tasks/{id}", detail: "what happened" }

describe("Failure", () => {
  it("gives every error of a call its exit code", () => {
    const errors = [
      [new Errors.InvalidInput({ ...call, issues: [] }), ExitCode.usage],
      [new Errors.PayloadTooLarge(call), ExitCode.usage],
      [new Errors.Conflict(call), ExitCode.failed],
      [new TaskNotFound({ ...call, taskId: "x" }), ExitCode.notFound],
      [new Errors.Unauthorized(call), ExitCode.auth],
      [new Errors.Forbidden(call), ExitCode.auth],
      [new Errors.RateLimited(call), ExitCode.unavailable],
      [new Errors.Unavailable(call), ExitCode.unavailable],
      [new Errors.Internal(call), ExitCode.unavailable],
      [new Errors.TransportError({ ...call, phase: "request" }), ExitCode.unavailable],
      [new Errors.Timeout({ ...call, kind: "total" }), ExitCode.unavailable],
      [new Errors.StreamInterrupted({ ...call, attempts: 3 }), ExitCode.unavailable],
      [new Errors.VersionMismatch({ ...call, expected: "v1" }), ExitCode.mismatch],
      [new Errors.UnexpectedStatus(call), ExitCode.mismatch],
      [new Errors.DecodeError({ ...call, path: "", expected: "x" }), ExitCode.mismatch],
      [new Errors.NotFound(call), ExitCode.notFound],
      [new Errors.NotImplemented(call), ExitCode.mismatch],
      [new PackageUnreadable({ path: "x.cloacina" }), ExitCode.usage],
      [new VersionTaken({ packageName: "close-books", version: "1.0.0" }), ExitCode.failed],
      [new Superseded({ packageId: PackageId.make("x") }), ExitCode.failed],
      [usage("wrong"), ExitCode.usage]
    ] as const
    const documented = new Set(meanings.map(([code]) => code))
    for (const [error, code] of errors) {
      assert.strictEqual(fromError(error).exitCode, code, error._tag)
      assert.isTrue(documented.has(String(code)))
    }
  })

  it("is one line, whatever the server has said", () => {
    const error = new Errors.Internal({ ...call, detail: "first\n\tsecond", status: 500, requestId: "r-1" })
    assert.strictEqual(render(fromError(error)), "switchyard: first second (HTTP 500, request r-1)")
  })

  it("names every issue of an input, and the server where it was not reached", () => {
    const issues = [{ path: "spec.slot", message: "slot cannot be empty" }, { path: "", message: "missing spec" }]
    assert.strictEqual(
      fromError(new Errors.InvalidInput({ ...call, issues }), "http://host").message,
      "spec.slot: slot cannot be empty; missing spec"
    )
    const unreached = new Errors.Timeout({ ...call, kind: "connect" })
    assert.strictEqual(fromError(unreached, "http://host").message, "http://host: what happened")
  })
})
