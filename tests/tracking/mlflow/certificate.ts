/** Certificates for servers of tests, made here so that no key is kept and none runs out. */

import { generateKeyPairSync, sign } from 'node:crypto'

/** A certificate that signs itself, and its key. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** One DER value: tag, length, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts)
const oid = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes))
const utcTime = (year: number): Buffer => der(0x17, Buffer.from(`${year % 100}0101000000Z`))

/** A certificate of 127.0.0.1, its own authority, from 2020 to 2049. */
export function makeCertificate(name: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
  const commonName = oid(0x55, 0x04, 0x03)
  const subject = sequence(der(0x31, sequence(commonName, der(0x0c, Buffer.from(name)))))
  const loopback = der(0x87, Buffer.from([127, 0, 0, 1]))
  const alternative = sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(loopback)))
  const authority = sequence(
    oid(0x55, 0x1d, 0x13),
    der(0x04, sequence(der(0x01, Buffer.from([255])))),
  )
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    subject,
    sequence(utcTime(2020), utcTime(2049)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(alternative, authority)),
  )
  const signature = sign('sha256', content, privateKey)
  const bits = der(0x03, Buffer.from([0]), signature)
  const base64 = sequence(content, ecdsaWithSha256, bits).toString('base64')
  const lines = base64.match(/.{1,64}/g)?.join('\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
