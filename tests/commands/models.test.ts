import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modelsCommand } from '../../src/commands/models.ts'
import { openRegistry, type Registry, registryEffects } from '../../src/registry.ts'
import { documentsOf } from '../documents-of-versions.ts'
import { runCommand } from './run-command.ts'

const name = 'green-duration'
let folder: string
let out: string
let err: string
let registry: Registry
/** Versions of the numbers 1, 2 and 3. */
let ids: [string, string, string]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-models-command-'))
  registry = openRegistry(join(folder, 'models'), { ...registryEffects, now })
  ids = ['', '', '']
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const now = (): Date => new Date('2021-03-02T00:00:00Z')

/** Runs `ridecast models ...`; what it printed is then in `out` and `err`. */
async function models(...argv: string[]): Promise<void> {
  out = ''
  err = ''
  await runCommand(modelsCommand, argv, folder, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
}

const json = (): Record<string, unknown> => {
  expect(out).toMatch(/^\{.*\}\n$/)
  return JSON.parse(out) as Record<string, unknown>
}

/** Three versions, written a day apart; the first is the champion. */
async function threeVersions(): Promise<void> {
  for (const [i, id] of [1, 2, 3].entries()) {
    const { version, path } = await registry.save(name, documentsOf(id))
    const written = new Date(Date.UTC(2021, 1, id, 8, 15))
    await utimes(path, written, written)
    ids[i] = version
  }
  await registry.setAliasIfAbsent(name, 'champion', ids[0], { reason: 'the first' })
}

/** Runs the command that was printed as the one that undoes the last. */
async function undo(): Promise<void> {
  const [, command = ''] = /undo with: ridecast models (.*)\n/.exec(out) ?? []
  expect(command).not.toBe('')
  await models(...command.split(' ').map((word) => word.replaceAll("'", '')))
}

describe('ridecast models list', () => {
  it('says what to run when there are none', async () => {
    await models('list')
    expect(out).toBe('no models in models yet; train one with: ridecast train 2021-01\n')
    await models('list', '--json')
    expect(json()).toEqual({ registry: join(folder, 'models'), models: [] })
  })

  it('shows versions newest first, with recipe, validation RMSE and aliases', async () => {
    await threeVersions()
    await registry.promote(name, ids[2], { alias: 'canary' })
    await models('list')
    // 5.5 + id, see documentsOf.
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['version', 'aliases', 'created (UTC)', 'recipe', 'validation rmse'],
      [`${name}/${ids[2]}`, 'canary', '2021-02-03 08:15:00', 'plain', '8.5000'],
      [`${name}/${ids[1]}`, '2021-02-02 08:15:00', 'plain', '7.5000'],
      [`${name}/${ids[0]}`, 'champion', '2021-02-01 08:15:00', 'plain', '6.5000'],
      [''],
    ])
    expect(err).toBe('')
    await models('list', '--json')
    expect((json().models as unknown[])[0]).toEqual({
      name,
      version: ids[2],
      number: null,
      path: join(folder, 'models', name, ids[2]),
      created: '2021-02-03T08:15:00.000Z',
      aliases: ['canary'],
      description: '',
      tags: {},
      recipe: 'plain',
      validation_rmse: 8.5,
      fault: null,
    })
  })

  it('shows a version without a recipe or a validation, and a damaged one, as what they are', async () => {
    const bare = { model: { format_version: 1 }, lineage: { format_version: 1 }, profile: {} }
    const { version } = await registry.save(name, { ...bare, metrics: { validation: null } })
    const { path } = await registry.save('damaged', documentsOf(1))
    await writeFile(join(path, 'metrics.json'), '{}')
    await models('list')
    expect(out).toMatch(new RegExp(`${name}/${version} .* - +-\n`))
    expect(out).toMatch(/damaged\/\w+ .* artifact_corrupt +-\n/)
    expect(err).toMatch(/^note: .*metrics.json does not match its checksum/)
    await models('list', '--json')
    expect(json().models).toMatchObject([
      { name: 'damaged', recipe: null, fault: { code: 'artifact_corrupt' } },
      { name, version, recipe: null, validation_rmse: null, fault: null },
    ])
  })
})

