/**
 * Cron expressions of five fields, or six with seconds first, in a time zone, refused in the words of the server (contract
 * 4.8/37).
 */
import * as Cron from "effect/Cron"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as Option from "effect/Option"

export interface Timetable {
  readonly expression: string
  readonly timezone: string
  readonly cron: Cron.Cron
}

const nicknames = new Map(Object.entries({
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@hourly": "0 * * * *"
}))

interface Field {
  readonly min: number
  readonly max: number
  /** What numbers may be called, from `min` on. */
  readonly names: ReadonlyArray<string>
  /** What may stand in it besides digits and `*`, `,`, `-`, `/`. */
  readonly others: string
}

const plain = (min: number, max: number): Field => ({ min, max, names: [], others: "" })

const fields: ReadonlyArray<Field> = [
  plain(0, 59),
  plain(0, 59),
  plain(0, 23),
  { min: 1, max: 31, names: [], others: "?LW" },
  { ...plain(1, 12), names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"] },
  { min: 0, max: 7, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], others: "?L#+" }
]

const illegal = ({ others }: Field, text: string): string | undefined =>
  Array.from(text).find((letter) => !/[\d*,/-]/.test(letter) && !others.includes(letter))

const numberOf = (text: string): number | undefined => /^\d+$/.test(text) ? Number(text) : undefined

const omitted = "Use \"*/5\" for wildcard steps or \"X-Y/5\" for range steps."

/** The numbers that one element of a list stands for, or what is wrong with it. */
const element = ({ max, min }: Field, text: string): ReadonlyArray<number> | string => {
  const [span = "", step, more] = text.split("/")
  const by = step === undefined ? 1 : numberOf(step)
  if (by === undefined || more !== undefined) return "Invalid step."
  if (by === 0) return "Step cannot be zero."
  if (step !== undefined && span === "") {
    return `Invalid step syntax: omitting the starting point like "${text}" is not allowed. ${omitted}`
  }
  const isRange = span.includes("-")
  if (step !== undefined && !isRange && span !== "*") {
    return `Invalid step syntax: single number steps like "${text}" are not allowed. ${omitted}`
  }
  const [first = "", last = ""] = isRange ? span.split("-") : [span, span]
  const isAll = step !== undefined && span === "*"
  const from = isAll ? min : numberOf(first)
  const to = isAll ? max : numberOf(last)
  if (from === undefined) return isRange ? "Invalid start of range." : "Invalid number."
  if (to === undefined) return "Invalid end of range."
  if (from > to || from < min || to > max) return isRange ? "Range out of bounds." : "Number out of bounds."
  return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by)
}

/** A field as numbers, Sunday as 0, or `*`. */
const expand = (field: Field, text: string): Either.Either<string, string> => {
  if (text === "*" || text === "?") return Either.right("*")
  // The emulator knows no last days, nearest weekdays and n-th weekdays of a month.
  if (/[LW#]/.test(text)) return Either.left(`The emulator does not know ${text}.`)
  const numbers = new Set<number>()
  for (const part of text.replace(/^\+/, "").split(",")) {
    const found = part === "" ? [] : element(field, part)
    if (typeof found === "string") return Either.left(found)
    for (const number of found) numbers.add(field.max === 7 ? number % 7 : number)
  }
  return Either.right([...numbers].join(","))
}

const patternOf = (expression: string): Either.Either<string, string> =>
  Either.gen(function*() {
    const trimmed = expression.trim()
    if (trimmed === "") return yield* Either.left("CronPattern cannot be an empty string.")
    const texts = (nicknames.get(trimmed.toLowerCase()) ?? trimmed).toUpperCase().split(/\s+/)
    if (texts.length !== 5 && texts.length !== 6) {
      return yield* Either.left("Invalid pattern: Pattern must have 5 or 6 fields when years are disallowed.")
    }
    const parts = fields.slice(-texts.length).map((field, index) => {
      const text = field.names.reduce((all, name, at) => all.replaceAll(name, `${field.min + at}`), texts[index] ?? "")
      return { field, text }
    })
    for (const { field, text } of parts) {
      const letter = illegal(field, text)
      if (letter === undefined) continue
      const where = `CronPattern contains illegal character '${letter}' in part '${text}'`
      return yield* Either.left(`Pattern contains illegal characters: ${where}`)
    }
    const expanded = parts.map(({ field, text }) => expand(field, text))
    return (yield* Either.mapLeft(Either.all(expanded), (fault) => `Component error: ${fault}`)).join(" ")
  })

export const parse = (expression: string, timezone: string): Either.Either<Timetable, string> => {
  const parsed = Either.flatMap(
    patternOf(expression),
    (pattern) => Either.mapLeft(Cron.parse(pattern), ({ message }) => `Invalid pattern: ${message}`)
  )
  if (Either.isLeft(parsed)) return Either.left(`Cron parsing error: ${parsed.left}`)
  const zone = DateTime.zoneFromString(timezone)
  // An offset is a zone to Effect, but none of the names that the server knows.
  if (Option.isNone(zone) || /^[+-]/.test(timezone)) return Either.left(`Invalid timezone: ${timezone}`)
  return Either.right({ expression, timezone, cron: Cron.make({ ...parsed.right, tz: zone.value }) })
}

/** The first time behind this one, both in ms since 1970. */
export const next = ({ cron }: Timetable, after: number): Either.Either<number, string> =>
  Either.try({
    try: () => Cron.next(cron, after).getTime(),
    catch: () => "Cron parsing error: CronScheduler time search limit exceeded."
  })
