/** What a gate is. */

/**
 * The result of a gate: how many checks passed and failed (1 and 0 for most), a short note for its line, and what to
 * print when it failed.
 */
export interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly note: string
  readonly output: string
}

export interface Gate {
  readonly name: string
  /** Gates that must have passed before this one. */
  readonly needs?: ReadonlyArray<string>
  readonly run: () => Promise<Outcome>
}

export const verdict = (ok: boolean, note: string, output: string): Outcome => ({
  passed: ok ? 1 : 0,
  failed: ok ? 0 : 1,
  note,
  output
})

/** A gate that is one command. */
export const command = (ran: { readonly ok: boolean; readonly output: string }, note = ""): Outcome =>
  verdict(ran.ok, note, ran.output)
