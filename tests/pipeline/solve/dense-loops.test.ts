import fc from 'fast-check'
import { expect, test } from 'vitest'
import { denseLoops, loopStep } from '../../../src/pipeline/solve/dense-loops.ts'

const whole = fc.integer({ min: -1000, max: 1000 })
const vectors = (count: number, length: number) =>
  fc.array(fc.array(whole, { minLength: length, maxLength: length }), {
    minLength: count,
    maxLength: count,
  })
const products = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)

test('loops give what plain sums of whole numbers give, and leave the rest of the memory alone', () => {
  const problems = fc
    .integer({ min: 0, max: 5 })
    .chain((steps) =>
      fc.tuple(
        vectors(5, steps * loopStep),
        fc.array(whole, { minLength: 4, maxLength: 4 }),
        whole,
      ),
    )
  fc.assert(
    fc.property(problems, ([rows, four, times]) => {
      const [a, ...others] = rows as [number[], ...number[][]]
      const length = a.length
      const loops = denseLoops(4 + 5 * length + 1)
      const at = (k: number): number => 4 + k * length
      loops.memory.set(four)
      rows.forEach((row, k) => {
        loops.memory.set(row, at(k))
      })
      loops.memory[at(5)] = 77
      expect(loops.dot(at(0), at(1), length)).toBe(products(a, others[0] as number[]))
      loops.lessFour(0, at(0), at(1), length, length)
      const less = four.map((value, k) => value - products(a, others[k] as number[]))
      expect([...loops.memory.subarray(0, 4)]).toEqual(less)
      loops.less(at(4), at(0), length, times)
      const left = (others[3] as number[]).map((value, i) => value - times * (a[i] as number))
      const after = [...loops.memory.subarray(at(4), at(5))]
      expect(after.map((value) => value + 0)).toEqual(left.map((value) => value + 0))
      expect([...loops.memory.subarray(4, at(4))]).toEqual(rows.slice(0, 4).flat())
      expect(loops.memory[at(5)]).toBe(77)
    }),
    { seed: 20210101, numRuns: 100 },
  )
})
