import { describe, expect, it } from 'vitest'
import { compareRuns, shortDigest } from '../../src/tracking/compare.ts'
import type { Dataset, RunSummary } from '../../src/tracking/tracker.ts'

function run(parts: Partial<RunSummary>): RunSummary {
  return {
    id: 'x',
    experiment: 'e',
    name: 'n',
    status: 'finished',
    startedAt: '2021-03-01T08:15:00.000Z',
    endedAt: null,
    error: null,
    parent: null,
    commit: null,
    user: null,
    source: null,
    tags: {},
    parameters: {},
    metrics: {},
    datasets: [],
    model: null,
    process: null,
    location: '',
    ...parts,
  }
}

const dataset = (name: string, digit: string): Dataset => ({
  name,
  source: `${name}.parquet`,
  digest: `sha256:${digit.repeat(64)}`,
  context: 'training',
  rows: 10,
})

describe('a comparison of runs', () => {
  it('puts what differs first, and what only some have is a difference', () => {
    const rows = compareRuns([
      run({ parameters: { l2: '1', taxi: 'green' }, metrics: { rmse: 4, n: 9 } }),
      run({ parameters: { taxi: 'green' }, metrics: { rmse: 5, n: 9 } }),
    ])
    expect(rows).toEqual([
      { kind: 'parameter', name: 'l2', values: ['1', null], differs: true },
      { kind: 'metric', name: 'rmse', values: [4, 5], differs: true },
      { kind: 'parameter', name: 'taxi', values: ['green', 'green'], differs: false },
      { kind: 'metric', name: 'n', values: [9, 9], differs: false },
    ])
  })

  it('takes NaN for the same as NaN', () => {
    const nan = run({ metrics: { r2: Number.NaN } })
    expect(compareRuns([nan, nan])[0]?.differs).toBe(false)
    expect(compareRuns([nan, run({ metrics: { r2: 0 } })])[0]?.differs).toBe(true)
  })

  it('does not mistake what objects inherit for a value', () => {
    const rows = compareRuns([run({ parameters: { constructor: 'a' } }), run({})])
    expect(rows[0]?.values).toEqual(['a', null])
  })

  it('tells datasets apart by their bytes, and names all that served one use', () => {
    const rows = compareRuns([
      run({ datasets: [dataset('january', 'a'), dataset('february', 'b')] }),
      run({ datasets: [dataset('january', 'c')] }),
    ])
    expect(rows).toEqual([
      {
        kind: 'dataset',
        name: 'training',
        values: [
          'january (sha256:aaaaaaaaaaaa, 10 rows), february (sha256:bbbbbbbbbbbb, 10 rows)',
          'january (sha256:cccccccccccc, 10 rows)',
        ],
        differs: true,
      },
    ])
  })

  it('leaves a digest alone that is not one', () => {
    expect(shortDigest('etag-1')).toBe('etag-1')
    expect(shortDigest('0123456789abcdef')).toBe('0123456789ab')
  })
})
