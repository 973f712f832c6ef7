/**
 * What the labels of failures are over gRPC. Nothing of protobuf is needed for it.
 *
 * @since 0.1.0
 */
import { codes } from "../../schemas/core/Grpc.js"
import type { ErrorLabel } from "../../schemas/solti/Errors.js"
import { GrpcStatus } from "../core/GrpcStatus.js"
import type { ApiError } from "./ApiHandler.js"

const codeOf: Readonly<Record<ErrorLabel, number>> = {
  InvalidRequest: codes.INVALID_ARGUMENT,
  Unauthenticated: codes.UNAUTHENTICATED,
  TaskNotFound: codes.NOT_FOUND,
  AlreadyExists: codes.ALREADY_EXISTS,
  PayloadTooLarge: codes.RESOURCE_EXHAUSTED,
  Internal: codes.INTERNAL,
  Unavailable: codes.UNAVAILABLE
}

/**
 * The status of a failure, with its bare text (contract 3.5).
 *
 * @since 0.1.0
 * @category encoding
 */
export const toStatus = ({ detail, label, retryAfterSeconds }: ApiError): GrpcStatus =>
  new GrpcStatus({ code: codeOf[label], detail, retryAfterSeconds })
