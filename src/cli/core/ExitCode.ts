/**
 * What the exit codes of the command line mean.
 *
 * @since 0.1.0
 */

/**
 * The exit codes. A command that a signal ends exits with 128 and the number of the signal: 130 for SIGINT (Ctrl-C), 143
 * for SIGTERM, 141 when the reader of its output has gone.
 *
 * @since 0.1.0
 * @category constants
 */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  auth: 4,
  unavailable: 5,
  mismatch: 6,
  bug: 70
} as const

/**
 * The codes and their meanings, as the help shows them.
 *
 * @since 0.1.0
 * @category constants
 */
export const meanings: ReadonlyArray<readonly [code: string, meaning: string]> = [
  ["0", "done; for run and execute: the task, the execution succeeded"],
  ["1", "the task, the execution or the build did not succeed, the state forbids it, or the server could not listen"],
  ["2", "wrong usage, or input that the server would refuse or has refused"],
  ["3", "no such thing on the server, or no live log of it"],
  ["4", "no token or key, a wrong one, or one that does not allow this"],
  ["5", "the server was not reached, did not answer in time, or failed"],
  ["6", "the server does not speak this version of the API, or does not do this"],
  ["70", "a bug in this program"],
  ["130", "interrupted (Ctrl-C); 143: terminated; 141: nobody reads the output"]
]
