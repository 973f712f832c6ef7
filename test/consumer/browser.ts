/** Bundled without anything of Node and run where there is only what browsers have. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Core from "effect-switchyard/core"
import * as Solti from "effect-switchyard/solti"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"

const answers: Record<string, () => Response> = {
  "/api/v1/tasks": () => Response.json({ tasks: [], total: 0 }),
  "/api/v1/tasks/gone": () => Response.json({ error: "TaskNotFound", message: "task not found: gone" }, { status: 404 })
}

const fetch: typeof globalThis.fetch = async (input) => {
  const answer = answers[new URL(String(input)).pathname]
  return answer === undefined ? new Response(null, { status: 500 }) : answer()
}

const solti = Solti.layer({ url: "https://solti.example" }).pipe(
  Layer.provide(FetchHttpClient.layer),
  Layer.provide(Layer.succeed(FetchHttpClient.Fetch, fetch))
)

const program = Effect.gen(function*() {
  const tasks = yield* Solti.Tasks
  return { page: yield* tasks.list(), gone: yield* tasks.get("gone") }
})

export const main = async (): Promise<void> => {
  const { gone, page } = await Effect.runPromise(Effect.provide(program, solti))
  if (page.total !== 0 || Option.isSome(gone) || !Core.Errors.isTransient({ _tag: "Timeout" })) {
    throw new Error("the client does not work in a browser")
  }
}
