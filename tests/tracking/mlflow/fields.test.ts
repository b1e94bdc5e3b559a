/** What a server can hold of a text, of data and of a list, without a server. */

import { describe, expect, it } from 'vitest'
import { answerOf, int64, runSchema } from '../../../src/tracking/mlflow/answers.ts'
import { artifactPath } from '../../../src/tracking/mlflow/artifacts.ts'
import { batches } from '../../../src/tracking/mlflow/batches.ts'
import { datasetInput, datasetsOf, measuredOn } from '../../../src/tracking/mlflow/datasets.ts'
import { fieldText } from '../../../src/tracking/mlflow/texts.ts'
import { checkArtifactPath } from '../../../src/tracking/names.ts'
import type { Dataset } from '../../../src/tracking/tracker.ts'

describe('batches', () => {
  it('hold no more items than allowed, in their order', () => {
    const items = Array.from({ length: 250 }, (_, i) => i)
    const parts = [...batches(items, 100)]
    expect(parts.map((part) => part.length)).toEqual([100, 100, 50])
    expect(parts.flat()).toEqual(items)
    expect([...batches([], 100)]).toEqual([])
  })

  it('hold no more bytes than allowed, counted in UTF-8', () => {
    // 三 has three bytes: 100 texts of 6,000 are 1.8 MB, of which a megabyte holds 55.
    const items = Array.from({ length: 100 }, (_, i) => ({
      key: `p${i}`,
      value: '三'.repeat(6000),
    }))
    const parts = [...batches(items, 100)]
    expect(parts.map((part) => part.length)).toEqual([55, 45])
    for (const part of parts) {
      const body = JSON.stringify({ run_id: 'a'.repeat(32), params: part })
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1_000_000)
    }
  })

  it('give an item that is too large a part of its own', () => {
    const items = ['a', 'b'.repeat(2000), 'c']
    expect([...batches(items, 100, 1500)]).toEqual([['a'], ['b'.repeat(2000)], ['c']])
  })
})

describe('texts', () => {
  it.each(['', 'short', 'x'.repeat(6000), '😀'.repeat(3000)])('fit as they are', (text) => {
    expect(fieldText(text, 6000)).toEqual({ value: text, artifact: null })
  })

  it.each([
    ['long', 'x'.repeat(6001)],
    ['with a zero, which PostgreSQL does not take', 'a\0b'],
    ['that look like one that was shortened', fieldText('y'.repeat(9000), 6000).value],
    ['with a pair of surrogates where they are cut', `${'x'.repeat(5891)}${'😀'.repeat(60)}`],
  ])('%s have their start in the field and all of it elsewhere', (_, text) => {
    const { value, artifact } = fieldText(text, 6000)
    expect(value.length).toBeLessThanOrEqual(6000)
    expect(value).not.toMatch(/[\0\p{Cs}]/u)
    expect(value).toContain(`[whole text in ${artifact?.path}]`)
    expect(value.startsWith(text.slice(0, 1))).toBe(true)
    expect(Buffer.from(artifact?.content ?? []).toString('utf8')).toBe(text)
  })

  it('have the same field when they are the same, and another when they differ in the end', () => {
    const text = 'x'.repeat(9000)
    expect(fieldText(text, 6000)).toEqual(fieldText(text, 6000))
    expect(fieldText(`${text}1`, 6000).value).not.toBe(fieldText(`${text}2`, 6000).value)
  })
})

