/**
 * Two tellings of a story, side by side.
 */
import { isDeepStrictEqual } from "node:util"
import * as Replay from "../../fixtures/cloacina/Replay.js"
import type { Moment } from "./player.js"

/** A moment that was not the same: what the real server did, and what the emulator. */
export interface Difference {
  readonly what: string
  readonly expected: unknown
  readonly found: unknown
}

/** Both name their places by their own ids. */
const withoutIds = (text: string): string =>
  text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "{id}").replace(/token=.*/, "token=…")

const frames = (socket: Replay.Socket): ReadonlyArray<unknown> =>
  socket.frames.map((frame) => typeof frame === "string" ? Replay.said(frame) : frame)

const ended = (socket: Replay.Socket) => socket.ended?.by === "client" ? "by the client" : socket.ended

const view = (moment: Moment | undefined, names: Replay.Names | undefined): unknown => {
  if (moment === undefined) return "nothing"
  const request = { path: moment.path, headers: {} }
  if ("answer" in moment) return Replay.comparable({ ...request, method: moment.method }, moment.answer, names)
  return {
    upgrade: moment.socket.upgrade.status === 101
      ? "accepted"
      : Replay.comparable({ ...request, method: "GET" }, moment.socket.upgrade, names),
    frames: frames(moment.socket).map((frame) => Replay.pushed(frame)),
    ended: ended(moment.socket)
  }
}

const learn = (real: Moment, emulated: Moment | undefined, names: Replay.Names): void => {
  if ("answer" in real && emulated !== undefined && "answer" in emulated) {
    names.learn(
      Replay.inOrder(Replay.said(real.answer.body), real.path),
      Replay.inOrder(Replay.said(emulated.answer.body), emulated.path)
    )
  }
}

/** The moments in which the emulator did something else. */
export const differences = (
  real: ReadonlyArray<Moment>,
  emulated: ReadonlyArray<Moment>
): ReadonlyArray<Difference> => {
  const names = new Replay.Names()
  return real.flatMap((moment, position) => {
    const other = emulated[position]
    learn(moment, other, names)
    const [expected, found] = [view(moment, undefined), view(other, names)]
    return isDeepStrictEqual(expected, found)
      ? []
      : [{ what: withoutIds(moment.what), expected, found }]
  })
}

/** A difference that is known, in the words of {@link Difference.what}, and why it is there. */
export interface Known {
  readonly chapter: string
  readonly what: string
  readonly reason: string
}

export const known: ReadonlyArray<Known> = []
