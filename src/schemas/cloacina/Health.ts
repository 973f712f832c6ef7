/**
 * Liveness and readiness (contract 4.1).
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * `GET /health`: the server answers.
 *
 * @since 0.1.0
 * @category schemas
 */
export const HealthStatus = Schema.Struct({
  status: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface HealthStatus extends Schema.Schema.Type<typeof HealthStatus> {}

/**
 * `GET /ready`, 200: `status` is `ready`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ReadyBody = Schema.Struct({
  status: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface ReadyBody extends Schema.Schema.Type<typeof ReadyBody> {}

/**
 * `GET /ready`, 503: why not.
 *
 * @since 0.1.0
 * @category schemas
 */
export const NotReadyBody = Schema.Struct({
  status: Schema.Literal("not ready"),
  reason: Schema.String
})

/**
 * @since 0.1.0
 * @category models
 */
export interface NotReadyBody extends Schema.Schema.Type<typeof NotReadyBody> {}
