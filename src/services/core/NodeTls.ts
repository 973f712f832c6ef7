/**
 * Certificates and keys of TLS connections: from values or files, checked before anything is opened.
 *
 * @since 0.1.0
 */
import * as Array from "effect/Array"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { KeyObject } from "node:crypto"
import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFile, stat } from "node:fs/promises"
import { createSecureContext } from "node:tls"
import type { InputIssue } from "../../schemas/core/Errors.js"

/**
 * PEM: the text, or the path of a file that holds it. In a text the two characters `\n` may stand for the end of a
 * line, as they do in environment variables.
 *
 * @since 0.1.0
 * @category models
 */
export type Pem = string | Redacted.Redacted | { readonly file: string }

/**
 * TLS as a client uses it.
 *
 * - `ca`: the authorities that are trusted, in place of the system's; each may hold several certificates
 * - `cert`, `key`: mTLS: who the client is. The certificate comes first, what it was issued by may follow it
 * - `serverName`: the name in the server's certificate, where it is not the host of the URL
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientTls {
  readonly ca?: Pem | ReadonlyArray<Pem> | undefined
  readonly cert?: Pem | undefined
  readonly key?: Pem | undefined
  readonly serverName?: string | undefined
}

/**
 * TLS as a server uses it.
 *
 * - `cert`, `key`: who the server is. The certificate comes first, what it was issued by may follow it
 * - `clientCa`: mTLS: clients without a certificate of one of these authorities are refused
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerTls {
  readonly cert: Pem
  readonly key: Pem
  readonly clientCa?: Pem | ReadonlyArray<Pem> | undefined
}

/**
 * The options of TLS cannot work. `issues` name the option (`tls.key`) and the rule, never what is in a file or value.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidTls extends Data.TaggedError("InvalidTls")<{ readonly issues: ReadonlyArray<InputIssue> }> {
  override get message() {
    return this.issues.map(({ message, path }) => `${path}: ${message}`).join("; ")
  }
}

/**
 * What `node:tls` and `node:http2` take on the client's side.
 *
 * @since 0.1.0
 * @category models
 */
export interface LoadedClient {
  ca?: Array<string>
  cert?: string
  key?: string
  servername?: string
}

/**
 * What `node:tls` and `node:http2` take on the server's side.
 *
 * @since 0.1.0
 * @category models
 */
export interface LoadedServer {
  cert: string
  key: string
  ca?: Array<string>
  requestCert: boolean
  rejectUnauthorized: boolean
}

/** The longest file that is read, in bytes: who names another file by mistake gets an answer. */
const maxFile = 1024 * 1024

type Loaded<A> = Either.Either<A, InputIssue>

const wrong = (path: string, message: string): Loaded<never> => Either.left({ path, message })

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : "unknown reason"

/** Of a failure only the code is told: who gives a value for a path would find the value in the text. */
const readText = (path: string, { file }: { readonly file: string }): Effect.Effect<Loaded<string>> =>
  Effect.tryPromise({ try: () => stat(file), catch: codeOf }).pipe(
    Effect.filterOrFail((found) => found.isFile(), () => "not a file"),
    Effect.filterOrFail((found) => found.size <= maxFile, () => `longer than ${maxFile} bytes`),
    Effect.zipRight(Effect.tryPromise({ try: () => readFile(file, "utf8"), catch: codeOf })),
    Effect.match({
      onFailure: (reason) => wrong(path, `cannot be read: ${reason}`),
      onSuccess: (text) => Either.right(text)
    })
  )

const read = (path: string, pem: Pem): Effect.Effect<Loaded<string>> => {
  if (typeof pem !== "string" && !Redacted.isRedacted(pem)) return readText(path, pem)
  const text = typeof pem === "string" ? pem : Redacted.value(pem)
  return Effect.succeed(Either.right(text.replaceAll("\\r", "").replaceAll("\\n", "\n")))
}

/** The blocks of a PEM text whose kind ends so. */
const blocksOf = (path: string, text: string, kind: string): Loaded<ReadonlyArray<string>> => {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*(?:-(?!----END )[^-]*)*-----END \1-----/g)]
  if (blocks.length === 0) {
    return wrong(
      path,
      "is not PEM (the path of a file is given as { file }, or in a variable whose name ends in _FILE)"
    )
  }
  const found = blocks.flatMap(([block, name]) => name?.endsWith(kind) === true ? [block] : [])
  return found.length === 0 ? wrong(path, `is PEM, but holds no ${kind.toLowerCase()}`) : Either.right(found)
}

const parseCertificate = Option.liftThrowable((pem: string) => new X509Certificate(pem))

const parseKey = Option.liftThrowable((pem: string) => createPrivateKey(pem))

