/**
 * Keeps secrets out of the texts that errors carry.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

/**
 * Percent-encodes text as one path segment or query value; `None` when it is not well-formed Unicode.
 *
 * @internal
 */
export const percentEncode: (text: string) => Option.Option<string> = Option.liftThrowable(encodeURIComponent)

/** Shorter values are left alone: replacing every "1" would make texts unreadable and hide nothing. */
const shortest = 4

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

const escapes: ReadonlyArray<(text: string) => string> = [
  (text) => JSON.stringify(text).slice(1, -1),
  (text) => Option.getOrElse(percentEncode(text), () => text),
  (text) => text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
]

/**
 * What of the headers of a request must not show up in errors. A server or a proxy may show the request in its answers: no
 * header of it comes back, whether marked as secret or not. The space around a value does not reach the server.
 *
 * @internal
 */
export const headerSecrets = (
  token: Option.Option<Redacted.Redacted>,
  headers: Readonly<Record<string, string | Redacted.Redacted | undefined>>
): Array<string> => {
  const secrets: Array<string> = []
  for (const value of Object.values(headers)) {
    if (value !== undefined) secrets.push((Redacted.isRedacted(value) ? Redacted.value(value) : value).trim())
  }
  if (Option.isSome(token)) secrets.push(Redacted.value(token.value).trim())
  return secrets
}

/** How a secret may come back: as it is, or escaped for JSON, a URL or HTML, also one in the other. */
const formsOf = (secret: string): ReadonlySet<string> => {
  const once = escapes.map((escape) => escape(secret))
  return new Set([secret, ...once, ...once.flatMap((form) => escapes.map((escape) => escape(form)))])
}

/** Nothing in such a text is an escape: what it holds of a secret it holds as it is. */
const isPlain = (text: string): boolean => /^[\w.~-]*$/.test(text)

/** How much of the end of a text is the beginning of a secret that was cut off there. */
const tailOf = (text: string, form: string): number => {
  let length = Math.min(form.length - 1, text.length)
  while (length >= shortest && !text.endsWith(form.slice(0, length))) length--
  return length < shortest ? 0 : length
}

/**
 * The text without the secrets, and without the beginning of one at its end, in case the text was cut off there.
 *
 * @internal
 */
export const redact = (text: string, secrets: ReadonlyArray<string>): string => {
  let out = text
  // Of a secret longer than the text only the beginning can be in it.
  const known = secrets.filter((secret) => secret.length >= shortest).map((secret) => secret.slice(0, text.length + 1))
  // The longest first: one secret may hold another.
  const forms = isPlain(text) ? known : Array.from(new Set(known.flatMap((secret) => [...formsOf(secret)])))
  forms.sort((a, b) => b.length - a.length)
  for (const form of forms) out = out.split(form).join("<redacted>")
  let tail = 0
  for (const form of forms) tail = Math.max(tail, tailOf(out, form))
  return tail === 0 ? out : `${out.slice(0, -tail)}<redacted>`
}

/**
 * At most `limit` characters, without control characters that could drive a terminal.
 *
 * @internal
 */
export const excerpt = (text: string, limit: number): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  text.slice(0, limit).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\uFFFD")
