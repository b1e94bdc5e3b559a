/** Which months a learning curve is made of; what it says is held in tests/commands/evaluate-fitted.test.ts. */

import { describe, expect, test } from 'vitest'
import type { Month } from '../../../src/month.ts'
import { monthsBetween } from '../../../src/months.ts'
import { learningParts, monthsOfFiles } from '../../../src/pipeline/judge/learning.ts'
import type { TripFile } from '../../../src/pipeline/summing.ts'

const counts = (parts: readonly string[][]): number[] => parts.map(({ length }) => length)
const filesOf = (...months: (Month | undefined)[]): TripFile[] =>
  months.map((month) => ({ taxi: 'green', source: { month } }) as TripFile)

describe('parts of the training months', () => {
  test('are the latest ones, the fewest first, without the whole', () => {
    expect(learningParts(monthsBetween('2023-01', '2023-03'), true)).toEqual([
      ['2023-03'],
      ['2023-02', '2023-03'],
    ])
  })

  test('halve where each takes its time: together no more than the whole', () => {
    const parts = learningParts(monthsBetween('2022-01', '2022-12'), false)
    expect(counts(parts)).toEqual([1, 3, 6])
    expect(counts(parts).reduce((sum, count) => sum + count)).toBeLessThanOrEqual(12)
    expect(parts[1]).toEqual(['2022-10', '2022-11', '2022-12'])
    expect(counts(learningParts(monthsBetween('2023-01', '2023-03'), false))).toEqual([1])
  })

  test('are eleven at most where each takes little', () => {
    const parts = counts(learningParts(monthsBetween('2021-01', '2022-12'), true))
    expect(parts).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22])
  })

  test('are none of one month', () => {
    expect(learningParts(['2023-01'], true)).toEqual([])
    expect(learningParts(['2023-01'], false)).toEqual([])
  })
})

describe('months of files', () => {
  test('are each there once, ascending, whatever the fleets', () => {
    expect(monthsOfFiles(filesOf('2023-03', '2023-01', '2023-03'))).toEqual(['2023-01', '2023-03'])
  })

  test('are none where a name does not say', () => {
    expect(monthsOfFiles(filesOf('2023-03', undefined))).toEqual([])
  })
})
