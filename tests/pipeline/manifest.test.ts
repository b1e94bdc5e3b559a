import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { changeManifest, type ManifestEntry, readManifest } from '../../src/pipeline/manifest.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-manifest-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const entry: ManifestEntry = {
  url: 'https://example.org/a.parquet',
  bytes: 7,
  sha256: 'ab'.repeat(32),
  etag: '"one"',
  last_modified: null,
  downloaded_at: '2024-05-17T12:00:00.000Z',
}
const path = (): string => join(folder, 'manifest.json')
const now = (): Date => new Date('2024-05-17T12:00:00Z')

describe('a manifest', () => {
  test('is empty where there is none', async () => {
    expect(await readManifest(folder)).toEqual({})
    expect(await readManifest(join(folder, 'nowhere'))).toEqual({})
  })

  test('is versioned JSON with the files by name, sorted, and nothing beside it', async () => {
    await changeManifest(folder, () => ({
      'b.parquet': { ...entry, bytes: 8 },
      'a.parquet': entry,
    }))
    expect(await readManifest(folder)).toEqual({
      'a.parquet': entry,
      'b.parquet': { ...entry, bytes: 8 },
    })
    const text = readFileSync(path(), 'utf8')
    expect(JSON.parse(text).format).toBe(1)
    expect(text.indexOf('a.parquet"')).toBeLessThan(text.indexOf('b.parquet"'))
    expect(readdirSync(folder)).toEqual(['manifest.json'])
  })

  test('keeps what others write at the same time', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `${String(i).padStart(2, '0')}.parquet`)
    await Promise.all(
      names.map((name) => changeManifest(folder, (files) => ({ ...files, [name]: entry }))),
    )
    expect(Object.keys(await readManifest(folder))).toEqual(names)
  })

  test.each([
    ['cut', '{"format": 1, "fi'],
    ['of another format', '{"format": 2, "files": {}}'],
    ['with an entry that is none', '{"format": 1, "files": {"a.parquet": {"bytes": "many"}}}'],
  ])('that is %s is a note when read, and set aside when changed', async (_, text) => {
    writeFileSync(path(), text)
    const notes: string[] = []
    const note = (line: string): void => void notes.push(line)
    expect(await readManifest(folder, { note })).toEqual({})
    expect(readdirSync(folder)).toEqual(['manifest.json'])
    await changeManifest(folder, (files) => ({ ...files, 'a.parquet': entry }), { note, now })
    expect(await readManifest(folder)).toEqual({ 'a.parquet': entry })
    const aside = 'manifest.json.damaged-20240517T120000000Z'
    expect(readdirSync(folder)).toEqual(['manifest.json', aside])
    expect(readFileSync(join(folder, aside), 'utf8')).toBe(text)
    expect(notes).toHaveLength(2)
    expect(notes[0]).toMatch(/manifest\.json cannot be read: /)
    expect(notes[1]).toMatch(/; it is set aside as .*damaged-20240517T120000000Z$/)
  })
})
