/** What a registry does with answers that a healthy server gives rarely; no server is needed. */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRegistry, type Registry } from '../../../src/registry.ts'
import { type MlflowClient, MlflowError } from '../../../src/tracking/mlflow/client.ts'
import { mlflowRegistry } from '../../../src/tracking/mlflow/registry.ts'
import { factsOf, factTags } from '../../../src/tracking/mlflow/registry-facts.ts'
import { failing } from '../../registry-contract.ts'
import { modelOf } from '../../registry-documents.ts'

type Call = (input: Record<string, unknown>) => unknown

const name = 'green-duration'
const id = 'baa854c0711e'
let folder: string
let asked: string[]
/** The folder whose files are the artifacts. */
let stored: string
let answers: Record<string, Call>
let registry: Registry

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-mlflow-answers-'))
  asked = []
  stored = folder
  answers = {}
  const answer = async (call: string, input: unknown): Promise<unknown> => {
    asked.push(call)
    const given = answers[call]
    if (given) return given(input as Record<string, unknown>)
    throw new MlflowError('tracking_refused', `${call} is not there`, {
      reason: 'RESOURCE_DOES_NOT_EXIST',
    })
  }
  const callOf = (path: string): string => path.replace('/api/2.0/mlflow/', '')
  const client: MlflowClient = {
    uri: 'http://127.0.0.1:5000',
    get: (path, query) => answer(`GET ${callOf(path)}`, query),
    send: (method, path, body) => answer(`${method} ${callOf(path)}`, body),
    upload: async () => {},
    download: (path) => readFile(join(stored, basename(path))),
    close: async () => {},
  }
  registry = mlflowRegistry(client, { cache: openRegistry(folder), pack: () => [] })
})
afterEach(() => rm(folder, { recursive: true }))

const version = (number: number, tags: Record<string, string> = {}, more = {}) => ({
  name,
  version: String(number),
  creation_timestamp: 1_614_586_500_000,
  tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
  status: 'READY',
  ...more,
})
const own = (number: number, more = {}) => version(number, { 'ridecast.version': id }, more)

describe('a reference to a version on a server', () => {
  it('by an alias is one request, so that it can be asked for every few seconds', async () => {
    answers['GET registered-models/alias'] = () => ({ model_version: own(3) })
    expect(await registry.resolve(name)).toEqual({
      name,
      version: id,
      path: 'http://127.0.0.1:5000/#/models/green-duration/versions/3',
      alias: 'champion',
    })
    expect(asked).toEqual(['GET registered-models/alias'])
  })

  it('is refused while the server has it not whole', async () => {
    const status = { status: 'PENDING_REGISTRATION', status_message: 'copying' }
    answers['GET registered-models/alias'] = () => ({ model_version: own(3, status) })
    const refused = failing('artifact_missing', /its status is PENDING_REGISTRATION: copying/)
    await expect(registry.resolve(name)).rejects.toThrow(refused)
    await expect(registry.load(name)).rejects.toThrow(refused)
  })

  it('whose tag is no id of a content is refused', async () => {
    for (const odd of ['', '../../x', 'latest', id.toUpperCase()]) {
      const model_version = version(3, { 'ridecast.version': odd })
      answers['GET registered-models/alias'] = () => ({ model_version })
      await expect(registry.resolve(name)).rejects.toThrow(failing('artifact_format'))
    }
  })

  it('by its content is the one that was registered first, of several', async () => {
    answers['GET model-versions/search'] = () => ({ model_versions: [own(2), own(5)] })
    expect((await registry.resolve(`${name}/${id}`)).path).toMatch(/versions\/2$/)
  })

  it('that is the number of one and the start of another is not one version', async () => {
    const other = version(7, { 'ridecast.version': '123456789abc' })
    answers['GET model-versions/get'] = () => ({ model_version: own(1234) })
    answers['GET model-versions/search'] = () => ({ model_versions: [other] })
    await expect(registry.resolve(`${name}/1234`)).rejects.toThrow(
      failing('usage_invalid', 'found 1234 \\(number\\), 123456789abc; give more of it'),
    )
    expect((await registry.resolve(`${name}/123`)).path).toMatch(/versions\/1234$/)
  })

  it('that the server answers in another shape is tracking_answer', async () => {
    answers['GET registered-models/alias'] = () => ({ model_version: { version: 'three' } })
    await expect(registry.resolve(name)).rejects.toThrow(failing('tracking_answer'))
  })
})

