import { link, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  changeAlias,
  type Decide,
  damagedEntry,
  type LogEffects,
  latestEntry,
  readAlias,
} from '../src/alias-log.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-alias-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const now = (): Date => new Date('2021-03-01T08:15:00Z')
const to = (version: string): Decide => {
  return async () => ({ version, kind: 'promote', reason: 'tried' })
}
/** The fault of a system call, as Node makes it. */
const fault = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'link' })

const withLinks: LogEffects = { now, link }
const withoutLinks = (code = 'EPERM'): LogEffects => ({
  now,
  link: async () => {
    throw fault(code)
  },
})
const ways = [
  ['with hard links', withLinks],
  ['without', withoutLinks()],
] as const

describe.each(ways)('the log of an alias, on a file system %s', (_, effects) => {
  it('has an entry a change, numbered from 1, each with the version before', async () => {
    expect(await readAlias(folder)).toEqual([])
    expect(await latestEntry(folder)).toBeUndefined()
    for (const version of ['a', 'b', 'c']) await changeAlias(folder, to(version), effects)
    const common = { kind: 'promote', at: '2021-03-01T08:15:00.000Z', reason: 'tried' }
    const entries = [
      { sequence: 1, version: 'a', previous: null, ...common },
      { sequence: 2, version: 'b', previous: 'a', ...common },
      { sequence: 3, version: 'c', previous: 'b', ...common },
    ]
    expect(await readAlias(folder)).toEqual(entries)
    expect(await latestEntry(folder)).toEqual(entries[2])
    const names = ['00000001.json', '00000002.json', '00000003.json']
    expect((await readdir(folder)).sort()).toEqual(names)
  })

  it('grants each number to one of many who change it at once', async () => {
    const versions = Array.from({ length: 12 }, (_, i) => String(i))
    const changes = versions.map((version) => changeAlias(folder, to(version), effects))
    for (const { changed } of await Promise.all(changes)) expect(changed).toBe(true)
    const entries = await readAlias(folder)
    expect(entries.map(({ sequence }) => sequence)).toEqual(versions.map((_, i) => i + 1))
    expect(entries.map(({ version }) => version).sort()).toEqual([...versions].sort())
    for (const [i, { previous }] of entries.entries()) {
      expect(previous).toBe(entries[i - 1]?.version ?? null)
    }
  })

  it('decides anew on what another wrote meanwhile', async () => {
    const seen: number[] = []
    const { entry } = await changeAlias(
      folder,
      async (entries) => {
        seen.push(entries.length)
        if (entries.length < 2) await changeAlias(folder, to('other'), effects)
        return { version: 'own', kind: 'promote', reason: '' }
      },
      effects,
    )
    expect(seen).toEqual([0, 1, 2])
    expect(entry).toMatchObject({ sequence: 3, version: 'own', previous: 'other' })
  })

  it('stays as it is when nothing is decided', async () => {
    const nothing: Decide = async () => undefined
    expect(await changeAlias(folder, nothing, effects)).toEqual({
      entry: undefined,
      changed: false,
    })
    const { entry } = await changeAlias(folder, to('a'), effects)
    expect(await changeAlias(folder, nothing, effects)).toEqual({ entry, changed: false })
    expect(await readAlias(folder)).toHaveLength(1)
  })
})

