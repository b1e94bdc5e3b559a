/** The registry of an MLflow server, against a real one, and beside its own Python client. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { modelsCommand } from '../../src/commands/models.ts'
import { mlflowFolder } from '../../src/export/mlflow-folder.ts'
import { loadFrom } from '../../src/loaded-model.ts'
import { openRegistry, type Registry, registryEffects } from '../../src/registry.ts'
import { listArtifacts } from '../../src/tracking/mlflow/artifacts.ts'
import type { MlflowClient } from '../../src/tracking/mlflow/client.ts'
import { mlflowRegistry } from '../../src/tracking/mlflow/registry.ts'
import {
  allModels,
  downloadUri,
  remove,
  searchVersions,
  versionsWithId,
} from '../../src/tracking/mlflow/registry-calls.ts'
import { mlflowTracker } from '../../src/tracking/mlflow/tracker.ts'
import { runCommand } from '../commands/run-command.ts'
import { failing, registryContract } from '../registry-contract.ts'
import { modelOf } from '../registry-documents.ts'
import { clientOf } from './mlflow-store.ts'
import { freePort, python, type ServerProcess, startMlflow } from './parts.ts'

let folder: string
let server: ServerProcess
let client: MlflowClient

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-mlflow-registry-'))
  server = await startMlflow(folder)
  client = clientOf(server.url)
})

afterAll(async () => {
  await client?.close()
  await server?.kill()
  await rm(folder, { recursive: true, force: true })
})

const name = 'green-duration'

/** A registry of the server, which has no models, and a cache that is empty. */
async function open(now?: () => Date): Promise<{ registry: Registry; cache: string }> {
  const cache = await mkdtemp(join(folder, 'cache-'))
  const kept = openRegistry(cache, now ? { ...registryEffects, now } : registryEffects)
  const options = { cache: kept, pack: mlflowFolder, ...(now && { now }) }
  return { registry: mlflowRegistry(client, options), cache }
}

async function clear(): Promise<void> {
  for (const model of await allModels(client)) {
    await remove(client, { name: model.name, number: undefined })
  }
}

/** Where the server has a file of a version. */
async function artifactOf(model: string, version: string, path: string): Promise<string> {
  const [found] = await versionsWithId(client, model, version)
  if (!found) throw new Error(`${model}/${version} is not there`)
  const uri = await downloadUri(client, found)
  return join(folder, 'artifacts', uri.replace(/^mlflow-artifacts:\/+/, ''), path)
}

/** What the Python client says; `c` is one, in the script, and `a` the arguments. */
const asked = (script: string, ...args: string[]): unknown =>
  python(
    `import json, sys, mlflow\nc = mlflow.MlflowClient(sys.argv[1], sys.argv[1])\na = sys.argv[2:]\n${script}`,
    [server.url, ...args],
  )

registryContract('an MLflow server', async (now) => {
  await clear()
  const { registry, cache } = await open(now)
  return {
    registry,
    async damage(model, version) {
      await writeFile(await artifactOf(model, version, 'ridecast/model.json'), '{}')
      await rm(join(cache, model, version), { recursive: true, force: true })
    },
    close: () => rm(cache, { recursive: true }),
  }
})

