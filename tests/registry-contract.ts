/**
 * What every registry keeps, whatever store is behind it. A harness opens an empty one for each
 * test, and can damage what it stores.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { championAlias, type Registry } from '../src/registry.ts'
import { modelOf } from './registry-documents.ts'

/** One empty registry. */
export interface RegistryHarness {
  readonly registry: Registry
  /** Changes the bytes of a version where they are stored, and where a copy of them is kept. */
  damage(name: string, version: string): Promise<void>
  /** Releases and removes it. */
  close(): Promise<void>
}

const name = 'green-duration'

/** An error of that code, with a message that fits. */
export const failing = (code: string, said: RegExp | string = '') =>
  expect.objectContaining({ code, message: expect.stringMatching(said) })

/**
 * The suite.
 *
 * @param store what the store is, for the names of tests
 * @param prepare opens an empty registry with that clock
 */
export function registryContract(
  store: string,
  prepare: (now: () => Date) => Promise<RegistryHarness>,
): void {
  let clock: Date
  let harness: RegistryHarness
  let registry: Registry

  beforeEach(async () => {
    clock = new Date('2021-03-01T08:15:00Z')
    harness = await prepare(() => clock)
    registry = harness.registry
  })
  afterEach(() => harness.close())

  /** Saves versions; the same numbers give the same ids. */
  async function save(...ids: number[]): Promise<string[]> {
    const versions: string[] = []
    for (const id of ids) versions.push((await registry.save(name, modelOf(id))).version)
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

  const only = async () => {
    const [model, ...others] = await registry.list()
    expect(others).toEqual([])
    return model
  }

  describe(`${store}: saving and listing`, () => {
    it('an empty registry has no models', async () => {
      expect(await registry.list()).toEqual([])
      expect(registry.place).not.toBe('')
    })

    it('saves the same documents as one version, and says whether it was new', async () => {
      const first = await registry.save(name, modelOf(1))
      expect(first).toMatchObject({
        version: expect.stringMatching(/^[0-9a-f]{12}$/),
        created: true,
      })
      const again = await registry.save(name, modelOf(1), { description: 'again' })
      expect(again).toEqual({ ...first, created: false })
      expect((await registry.save(name, modelOf(2))).version).not.toBe(first.version)
      expect((await only())?.versions).toHaveLength(2)
      expect((await registry.load(`${name}/${first.version}`)).documents).toEqual(modelOf(1))
    })

    it('saves the same documents at once as one version', async () => {
      const saved = await Promise.all([1, 2, 3].map(() => registry.save(name, modelOf(1))))
      expect(new Set(saved.map(({ version }) => version)).size).toBe(1)
      expect((await only())?.versions).toHaveLength(1)
      expect((await registry.load(`${name}/${saved[0]?.version}`)).documents).toEqual(modelOf(1))
    })

    it('saves different documents at once as as many versions', async () => {
      const saved = await Promise.all([1, 2, 3].map((id) => registry.save(name, modelOf(id))))
      expect(saved.map(({ created }) => created)).toEqual([true, true, true])
      expect((await only())?.versions.map(({ version }) => version).sort()).toEqual(
        saved.map(({ version }) => version).sort(),
      )
    })

    it('lists models by name, their versions, and the aliases that point to them', async () => {
      const [a = '', b = ''] = await save(1, 2)
      const { version: other } = await registry.save('a-model', modelOf(1))
      await registry.promote(name, b)
      await registry.promote(name, b, { alias: 'canary' })
      const [first, second, ...more] = await registry.list()
      expect(more).toEqual([])
      expect(first).toMatchObject({ name: 'a-model', aliases: {}, description: '', tags: {} })
      expect(first?.versions.map(({ version }) => version)).toEqual([other])
      expect(second).toMatchObject({ name, aliases: { canary: b, champion: b } })
      const aliasesOf = Object.fromEntries(
        second?.versions.map(({ version, aliases }) => [version, aliases]) ?? [],
      )
      expect(aliasesOf).toEqual({ [a]: [], [b]: ['canary', 'champion'] })
    })

    it('replaces a damaged version when it is saved again', async () => {
      const [version = ''] = await save(1)
      await harness.damage(name, version)
      await expect(registry.load(`${name}/${version}`)).rejects.toThrow(failing('artifact_corrupt'))
      expect(await registry.save(name, modelOf(1))).toMatchObject({ version, created: true })
      await registry.load(`${name}/${version}`)
    })

    it.each(['', '..', '../x', 'a/b', 'A', '-a', 'é', 'a@b', 'x'.repeat(65), '0123456789ab'])(
      'refuses the name %j for models, aliases and tags',
      async (bad) => {
        const [version = ''] = await save(1)
        const refused = failing('model_name_invalid', 'is not allowed: expected')
        await expect(registry.save(bad, modelOf(1))).rejects.toThrow(refused)
        await expect(registry.promote(name, version, { alias: bad })).rejects.toThrow(refused)
        await expect(registry.setAliasIfAbsent(name, bad, version)).rejects.toThrow(refused)
        await expect(registry.rollback(name, { alias: bad })).rejects.toThrow(refused)
        await expect(registry.history(name, bad)).rejects.toThrow(refused)
        await expect(registry.rename(name, bad)).rejects.toThrow(refused)
        await expect(registry.setTags(name, { [bad]: '' })).rejects.toThrow(refused)
        expect(await only()).toMatchObject({ name, aliases: {}, tags: {} })
      },
    )
  })

  describe(`${store}: a reference`, () => {
    it('is a name, an alias, a version, the start of one, or any of them behind models:/', async () => {
      const [a = '', b = ''] = await save(1, 2)
      await registry.promote(name, a)
      await registry.promote(name, b, { alias: 'canary' })
      for (const [reference, version, alias] of [
        [name, a, 'champion'],
        [`${name}@canary`, b, 'canary'],
        [`${name}/${b}`, b],
        [`${name}/${b.slice(0, 5)}`, b],
        [`models:/${name}`, a, 'champion'],
        [`models:/${name}@canary`, b, 'canary'],
        [`models:/${name}/${b}`, b],
      ] as const) {
        const found = await registry.resolve(reference)
        const expected = { name, version, path: found.path, ...(alias ? { alias } : {}) }
        expect(found, reference).toEqual(expected)
        const loaded = await registry.load(reference)
        expect(loaded, reference).toMatchObject({ name, version })
        expect(loaded.documents).toEqual(modelOf(version === a ? 1 : 2))
        expect(await registry.load(loaded.path)).toEqual(loaded)
        expect(await registry.load(reference, { fresh: true })).toEqual(loaded)
      }
    })

    it('to what is not there names the nearest that is', async () => {
      await expect(registry.load(name)).rejects.toThrow(
        failing('model_not_found', /none yet; train one, such as ridecast train 2021-01/),
      )
      const [a = ''] = await save(1)
      await registry.save('yellow-duration', modelOf(1))
      await expect(registry.load('gren-duration')).rejects.toThrow(
        failing('model_not_found', /the nearest are green-duration, yellow-duration; ridecast/),
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
      for (const short of ['', a.slice(0, 3), 'ABCD', 'champion', '0', '77']) {
        await expect(registry.load(`${name}/${short}`)).rejects.toThrow(failing('model_not_found'))
      }
    })

    it.each(['', '@', '/', 'a@b@c', 'a@b/c', '@champion', '/tmp', './x', 'a/b/c', 'models:/a/b/c'])(
      '%j finds nothing',
      async (reference) => {
        await save(1)
        await expect(registry.resolve(reference)).rejects.toThrow(failing('model_not_found'))
      },
    )
  })

  describe(`${store}: an alias`, () => {
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

    it('moves by promotion, and says what it was', async () => {
      const [a = '', b = ''] = await save(1, 2)
      expect(await registry.promote(name, a)).toMatchObject({ kind: 'first', previous: null })
      clock = new Date('2021-03-02T08:15:00Z')
      const moved = await registry.promote(name, b.slice(0, 6), { reason: 'better' })
      expect(moved).toMatchObject({ kind: 'promote', version: b, previous: a, reason: 'better' })
      expect(await registry.promote(name, b)).toEqual({ ...moved, changed: false })
      const times = (await registry.history(name)).map(({ sequence, at }) => [sequence, at])
      expect(times).toEqual([
        [1, '2021-03-01T08:15:00.000Z'],
        [2, '2021-03-02T08:15:00.000Z'],
      ])
    })

    it('is never pointed to a version that is not there or not whole', async () => {
      const [a = '', b = ''] = await save(1, 2)
      await registry.promote(name, a)
      await harness.damage(name, b)
      for (const [version, refused] of [
        ['0'.repeat(12), failing('model_not_found')],
        [b, failing('artifact_corrupt')],
      ] as const) {
        await expect(registry.promote(name, version)).rejects.toThrow(refused)
        await expect(registry.setAliasIfAbsent(name, 'new', version)).rejects.toThrow(refused)
      }
      expect(await registry.history(name)).toHaveLength(1)
      expect(await registry.history(name, 'new')).toEqual([])
      expect((await only())?.aliases).toEqual({ champion: a })
    })

    it('goes back step by step, never back and forth', async () => {
      const [a, b, c] = await threeChampions()
      expect(await registry.rollback(name, { reason: 'slow' })).toMatchObject({
        kind: 'rollback',
        version: b,
        previous: c,
        reason: 'slow',
        changed: true,
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

    it('that was never set cannot go back, nor be taken away', async () => {
      await save(1)
      const changes = [() => registry.rollback(name), () => registry.deleteAlias(name, 'champion')]
      for (const change of changes) {
        await expect(change()).rejects.toThrow(failing('model_not_found', /champion/))
      }
      await expect(registry.rollback('other')).rejects.toThrow(failing('model_not_found', /other/))
    })

    it('does not go back to a version that is damaged, and stays', async () => {
      const [, b, c] = await threeChampions()
      await harness.damage(name, b)
      await expect(registry.rollback(name)).rejects.toThrow(failing('artifact_corrupt'))
      expect((await registry.load(name)).version).toBe(c)
    })

    it('that points to a damaged version is an error that names both', async () => {
      const [, , c] = await threeChampions()
      await harness.damage(name, c)
      await expect(registry.load(name)).rejects.toThrow(
        failing(
          'artifact_corrupt',
          `alias ${name}@champion points to ${c}, which cannot be used: `,
        ),
      )
      await registry.rollback(name)
      await registry.load(name)
    })

    it('that is taken away points nowhere, keeps its history, and begins anew', async () => {
      const [a, b, c] = await threeChampions()
      const gone = await registry.deleteAlias(name, championAlias, { reason: 'over' })
      expect(gone).toMatchObject({ kind: 'delete', version: null, previous: c, reason: 'over' })
      await expect(registry.load(name)).rejects.toThrow(failing('model_not_found'))
      await expect(registry.rollback(name)).rejects.toThrow(failing('model_not_found'))
      expect((await only())?.aliases).toEqual({})
      expect(await registry.history(name)).toHaveLength(4)
      const set = await registry.setAliasIfAbsent(name, championAlias, a)
      expect(set).toMatchObject({ kind: 'first', sequence: 5, previous: null, changed: true })
      await expect(registry.rollback(name)).rejects.toThrow(failing('rollback_impossible'))
      await registry.promote(name, b)
      expect((await registry.rollback(name)).version).toBe(a)
      expect(await registry.aliasFaults(name)).toEqual([])
    })
  })

  describe(`${store}: notes`, () => {
    const text = 'green rides,\nJanuary "2021" \u2013 caf\u00e9'

    it('are given with a version, and stay as they are when it is saved again', async () => {
      const origin = { description: text, tags: { team: 'airport', empty: '' } }
      const { version } = await registry.save(name, modelOf(1), origin)
      await registry.save(name, modelOf(1), { description: 'other', tags: { team: 'city' } })
      expect(await only()).toMatchObject({
        description: '',
        tags: {},
        versions: [{ version, ...origin }],
      })
    })

    it('are set and taken away one by one, of a model and of its versions', async () => {
      const [a = '', b = ''] = await save(1, 2)
      await registry.promote(name, b)
      await registry.describe(name, 'the model')
      await registry.describe(`${name}/${a}`, text)
      await registry.setTags(name, { owner: 'me' })
      await registry.setTags(`${name}@champion`, { checked: 'yes', draft: 'no' })
      await registry.setTags(`models:/${name}/${b.slice(0, 6)}`, { checked: 'twice' })
      await registry.deleteTag(`${name}/${b}`, 'draft')
      await registry.deleteTag(`${name}/${b}`, 'never-set')
      const model = await only()
      expect(model).toMatchObject({ description: 'the model', tags: { owner: 'me' } })
      const noted = Object.fromEntries(
        model?.versions.map(({ version, description, tags }) => [version, { description, tags }]) ??
          [],
      )
      expect(noted).toEqual({
        [a]: { description: text, tags: {} },
        [b]: { description: '', tags: { checked: 'twice' } },
      })
      await registry.describe(`${name}/${a}`, '')
      await registry.deleteTag(name, 'owner')
      expect((await only())?.tags).toEqual({})
      // What is noted is no part of a version.
      expect((await registry.load(`${name}/${a}`)).version).toBe(a)
    })

    it('that are set at once are all kept', async () => {
      const [version = ''] = await save(1)
      const names = Array.from({ length: 8 }, (_, i) => `tag-${i}`)
      await Promise.all(
        names.map((tag) => registry.setTags(`${name}/${version}`, { [tag]: `of ${tag}` })),
      )
      const [listed] = (await only())?.versions ?? []
      expect(listed?.tags).toEqual(Object.fromEntries(names.map((tag) => [tag, `of ${tag}`])))
    })

    it('are refused when they are too long, no text, or in the name of the registry', async () => {
      await save(1)
      const refused = failing('usage_invalid')
      for (const bad of ['x'.repeat(5001), 'a\0b', '\ud800']) {
        await expect(registry.describe(name, bad)).rejects.toThrow(refused)
        await expect(registry.setTags(name, { tag: bad })).rejects.toThrow(refused)
        const saving = registry.save(name, modelOf(2), { description: bad })
        await expect(saving).rejects.toThrow(refused)
      }
      for (const own of ['ridecast.version', 'mlflow.source']) {
        await expect(registry.setTags(name, { [own]: 'x' })).rejects.toThrow(refused)
        await expect(registry.deleteTag(name, own)).rejects.toThrow(refused)
      }
      await expect(registry.describe('./a/b/c', 'x')).rejects.toThrow(refused)
      await registry.describe(name, 'x'.repeat(5000))
      expect((await only())?.versions).toHaveLength(1)
    })

    it('need something to be noted of', async () => {
      await save(1)
      for (const missing of ['other', `${name}@champion`, `${name}/00000000`]) {
        const absent = failing('model_not_found')
        await expect(registry.describe(missing, 'x')).rejects.toThrow(absent)
        await expect(registry.setTags(missing, { a: 'x' })).rejects.toThrow(absent)
        await expect(registry.deleteTag(missing, 'a')).rejects.toThrow(absent)
      }
    })

    it('and names and aliases are what a list is searched by', async () => {
      const [a = '', b = ''] = await save(1, 2)
      const { version: c } = await registry.save('yellow.duration', modelOf(3))
      await registry.promote(name, a)
      await registry.setTags(`${name}/${b}`, { team: 'airport', checked: 'yes' })
      await registry.setTags('yellow.duration', { team: 'airport' })
      const found = async (filter: Parameters<Registry['list']>[0]) =>
        (await registry.list(filter)).flatMap((model) =>
          model.versions.map(({ version }) => version).sort(),
        )
      expect(await found({ name })).toEqual([a, b].sort())
      expect(await found({ name: '*n-dur*' })).toEqual([a, b].sort())
      expect(await found({ name: 'yellow.*' })).toEqual([c])
      // A dot is a dot and not any character.
      expect(await found({ name: 'green.duration' })).toEqual([])
      expect(await found({ alias: 'champion' })).toEqual([a])
      expect(await found({ alias: 'canary' })).toEqual([])
      expect(await found({ tags: { team: 'airport' } })).toEqual([b, c])
      expect(await found({ tags: { team: 'airport', checked: 'yes' } })).toEqual([b])
      expect(await found({ tags: { team: 'airport' }, name: 'y*' })).toEqual([c])
      expect(await found({})).toHaveLength(3)
    })
  })

  describe(`${store}: renaming and deleting`, () => {
    it('a model with another name has all it had', async () => {
      const [a, b, c] = await threeChampions()
      await registry.describe(name, 'the model')
      await registry.setTags(`${name}/${a}`, { team: 'airport' })
      await registry.rename(name, 'renamed')
      expect(await only()).toMatchObject({
        name: 'renamed',
        description: 'the model',
        aliases: { champion: c },
      })
      expect(await registry.history('renamed')).toHaveLength(3)
      expect((await registry.rollback('renamed')).version).toBe(b)
      expect((await registry.list({ tags: { team: 'airport' } }))[0]?.versions).toMatchObject([
        { version: a },
      ])
      await expect(registry.load(name)).rejects.toThrow(failing('model_not_found', 'renamed'))
      expect((await registry.save(name, modelOf(1))).version).toBe(a)
    })

    it('a name that is taken is not given again', async () => {
      await save(1)
      await registry.save('other', modelOf(1))
      await expect(registry.rename(name, 'other')).rejects.toThrow(
        failing('usage_invalid', 'model name other is taken'),
      )
      await expect(registry.rename('missing', 'new')).rejects.toThrow(failing('model_not_found'))
      expect((await registry.list()).map((model) => model.name)).toEqual([name, 'other'])
    })

    it('a version is deleted with its notes, but not while an alias points to it', async () => {
      const [a, b, c] = await threeChampions()
      await registry.setTags(`${name}/${b}`, { team: 'airport' })
      await expect(registry.deleteVersion(name, c.slice(0, 6))).rejects.toThrow(
        failing('registry_alias_held', `${name}@champion.*alias delete ${name} champion`),
      )
      await registry.load(name)
      await registry.deleteVersion(name, b.slice(0, 6))
      await expect(registry.load(`${name}/${b}`)).rejects.toThrow(failing('model_not_found'))
      await expect(registry.deleteVersion(name, b)).rejects.toThrow(failing('model_not_found'))
      expect((await only())?.versions.map(({ version }) => version).sort()).toEqual([a, c].sort())
      // The way back leads to what is gone.
      await expect(registry.rollback(name)).rejects.toThrow(failing('model_not_found'))
      expect(await registry.save(name, modelOf(2))).toMatchObject({ version: b, created: true })
      expect((await registry.rollback(name)).version).toBe(b)
    })

    it('a model is deleted with all its versions, but not while it has an alias', async () => {
      await threeChampions()
      await registry.save('other', modelOf(1))
      await expect(registry.deleteModel(name)).rejects.toThrow(
        failing('registry_alias_held', `model ${name} of .* is held by ${name}@champion`),
      )
      await registry.load(name)
      await registry.deleteAlias(name, championAlias)
      await registry.deleteModel(name)
      expect((await registry.list()).map((model) => model.name)).toEqual(['other'])
      await expect(registry.deleteModel(name)).rejects.toThrow(failing('model_not_found'))
      const [a = ''] = await save(1)
      expect(await registry.history(name)).toEqual([])
      await registry.promote(name, a)
    })
  })
}
