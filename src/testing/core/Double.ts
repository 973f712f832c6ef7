/**
 * Doubles of services: what a test gives answers, everything else says loudly that nobody expected it.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/**
 * A method was called that the test gives no answer for. It is a defect, not a failure: no handler of failures can take
 * it for an answer, and the types of the method stay what they are.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnexpectedCall extends Data.TaggedError("UnexpectedCall")<{ readonly method: string }> {
  override get message() {
    return `${this.method} was called, and the test gives no answer for it: add the method to its double`
  }
}

/**
 * A method that nobody is to call.
 *
 * @since 0.1.0
 * @category constructors
 */
export const effect = (method: string) => (): Effect.Effect<never> => Effect.die(new UnexpectedCall({ method }))

/**
 * A method that gives a stream and that nobody is to call.
 *
 * @since 0.1.0
 * @category constructors
 */
export const stream = (method: string) => (): Stream.Stream<never> => Stream.die(new UnexpectedCall({ method }))