describe('beside the Python client', () => {
  let registry: Registry
  let cache: string
  beforeEach(async () => {
    await clear()
    const opened = await open()
    registry = opened.registry
    cache = opened.cache
  })
  afterEach(clear)

  test('it sees aliases, numbers, tags, descriptions, the logged model and the run', async () => {
    const run = await mlflowTracker(client).startRun({ experiment: 'nyc-green', tags: {} })
    const first = await registry.save(name, modelOf(1), {
      runId: run.id,
      description: 'the first',
      tags: { team: 'airport' },
    })
    await run.finish('finished')
    await registry.save(name, modelOf(2))
    await registry.promote(name, first.version)
    await registry.describe(name, 'minutes of green rides')
    const seen = asked(
      `v = c.get_model_version_by_alias("${name}", "champion")
m = c.get_registered_model("${name}")
l = c.get_logged_model(v.source.split("/")[-1])
print(json.dumps({"number": v.version, "tags": v.tags, "description": v.description,
  "run": v.run_id, "source_run": l.source_run_id, "status": str(l.status), "about": m.description,
  "source": v.source, "model": l.model_id, "linked": l.tags.get("mlflow.modelVersions"),
  "numbers": sorted(int(x.version) for x in c.search_model_versions("name='${name}'"))}))`,
    ) as Record<string, unknown>
    expect(seen).toMatchObject({
      number: '1',
      description: 'the first',
      about: 'minutes of green rides',
      run: run.id,
      source_run: run.id,
      status: 'READY',
      source: `models:/${seen.model}`,
      linked: expect.stringContaining(name),
      numbers: [1, 2],
      tags: {
        team: 'airport',
        'ridecast.version': first.version,
        'ridecast.taxi': 'green',
        'ridecast.recipe': 'plain',
        'ridecast.train': '2021-01',
        'ridecast.validation_rmse': '3.5',
      },
    })
  })

  test('it loads and asks the version that an alias points to, with our number', async () => {
    await registry.save(name, modelOf(1))
    await registry.promote(name, '1')
    const answers = asked(
      `import numpy, pandas
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/${name}@champion")
ride = pandas.DataFrame({"PULocationID": numpy.array([43], "int64"),
  "DOLocationID": numpy.array([151], "int64"), "trip_distance": [1.01]})
print(json.dumps(model.predict(ride)["duration"].tolist()))`,
    ) as number[]
    const { predictor } = await loadFrom(registry, name)
    // 1 + 2 (from 43) - 0.5 (to 151) + 3 a mile: see small-model.ts.
    expect(answers[0]).toBeCloseTo(1 + 2 - 0.5 + 3 * 1.01, 9)
    const ride = { PULocationID: 43, DOLocationID: 151, trip_distance: 1.01 }
    expect(answers[0]).toBe(predictor.explain(ride).duration)
  })

  test('an alias that it moves is followed, and stands in the history', async () => {
    const { version: a } = await registry.save(name, modelOf(1))
    const { version: b } = await registry.save(name, modelOf(2))
    await registry.promote(name, a)
    asked(`c.set_registered_model_alias("${name}", "champion", "2")\nprint("null")`)
    expect((await registry.resolve(name)).version).toBe(b)
    expect(await registry.history(name)).toMatchObject([
      { kind: 'first', version: a },
      { kind: 'elsewhere', sequence: 2, version: b, previous: a },
    ])
    expect(await registry.rollback(name)).toMatchObject({ sequence: 3, version: a, previous: b })
    asked(`c.delete_registered_model_alias("${name}", "champion")\nprint("null")`)
    await expect(registry.resolve(name)).rejects.toThrow(failing('model_not_found', 'champion'))
    const entries = await registry.history(name)
    expect(entries.at(-1)).toMatchObject({ kind: 'elsewhere', version: null, previous: a })
    expect(await registry.setAliasIfAbsent(name, 'champion', b)).toMatchObject({
      kind: 'first',
      sequence: 5,
    })
  })

  test('a version that it made is listed, and refused by name when it is to be loaded', async () => {
    const { version } = await registry.save(name, modelOf(1))
    asked(
      `run = c.create_run("0").info.run_id
c.create_model_version("${name}", f"runs:/{run}/model", run)
c.set_registered_model_alias("${name}", "theirs", "2")
c.create_registered_model("Not A Name Of Ours")
print("null")`,
    )
    expect(await registry.list()).toMatchObject([
      {
        name,
        aliases: { theirs: '2' },
        versions: [
          { version: '2', number: 2, aliases: ['theirs'], facts: {} },
          { version, number: 1 },
        ],
      },
    ])
    const refused = failing('artifact_format', /version 2 of .* was not made by ridecast/)
    for (const reference of [`${name}/2`, `${name}@theirs`]) {
      await expect(registry.resolve(reference)).rejects.toThrow(refused)
      await expect(registry.load(reference)).rejects.toThrow(refused)
    }
    await expect(registry.promote(name, '2')).rejects.toThrow(refused)
    await registry.describe(`${name}/2`, 'somebody else made it')
    await expect(registry.deleteVersion(name, '2')).rejects.toThrow(failing('registry_alias_held'))
    await registry.deleteAlias(name, 'theirs')
    await registry.deleteVersion(name, '2')
    expect((await registry.list())[0]?.versions).toMatchObject([{ number: 1 }])
  })

  test('names of aliases that MLflow keeps for itself are refused before it is asked', async () => {
    const { version } = await registry.save(name, modelOf(1))
    for (const alias of ['latest', 'v2', 'a.b']) {
      const refused = failing('model_name_invalid', 'is not allowed by MLflow')
      await expect(registry.promote(name, version, { alias })).rejects.toThrow(refused)
    }
    // It answers by that name, though.
    expect((await registry.resolve(`${name}@latest`)).version).toBe(version)
    await expect(registry.deleteAlias(name, 'latest')).rejects.toThrow(failing('model_not_found'))
  })

  test('a version is found by its number, and by no number that is not its own', async () => {
    const { version: a } = await registry.save(name, modelOf(1))
    const { version: b } = await registry.save(name, modelOf(2))
    expect((await registry.resolve(`models:/${name}/2`)).version).toBe(b)
    await registry.deleteVersion(name, '1')
    await expect(registry.resolve(`${name}/1`)).rejects.toThrow(failing('model_not_found'))
    await expect(registry.resolve(`${name}/${a}`)).rejects.toThrow(failing('model_not_found'))
    // A number is never given twice.
    await registry.save(name, modelOf(1))
    expect((await registry.resolve(`${name}/3`)).version).toBe(a)
  })

  test('what is loaded is kept, and not asked for again', async () => {
    const { version } = await registry.save(name, modelOf(1))
    await registry.promote(name, version)
    const { registry: other, cache: otherCache } = await open()
    const loaded = await other.load(name)
    expect(loaded.path).toBe(join(otherCache, name, version))
    const served = await artifactOf(name, version, 'ridecast/model.json')
    const whole = await readFile(served)
    // One byte is another.
    const damaged = Buffer.from(whole)
    damaged.writeUInt8(damaged.readUInt8(20) ^ 1, 20)
    await writeFile(served, damaged)
    expect(await other.load(name)).toEqual(loaded)
    await expect(other.load(name, { fresh: true })).rejects.toThrow(
      failing('artifact_corrupt', /alias green-duration@champion .*model.json does not match/),
    )
    await rm(join(cache, name), { recursive: true })
    await expect(registry.load(name)).rejects.toThrow(failing('artifact_corrupt'))
    await rm(served)
    await expect(registry.load(name)).rejects.toThrow(
      failing('artifact_missing', 'lacks ridecast/model.json'),
    )
    await writeFile(served, whole)
    // A kept version that is damaged is downloaded again.
    await writeFile(join(otherCache, name, version, 'model.json'), '{}')
    expect(await other.load(name)).toEqual(loaded)
  })

  test('the documents are those of the folder, byte for byte', async () => {
    const { version } = await registry.save(name, modelOf(1))
    for (const file of ['model', 'metrics', 'profile', 'lineage'].map((one) => `${one}.json`)) {
      const here = await readFile(join(cache, name, version, file))
      expect(await readFile(await artifactOf(name, version, `ridecast/${file}`))).toEqual(here)
    }
    const [found] = await versionsWithId(client, name, version)
    const files = found ? await listArtifacts(client, await downloadUri(client, found)) : []
    expect(files.map(({ path }) => path)).toContain('MLmodel')
  })

  test('the history keeps the newest entries that fit a tag of PostgreSQL', async () => {
    const ids: string[] = []
    for (const id of [1, 2]) ids.push((await registry.save(name, modelOf(id))).version)
    const reason = 'r'.repeat(900)
    for (let i = 0; i < 14; i++) await registry.promote(name, ids[i % 2] as string, { reason })
    const history = await registry.history(name)
    // 500 characters of each reason are kept, and 5,000 in all: seven or eight entries.
    expect(history.length).toBeGreaterThan(5)
    expect(history.length).toBeLessThan(10)
    expect(history.at(-1)).toMatchObject({ sequence: 14, version: ids[1], previous: ids[0] })
    expect(history[0]?.previous).not.toBeNull()
    const tags = asked(`print(json.dumps(c.get_registered_model("${name}").tags))`) as Record<
      string,
      string
    >
    expect(tags['ridecast.history.champion']?.length).toBeLessThanOrEqual(5000)
    asked(`c.set_registered_model_tag("${name}", "ridecast.history.champion", "{")\nprint("null")`)
    expect(await registry.aliasFaults(name)).toMatchObject([{ alias: 'champion' }])
    expect((await registry.resolve(name)).version).toBe(ids[1])
    await registry.promote(name, ids[0] as string)
    expect(await registry.aliasFaults(name)).toEqual([])
    expect((await registry.rollback(name)).version).toBe(ids[1])
  })
})

