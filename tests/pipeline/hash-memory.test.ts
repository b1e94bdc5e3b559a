import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HashMemory, hashMemory } from '../../src/pipeline/hash-memory.ts'
import { identify } from '../../src/pipeline/parquet-file.ts'

let folder = ''
let file = ''
let reads = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-memory-'))
  file = join(folder, 'rides.parquet')
  writeFileSync(file, 'rides')
  reads = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const cache = (): string => join(folder, 'cache')

/** A memory that counts what it reads; by its clock, the files were written long ago. */
function memory(after = 60_000, place = cache()): HashMemory {
  return hashMemory(place, {
    now: () => new Date(Date.now() + after),
    identify: async (path) => {
      reads++
      return identify(path)
    },
  })
}

/** Looks at a file with a memory of its own, as another process does later. */
async function seen(path = file): Promise<string> {
  const one = memory()
  const { sha256 } = await one.identify(path)
  await one.save()
  return sha256
}

describe('a memory of hashes', () => {
  test('reads a file once, over processes', async () => {
    const { sha256, bytes } = await identify(file)
    expect(await seen()).toBe(sha256)
    expect(await seen()).toBe(sha256)
    expect(await memory().identify(file)).toEqual({ bytes, sha256 })
    expect(reads).toBe(1)
  })

  test('reads it once in one process too, before anything is saved', async () => {
    const one = memory()
    await one.identify(file)
    await one.identify(file)
    expect(reads).toBe(1)
    expect(readdirSync(folder)).toEqual(['rides.parquet'])
  })

  test.each([
    ['other bytes', () => writeFileSync(file, 'other')],
    ['a longer text', () => writeFileSync(file, 'rides and more')],
    [
      'another file of that name, size and time',
      () => {
        const { atime, mtime } = statSync(file)
        writeFileSync(join(folder, 'new'), 'other')
        utimesSync(join(folder, 'new'), atime, mtime)
        renameSync(join(folder, 'new'), file)
      },
    ],
    [
      'other bytes, and its old time put back',
      () => {
        const { atime, mtime } = statSync(file)
        writeFileSync(file, 'other')
        utimesSync(file, atime, mtime)
      },
    ],
  ])('reads it again when it is %s', async (_, change) => {
    await seen()
    change()
    expect(await seen()).toBe((await identify(file)).sha256)
    expect(reads).toBe(2)
  })

  test('does not trust what was written just before it was read', async () => {
    for (let turn = 0; turn < 2; turn++) {
      const hasty = memory(0)
      await hasty.identify(file)
      await hasty.save()
    }
    expect(reads).toBe(2)
  })

  test('refuses a file that is written to while it is read', async () => {
    const one = hashMemory(cache(), {
      identify: async (path) => {
        const found = await identify(path)
        writeFileSync(path, 'longer than it was')
        return found
      },
    })
    await expect(one.identify(file)).rejects.toMatchObject({ code: 'source_changed' })
  })

  test('keeps what another process wrote meanwhile', async () => {
    const other = join(folder, 'other.parquet')
    writeFileSync(other, 'other rides')
    const [a, b] = [memory(), memory()]
    await a.identify(file)
    await b.identify(other)
    await a.save()
    await b.save()
    await seen(file)
    await seen(other)
    expect(reads).toBe(2)
  })

  test.each(['{"format": 1, "files": ', '{"format": 2, "files": {}}', ''])(
    'that is damaged is forgotten: %j',
    async (text) => {
      await seen()
      writeFileSync(join(cache(), 'hashes.json'), text)
      await seen()
      await seen()
      expect(reads).toBe(2)
    },
  )

  test('that cannot be written is no fault', async () => {
    writeFileSync(join(folder, 'a-file'), '')
    const one = memory(60_000, join(folder, 'a-file', 'cache'))
    await one.identify(file)
    await one.save()
    if (process.getuid?.() === 0) return
    mkdirSync(cache())
    chmodSync(cache(), 0o500)
    await seen()
    expect(readdirSync(cache())).toEqual([])
  })

  test('forgets the oldest of more than 10,000 files', async () => {
    await seen()
    const path = join(cache(), 'hashes.json')
    const { files } = JSON.parse(readFileSync(path, 'utf8'))
    const [entry] = Object.values(files) as object[]
    const many = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`/made/${i}`, { ...entry, seen: i }]),
    )
    writeFileSync(path, JSON.stringify({ format: 1, files: many }))
    await seen()
    const kept = Object.keys(JSON.parse(readFileSync(path, 'utf8')).files)
    expect(kept).toHaveLength(10_000)
    expect(kept).toContain(file)
    expect(kept).not.toContain('/made/0')
    expect(kept).toContain('/made/1')
  })
})
