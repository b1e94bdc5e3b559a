/** The registry in a folder: what every registry keeps, and what only files have. */

import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { championAlias, openRegistry, type Registry, registryEffects } from '../src/registry.ts'
import { documentsOf } from './documents-of-versions.ts'
import { failing, registryContract } from './registry-contract.ts'

registryContract('a folder', async (now) => {
  const top = await mkdtemp(join(tmpdir(), 'ridecast-registry-'))
  const models = join(top, 'models')
  return {
    registry: openRegistry(models, { ...registryEffects, now }),
    damage: (model, version) => writeFile(join(models, model, version, 'model.json'), '{}'),
    close: () => rm(top, { recursive: true }),
  }
})

const name = 'green-duration'
let folder: string
let root: string
let clock: Date
let registry: Registry

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-registry-'))
  root = join(folder, 'models')
  clock = new Date('2021-03-01T08:15:00Z')
  registry = openRegistry('models', { ...registryEffects, now: () => clock, cwd: () => folder })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Saves versions; the same numbers give the same ids. */
async function save(...ids: number[]): Promise<string[]> {
  const versions: string[] = []
  for (const id of ids) versions.push((await registry.save(name, documentsOf(id))).version)
  return versions
}

const later = (minutes: number): void => {
  clock = new Date(clock.getTime() + minutes * 60_000)
}

describe('the folder of a registry', () => {
  it('is not made by looking into it', async () => {
    expect(await registry.list()).toEqual([])
    expect(registry.place).toBe(root)
    expect(await readdir(folder)).toEqual([])
  })

  it('may hold other things; versions are listed newest first by the time of their folders', async () => {
    const [a = '', b = ''] = await save(1, 2)
    const times: [string, string][] = [
      [a, '2021-02-01T00:00:00Z'],
      [b, '2021-01-01T00:00:00Z'],
    ]
    for (const [version, time] of times) {
      await utimes(join(root, name, version), new Date(time), new Date(time))
    }
    await registry.promote(name, b)
    await registry.promote(name, b, { alias: 'canary' })
    await writeFile(join(root, 'README.md'), '')
    await mkdir(join(root, 'Not A Name'))
    await mkdir(join(root, 'empty'))
    const common = { number: null, facts: {}, description: '', tags: {} }
    const path = (version: string): string => join(root, name, version)
    const of = (version: string, created: string, aliases: string[]) => {
      return { version, path: path(version), created: new Date(created), aliases, ...common }
    }
    expect(await registry.list()).toEqual([
      {
        name,
        aliases: { canary: b, champion: b },
        versions: [of(a, '2021-02-01', []), of(b, '2021-01-01', ['canary', 'champion'])],
        description: '',
        tags: {},
      },
    ])
  })

  it('is swept of what killed writers left, an hour later', async () => {
    const left = [join(root, '.tmp-1-x'), join(root, name, '.tmp-1-x')]
    for (const path of left) {
      await mkdir(path, { recursive: true })
      await utimes(path, clock, clock)
    }
    later(60)
    await save(1)
    expect(await readdir(join(root, name))).toContain('.tmp-1-x')
    clock = new Date(clock.getTime() + 1)
    await save(2)
    expect(await readdir(join(root, name))).not.toContain('.tmp-1-x')
    expect(await readdir(root)).not.toContain('.tmp-1-x')
  })

  it('that the system does not let be read or written is model_io', async () => {
    await writeFile(root, 'a file where the folder should be')
    await expect(save(1)).rejects.toThrow(failing('model_io', /EEXIST|ENOTDIR/))
    const refused = openRegistry(root, {
      ...registryEffects,
      now: () => {
        throw Object.assign(new Error('EIO: broken'), { code: 'EIO', syscall: 'read' })
      },
    })
    await expect(refused.save(name, documentsOf(1))).rejects.toThrow(
      failing('model_io', `models in ${root} cannot be read or written, found "EIO: broken"`),
    )
  })

  it.each(['a', '0', 'x'.repeat(64), 'green-duration_2.1'])('takes the name %j', async (good) => {
    const { version } = await registry.save(good, documentsOf(1))
    await registry.promote(good, version, { alias: good })
    await registry.setTags(good, { [good]: 'x' })
    expect((await registry.resolve(`${good}@${good}`)).version).toBe(version)
    expect((await registry.list())[0]?.tags).toEqual({ [good]: 'x' })
  })
})

describe('a path', () => {
  it('of a version is a reference, from the working folder or rooted', async () => {
    const [version = ''] = await save(1)
    const path = join(root, name, version)
    for (const reference of [path, `models/${name}/${version}`, `./models/${name}/${version}/`]) {
      expect(await registry.resolve(reference), reference).toEqual({ name, version, path })
    }
  })

  it('may lead to a version outside the registry', async () => {
    const elsewhere = openRegistry(join(folder, 'elsewhere'))
    const { path, version } = await elsewhere.save('other', documentsOf(7))
    const documents = documentsOf(7)
    expect(await registry.load(path)).toEqual({ name: 'other', version, path, documents })
  })

  it('is never the name of a model', async () => {
    const { version } = await openRegistry(join(folder, 'up')).save('m', documentsOf(1))
    const refused = failing('model_name_invalid')
    for (const bad of ['../up/m', '..', 'x/../../up/m']) {
      await expect(registry.promote(bad, version)).rejects.toThrow(refused)
      await expect(registry.setAliasIfAbsent(bad, 'a', version)).rejects.toThrow(refused)
      await expect(registry.history(bad)).rejects.toThrow(refused)
      await expect(registry.deleteModel(bad)).rejects.toThrow(refused)
      await expect(registry.deleteVersion(bad, version)).rejects.toThrow(refused)
      await expect(registry.rename(bad, 'x')).rejects.toThrow(refused)
    }
    const missing = failing('model_not_found')
    await expect(registry.promote('m', `../../up/m/${version}`)).rejects.toThrow(missing)
  })
})

