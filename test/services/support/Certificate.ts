/** A self-signed certificate for 127.0.0.1, written by hand (RFC 5280): Node makes keys and signatures, but no certificates. */
import { generateKeyPairSync, sign } from "node:crypto"

const der = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Uint8Array.of(tag, ...length), body])
}

const text = (tag: number, value: string) => der(tag, Buffer.from(value))
const oid = (...bytes: ReadonlyArray<number>) => der(0x06, Uint8Array.from(bytes))
const integer = (value: number) => der(0x02, Uint8Array.of(value))
const sequence = (...parts: ReadonlyArray<Uint8Array>) => der(0x30, ...parts)

/** Key and certificate in PEM. */
export const selfSigned = (): { readonly key: string; readonly cert: string } => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
  const commonName = sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), text(0x0c, "127.0.0.1"))))
  const subjectAltName = sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(der(0x87, Uint8Array.of(127, 0, 0, 1)))))
  const toBeSigned = sequence(
    der(0xa0, integer(2)),
    integer(1),
    ecdsaWithSha256,
    commonName,
    sequence(text(0x17, "200101000000Z"), text(0x17, "491231235959Z")),
    commonName,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(subjectAltName))
  )
  const signature = der(0x03, Uint8Array.of(0), sign("sha256", toBeSigned, privateKey))
  const base64 = Buffer.from(sequence(toBeSigned, ecdsaWithSha256, signature)).toString("base64")
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`
  }
}
