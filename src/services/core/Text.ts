/**
 * Text for people.
 *
 * @since 0.1.0
 */

/**
 * Makes untrusted text safe for a terminal: every control character but tab becomes a visible escape. What a server
 * writes may hold sequences that move the cursor, rename the window or hide text.
 *
 * @since 0.1.0
 * @category utils
 */
export const escapeControls = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

/**
 * A number with its noun: `1 task`, `2 tasks`.
 *
 * @internal
 */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`
