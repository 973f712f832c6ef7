/**
 * The servers that are measured, each in a process of its own: ours, and the published 0.0.2 where it has been built.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Url from "node:url"
import * as RealServer from "../../test/real/server.js"
import type { Child } from "../core/measure.js"
import { child } from "../core/measure.js"

const pathOf = (relative: string) => Url.fileURLToPath(new URL(relative, import.meta.url))

/** Ours; it answers every message with its resident memory in bytes. */
export const withOurs = async <A>(use: (server: Child) => Promise<A>): Promise<A> => {
  const server = await child(pathOf("serving.ts"))
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

/** What Node itself reaches; see `core/bare.ts`. */
export const withBare = async <A>(use: (bare: Child) => Promise<A>): Promise<A> => {
  const bare = await child(pathOf("../core/bare.ts"))
  try {
    return await use(bare)
  } finally {
    await bare.stop()
  }
}

const findReal = Effect.gen(function*() {
  if (process.argv.includes("--real")) return yield* RealServer.build({ release: true })
  const binary = yield* RealServer.binary({ release: true })
  return Fs.existsSync(binary) ? binary : undefined
}).pipe(Effect.provide(NodeContext.layer))

/** The published server, release build: built first with `--real`, else `undefined` unless it has been built. */
export const withReal = async <A>(
  smoke: boolean,
  use: (server: RealServer.RealServer | undefined) => Promise<A>
): Promise<A> => {
  const binary = smoke ? undefined : await Effect.runPromise(findReal)
  if (binary === undefined) return use(undefined)
  const scope = await Effect.runPromise(Scope.make())
  try {
    return await use(await Effect.runPromise(Scope.extend(RealServer.start(binary), scope)))
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