describe('ridecast models, told of a server', () => {
  let out: string
  let err: string
  const models = async (...argv: string[]): Promise<void> => {
    out = ''
    err = ''
    await runCommand(modelsCommand, [...argv, '--registry-uri', server.url], folder, {
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    })
  }

  test('lists with numbers, promotes, verifies and rolls back there, and says so', async () => {
    await clear()
    const { registry } = await open()
    const versions: string[] = []
    for (const id of [1, 2]) versions.push((await registry.save(name, modelOf(id))).version)
    const [a = '', b = ''] = versions
    await models('promote', `${name}/1`)
    await models('promote', `${name}/2`, '--reason', 'better')
    expect(err).toBe(`registry ${server.url}\n`)
    expect(out).toBe(
      `${name}@champion is now ${b} (was ${a})\n` +
        `undo with: ridecast models rollback ${name} --registry-uri ${server.url}\n`,
    )
    await models('list')
    const rows = out.split('\n').map((line) => line.split(/ {2,}/))
    expect(rows[0]).toEqual([
      ...['version', 'number', 'aliases', 'created (UTC)', 'recipe', 'validation rmse'],
    ])
    expect(rows[1]).toMatchObject([`${name}/${b}`, '2', 'champion', {}, 'plain', '3.5000'])
    expect(rows[2]).toMatchObject([`${name}/${a}`, '1', {}, 'plain', '3.5000'])
    await models('verify', '--json')
    expect(JSON.parse(out)).toMatchObject({ registry: server.url, checked: 3, faults: 0 })
    await writeFile(await artifactOf(name, a, 'ridecast/model.json'), '{}')
    // What is kept here is whole; the server is what is verified.
    await registry.load(`${name}/${a}`)
    await expect(models('verify')).rejects.toThrow(failing('artifact_corrupt', '1 of 3 checks'))
    await expect(models('rollback', name)).rejects.toThrow(failing('artifact_corrupt'))
    await registry.save(name, modelOf(1))
    await models('rollback', name)
    expect((await registry.resolve(name)).version).toBe(a)
    await models('show', name, '--json')
    expect(JSON.parse(out)).toMatchObject({ registry: server.url, number: 1, version: a })
    await models('delete', `${name}/2`, '--yes')
    await models('search', 'green-*', '--alias', 'champion', '--json')
    expect(JSON.parse(out)).toMatchObject({ models: [{ version: a, number: 1, fault: null }] })
  })
})