describe('ridecast models show', () => {
  it('shows measures, files with their hashes, and the history of aliases that point there', async () => {
    await threeVersions()
    await registry.promote(name, ids[1], { reason: 'better \u001b[31min March' })
    await models('show', name)
    const fields = out.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(fields).toContainEqual([`${name}/${ids[1]}`])
    expect(fields).toContainEqual(['created', '2021-02-02 08:15:00 UTC'])
    expect(fields).toContainEqual(['aliases', 'champion'])
    expect(fields).toContainEqual(['recipe', 'plain'])
    const file = 'green_tripdata_2021-01.parquet'
    const hash = `sha256 ${'b8'.repeat(32)}`
    expect(fields).toContainEqual(['train', '2021-01', file, '70 of 80 rides', hash])
    expect(fields).toContainEqual(['train', '70', '5.2500', '27.5625', '0.5000', '0.0000'])
    expect(fields).toContainEqual(['validation', '60', '7.5000', '30.2500', '0.2500', '-0.1250'])
    expect(fields).toContainEqual(['baseline', '-', '12.5000', '-', '-', '-'])
    expect(fields).toContainEqual(['1', '2021-03-02 00:00:00', 'first', ids[0], 'the first'])
    // Nothing of a record reaches the terminal as a command to it.
    const reason = 'better  [31min March'.split(/ {2,}/)
    expect(fields).toContainEqual(['2', '2021-03-02 00:00:00', 'promote', ids[1], ...reason])
    expect(out).not.toContain('\u001b')

    await models('show', `${name}/${ids[1].slice(0, 5)}`, '--json')
    const { metrics, lineage } = documentsOf(2)
    expect(json()).toEqual({
      registry: join(folder, 'models'),
      name,
      version: ids[1],
      number: null,
      path: join(folder, 'models', name, ids[1]),
      created: '2021-02-02T08:15:00.000Z',
      aliases: ['champion'],
      description: '',
      tags: {},
      metrics,
      lineage,
      history: { champion: await registry.history(name) },
    })
  })

  it('shows a version of which little is known, by path and without aliases', async () => {
    const bare = { model: { format_version: 1 }, lineage: { format_version: 1 }, profile: {} }
    const { path, version } = await openRegistry(join(folder, 'elsewhere')).save('m', {
      ...bare,
      metrics: {},
    })
    await models('show', path)
    expect(out).toBe(`m/${version}\npath         ${path}\n`)
    await models('show', `elsewhere/m/${version}`, '--json')
    expect(json()).toMatchObject({ version, created: null, aliases: [], history: {} })
  })
})

describe('ridecast models verify', () => {
  it('checks one version or all of them and every alias', async () => {
    await models('verify')
    expect(out).toBe('no models in models yet\n')
    await threeVersions()
    await models('verify')
    expect(out.trim().split('\n').sort()).toEqual(
      [...ids.map((id) => `whole  ${name}/${id}`), `whole  ${name}@champion`].sort(),
    )
    await models('verify', name, '--json')
    expect(json()).toEqual({
      registry: join(folder, 'models'),
      checked: 1,
      faults: 0,
      results: [{ reference: name, fault: null }],
    })
  })

  it('fails with the code of what it found, and names it', async () => {
    await threeVersions()
    await writeFile(join(folder, 'models', name, ids[1], 'model.json'), '{}')
    await expect(models('verify')).rejects.toThrow(
      expect.objectContaining({
        code: 'artifact_corrupt',
        message: expect.stringMatching(`1 of 4 checks failed\n  .*${ids[1]}/model.json does not`),
      }),
    )
    expect(out).toContain(`damaged  ${name}/${ids[1]}\n`)
    expect(out).toContain(`whole  ${name}/${ids[0]}\n`)
    await expect(models('verify', `${name}/${ids[1]}`, '--json')).rejects.toThrow(
      expect.objectContaining({ code: 'artifact_corrupt' }),
    )
    expect(json()).toMatchObject({
      checked: 1,
      faults: 1,
      results: [{ reference: `${name}/${ids[1]}`, fault: { code: 'artifact_corrupt' } }],
    })
    await models('verify', name)
  })

  it('fails when the newest entry of an alias is damaged, although the alias can be used', async () => {
    await threeVersions()
    await registry.promote(name, ids[1])
    const entry = join(folder, 'models', name, 'aliases', 'champion', '00000002.json')
    await writeFile(entry, '')
    await expect(models('verify')).rejects.toThrow(
      expect.objectContaining({
        code: 'artifact_corrupt',
        message: expect.stringContaining(`points to ${ids[0]}, because its newest entry ${entry}`),
      }),
    )
    expect(out).toContain(`damaged  ${name}@champion\n`)
    await registry.load(name)
  })

  it('fails when an alias points to a version that is gone', async () => {
    await threeVersions()
    await rename(join(folder, 'models', name, ids[0]), join(folder, 'gone'))
    await expect(models('verify')).rejects.toThrow(
      expect.objectContaining({
        code: 'artifact_missing',
        message: expect.stringContaining(`${name}@champion points to ${ids[0]}`),
      }),
    )
    expect(out).toContain(`damaged  ${name}@champion\n`)
  })
})

