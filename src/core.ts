/**
 * What all planes share and users may extend: call options, feeds, polling, pagination, Server-Sent Events, errors.
 *
 * @since 0.1.0
 */

/**
 * Time-outs, retry and headers for one call or a region.
 *
 * @since 0.1.0
 */
export * as CallOptions from "./services/core/CallOptions.js"

/**
 * The errors that all planes share.
 *
 * @since 0.1.0
 */
export * as Errors from "./schemas/core/Errors.js"

/**
 * Streams over connections that break.
 *
 * @since 0.1.0
 */
export * as Feed from "./streams/core/Feed.js"

/**
 * Lists of many pages as streams.
 *
 * @since 0.1.0
 */
export * as Paginate from "./streams/core/Paginate.js"

/**
 * Waiting by asking again.
 *
 * @since 0.1.0
 */
export * as Poll from "./streams/core/Poll.js"

/**
 * Server-Sent Events.
 *
 * @since 0.1.0
 */
export * as Sse from "./streams/core/Sse.js"