it('the start of several versions lists them', async () => {
  const [version = ''] = await save(1)
  const twin = `${version.slice(0, 6)}${version.endsWith('0') ? '111111' : '000000'}`
  await mkdir(join(root, name, twin))
  await expect(registry.resolve(`${name}/${version.slice(0, 6)}`)).rejects.toThrow(
    failing('usage_invalid', `found ${[version, twin].sort().join(', ')}; give more of it`),
  )
  expect((await registry.resolve(`${name}/${version}`)).version).toBe(version)
})

describe('an alias in a folder', () => {
  it('of several who set it at once has one winner, and all are told who', async () => {
    const versions = await save(1, 2, 3, 4)
    const changes = versions.map((version) => registry.setAliasIfAbsent(name, 'champion', version))
    const set = await Promise.all(changes)
    expect(set.filter(({ changed }) => changed)).toHaveLength(1)
    expect(new Set(set.map(({ version }) => version)).size).toBe(1)
    expect(await registry.history(name)).toHaveLength(1)
  })

  it('that points to a version that is gone is an error that names both', async () => {
    const [a = '', b = ''] = await save(1, 2)
    await registry.promote(name, a)
    await registry.promote(name, b)
    await rename(join(root, name, b), join(folder, b))
    await expect(registry.load(name)).rejects.toThrow(
      failing('artifact_missing', `alias ${name}@champion points to ${b}, which is not in`),
    )
    expect((await registry.list())[0]?.aliases).toEqual({ champion: b })
    await registry.rollback(name)
    await registry.load(name)
  })

  it('whose newest entry is damaged points to where it pointed before, and says so', async () => {
    const [a = '', b = ''] = await save(1, 2)
    await registry.promote(name, a)
    await registry.promote(name, b)
    expect(await registry.aliasFaults(name)).toEqual([])
    const entry = join(root, name, 'aliases', championAlias, '00000002.json')
    await writeFile(entry, Buffer.alloc(200))
    expect((await registry.resolve(name)).version).toBe(a)
    expect(await registry.aliasFaults(name)).toEqual([
      {
        alias: championAlias,
        message: expect.stringContaining(`points to ${a}, because its newest`),
      },
    ])
    await registry.promote(name, b)
    expect(await registry.aliasFaults(name)).toEqual([])
  })

  it('is not pointed to a version that is deleted in the same instant', async () => {
    const [a = '', b = ''] = await save(1, 2)
    await registry.promote(name, a)
    // Deleted after it was verified, before the entry is written.
    const slow = openRegistry(root, {
      ...registryEffects,
      async link(from, to) {
        await registry.deleteVersion(name, b).catch(() => {})
        await registryEffects.link(from, to)
      },
    })
    await expect(slow.promote(name, b)).rejects.toThrow(failing('model_not_found', b))
    expect((await registry.load(name)).version).toBe(a)
    await expect(slow.promote(name, b, { alias: 'new' })).rejects.toThrow(
      failing('model_not_found'),
    )
    expect((await registry.list())[0]?.aliases).toEqual({ champion: a })
  })
})

describe('notes in a folder', () => {
  it('are a file each, beside the versions, which stay as they are', async () => {
    const { version, path } = await registry.save(name, documentsOf(1), {
      description: 'two\nlines',
      tags: { team: 'airport' },
    })
    await registry.setTags(name, { owner: 'me' })
    expect((await readdir(path)).sort()).toEqual(
      ['SHA256SUMS', 'lineage.json', 'metrics.json', 'model.json', 'profile.json'].sort(),
    )
    const notes = join(root, name, 'notes')
    expect(await readFile(join(notes, 'tags', 'owner'), 'utf8')).toBe('me')
    expect(await readFile(join(notes, version, 'tags', 'team'), 'utf8')).toBe('airport')
    expect(await readFile(join(notes, version, 'description.txt'), 'utf8')).toBe('two\nlines')
  })

  it('of a version that is not there are swept an hour after they were written', async () => {
    const [a = '', b = ''] = await save(1, 2)
    for (const version of [a, b]) await registry.setTags(`${name}/${version}`, { team: 'x' })
    await rm(join(root, name, a), { recursive: true })
    clock = new Date()
    later(59)
    await save(3)
    const notes = join(root, name, 'notes')
    expect((await readdir(notes)).sort()).toEqual([a, b].sort())
    later(2)
    await save(4)
    expect(await readdir(notes)).toEqual([b])
  })
})

describe('what is deleted in a folder', () => {
  it('leaves nothing of a version and nothing of a model', async () => {
    const [a = '', b = ''] = await save(1, 2)
    await registry.setTags(`${name}/${b}`, { team: 'x' })
    await registry.deleteVersion(name, b)
    expect((await readdir(join(root, name))).sort()).toEqual([a, 'notes'].sort())
    expect(await readdir(join(root, name, 'notes'))).toEqual([])
    await registry.deleteModel(name)
    expect(await readdir(root)).toEqual([])
  })
})