describe('ridecast models promote and rollback', () => {
  it('say what is now what, and which command undoes it', async () => {
    await threeVersions()
    await models('promote', `${name}/${ids[1]}`, '--reason', 'better')
    expect(out).toBe(
      `${name}@champion is now ${ids[1]} (was ${ids[0]})\n` +
        `undo with: ridecast models rollback ${name}\n`,
    )
    expect((await registry.history(name)).at(-1)).toMatchObject({ reason: 'better' })
    await undo()
    expect(out).toBe(
      `${name}@champion is now ${ids[0]} (was ${ids[1]})\n` +
        `undo with: ridecast models promote ${name}/${ids[1]}\n`,
    )
    await undo()
    expect((await registry.load(name)).version).toBe(ids[1])
  })

  it('leave no trace of a promotion that was undone when going back later', async () => {
    await threeVersions()
    await models('promote', `${name}/${ids[1]}`)
    await undo()
    await models('promote', `${name}/${ids[2]}`)
    await models('rollback', name)
    // Not to the second, which was undone.
    expect((await registry.load(name)).version).toBe(ids[0])
  })

  it('move another alias in another folder, and say so in the command that undoes it', async () => {
    const other = openRegistry(join(folder, 'other models'))
    const versions: string[] = []
    for (const id of [1, 2]) versions.push((await other.save(name, documentsOf(id))).version)
    const place = ['--models', 'other models', '--alias', 'canary']
    await models('promote', `${name}/${versions[0]}`, ...place)
    // There is nothing to go back to.
    expect(out).toBe(`${name}@canary is now ${versions[0]}\n`)
    await models('promote', `${name}/${versions[1]}`, ...place)
    expect(out).toContain(
      `undo with: ridecast models rollback ${name} --alias canary --models 'other models'\n`,
    )
    await models('rollback', name, ...place)
    expect((await other.load(`${name}@canary`)).version).toBe(versions[0])
  })

  it('take an alias for what it points to, and a path for the same version here', async () => {
    await threeVersions()
    await models('promote', `${name}/${ids[2]}`, '--alias', 'canary')
    await models('promote', `${name}@canary`)
    expect((await registry.load(name)).version).toBe(ids[2])
    const elsewhere = openRegistry(join(folder, 'elsewhere'))
    const { path } = await elsewhere.save(name, documentsOf(2))
    await models('promote', path)
    expect((await registry.load(name)).path).toBe(join(folder, 'models', name, ids[1]))
    const { path: unknown } = await elsewhere.save(name, documentsOf(9))
    await expect(models('promote', unknown)).rejects.toThrow(
      expect.objectContaining({ code: 'model_not_found' }),
    )
  })

  it('say when there is nothing to change', async () => {
    await threeVersions()
    await models('promote', name)
    expect(out).toBe(`${name}@champion is ${ids[0]} already\n`)
    await expect(models('rollback', name)).rejects.toThrow(
      expect.objectContaining({ code: 'rollback_impossible' }),
    )
    expect(await registry.history(name)).toHaveLength(1)
  })

  it('print one object for machines', async () => {
    await threeVersions()
    await models('promote', `${name}/${ids[1]}`, '--json', '--reason', 'better')
    expect(json()).toEqual({
      registry: join(folder, 'models'),
      name,
      alias: 'champion',
      sequence: 2,
      version: ids[1],
      previous: ids[0],
      kind: 'promote',
      at: '2021-03-02T00:00:00.000Z',
      reason: 'better',
      changed: true,
      undo: `ridecast models rollback ${name}`,
    })
    await models('promote', name, '--json')
    expect(json()).toMatchObject({ changed: false, undo: null })
    await models('rollback', name, '--json')
    expect(json()).toMatchObject({
      kind: 'rollback',
      undo: `ridecast models promote ${name}/${ids[1]}`,
    })
  })

  it.each(['two\nlines', 'a \u001b[31mcolour', 'x'.repeat(1001)])(
    'refuse a reason that is not one line: case %#',
    async (reason) => {
      await threeVersions()
      await expect(models('promote', `${name}/${ids[1]}`, '--reason', reason)).rejects.toThrow(
        expect.objectContaining({ code: 'usage_invalid' }),
      )
      expect((await registry.load(name)).version).toBe(ids[0])
    },
  )
})

