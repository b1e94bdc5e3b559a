/** Which months a learning curve is made of. */

import { describe, expect, test } from 'vitest'
import { learningParts } from '../../../src/pipeline/judge/learning.ts'

const now = new Date('2024-06-01')
const counts = (parts: readonly string[][]): number[] => parts.map(({ length }) => length)

describe('parts of the training months', () => {
  test('are the latest ones, the fewest first, without the whole', () => {
    expect(learningParts(['2023-01..2023-03'], now, true)).toEqual([
      ['2023-03'],
      ['2023-02', '2023-03'],
    ])
    expect(learningParts(['2023-03', '2023-01'], now, true)).toEqual([['2023-03']])
  })

  test('halve where each takes its time: together no more than the whole', () => {
    const parts = learningParts(['2022-01..2022-12'], now, false)
    expect(counts(parts)).toEqual([1, 3, 6])
    expect(counts(parts).reduce((sum, count) => sum + count)).toBeLessThanOrEqual(12)
    expect(parts[1]).toEqual(['2022-10', '2022-11', '2022-12'])
    expect(counts(learningParts(['2023-01..2023-03'], now, false))).toEqual([1])
  })

  test('are eleven at most where each takes little', () => {
    const parts = counts(learningParts(['2021-01..2022-12'], now, true))
    expect(parts).toEqual([2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22])
  })

  test('are none of one month, or of files', () => {
    expect(learningParts(['2023-01'], now, true)).toEqual([])
    expect(learningParts(['a.parquet', 'b.parquet'], now, true)).toEqual([])
  })
})
