import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Cloacina from "../../../src/cloacina.js"

const whoami = (role: string, is_admin = false) =>
  Schema.decodeSync(Cloacina.Whoami)({ tenant_id: "north", role, is_admin, name: "loader" })

const may = (rights: Cloacina.Rights | undefined) => [
  Cloacina.canRead(rights),
  Cloacina.canWrite(rights),
  Cloacina.canAdmin(rights)
]

describe("what a key may do", () => {
  it("grows with its role", () => {
    assert.deepStrictEqual(may(whoami("read")), [true, false, false])
    assert.deepStrictEqual(may(whoami("write")), [true, true, false])
    assert.deepStrictEqual(may(whoami("admin")), [true, true, true])
  })

  it("is everything for a god key", () => {
    for (const role of ["read", "write", "admin", "captain"]) {
      assert.deepStrictEqual(may(whoami(role, true)), [true, true, true])
    }
  })

  it("is reading with a role that is not known, as on the server", () => {
    for (const role of ["captain", "", "Admin", "WRITE", "toString", "admin "]) {
      assert.deepStrictEqual(may(whoami(role)), [true, false, false])
    }
  })

  it("is nothing for who is not known", () => {
    assert.deepStrictEqual(may(undefined), [false, false, false])
  })
})
