/**
 * The standard details of a gRPC status, for clients that read them.
 *
 * @since 0.1.0
 */
import { create, toBinary } from "@bufbuild/protobuf"
import { base64Encode } from "@bufbuild/protobuf/wire"
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt"
import { RetryInfoSchema } from "../../schemas/gen/google/rpc/error_details_pb.js"
import { StatusSchema } from "../../schemas/gen/google/rpc/status_pb.js"
import * as GrpcStatus from "./GrpcStatus.js"

/**
 * A status as trailers, with `google.rpc.RetryInfo` where it says when to try again.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toTrailers = (status: GrpcStatus.GrpcStatus): Readonly<Record<string, string>> => {
  const plain = GrpcStatus.toTrailers(status)
  const retryAfterMs = GrpcStatus.retryAfterMsOf(status)
  if (retryAfterMs === undefined) return plain
  const retryInfo = create(RetryInfoSchema, { retryDelay: durationFromMs(retryAfterMs) })
  const { code, detail: message } = status
  const bytes = toBinary(
    StatusSchema,
    create(StatusSchema, { code, message, details: [anyPack(RetryInfoSchema, retryInfo)] })
  )
  return { ...plain, "grpc-status-details-bin": base64Encode(bytes, "std_raw") }
}
