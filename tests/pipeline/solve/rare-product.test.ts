import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sparseRows } from '../../../src/pipeline/solve/gram.ts'
import { rareProductOf } from '../../../src/pipeline/solve/rare-product.ts'

const value = fc.integer({ min: -1000, max: 1000 })
const matrix = (rows: number, columns: number) =>
  fc.array(fc.array(fc.oneof(fc.constant(0), value), { minLength: columns, maxLength: columns }), {
    minLength: rows,
    maxLength: rows,
  })

/** Rows of what is not 0 from a column on. */
const sparse = (dense: readonly (readonly number[])[], from: (row: number) => number) =>
  sparseRows(dense.length, (put) => {
    dense.forEach((row, i) => {
      row.forEach((entry, j) => {
        if (entry !== 0 && j >= from(i)) put(i, j, entry)
      })
    })
  })

test('products are those of the dense matrices, exactly where all is whole', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 }))
  const problems = sizes.chain(([rare, frequent]) => {
    const vector = (length: number) => fc.array(value, { minLength: length, maxLength: length })
    return fc.tuple(
      matrix(rare, rare),
      matrix(rare, frequent),
      vector(rare),
      vector(rare),
      vector(frequent),
    )
  })
  fc.assert(
    fc.property(problems, ([own, shared, x, out, along]) => {
      const after = (i: number): number => i + 1
      const product = rareProductOf(
        sparse(own, after),
        sparse(shared, () => 0),
        along.length,
      )
      const entry = (i: number, j: number): number => {
        return i === j ? 0 : (own[Math.min(i, j)]?.[Math.max(i, j)] as number)
      }
      product.x.set(x)
      product.out.set(out)
      product.along.set(along)
      product.addOwn()
      const first = out.map((start, i) => {
        return x.reduce((sum, by, j) => sum + entry(i, j) * by, start)
      })
      expect([...product.out]).toEqual(first)
      product.takeShared()
      const left = along.map((start, k) => {
        return x.reduce((sum, by, i) => sum - (shared[i]?.[k] as number) * by, start)
      })
      expect([...product.along].map((number) => number + 0)).toEqual(left.map((n) => n + 0))
      product.addShared()
      const second = first.map((start, i) => {
        return left.reduce((sum, by, k) => sum + (shared[i]?.[k] as number) * by, start)
      })
      expect([...product.out]).toEqual(second)
      expect([...product.x]).toEqual(x)
    }),
    { seed: 20210101, numRuns: 100 },
  )
})
