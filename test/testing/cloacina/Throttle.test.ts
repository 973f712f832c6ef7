/** Counters and locks of failed logins. */
import { describe, it } from "@effect/vitest"
import * as fc from "effect/FastCheck"
import { assert } from "vitest"
import * as Throttle from "../../../src/testing/cloacina/Throttle.js"

const user = (name: string, address = "here") => ({ user: name, address })

describe("a user", () => {
  it("is locked by the failure behind the threshold, for a time that doubles up to the longest", () => {
    const throttle = Throttle.make()
    let now = 0
    for (let failure = 0; failure < 5; failure++) assert.isUndefined(throttle.failed(user("mira"), now))
    for (const seconds of [30, 60, 120, 240, 480, 900, 900]) {
      assert.strictEqual(throttle.failed(user("mira"), now), seconds)
      assert.strictEqual(throttle.locked(user("mira"), now), seconds - 1)
      assert.strictEqual(throttle.locked(user("mira"), now + seconds * 1000 - 1), 1)
      now += seconds * 1000
      assert.isUndefined(throttle.locked(user("mira"), now))
    }
  })

  it("does not lock others", () => {
    const throttle = Throttle.make({ user: 1 })
    throttle.failed(user("mira"), 0)
    throttle.failed(user("mira"), 0)
    assert.isUndefined(throttle.locked(user("ana"), 0))
  })

  it("starts again after a success, and when nothing was counted for long", () => {
    const throttle = Throttle.make({ user: 1 })
    throttle.failed(user("mira"), 0)
    throttle.succeeded(user("mira"))
    assert.isUndefined(throttle.failed(user("mira"), 1))
    assert.isUndefined(throttle.failed(user("mira"), 900_002))
    assert.strictEqual(throttle.failed(user("mira"), 900_003), 30)
  })
})

describe("an address", () => {
  it("is locked across users, which successes do not change", () => {
    const throttle = Throttle.make({ user: 0, address: 3 })
    for (const name of ["a", "b", "c"]) assert.isUndefined(throttle.failed(user(name), 0))
    throttle.succeeded(user("a"))
    assert.strictEqual(throttle.failed(user("d"), 0), 900)
    assert.strictEqual(throttle.locked(user("e"), 1), 899)
    assert.isUndefined(throttle.locked(user("e", "elsewhere"), 1))
  })

  it.prop("is never locked at or below the threshold", [fc.integer({ min: 1, max: 60 })], ([failures]) => {
    const throttle = Throttle.make({ user: 0 })
    const locked = Array.from({ length: failures }, (_, at) => throttle.failed(user(String(at)), at))
    assert.strictEqual(locked.some((seconds) => seconds !== undefined), failures > 50)
  })
})