describe('ridecast models search', () => {
  it('lists what fits a name, tags and an alias', async () => {
    await threeVersions()
    await registry.setTags(`${name}/${ids[1]}`, { team: 'airport', note: 'a=b' })
    const found = async (...argv: string[]): Promise<unknown[]> => {
      await models('search', ...argv, '--json')
      return (json().models as { version: string }[]).map(({ version }) => version)
    }
    expect(await found()).toEqual([ids[2], ids[1], ids[0]])
    expect(await found('green-*', '--alias', 'champion')).toEqual([ids[0]])
    expect(await found('--tag', 'team=airport', '--tag', 'note=a=b')).toEqual([ids[1]])
    expect(await found('yellow-*')).toEqual([])
    await models('search', 'yellow-*')
    expect(out).toBe('no such models in models\n')
    await expect(models('search', '--tag', 'team')).rejects.toThrow(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
  })
})

describe('ridecast models alias', () => {
  it('sets an alias and takes it away, and each says what undoes it', async () => {
    await threeVersions()
    await models('alias', 'set', `${name}/${ids[1]}`, 'canary', '--reason', 'tried')
    expect(out).toBe(`${name}@canary is now ${ids[1]}\n`)
    await models('alias', 'set', `${name}/${ids[2]}`, 'canary')
    await undo()
    expect((await registry.resolve(`${name}@canary`)).version).toBe(ids[1])
    await models('alias', 'delete', name, 'canary', '--reason', 'over')
    expect(out).toBe(
      `${name}@canary is gone (was ${ids[1]})\n` +
        `undo with: ridecast models alias set ${name}/${ids[1]} canary\n`,
    )
    await expect(registry.resolve(`${name}@canary`)).rejects.toThrow()
    await undo()
    expect((await registry.resolve(`${name}@canary`)).version).toBe(ids[1])
    await models('alias', 'delete', name, 'canary', '--json')
    expect(json()).toMatchObject({ name, alias: 'canary', kind: 'delete', version: null })
  })
})

describe('ridecast models describe and tag', () => {
  it('note what show shows', async () => {
    await threeVersions()
    await models('describe', `${name}/${ids[0]}`, 'the \u001b[31mfirst')
    expect(out).toBe(`${name}/${ids[0]} is described\n`)
    await models('tag', name, 'team=airport', 'draft=yes')
    expect(out).toBe(`${name}: set team, draft\n`)
    await models('tag', name, 'owner=me', '--delete', 'draft', '--json')
    expect(json()).toMatchObject({ reference: name, set: { owner: 'me' }, deleted: ['draft'] })
    expect((await registry.list())[0]?.tags).toEqual({ team: 'airport', owner: 'me' })
    await models('tag', `${name}@champion`, 'checked=yes')
    await models('show', name)
    const fields = out.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(fields).toContainEqual(['about', 'the  [31mfirst'.split('  ')[0], '[31mfirst'])
    expect(fields).toContainEqual(['tag', 'checked=yes'])
    await models('describe', `${name}/${ids[0]}`, '')
    expect(out).toBe(`${name}/${ids[0]} is without a description\n`)
    await expect(models('tag', name)).rejects.toThrow(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
  })
})

describe('ridecast models rename and delete', () => {
  it('rename says what undoes it', async () => {
    await threeVersions()
    await models('rename', name, 'other')
    expect(out).toBe(`${name} is now other\nundo with: ridecast models rename other ${name}\n`)
    expect((await registry.list()).map((model) => model.name)).toEqual(['other'])
    await undo()
    expect((await registry.load(name)).version).toBe(ids[0])
  })

  it('delete asks for --yes, and stops at what an alias holds', async () => {
    await threeVersions()
    for (const reference of [name, `${name}/${ids[1]}`]) {
      await expect(models('delete', reference)).rejects.toThrow(
        expect.objectContaining({ code: 'usage_invalid', message: expect.stringMatching('--yes') }),
      )
    }
    expect((await registry.list())[0]?.versions).toHaveLength(3)
    for (const held of [name, `${name}/${ids[0]}`]) {
      await expect(models('delete', held, '--yes')).rejects.toThrow(
        expect.objectContaining({ code: 'registry_alias_held' }),
      )
    }
    for (const wrong of [`${name}@champion`, `./models/${name}/${ids[1]}`]) {
      await expect(models('delete', wrong, '--yes')).rejects.toThrow(
        expect.objectContaining({ code: 'usage_invalid' }),
      )
    }
    await models('delete', `${name}/${ids[1].slice(0, 6)}`, '--yes')
    expect(out).toBe(`deleted ${name}/${ids[1].slice(0, 6)}\n`)
    expect((await registry.list())[0]?.versions).toHaveLength(2)
    await registry.deleteAlias(name, 'champion')
    await models('delete', name, '--yes', '--json')
    expect(json()).toMatchObject({ name, version: null, deleted: true })
    expect(await registry.list()).toEqual([])
  })
})

describe('help', () => {
  it.each([
    [],
    ...['list', 'search', 'show', 'verify', 'promote', 'rollback', 'alias', 'describe', 'tag'].map(
      (verb) => [verb],
    ),
    ['rename'],
    ['delete'],
  ])('has an example: models %s', async (...argv) => {
    await expect(models(...argv, '--help')).rejects.toThrow(
      expect.objectContaining({ exitCode: 0 }),
    )
    expect(out).toMatch(/Examples?:\n {2}ridecast models/)
    expect(out).toContain(`ridecast models ${argv[0] ?? 'list'}`)
  })
})
