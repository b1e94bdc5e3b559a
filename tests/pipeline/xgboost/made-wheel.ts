/** Zip archives for tests: what a wheel is. */

import { createHash } from 'node:crypto'
import { crc32, deflateRawSync } from 'node:zlib'
import type { Wheel } from '../../../src/pipeline/xgboost/release.ts'

/** A zip archive; files of odd places are packed, the others stored. */
export function zipOf(files: readonly (readonly [name: string, text: string])[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [i, [name, text]] of files.entries()) {
    const bytes = Buffer.from(text)
    const packed = i % 2 === 1 ? deflateRawSync(bytes) : bytes
    const shared = Buffer.alloc(26)
    shared.writeUInt16LE(20, 0)
    shared.writeUInt16LE(i % 2 === 1 ? 8 : 0, 4)
    // Node 20 has it since 20.15.
    shared.writeUInt32LE(crc32(bytes), 10)
    shared.writeUInt32LE(packed.length, 14)
    shared.writeUInt32LE(bytes.length, 18)
    shared.writeUInt16LE(name.length, 22)
    const extra = Buffer.from('an extra field')
    shared.writeUInt16LE(extra.length, 24)
    const local = Buffer.concat([Buffer.of(0x50, 0x4b, 3, 4), shared, Buffer.from(name), extra])
    shared.writeUInt16LE(0, 24)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(at, 10)
    directory.push(
      Buffer.concat([Buffer.of(0x50, 0x4b, 1, 2, 20, 0), shared, rest, Buffer.from(name)]),
    )
    parts.push(local, packed)
    at += local.length + packed.length
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, ...directory, end])
}

/** The facts of a wheel of these bytes. */
export const wheelOf = (bytes: Buffer): Wheel => ({
  file: 'xgboost_cpu-3.2.0-py3-none-any.whl',
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
  blake2b: '0'.repeat(64),
})
