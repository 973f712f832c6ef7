import { assert, describe, it } from "@effect/vitest"
import { constants } from "node:os"
import * as SystemFailure from "../../../src/server/solti/SystemFailure.js"

const systemError = (code: keyof typeof constants.errno) =>
  Object.assign(new Error(`${code}: secret path`), { code, errno: -constants.errno[code] })

const outcome = (error: unknown) => {
  const { fatal, reason } = SystemFailure.fromError("spawn failed", error)
  return { fatal, reason }
}

describe("SystemFailure", () => {
  it("lets a shortage be retried, and nothing else", () => {
    for (const code of ["EAGAIN", "EMFILE", "ENFILE", "ENOMEM"] as const) {
      const { fatal, reason } = outcome(systemError(code))
      assert.isFalse(fatal)
      assert.match(reason, new RegExp(`^execution failed: spawn failed: .+ \\(os error ${constants.errno[code]}\\)$`))
    }
    for (const code of ["EACCES", "ELOOP", "ENOSPC", "EROFS"] as const) assert.isTrue(outcome(systemError(code)).fatal)
  })

  it("says what the system says, without the path", () => {
    assert.deepStrictEqual(outcome(systemError("ENOSPC")), {
      fatal: true,
      reason: `fatal error (no retry): spawn failed: No space left on device (os error ${constants.errno.ENOSPC})`
    })
  })

  it("takes whatever is thrown", () => {
    const reason = "fatal error (no retry): spawn failed: unknown error"
    assert.deepStrictEqual(outcome("text"), { fatal: true, reason })
    assert.deepStrictEqual(outcome(new Error("no code")), { fatal: true, reason })
    assert.deepStrictEqual(outcome(Object.assign(new Error("x"), { code: "E_OWN" })), {
      fatal: true,
      reason: "fatal error (no retry): spawn failed: E_OWN"
    })
  })
})
