import { mkdir, mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { championAlias, openRegistry, type Registry, registryEffects } from '../src/registry.ts'
import { documentsOf } from './documents-of-versions.ts'

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

const failing = (code: string, said: RegExp | string = '') =>
  expect.objectContaining({ code, message: expect.stringMatching(said) })

/** Saves versions; the same numbers give the same ids. */
async function save(...ids: number[]): Promise<string[]> {
  const versions: string[] = []
  for (const id of ids) versions.push((await registry.save(name, documentsOf(id))).version)
  return versions
}

/** Saves three versions and makes each the champion in turn. */
async function threeChampions(): Promise<[string, string, string]> {
  const [a = '', b = '', c = ''] = await save(1, 2, 3)
  await registry.setAliasIfAbsent(name, championAlias, a)
  await registry.promote(name, b)
  await registry.promote(name, c)
  return [a, b, c]
}

describe('saving and listing', () => {
  it('an empty registry has no models and needs no folder', async () => {
    expect(await registry.list()).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  it('lists models by name and versions newest first, with the aliases that point to them', async () => {
    const [a = '', b = ''] = await save(1, 2)
    const other = await registry.save('a-model', documentsOf(1))
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
    const [first, second, ...more] = await registry.list()
    expect(more).toEqual([])
    expect(first?.name).toBe('a-model')
    expect(first?.versions.map(({ version }) => version)).toEqual([other.version])
    const path = (version: string): string => join(root, name, version)
    expect(second).toEqual({
      name,
      aliases: { canary: b, champion: b },
      versions: [
        { version: a, path: path(a), created: new Date('2021-02-01'), aliases: [] },
        {
          version: b,
          path: path(b),
          created: new Date('2021-01-01'),
          aliases: ['canary', 'champion'],
        },
      ],
    })
  })

  it('sweeps what killed writers left, an hour later', async () => {
    await mkdir(join(root, name, '.tmp-1-x'), { recursive: true })
    await utimes(join(root, name, '.tmp-1-x'), clock, clock)
    clock = new Date(clock.getTime() + 60 * 60 * 1000)
    await save(1)
    expect(await readdir(join(root, name))).toContain('.tmp-1-x')
    clock = new Date(clock.getTime() + 1)
    await save(2)
    expect(await readdir(join(root, name))).not.toContain('.tmp-1-x')
  })

  it('says model_io where the system refuses to read or write', async () => {
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

  it.each([
    '',
    '.',
    '..',
    '../x',
    'a/b',
    'a\\b',
    'A',
    '-a',
    '_a',
    'é',
    'a b',
    'a@b',
    'x'.repeat(65),
    '0123456789ab',
  ])('refuses the name %j for models and aliases', async (bad) => {
    const [version = ''] = await save(1)
    const refused = failing('model_name_invalid', 'is not allowed: expected')
    await expect(registry.save(bad, documentsOf(1))).rejects.toThrow(refused)
    await expect(registry.promote(name, version, { alias: bad })).rejects.toThrow(refused)
    await expect(registry.setAliasIfAbsent(name, bad, version)).rejects.toThrow(refused)
    await expect(registry.rollback(name, { alias: bad })).rejects.toThrow(refused)
    await expect(registry.history(name, bad)).rejects.toThrow(refused)
    expect(await readdir(folder)).toEqual(['models'])
    expect(await readdir(root)).toEqual([name])
    expect(await readdir(join(root, name))).toEqual([version])
  })

  it.each(['a', '0', 'x'.repeat(64), 'green-duration_2.1'])('takes the name %j', async (good) => {
    const { version } = await registry.save(good, documentsOf(1))
    await registry.promote(good, version, { alias: good })
    expect((await registry.resolve(`${good}@${good}`)).version).toBe(version)
  })
})

describe('a reference', () => {
  it('is a name, an alias, a version, the start of one, any of them behind models:/, or a path', async () => {
    const [a = '', b = ''] = await save(1, 2)
    await registry.promote(name, a)
    await registry.promote(name, b, { alias: 'canary' })
    for (const [reference, version, alias] of [
      [name, a, 'champion'],
      [`${name}@champion`, a, 'champion'],
      [`${name}@canary`, b, 'canary'],
      [`${name}/${b}`, b],
      [`${name}/${b.slice(0, 4)}`, b],
      [`models:/${name}`, a, 'champion'],
      [`models:/${name}@canary`, b, 'canary'],
      [`models:/${name}/${b}`, b],
      [join(root, name, b), b],
      [`models/${name}/${b}`, b],
      [`./models/${name}/${b}/`, b],
    ] as const) {
      const path = join(root, name, version)
      const found = { name, version, path, ...(alias ? { alias } : {}) }
      expect(await registry.resolve(reference), reference).toEqual(found)
      const documents = documentsOf(version === a ? 1 : 2)
      expect(await registry.load(reference)).toEqual({ name, version, path, documents })
    }
  })

  it('may be the path of a version outside the registry', async () => {
    const elsewhere = openRegistry(join(folder, 'elsewhere'))
    const { path, version } = await elsewhere.save('other', documentsOf(7))
    expect(await registry.load(path)).toEqual({
      name: 'other',
      version,
      path,
      documents: documentsOf(7),
    })
  })

  it('to what is not there names the nearest that is, and what to run', async () => {
    await expect(registry.load(name)).rejects.toThrow(
      failing('model_not_found', /none yet; train one, such as ridecast train 2021-01/),
    )
    const [a = ''] = await save(1)
    await registry.save('yellow-duration', documentsOf(1))
    await expect(registry.load('gren-duration')).rejects.toThrow(
      failing(
        'model_not_found',
        /the nearest are green-duration, yellow-duration; ridecast models/,
      ),
    )
    await expect(registry.load(name)).rejects.toThrow(
      failing('model_not_found', `alias champion of model ${name} is not in .*${name}/${a}`),
    )
    await registry.promote(name, a)
    await expect(registry.load(`${name}@chmpion`)).rejects.toThrow(
      failing('model_not_found', `the nearest are ${name}@champion,`),
    )
    const near = `${a.slice(0, -1)}${a.endsWith('0') ? '1' : '0'}`
    await expect(registry.load(`${name}/${near}`)).rejects.toThrow(
      failing('model_not_found', `the nearest are ${name}/${a}`),
    )
    for (const short of ['', a.slice(0, 3), a.toUpperCase().replaceAll(/\d/g, 'A'), 'champion']) {
      await expect(registry.load(`${name}/${short}`)).rejects.toThrow(failing('model_not_found'))
    }
  })

  it.each([
    '',
    '@',
    '/',
    'a@b@c',
    'a@b/c',
    '@champion',
    '/tmp',
    './x',
    '../../etc/passwd',
    'a/b/c',
    'models:/a/b/c',
  ])('%j finds nothing', async (reference) => {
    await save(1)
    await expect(registry.resolve(reference)).rejects.toThrow(failing('model_not_found'))
  })

  it('to the start of several versions lists them', async () => {
    const [version = ''] = await save(1)
    const twin = `${version.slice(0, 6)}${version.endsWith('0') ? '111111' : '000000'}`
    await mkdir(join(root, name, twin))
    await expect(registry.resolve(`${name}/${version.slice(0, 6)}`)).rejects.toThrow(
      failing('usage_invalid', `found ${[version, twin].sort().join(', ')}; give more of it`),
    )
    expect((await registry.resolve(`${name}/${version}`)).version).toBe(version)
  })

  it('never leads out of the registry by the name of a model', async () => {
    const { version } = await openRegistry(join(folder, 'up')).save('m', documentsOf(1))
    const refused = failing('model_name_invalid')
    for (const bad of ['../up/m', '..', 'x/../../up/m']) {
      await expect(registry.promote(bad, version)).rejects.toThrow(refused)
      await expect(registry.setAliasIfAbsent(bad, 'a', version)).rejects.toThrow(refused)
      await expect(registry.history(bad)).rejects.toThrow(refused)
    }
    await expect(registry.promote('m', `../../up/m/${version}`)).rejects.toThrow(
      failing('model_not_found'),
    )
  })
})

describe('an alias', () => {
  it('is set by the first version of a name only', async () => {
    const [a = '', b = ''] = await save(1, 2)
    const first = await registry.setAliasIfAbsent(name, championAlias, a, { reason: 'first' })
    expect(first).toEqual({
      sequence: 1,
      version: a,
      previous: null,
      kind: 'first',
      at: '2021-03-01T08:15:00.000Z',
      reason: 'first',
      changed: true,
    })
    const second = await registry.setAliasIfAbsent(name, championAlias, b)
    expect(second).toEqual({ ...first, changed: false })
    expect((await registry.load(name)).version).toBe(a)
  })

  it('of several who set it at once has one winner, and all are told who', async () => {
    const versions = await save(1, 2, 3, 4)
    const changes = versions.map((version) => registry.setAliasIfAbsent(name, 'champion', version))
    const set = await Promise.all(changes)
    expect(set.filter(({ changed }) => changed)).toHaveLength(1)
    expect(new Set(set.map(({ version }) => version)).size).toBe(1)
    expect(await registry.history(name)).toHaveLength(1)
  })

  it('moves by promotion, and says what it was', async () => {
    const [a = '', b = ''] = await save(1, 2)
    expect(await registry.promote(name, a)).toMatchObject({ kind: 'first', previous: null })
    const moved = await registry.promote(name, b.slice(0, 6), { reason: 'better' })
    expect(moved).toMatchObject({ kind: 'promote', version: b, previous: a, reason: 'better' })
    expect(await registry.promote(name, b)).toEqual({ ...moved, changed: false })
    expect(await registry.history(name)).toHaveLength(2)
  })

  it('is never pointed to a version that is not there or not whole', async () => {
    const [a = '', b = ''] = await save(1, 2)
    await registry.promote(name, a)
    await writeFile(join(root, name, b, 'model.json'), '{}')
    const nowhere = failing('model_not_found')
    const corrupt = failing('artifact_corrupt', b)
    for (const [version, refused] of [
      ['0'.repeat(12), nowhere],
      [b, corrupt],
    ] as const) {
      await expect(registry.promote(name, version)).rejects.toThrow(refused)
      await expect(registry.setAliasIfAbsent(name, 'new', version)).rejects.toThrow(refused)
    }
    expect(await registry.history(name)).toHaveLength(1)
    expect(await registry.history(name, 'new')).toEqual([])
  })

  it('goes back step by step, never back and forth', async () => {
    const [a, b, c] = await threeChampions()
    expect(await registry.rollback(name, { reason: 'slow' })).toMatchObject({
      kind: 'rollback',
      version: b,
      previous: c,
      reason: 'slow',
    })
    expect(await registry.rollback(name)).toMatchObject({ version: a, previous: b })
    await expect(registry.rollback(name)).rejects.toThrow(
      failing('rollback_impossible', `no earlier version to go back to than ${a}`),
    )
    const kinds = (await registry.history(name)).map(({ kind, version }) => [kind, version])
    expect(kinds).toEqual([
      ['first', a],
      ['promote', b],
      ['promote', c],
      ['rollback', b],
      ['rollback', a],
    ])
    expect((await registry.load(name)).version).toBe(a)
  })

  it('goes back past what was rolled back to what was promoted before', async () => {
    const [a, b, c] = await threeChampions()
    await registry.rollback(name)
    const [d = ''] = await save(4)
    await registry.promote(name, d)
    // By hand: first a, promote b, promote c, rollback (b), promote d; so back to b, then a.
    expect((await registry.rollback(name)).version).toBe(b)
    expect((await registry.rollback(name)).version).toBe(a)
    await registry.promote(name, c)
    expect((await registry.rollback(name)).version).toBe(a)
  })

  it('that was never set cannot go back', async () => {
    await save(1)
    await expect(registry.rollback(name)).rejects.toThrow(failing('model_not_found', /champion/))
    await expect(registry.rollback('other')).rejects.toThrow(failing('model_not_found', /other/))
    expect(await readdir(join(root, name))).toHaveLength(1)
  })

  it('does not go back to a version that is damaged, and stays', async () => {
    const [, b, c] = await threeChampions()
    await writeFile(join(root, name, b, 'model.json'), '{}')
    await expect(registry.rollback(name)).rejects.toThrow(failing('artifact_corrupt', b))
    expect((await registry.load(name)).version).toBe(c)
  })

  it('that points to a damaged version is an error that names both', async () => {
    const [, , c] = await threeChampions()
    await writeFile(join(root, name, c, 'model.json'), '{}')
    await expect(registry.load(name)).rejects.toThrow(
      failing('artifact_corrupt', `alias ${name}@champion points to ${c}, which cannot be used: `),
    )
    await registry.rollback(name)
    await registry.load(name)
  })

  it('that points to a version that is gone is an error that names both', async () => {
    const [, , c] = await threeChampions()
    await rename(join(root, name, c), join(folder, c))
    await expect(registry.load(name)).rejects.toThrow(
      failing('artifact_missing', `alias ${name}@champion points to ${c}, which is not in`),
    )
    expect((await registry.list())[0]?.aliases).toEqual({ champion: c })
    await registry.rollback(name)
    await registry.load(name)
  })
})
