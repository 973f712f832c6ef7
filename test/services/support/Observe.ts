/** Everything that a program shows of itself: log lines and spans. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"

/** A span that has ended, or not. */
interface Recorded {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly parent: string | undefined
  readonly attributes: Map<string, unknown>
  readonly events: Array<{ readonly name: string; readonly attributes: unknown }>
  exit: Exit.Exit<unknown, unknown> | undefined
}

/** Records the spans and the log lines of an effect. */
export const make = () => {
  const spans: Array<Recorded> = []
  const lines: Array<unknown> = []

  const tracer = Tracer.make({
    span: (name, parent, context, links, startTime, kind) => {
      const recorded: Recorded = {
        name,
        kind,
        parent: Option.getOrUndefined(Option.map(parent, (one) => one._tag === "Span" ? one.name : "external")),
        attributes: new Map(),
        events: [],
        exit: undefined
      }
      spans.push(recorded)
      return {
        _tag: "Span",
        name,
        spanId: `span-${spans.length}`,
        traceId: "trace-1",
        parent,
        context,
        status: { _tag: "Started", startTime },
        attributes: recorded.attributes,
        links,
        sampled: true,
        kind,
        end: (_, exit) => void (recorded.exit = exit),
        attribute: (key, value) => void recorded.attributes.set(key, value),
        event: (name, _, attributes) => void recorded.events.push({ name, attributes }),
        addLinks: () => {}
      }
    },
    context: (f) => f()
  })

  const logger = Logger.make(({ annotations, cause, message, spans }) => {
    lines.push({ message, cause: Cause.pretty(cause), annotations: [...annotations], spans: [...spans] })
  })

  const observe = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    effect.pipe(
      Effect.withTracer(tracer),
      Effect.withTracerEnabled(true),
      Effect.provide(Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(LogLevel.All)))
    )

  return { spans, lines, observe }
}

/** A value as programs print it. */
export const printed = (value: unknown): string =>
  `${JSON.stringify(value)}\n${inspect(value, { depth: null, showHidden: true, getters: true })}`

/** Everything that can be made of an error by printing it. */
export const shown = (value: unknown): string => {
  const error = value instanceof Error ? [value.message, value.name, value.stack, String(value)] : []
  return [
    ...error,
    printed(value),
    Cause.pretty(Cause.fail(value)),
    Cause.pretty(Cause.die(value)),
    JSON.stringify(Cause.fail(value)),
    inspect(Cause.fail(value), { depth: null })
  ].join("\n")
}