describe('data', () => {
  const january: Dataset = {
    name: 'green 2021-01',
    source: 'data/green_tripdata_2021-01.parquet',
    digest: `sha256:${'5a'.repeat(32)}`,
    context: 'training',
    rows: 76518,
  }
  const logged = (...datasets: Dataset[]) => {
    const inputs: NonNullable<ReturnType<typeof datasetInput>>[] = []
    for (const dataset of datasets) {
      const input = datasetInput(dataset, inputs)
      if (input) inputs.push(input)
    }
    return inputs
  }

  it('is told as the page of MLflow shows it', () => {
    const [input] = logged(january)
    expect(input?.dataset).toEqual({
      name: 'green 2021-01',
      // Half of the digits: the server takes 36 characters.
      digest: '5a'.repeat(16),
      source_type: 'local',
      source: '{"uri":"data/green_tripdata_2021-01.parquet"}',
      profile: '{"num_rows":76518}',
    })
    expect(input?.tags[0]).toEqual({ key: 'mlflow.data.context', value: 'training' })
  })

  it.each([
    ['https://host/a.parquet', 'http', '{"url":"https://host/a.parquet"}'],
    ['s3://bucket/a.parquet', 's3', '{"uri":"s3://bucket/a.parquet"}'],
    ['C:\\a.parquet', 'local', '{"uri":"C:\\\\a.parquet"}'],
  ])('read from %s has the type %s', (source, source_type, text) => {
    const [input] = logged({ ...january, source })
    expect(input?.dataset).toMatchObject({ source_type, source: text })
  })

  it.each([
    january,
    { ...january, name: `é😀"${'n'.repeat(700)}`, source: `/${'ü\\'.repeat(2000)}`, digest: 'x' },
  ])('comes back as it was logged, however long', (dataset) => {
    const inputs = logged(dataset)
    for (const { key, value } of inputs[0]?.tags ?? []) {
      expect([key.length <= 255, value.length <= 500]).toEqual([true, true])
    }
    expect(datasetsOf(inputs)).toEqual([dataset])
  })

  it('that serves twice has two digests, and comes back in order', () => {
    const twice = { ...january, context: 'validation' } as const
    const inputs = logged(january, january, twice, { ...twice })
    expect(inputs.map((input) => input.dataset.digest)).toEqual([
      '5a'.repeat(16),
      `${'5a'.repeat(16)}-v`,
    ])
    expect(datasetsOf([...inputs].reverse())).toEqual([january, twice])
  })

  it('of another program is read as far as it is told', () => {
    const dataset = {
      name: 'rides',
      digest: 'abc',
      source: '{"url":"https://host/a.csv"}',
      profile: '{"num_rows":7}',
    }
    const tags = [{ key: 'mlflow.data.context', value: 'eval' }]
    expect(datasetsOf([{ dataset, tags }])).toEqual([
      {
        name: 'rides',
        digest: 'abc',
        source: 'https://host/a.csv',
        context: 'validation',
        rows: 7,
      },
    ])
    const bare = { dataset: { ...dataset, source: 'x', profile: '' }, tags: [] }
    expect(datasetsOf([bare])).toEqual([
      { name: 'rides', digest: 'abc', source: 'x', context: 'training', rows: 0 },
    ])
  })

  it('is what a metric was measured on when its name tells, and there is no doubt', () => {
    const february = { ...january, name: 'green 2021-02', context: 'validation' } as const
    const inputs = logged(january, february)
    const names = (metric: string) => measuredOn(metric, inputs)?.name
    expect(names('train.rmse')).toBe('green 2021-01')
    expect(names('validation.mae')).toBe('green 2021-02')
    expect(names('rmse')).toBe('green 2021-02')
    expect(names('seconds.solve')).toBeUndefined()
    const two = logged(january, { ...january, digest: 'other' })
    expect(measuredOn('train.rmse', two)).toBeUndefined()
  })
})

describe('answers', () => {
  it.each([
    [5, 5],
    ['5', 5],
    ['-9007199254740991', -(2 ** 53 - 1)],
  ])('have whole numbers as text or number: %j', (given, expected) => {
    expect(int64.parse(given)).toBe(expected)
  })

  it.each(['9007199254740993', 9007199254740992, 0.5, '1e3', ''])(
    'refuse %j, which would lose digits or is no whole number',
    (given) => {
      expect(int64.safeParse(given).success).toBe(false)
    },
  )

  it('refuse a step beyond 2^53 with its place', () => {
    const info = { run_id: 'a', experiment_id: '1', status: 'RUNNING' }
    const metrics = [{ key: 'm', value: 'NaN', timestamp: 1, step: '9007199254740993' }]
    expect(() => answerOf(runSchema, { info, data: { metrics } }, 'runs/get')).toThrow(
      'answer to runs/get is not what MLflow 3 gives, found data.metrics.0.step: ',
    )
  })
})

describe('artifacts', () => {
  it.each([
    ['mlflow-artifacts:/0/abc/artifacts', '0/abc/artifacts'],
    ['mlflow-artifacts://host:5000/0/abc/artifacts/', '0/abc/artifacts'],
    ['mlflow-artifacts:/workspaces/team/1/abc', 'workspaces/team/1/abc'],
    ['https://host/x/api/2.0/mlflow-artifacts/artifacts/0/abc', '0/abc'],
  ])('at %s are at %s behind the proxy', (uri, expected) => {
    expect(artifactPath(uri)).toBe(expected)
  })

  it.each(['file:///tmp/a', '/tmp/a', 's3://bucket/a', 'https://host/elsewhere', ''])(
    'at %s are refused with what the server should be started with',
    (uri) => {
      expect(() => artifactPath(uri)).toThrow('--artifacts-destination')
    },
  )

  it.each(['a#b', 'a%20b', 'a/%2e%2E/b', 'a;', 'x/.artifact.uploading.1'])(
    'at the path %s would lie elsewhere, and are refused',
    (path) => {
      expect(() => checkArtifactPath(path)).toThrow('is not allowed')
    },
  )

  it.each(['a b.png', '100%.txt', 'a;b', 'é/ü+&=.txt', '%zz'])('at %s are kept', (path) => {
    expect(() => checkArtifactPath(path)).not.toThrow()
  })
})
