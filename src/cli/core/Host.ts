/**
 * The process around the command line, as far as commands read from it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * @since 0.1.0
 * @category context
 */
export class Host extends Context.Tag("effect-switchyard/cli/Host")<Host, Host.Service>() {}

/**
 * @since 0.1.0
 */
export declare namespace Host {
  /**
   * @since 0.1.0
   * @category models
   */
  export interface Service {
    /** What stands behind the name of the program. */
    readonly args: ReadonlyArray<string>
    readonly environment: Readonly<Record<string, string | undefined>>
    /** Reads the whole of stdin as text. */
    readonly stdin: Effect.Effect<string>
    readonly pid: number
  }
}

/**
 * The value of an environment variable; an empty one counts as not set.
 *
 * @since 0.1.0
 * @category accessors
 */
export const variable = (name: string): Effect.Effect<string | undefined, never, Host> =>
  Effect.map(Host, ({ environment }) => environment[name] === "" ? undefined : environment[name])