describe('the same content, registered twice at once', () => {
  it('ends with the lower number: who made the higher one takes it away', async () => {
    let made: ReturnType<typeof version> | undefined
    const deleted: unknown[] = []
    let content = ''
    answers['GET model-versions/search'] = () => ({
      model_versions: made ? [version(4, { 'ridecast.version': content }), made] : [],
    })
    answers['POST registered-models/create'] = () => ({})
    answers['POST model-versions/create'] = (body) => {
      const tags = Object.fromEntries(
        (body.tags as { key: string; value: string }[]).map(({ key, value }) => [key, value]),
      )
      content = tags['ridecast.version'] ?? ''
      made = version(5, tags)
      return {}
    }
    answers['DELETE model-versions/delete'] = (body) => {
      deleted.push(body)
      return {}
    }
    const origin = { runId: 'r', modelId: 'm-1' }
    expect(await registry.save(name, modelOf(1), origin)).toEqual({
      version: content,
      path: 'http://127.0.0.1:5000/#/models/green-duration/versions/4',
      created: false,
    })
    expect(deleted).toEqual([{ name, version: '5' }])
  })
})

describe('an alias that is set at the same instant by another process', () => {
  it('is told as what it points to', async () => {
    const { path, version: content } = await openRegistry(folder).save(name, modelOf(1))
    stored = path
    const mine = version(1, { 'ridecast.version': content })
    answers['GET model-versions/search'] = () => ({ model_versions: [mine] })
    answers['GET model-versions/get-download-uri'] = () => ({
      artifact_uri: 'mlflow-artifacts:/0/models/m-1/artifacts',
    })
    const files = ['SHA256SUMS', 'lineage.json', 'metrics.json', 'model.json', 'profile.json']
    answers['GET /api/2.0/mlflow-artifacts/artifacts'] = () => ({
      files: files.map((file) => ({ path: file, is_dir: false, file_size: 1 })),
    })
    answers['GET registered-models/get'] = () => ({ registered_model: { name } })
    answers['POST registered-models/alias'] = () => ({})
    answers['POST registered-models/set-tag'] = () => ({})
    // The other one was later, so that MLflow has its version.
    answers['GET registered-models/alias'] = () => ({ model_version: own(2) })
    expect(await registry.setAliasIfAbsent(name, 'champion', content)).toMatchObject({
      version: id,
      changed: false,
    })
    answers['GET registered-models/alias'] = () => ({ model_version: mine })
    expect(await registry.setAliasIfAbsent(name, 'champion', content)).toMatchObject({
      version: content,
      changed: true,
    })
  })
})

describe('facts of a version', () => {
  it('are what its documents say', () => {
    const tags = factTags(modelOf(1))
    expect(tags).toEqual({
      'ridecast.taxi': 'green',
      'ridecast.recipe': 'plain',
      'ridecast.train': '2021-01',
      'ridecast.validation_rmse': '3.5',
    })
    expect(factsOf({ ...tags, 'ridecast.version': id, team: 'x' })).toEqual({
      taxi: 'green',
      recipe: 'plain',
      train: '2021-01',
      validation_rmse: '3.5',
    })
  })

  it('are none where the documents say nothing', () => {
    for (const odd of [null, 1, 'x', [], { recipe: 1, train: [1, { month: 5 }] }]) {
      const documents = { lineage: odd, metrics: odd, model: odd, profile: odd }
      expect(factTags(documents)).toEqual({})
    }
  })
})
