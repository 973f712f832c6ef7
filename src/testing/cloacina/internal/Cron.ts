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

/** Sunday is 7 as well as 0. */
const weekdays = (field: string): string =>
  field.split(",").map((part) =>
    part.replace(/^7(?=$|\/)/, "0").replace(/^(\d)-7$/, (_, from: string) => from === "7" ? "0" : `${from}-6,0`)
  ).join(",")

export const parse = (expression: string, timezone: string): Either.Either<Timetable, string> => {
  const fields = expression.trim().split(/\s+/)
  if (fields.length !== 5 && fields.length !== 6) {
    return Either.left(
      "Cron parsing error: Invalid pattern: Pattern must have 5 or 6 fields when years are disallowed."
    )
  }
  const days = fields.pop() ?? ""
  const pattern = [...fields, weekdays(days.replaceAll("?", "*"))].join(" ").replaceAll("?", "*")
  const parsed = Cron.parse(pattern)
  if (Either.isLeft(parsed)) return Either.left(`Cron parsing error: Invalid pattern: ${parsed.left.message}`)
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