const certificatesIn = (path: string, text: string): Loaded<ReadonlyArray<X509Certificate>> =>
  Either.flatMap(blocksOf(path, text, "CERTIFICATE"), (blocks) => {
    const certificates = blocks.map(parseCertificate)
    const broken = certificates.findIndex(Option.isNone)
    return broken === -1
      ? Either.right(certificates.flatMap(Option.toArray))
      : wrong(path, blocks.length === 1 ? "cannot be parsed" : `certificate ${broken + 1} cannot be parsed`)
  })

const keyIn = (path: string, text: string): Loaded<KeyObject> =>
  Either.flatMap(blocksOf(path, text, "PRIVATE KEY"), ([pem = ""]) =>
    /ENCRYPTED/.test(pem)
      ? wrong(path, "is encrypted: a key without passphrase is needed")
      : Option.match(parseKey(pem), {
        onNone: () => wrong(path, "cannot be parsed"),
        onSome: (key) => Either.right(key)
      }))

/** The certificates of an option, each value as one text; an option without any is as wrong as a broken one. */
const loadAuthorities = (
  path: string,
  given: Pem | ReadonlyArray<Pem> | undefined
): Effect.Effect<ReadonlyArray<Loaded<string>>> => {
  if (given === undefined) return Effect.succeed([])
  const pems = isList(given) ? given : [given]
  if (pems.length === 0) return Effect.succeed([wrong(path, "must hold a certificate")])
  return Effect.forEach(pems, (pem, index) => {
    const place = isList(given) ? `${path}[${index}]` : path
    return Effect.map(
      read(place, pem),
      Either.flatMap((text) => Either.map(certificatesIn(place, text), () => text))
    )
  })
}

const isList = (given: Pem | ReadonlyArray<Pem>): given is ReadonlyArray<Pem> => Array.isArray(given)

interface Identity {
  readonly cert: string
  readonly key: string
}

/** A certificate and its key, which go together; `undefined` where there is neither. */
const loadIdentity = (
  cert: Pem | undefined,
  key: Pem | undefined
): Effect.Effect<Either.Either<Identity | undefined, ReadonlyArray<InputIssue>>> =>
  Effect.gen(function*() {
    if (cert === undefined && key === undefined) return Either.right(undefined)
    if (cert === undefined) return Either.left([{ path: "tls.cert", message: "is missing: `tls.key` is given" }])
    if (key === undefined) return Either.left([{ path: "tls.key", message: "is missing: `tls.cert` is given" }])
    const certText = yield* read("tls.cert", cert)
    const keyText = yield* read("tls.key", key)
    const certificates = Either.flatMap(certText, (text) => certificatesIn("tls.cert", text))
    const privateKey = Either.flatMap(keyText, (text) => keyIn("tls.key", text))
    if (Either.isLeft(certText) || Either.isLeft(keyText) || Either.isLeft(certificates) || Either.isLeft(privateKey)) {
      const both: ReadonlyArray<Loaded<unknown>> = [certificates, privateKey]
      return Either.left(Array.getLefts(both))
    }
    if (certificates.right[0]?.checkPrivateKey(privateKey.right) !== true) {
      return Either.left([{ path: "tls.key", message: "does not belong to the certificate of `tls.cert`" }])
    }
    const identity: Identity = { cert: certText.right, key: keyText.right }
    return Either.mapLeft(
      Either.try({ try: () => createSecureContext(identity), catch: codeOf }),
      (code) => [{ path: "tls.cert", message: `cannot be used: ${code}` }]
    ).pipe(Either.map(() => identity))
  })

/** Both, or all that is wrong with them. */
const together = (
  identity: Either.Either<Identity | undefined, ReadonlyArray<InputIssue>>,
  authorities: ReadonlyArray<Loaded<string>>,
  others: ReadonlyArray<InputIssue> = []
): Effect.Effect<readonly [Identity | undefined, Array<string> | undefined], ReadonlyArray<InputIssue>> => {
  const issues = [
    ...(Either.isLeft(identity) ? identity.left : []),
    ...Array.getLefts(authorities),
    ...others
  ]
  const ca = Array.getRights(authorities)
  return issues.length > 0
    ? Effect.fail(issues)
    : Effect.succeed([Either.getOrUndefined(identity), ca.length === 0 ? undefined : ca])
}

/**
 * Reads and checks the TLS options of a client. Fails with all that is wrong: files that cannot be read, texts that are
 * not PEM of the right kind, a certificate without its key or with that of another.
 *
 * @since 0.1.0
 * @category constructors
 */
export const loadClient = (tls: ClientTls): Effect.Effect<LoadedClient, ReadonlyArray<InputIssue>> =>
  Effect.gen(function*() {
    const { serverName } = tls
    const [identity, ca] = yield* together(
      yield* loadIdentity(tls.cert, tls.key),
      yield* loadAuthorities("tls.ca", tls.ca),
      serverName?.trim() === "" ? [{ path: "tls.serverName", message: "must not be empty" }] : []
    )
    return {
      ...(ca === undefined ? {} : { ca }),
      ...identity,
      ...(serverName === undefined ? {} : { servername: serverName })
    }
  })

