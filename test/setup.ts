/**
 * `assert.deepStrictEqual` takes `Option.some` for `Option.none`: chai looks at what can be enumerated, and the tag of an
 * `Option` is on its prototype.
 */
import * as Option from "effect/Option"
import { chai } from "vitest"

const differ = (left: unknown, right: unknown): boolean =>
  Option.isOption(left) && Option.isOption(right) && left._tag !== right._tag

chai.config.deepEqual = (expected, actual) =>
  chai.util.eql(expected, actual, { comparator: (left: unknown, right: unknown) => differ(left, right) ? false : null })
