/**
 * Snapshots of the control plane for who listens to `ops_metrics:global` (contract 6.4): none is stored, the latest
 * counts, and everybody sees what is theirs.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Fleet from "./Fleet.js"
import type { GraphStore } from "./GraphStore.js"
import type { Outbox } from "./Outbox.js"
import { pushFrame } from "./Outbox.js"
import type { World } from "./World.js"

/**
 * @since 0.1.0
 * @category constants
 */
export const recipient = "ops_metrics:global"

/** Whether anything is to be told is looked at so often, in ms. */
const check = 1000

/** How many looks lie between two snapshots. */
const period = 5

/** Whether something belongs to what a key sees: `public` is what has no tenant. */
const isInView = (tenant: string | undefined, view: string | undefined): boolean =>
  view === undefined || tenant === (view === "public" ? undefined : view)

/**
 * What tells everybody who listens. `listen` is called when somebody new does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  world: World,
  outbox: Outbox,
  store: GraphStore
): Effect.Effect<{ readonly listen: (tenant: string | undefined) => Effect.Effect<void> }, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const clock = yield* Effect.clock
    const start = clock.unsafeCurrentTimeMillis()
    const views = new Set<string | undefined>()
    let told = new Set<string | undefined>()
    let sinceLast = period
    let lastId = 0
    let isTicking = false

    const snapshot = (view: string | undefined): unknown => {
      const now = clock.unsafeCurrentTimeMillis()
      const packages = Fleet.packageStats(world, view ?? "public")
      const crashed = store.graphs().filter(({ isCrashed, tenant }) => isCrashed && isInView(tenant, view))
      const reason = world.health.notReady !== undefined
        ? "database unreachable"
        : crashed.length > 0
        ? `crashed computation graphs: ${crashed.map(({ script }) => script.name).join(", ")}`
        : null
      return {
        server: { alive: true, ready: reason === null, reason },
        compiler: Fleet.compilerStatus(packages),
        fleet: [...world.agents.values()]
          .filter((agent) => Fleet.isAlive(agent, now) && isInView(agent.tenant, view))
          .map((agent) => Fleet.agentInfo(agent, now)),
        reconciler: {
          status: packages.failed > 0 ? "errors" : "ok",
          built: packages.built,
          failed: packages.failed,
          last_built_at: packages.lastSuccessAt ?? null
        },
        ts: `${new Date(now).toISOString().slice(0, -1)}000000+00:00`
      }
    }

    const isKnown = (view: string | undefined): boolean =>
      view === undefined || view === "public" || world.access.tenantExists(view)

    /** New listeners are told at once, all of them at each period. */
    const tick = (): void => {
      for (const view of views) if (outbox.sinkOf(recipient, view) === undefined) views.delete(view)
      sinceLast++
      const isDue = sinceLast >= period
      for (const view of views) {
        if (!isKnown(view) || !isDue && told.has(view)) continue
        const row = { recipient, kind: "ops_metrics", tenant: view, payload: snapshot(view) }
        outbox.sinkOf(recipient, view)?.offer(pushFrame(++lastId, row))
      }
      if (isDue) sinceLast = 0
      told = new Set(views)
    }

    const ticker = Effect.suspend(() => {
      const now = clock.unsafeCurrentTimeMillis()
      return Effect.map(Clock.sleep(Duration.millis(check - (now - start) % check)), tick)
    }).pipe(
      Effect.repeat({ while: () => views.size > 0 }),
      Effect.zipRight(Effect.sync(() => {
        isTicking = false
      }))
    )

    return {
      listen: (view) =>
        Effect.suspend(() => {
          views.add(view)
          told.delete(view)
          if (isTicking) return Effect.void
          isTicking = true
          sinceLast = period
          return Effect.forkIn(Effect.interruptible(ticker), scope)
        })
    }
  })
