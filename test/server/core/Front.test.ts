import { assert, describe, it } from "@effect/vitest"
import * as Front from "../../../src/server/core/Front.js"

describe("Front", () => {
  it("takes a request target apart without changing it", () => {
    const targets: ReadonlyArray<readonly [target: string, path: string, query: string]> = [
      ["/", "/", ""],
      ["/a/../b//%2f?", "/a/../b//%2f", ""],
      ["/a?x=/y?z", "/a", "x=/y?z"],
      ["/a?http://b/c", "/a", "http://b/c"],
      ["http://proxy.example:80/a/b?c", "/a/b", "c"],
      ["http://proxy.example?c", "", "c"],
      ["*", "*", ""]
    ]
    for (const [target, path, query] of targets) {
      assert.deepStrictEqual([Front.pathOf(target), Front.queryOf(target)], [path, query], target)
    }
  })
})
