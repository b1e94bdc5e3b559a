/** What the benchmark makes of its samples: ratios, verdicts, and when answers disagree. */

import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'

interface Sample {
  readonly seconds: number
  readonly peakMb: number
  readonly output: Readonly<Record<string, unknown>>
}
type Samples = Record<string, Sample[]>
interface Held {
  readonly what: string
  readonly measured: string
  readonly reached?: boolean
}

const bench = resolve(import.meta.dirname, '../../bench')
const load = (name: string): Promise<unknown> => import(pathToFileURL(join(bench, name)).href)
const { heldTo, verdict } = (await load('held.mjs')) as {
  heldTo: (samples: Samples) => Held[]
  verdict: (row: Held) => string
}
const { compareAnswers } = (await load('answers.mjs')) as {
  compareAnswers: (
    all: readonly { readonly name: string; readonly answer?: string }[],
    samples: Samples,
    exact?: { readonly rmse: number; readonly rmse_train: number },
  ) => { faults: string[]; notes: string[] }
}

const taking = (...seconds: number[]): Sample[] =>
  seconds.map((one) => ({ seconds: one, peakMb: 100 * one, output: { seconds: { sum: one } } }))

describe('numbers held to', () => {
  const rowOf = (samples: Samples, part: string): Held => {
    const row = heldTo(samples).find(({ what }) => what.includes(part))
    if (row === undefined) throw new Error(`no row about ${part}`)
    return row
  }

  test('a ratio is of medians, with the least and largest of the rounds', () => {
    const samples = { 'plain-duckdb': taking(1, 2, 4), expert: taking(9, 8, 12) }
    const row = rowOf(samples, 'expert')
    // By hand: medians 9 and 2; rounds 9/1, 8/2, 12/4.
    expect(row.measured).toBe('4.50 (3.00 to 9.00)')
    expect(verdict(row)).toBe('reached')
  })

  test('a peer with fewer rounds is compared in the rounds that it has', () => {
    const samples = { 'plain-duckdb': taking(2, 2, 2, 2), classic: taking(70) }
    expect(rowOf(samples, 'classic pipeline').measured).toBe('35.0 (35.0 to 35.0)')
    expect(verdict(rowOf(samples, 'classic pipeline'))).toBe('not reached')
  })

  test('what has no sample is not measured and gets no verdict', () => {
    for (const row of heldTo({ expert: taking(9), 'plain-duckdb': [] })) {
      expect(row.measured).toBe('not measured')
      expect(verdict(row)).toBe('')
    }
  })
})

describe('answers', () => {
  const contenders = [
    { name: 'plain-duckdb', answer: 'plain' },
    { name: 'plain-arrow', answer: 'plain' },
    { name: 'expert' },
  ]
  const ours = (version: string, rmse = 7): Sample => {
    const output = { model_version: version, kept: 10, train: { rmse }, validation: { rmse } }
    return { seconds: 1, peakMb: 1, output }
  }
  const exact = { rmse: 7, rmse_train: 7 }

  test('the same model of every engine and the exact RMSE are no fault', () => {
    const samples = { 'plain-duckdb': [ours('a'), ours('a')], 'plain-arrow': [ours('a')] }
    expect(compareAnswers(contenders, samples, exact).faults).toEqual([])
  })

  test('two models where one is expected are a fault that names both', () => {
    const samples = { 'plain-duckdb': [ours('a')], 'plain-arrow': [ours('b')] }
    expect(compareAnswers(contenders, samples, exact).faults).toEqual([
      'plain: expected one model, plain-duckdb made a, plain-arrow made b',
    ])
  })

  test('an RMSE that is off by more than a millionth is a fault', () => {
    const off = (by: number) => ({ 'plain-duckdb': [ours('a', 7 * (1 + by))] })
    expect(compareAnswers(contenders, off(5e-7), exact).faults).toEqual([])
    expect(compareAnswers(contenders, off(5e-6), exact).faults).toHaveLength(2)
  })

  test('a peer that keeps other rides is a fault', () => {
    const peer = { seconds: 1, peakMb: 1, output: { rmse: 7.1, kept: 11 } }
    const samples = { 'plain-duckdb': [ours('a')], expert: [peer] }
    expect(compareAnswers(contenders, samples, exact).faults).toEqual([
      'expert keeps 11 rides, ridecast 10',
    ])
  })
})