describe('the log of an alias', () => {
  it('gives up when others are always first, and names the alias', async () => {
    let tries = 0
    const always = async (): Promise<void> => {
      tries++
      throw fault('EEXIST')
    }
    await expect(changeAlias(folder, to('a'), { now, link: always })).rejects.toThrow(
      expect.objectContaining({ code: 'registry_busy', message: expect.stringContaining(folder) }),
    )
    expect(tries).toBe(100)
    expect(await readdir(folder)).toEqual([])
  })

  // What systems say that have no hard links: FAT on Linux and macOS, FUSE, Windows, SMB.
  it.each(['EPERM', 'ENOTSUP', 'ENOSYS', 'EISDIR', 'EACCES'])(
    'goes the way without hard links when a link is refused by %s',
    async (code) => {
      await changeAlias(folder, to('a'), withoutLinks(code))
      expect(await readdir(folder)).toEqual(['00000001.json'])
      expect(await readdir(join(folder, '00000001.json'))).toEqual(['entry.json'])
      expect(await latestEntry(folder)).toMatchObject({ sequence: 1, version: 'a' })
    },
  )

  it('is one log for processes of both kinds', async () => {
    const kinds = [withLinks, withoutLinks(), withLinks, withoutLinks()]
    const changes = Array.from({ length: 20 }, (_, i) => {
      return changeAlias(folder, to(String(i)), kinds[i % 4])
    })
    await Promise.all(changes)
    const entries = await readAlias(folder)
    expect(entries).toHaveLength(20)
    for (const [i, { sequence, previous }] of entries.entries()) {
      expect([sequence, previous]).toEqual([i + 1, entries[i - 1]?.version ?? null])
    }
  })

  it('knows its own entry when a network file system says that the name is taken by it', async () => {
    const twice = async (from: string, path: string): Promise<void> => {
      await link(from, path)
      throw fault('EEXIST')
    }
    const change = await changeAlias(folder, to('a'), { now, link: twice })
    expect(change).toMatchObject({ changed: true, entry: { sequence: 1 } })
    expect(await readAlias(folder)).toHaveLength(1)
  })

  it.each([
    ['an empty file', (path: string) => writeFile(path, '')],
    ['half a file', (path: string) => writeFile(path, '{"sequence": 2, "ver')],
    ['a file of zeros', (path: string) => writeFile(path, Buffer.alloc(200))],
    [
      'another entry',
      async (path: string) => writeFile(path, await readFile(`${folder}/00000001.json`)),
    ],
    ['an empty folder', (path: string) => mkdir(path)],
  ])('passes over %s that a disk left in its place, and goes on behind it', async (_, damage) => {
    await changeAlias(folder, to('a'), withLinks)
    await damage(join(folder, '00000002.json'))
    expect(await latestEntry(folder)).toMatchObject({ sequence: 1, version: 'a' })
    expect(await damagedEntry(folder)).toBe(join(folder, '00000002.json'))
    for (const effects of [withLinks, withoutLinks()]) await changeAlias(folder, to('b'), effects)
    expect((await readAlias(folder)).map(({ sequence }) => sequence)).toEqual([1, 3, 4])
    expect((await readAlias(folder))[1]?.previous).toBe('a')
    // The newest one is whole again.
    expect(await damagedEntry(folder)).toBeUndefined()
  })

  it('may end with pointing nowhere, and begin again', async () => {
    await changeAlias(folder, to('a'), withLinks)
    const gone: Decide = async () => ({ version: null, kind: 'delete', reason: '' })
    await changeAlias(folder, gone, withLinks)
    expect(await latestEntry(folder)).toMatchObject({ version: null, previous: 'a' })
    expect(await damagedEntry(folder)).toBeUndefined()
    await changeAlias(folder, to('b'), withLinks)
    expect(await latestEntry(folder)).toMatchObject({ sequence: 3, version: 'b', previous: null })
  })

  it('says what the system refused when neither way is open', async () => {
    const gone: LogEffects = {
      now,
      link: async (from) => {
        await rm(from)
        throw fault('EPERM')
      },
    }
    await expect(changeAlias(folder, to('a'), gone)).rejects.toThrow(/ENOENT/)
    expect(await readdir(folder)).toEqual([])
  })

  it('is swept of what writers left who were killed over an hour ago', async () => {
    for (const [name, minutes] of [
      ['.tmp-1-old', 61],
      ['.tmp-2-young', 59],
    ] as const) {
      const time = new Date(now().getTime() - minutes * 60_000)
      await writeFile(join(folder, name), '{}')
      await utimes(join(folder, name), time, time)
    }
    await changeAlias(folder, to('a'), withLinks)
    expect((await readdir(folder)).sort()).toEqual(['.tmp-2-young', '00000001.json'])
  })

  it('takes the real clock and file system unless told otherwise', async () => {
    const before = Date.now()
    await changeAlias(folder, to('a'))
    const at = Date.parse((await latestEntry(folder))?.at ?? '')
    expect(at).toBeGreaterThanOrEqual(before)
  })
})
