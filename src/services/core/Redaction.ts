/**
 * Keeps secrets out of the texts that errors carry.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"

/**
 * Percent-encodes text as one path segment or query value; `None` when it is not well-formed Unicode.
 *
 * @internal
 */
export const percentEncode: (text: string) => Option.Option<string> = Option.liftThrowable(encodeURIComponent)

/** Shorter values are left alone: replacing every "1" would make texts unreadable and hide nothing. */
const shortest = 4

/** @internal */
export const redact = (text: string, secrets: ReadonlyArray<string>): string => {
  let out = text
  for (const secret of secrets) {
    if (secret.length < shortest) continue
    out = out.split(secret).join("<redacted>")
    const escaped = JSON.stringify(secret).slice(1, -1)
    if (escaped !== secret) out = out.split(escaped).join("<redacted>")
    const encoded = percentEncode(secret)
    if (Option.isSome(encoded) && encoded.value !== secret) out = out.split(encoded.value).join("<redacted>")
  }
  return out
}

/**
 * At most `limit` characters, without control characters that could drive a terminal.
 *
 * @internal
 */
export const excerpt = (text: string, limit: number): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  text.slice(0, limit).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\uFFFD")
