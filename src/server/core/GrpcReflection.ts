/**
 * The standard reflection service (`grpc.reflection.v1.ServerReflection`): lets `grpcurl` and the like call a server
 * without its `.proto` files.
 *
 * @since 0.1.0
 */
import { type DescFile, type DescService, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { codes } from "../../schemas/core/Grpc.js"
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema
} from "../../schemas/gen/grpc/reflection/v1/reflection_pb.js"
import type * as Grpc from "./Grpc.js"
import * as GrpcMessage from "./GrpcMessage.js"
import type { GrpcStatus } from "./GrpcStatus.js"

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>

/** The version before, with the same messages under the same numbers; older clients ask for it. */
const alpha = "grpc.reflection.v1alpha.ServerReflection"

/** A file, then everything that it imports, each once. */
const withImports = (file: DescFile): ReadonlyArray<DescFile> => {
  const files = new Set<DescFile>()
  const add = (next: DescFile): void => {
    if (files.has(next)) return
    files.add(next)
    next.dependencies.forEach(add)
  }
  add(file)
  return [...files]
}

/** What a file declares, by full names: the symbols that a client may ask for, and which of them are messages. */
const declaredIn = ({ enumType, messageType, package: inPackage, service }: FileDescriptorProto) => {
  const messages: Array<string> = []
  const others = enumType.map(({ name }) => `${inPackage}.${name}`)
  const add = (scope: string, message: DescriptorProto): void => {
    const name = `${scope}.${message.name}`
    messages.push(name)
    for (const nested of message.enumType) others.push(`${name}.${nested.name}`)
    for (const nested of message.nestedType) add(name, nested)
  }
  for (const message of messageType) add(inPackage, message)
  for (const { method, name } of service) {
    others.push(`${inPackage}.${name}`)
    for (const it of method) others.push(`${inPackage}.${name}.${it.name}`)
  }
  return { messages, symbols: [...messages, ...others] }
}

const failed = (errorCode: number, errorMessage: string): Answer => ({
  case: "errorResponse",
  value: { errorCode, errorMessage }
})

const notFound = (what: string): Answer => failed(codes.NOT_FOUND, `${what} not found`)

const described = (file: DescFile): Answer => ({
  case: "fileDescriptorResponse",
  value: { fileDescriptorProto: withImports(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto)) }
})

/** The files of a server by name and by what they declare. */
const answering = (services: ReadonlyArray<DescService>) => {
  const listed = [...services, ServerReflection]
  const files = new Map(listed.flatMap(({ file }) => withImports(file)).map((file) => [file.proto.name, file]))
  const messages = new Set<string>()
  const symbols = new Map<string, DescFile>()
  for (const file of files.values()) {
    const declared = declaredIn(file.proto)
    for (const name of declared.messages) messages.add(name)
    for (const name of declared.symbols) symbols.set(name, file)
  }

  return ({ messageRequest }: ServerReflectionRequest): Answer => {
    switch (messageRequest.case) {
      case "listServices":
        return { case: "listServicesResponse", value: { service: listed.map(({ typeName }) => ({ name: typeName })) } }
      case "fileByFilename": {
        const file = files.get(messageRequest.value)
        return file === undefined ? notFound("file") : described(file)
      }
      case "fileContainingSymbol": {
        const file = symbols.get(messageRequest.value)
        return file === undefined ? notFound("symbol") : described(file)
      }
      case "fileContainingExtension":
        return notFound("extension")
      case "allExtensionNumbersOfType":
        return messages.has(messageRequest.value)
          ? { case: "allExtensionNumbersResponse", value: { baseTypeName: messageRequest.value } }
          : notFound("type")
      case undefined:
        return failed(codes.INVALID_ARGUMENT, "the request asks for nothing that is known")
    }
  }
}

/**
 * `ServerReflectionInfo`, for `Grpc.make`, over the files of these services and what they import. It lists the
 * services, and itself.
 *
 * The same bytes are answered under `grpc.reflection.v1alpha.ServerReflection`, which is not listed. A question that
 * has no answer is answered with an error response, and the stream goes on, until the client ends it or `closed` is done:
 * who only asks what there is holds no shutdown up.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  services: ReadonlyArray<DescService>,
  closed: Effect.Effect<void> = Effect.never
): ReadonlyMap<string, Grpc.Method> => {
  const answer = answering(services)

  const respond = (message: Uint8Array): Either.Either<Uint8Array, GrpcStatus> =>
    Either.map(
      GrpcMessage.decode(ServerReflectionRequestSchema, message),
      (request) =>
        GrpcMessage.encode(ServerReflectionResponseSchema, {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request)
        })
    )

  const method: Grpc.Method = {
    _tag: "Bidi",
    requestLimit: 4096,
    handle: (messages) => Stream.interruptWhen(Stream.mapEffect(messages, respond), closed)
  }
  const { name } = ServerReflection.method.serverReflectionInfo
  return new Map([[`/${ServerReflection.typeName}/${name}`, method], [`/${alpha}/${name}`, method]])
}