/**
 * Reads and checks the TLS options of a server; fails as {@link loadClient} does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const loadServer = (tls: ServerTls): Effect.Effect<LoadedServer, ReadonlyArray<InputIssue>> =>
  Effect.gen(function*() {
    const [identity, ca] = yield* together(
      yield* loadIdentity(tls.cert, tls.key),
      yield* loadAuthorities("tls.clientCa", tls.clientCa)
    )
    if (identity === undefined) return yield* Effect.fail([{ path: "tls.cert", message: "is missing" }])
    const isMutual = ca !== undefined
    return { ...identity, ...(isMutual ? { ca } : {}), requestCert: isMutual, rejectUnauthorized: isMutual }
  })

/** `<name>` holds the PEM itself, `<name>_FILE` the path of a file. Empty variables count as not set. */
const pem = (name: string, secret: boolean): Config.Config<Pem | undefined> =>
  Config.all([
    Config.withDefault(Config.string(name), ""),
    Config.withDefault(Config.string(`${name}_FILE`), "")
  ]).pipe(Config.mapOrFail(([value, file]): Either.Either<Pem | undefined, ConfigError.ConfigError> => {
    if (value !== "" && file !== "") {
      return Either.left(ConfigError.InvalidData([name], `is set, and ${name}_FILE as well: one of them is enough`))
    }
    if (file !== "") return Either.right({ file })
    return Either.right(value === "" ? undefined : secret ? Redacted.make(value) : value)
  }))

/** Neither, or both: who sets one of them means to have TLS. */
const bothOrNone = <A>(
  prefix: string,
  { cert, key }: { readonly cert: Pem | undefined; readonly key: Pem | undefined },
  make: (identity: { readonly cert: Pem; readonly key: Pem } | undefined) => A
): Either.Either<A, ConfigError.ConfigError> => {
  if (cert !== undefined && key !== undefined) return Either.right(make({ cert, key }))
  if (cert === undefined && key === undefined) return Either.right(make(undefined))
  const [present, absent] = cert === undefined ? ["KEY", "CERT"] : ["CERT", "KEY"]
  return Either.left(
    ConfigError.MissingData(
      [`${prefix}_${absent}`],
      `is needed with ${prefix}_${present}: set it or ${prefix}_${absent}_FILE`
    )
  )
}

/**
 * The TLS of a client from `<prefix>_CA`, `<prefix>_CERT` and `<prefix>_KEY`, each a PEM text, or the path of a file
 * where `_FILE` follows the name, and `<prefix>_SERVER_NAME`; `undefined` where none of them is set.
 *
 * @since 0.1.0
 * @category config
 */
export const clientConfig = (prefix: string): Config.Config<ClientTls | undefined> =>
  Config.all({
    ca: pem(`${prefix}_CA`, false),
    cert: pem(`${prefix}_CERT`, false),
    key: pem(`${prefix}_KEY`, true),
    serverName: Config.withDefault(Config.string(`${prefix}_SERVER_NAME`), "")
  }).pipe(Config.mapOrFail(({ ca, cert, key, serverName }) =>
    bothOrNone(prefix, { cert, key }, (identity): ClientTls | undefined =>
      ca === undefined && identity === undefined && serverName === ""
        ? undefined
        : { ca, ...identity, ...(serverName === "" ? {} : { serverName }) })
  ))

/**
 * The TLS of a server from `<prefix>_CERT`, `<prefix>_KEY` and `<prefix>_CLIENT_CA`, each a PEM text, or the path of a
 * file where `_FILE` follows the name; `undefined` where none of them is set.
 *
 * @since 0.1.0
 * @category config
 */
export const serverConfig = (prefix: string): Config.Config<ServerTls | undefined> =>
  Config.all({
    cert: pem(`${prefix}_CERT`, false),
    key: pem(`${prefix}_KEY`, true),
    clientCa: pem(`${prefix}_CLIENT_CA`, false)
  }).pipe(
    Config.mapOrFail(({ cert, clientCa, key }) =>
      Either.flatMap(
        bothOrNone(prefix, { cert, key }, (identity) => identity),
        (identity): Either.Either<ServerTls | undefined, ConfigError.ConfigError> => {
          if (identity !== undefined) return Either.right({ ...identity, clientCa })
          if (clientCa === undefined) return Either.right(undefined)
          return Either.left(ConfigError.MissingData([`${prefix}_CERT`], `is needed with ${prefix}_CLIENT_CA`))
        }
      )
    )
  )