describe('processes that register at once', () => {
  const source = join(import.meta.dirname, 'mlflow-registry-writer.ts')

  /** Starts them, lets them go together when all are ready, and gives what each printed. */
  async function together(
    ids: readonly number[],
  ): Promise<{ version: string; created: boolean }[]> {
    await clear()
    const started = await Promise.all(
      ids.map(async (id) => {
        const cache = await mkdtemp(join(folder, 'cache-'))
        const args = ['--import', 'tsx', source, server.url, cache, name, String(id)]
        const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
        let said = ''
        child.stdout.on('data', (data) => {
          said += data
        })
        const closed = once(child, 'close')
        await once(child.stdout, 'data')
        return { child, closed, said: () => said }
      }),
    )
    for (const { child } of started) child.stdin.end('go\n')
    for (const { closed } of started) expect((await closed)[0]).toBe(0)
    return started.map(({ said }) => JSON.parse(said().split('\n')[1] ?? ''))
  }

  test('the same content end with one version, the lowest number', async () => {
    const said = await together([1, 1, 1])
    expect(new Set(said.map(({ version }) => version)).size).toBe(1)
    expect(said.filter(({ created }) => created)).toHaveLength(1)
    const versions = await searchVersions(client, `name = '${name}'`)
    expect(versions.map(({ number, id }) => [number, id])).toEqual([[1, said[0]?.version]])
  })

  test('different contents end with all of them', async () => {
    const said = await together([1, 2, 3])
    expect(said.map(({ created }) => created)).toEqual([true, true, true])
    const versions = await searchVersions(client, `name = '${name}'`)
    expect(versions.map(({ number }) => number)).toEqual([1, 2, 3])
    expect(new Set(versions.map(({ id }) => id))).toEqual(
      new Set(said.map(({ version }) => version)),
    )
    const { registry } = await open()
    for (const { version } of said) await registry.load(`${name}/${version}`)
  })
})

describe('a registry', () => {
  test('of more than a page is listed whole', async () => {
    await clear()
    const { registry } = await open()
    for (const id of [1, 2, 3]) await registry.save(name, modelOf(id))
    await registry.save('other', modelOf(1))
    const numbers = (await searchVersions(client, '', 2)).map((one) => [one.name, one.number])
    expect(numbers).toEqual([
      [name, 1],
      [name, 2],
      [name, 3],
      ['other', 1],
    ])
    expect((await allModels(client, 1)).map((model) => model.name)).toEqual([name, 'other'])
  })

  test('that is down is tracking_unreachable, and what is kept here can be loaded from files', async () => {
    await clear()
    const { registry, cache } = await open()
    const { version } = await registry.save(name, modelOf(1))
    const away = clientOf(`http://127.0.0.1:${await freePort()}`, {
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
    })
    const kept = openRegistry(cache)
    const down = mlflowRegistry(away, { cache: kept, pack: mlflowFolder })
    for (const call of [
      down.load(name),
      down.resolve(name),
      down.list(),
      down.save(name, modelOf(2)),
    ]) {
      await expect(call).rejects.toThrow(failing('tracking_unreachable'))
    }
    await kept.load(`${name}/${version}`)
    await away.close()
  })
})
