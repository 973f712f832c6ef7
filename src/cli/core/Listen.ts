/**
 * Options of commands that serve.
 *
 * @since 0.1.0
 */
import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"

/**
 * An option that takes a whole number from 0.
 *
 * @since 0.1.0
 * @category options
 */
export const natural = (name: string): Options.Options<number> =>
  Options.integer(name).pipe(
    Options.filterMap((count) => count >= 0 ? Option.some(count) : Option.none(), `--${name} wants a number from 0`)
  )

/**
 * `--host`, with what there is to say about hosts other than loopback.
 *
 * @since 0.1.0
 * @category options
 */
export const host = (beyond: string): Options.Options<string> =>
  Options.text("host").pipe(
    Options.withDefault("127.0.0.1"),
    Options.withDescription(`Where to listen. ${beyond}`)
  )

/**
 * `--port`
 *
 * @since 0.1.0
 * @category options
 */
export const port: Options.Options<number> = natural("port").pipe(
  Options.filterMap((port) => port < 65_536 ? Option.some(port) : Option.none(), "--port wants a number below 65536"),
  Options.withDefault(0),
  Options.withDescription("0, the default, takes a free one: the first line on stdout says which.")
)
