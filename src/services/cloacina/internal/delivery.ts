import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { delivery as endpoint } from "../../../schemas/cloacina/api/Sockets.js"
import type { OpsMetrics } from "../../../schemas/cloacina/Delivery.js"
import type { DeliveryError } from "../../../streams/cloacina/Delivery.js"
import type { Listening } from "../../../streams/cloacina/Shared.js"
import * as Shared from "../../../streams/cloacina/Shared.js"
import * as StreamTelemetry from "../../core/StreamTelemetry.js"
import type { Client } from "../Client.js"
import type { Delivery, SubscribeOptions } from "../Delivery.js"
import type { OpsWatch } from "../OpsWatch.js"
import * as Sockets from "./sockets.js"

/** How many connections in a row may fail. */
const defaultReconnects = 20

/** What listens to recipients in the name of one operation. */
const listener = (client: Client.Service, area: string, name: string) => {
  const { info, open } = Sockets.opener(client, area, name, endpoint)

  return <A>(
    recipient: string,
    options: SubscribeOptions | undefined,
    capacity: Listening["capacity"],
    use: (listening: Listening) => Stream.Stream<A, DeliveryError>
  ): Stream.Stream<A, DeliveryError> =>
    StreamTelemetry.observed(info, (observer, span) => {
      const reconnect = options?.reconnect
      const policy = reconnect === false ? {} : reconnect ?? {}
      return use({
        holder: client.credential,
        key: `${client.baseUrl} ${recipient}`,
        source: {
          open: Effect.withParentSpan(open({ path: { recipient } }, options), span),
          info,
          welcomeTimeout: options?.welcomeTimeout ?? "10 seconds",
          undecodable: options?.undecodable,
          policy
        },
        capacity,
        maxReconnects: reconnect === false ? 0 : policy.maxReconnects ?? defaultReconnects,
        observer
      })
    })
}

export const make = (client: Client.Service): Delivery.Service => {
  const area = "Delivery"
  const listen = listener(client, area, "subscribe")
  const listenForAcks = listener(client, area, "subscribeAcked")
  const listenForEvents = listener(client, area, "executionEvents")
  const listenForHints = listener(client, area, "hints")
  const recipientOf = (executionId: string) => executionId.trim() === "" ? "" : `exec_events:${executionId}`
  const capacityOf = (options: SubscribeOptions | undefined) => Math.max(1, options?.bufferSize ?? 256)

  return {
    subscribe: (recipient, options) => listen(recipient, options, capacityOf(options), Shared.subscribe),
    subscribeAcked: (recipient, options) =>
      listenForAcks(recipient, options, capacityOf(options), Shared.subscribeAcked),
    executionEvents: (executionId, options) =>
      Stream.filterMap(
        listenForEvents(recipientOf(executionId), options, capacityOf(options), Shared.subscribe),
        (push) => push.kind === "execution_event" ? Option.some(push.payload) : Option.none()
      ),
    hints: (executionId, options) =>
      listenForHints(
        recipientOf(executionId),
        { ...options, reconnect: { maxReconnects: 1 } },
        "latest",
        Shared.subscribe
      ).pipe(Stream.map(() => undefined), Stream.catchAll(() => Stream.empty))
  }
}

export const makeOpsWatch = (client: Client.Service): OpsWatch.Service => {
  const listen = listener(client, "OpsWatch", "watch")
  return {
    watch: (options) =>
      listen("ops_metrics:global", options, "latest", Shared.subscribe).pipe(
        Stream.filterMap((push): Option.Option<OpsMetrics> =>
          push.kind === "ops_metrics" ? Option.some(push.payload) : Option.none()
        )
      )
  }
}
