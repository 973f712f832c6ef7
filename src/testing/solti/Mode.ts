/**
 * Which server the emulator is.
 *
 * @since 0.1.0
 */
import { codes } from "../../schemas/core/Grpc.js"
import type { Semantics } from "../../server/solti/Semantics.js"
import { intended, published } from "../../server/solti/Semantics.js"
import type { Behavior } from "./ScriptRunner.js"

/**
 * - `intended`: this project's own server
 * - `strict-0.0.2`: the published server with all its quirks: tasks vanish when they have ended, `total` is the length of
 *   the page, markers come twice or with attempt 0, a cancel counts as success, slots exclude nothing, in-process tasks
 *   leak, a body of a submit may have 2 MiB, a delete may come too early or block the agent, lines behind an over-long
 *   one are lost, children outlive a time-out, logs are live only
 * - `0.0.3`: what its release notes say: `apply` (PUT), asks for the token, `total` and the 2 MiB as before; beyond that
 *   it behaves as `intended`, since nothing else is known of it (contract 12.1)
 *
 * @since 0.1.0
 * @category models
 */
export type Mode = "intended" | "strict-0.0.2" | "0.0.3"

/**
 * What a mode sets; `grpc` over gRPC only (contract 3.4, 12.1).
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  readonly semantics: Semantics
  readonly behavior: Behavior
  readonly submitLimit: number
  readonly apply: boolean
  readonly grpc: {
    readonly service: "solti.v1.SoltiApi" | "solti.task.v1.TaskService"
    readonly tooLargeCode: number
  }
}

const MiB = 1024 * 1024

/**
 * @since 0.1.0
 * @category constants
 */
export const settings: Readonly<Record<Mode, Settings>> = {
  intended: {
    semantics: intended,
    behavior: "intended",
    submitLimit: 4 * MiB,
    apply: false,
    grpc: { service: "solti.v1.SoltiApi", tooLargeCode: codes.RESOURCE_EXHAUSTED }
  },
  "strict-0.0.2": {
    semantics: published,
    behavior: "published",
    submitLimit: 2 * MiB,
    apply: false,
    grpc: { service: "solti.v1.SoltiApi", tooLargeCode: codes.OUT_OF_RANGE }
  },
  "0.0.3": {
    semantics: { ...intended, total: "page", shuttingDown: "Internal" },
    behavior: "intended",
    submitLimit: 2 * MiB,
    apply: true,
    grpc: { service: "solti.task.v1.TaskService", tooLargeCode: codes.OUT_OF_RANGE }
  }
}
