/**
 * Takes files out of a zip archive in memory, which a wheel is. For archives whose hash is known: sizes
 * are believed. Knows nothing about what the files are.
 */

import { inflateRawSync } from 'node:zlib'

const endMagic = 0x0605_4b50
const entryMagic = 0x0201_4b50
const methods = { stored: 0, deflated: 8 }

/**
 * The files whose names are wanted.
 *
 * @throws Error when the bytes are no such archive
 */
export function filesOf(
  archive: Buffer,
  isWanted: (name: string) => boolean,
): Map<string, Uint8Array> {
  const end = archive.lastIndexOf(Buffer.of(0x50, 0x4b, 5, 6))
  if (end < 0 || archive.readUInt32LE(end) !== endMagic) throw new Error('it is no zip archive')
  const count = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  const files = new Map<string, Uint8Array>()
  for (let i = 0; i < count; i++) {
    if (archive.readUInt32LE(at) !== entryMagic) throw new Error('its directory is damaged')
    const [method, packed, length] = [
      archive.readUInt16LE(at + 10),
      archive.readUInt32LE(at + 20),
      archive.readUInt32LE(at + 24),
    ]
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => {
      return archive.readUInt16LE(at + offset)
    }) as [number, number, number]
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength)
    if (isWanted(name)) {
      // The header before the bytes has lengths of its own.
      const header = archive.readUInt32LE(at + 42)
      const begin =
        header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28)
      const bytes = archive.subarray(begin, begin + packed)
      if (method !== methods.stored && method !== methods.deflated) {
        throw new Error(`${name} is packed by method ${method}, expected 0 or 8`)
      }
      const file = method === methods.stored ? bytes : inflateRawSync(bytes)
      if (file.length !== length) throw new Error(`${name} is cut off`)
      files.set(name, file)
    }
    at += 46 + nameLength + extraLength + commentLength
  }
  return files
}
