/**
 * Compares the moments that two engines make of one file: to the byte, save for columns that they
 * name as inexact. Knows nothing about either engine.
 */

import { expect } from 'vitest'
import type { Sums } from '../../../../src/pipeline/double-double.ts'
import { hashMoments, type Moments } from '../../../../src/pipeline/moments.ts'

/** Expects two engines to agree. */
export function expectSame(found: Moments, expected: Moments): void {
  const { rows, refused, outside, n, inexact } = expected
  expect({
    rows: found.rows,
    refused: found.refused,
    outside: found.outside,
    n: found.n,
    inexact: found.inexact,
  }).toEqual({ rows, refused, outside, n, inexact })
  if (inexact.length === 0) {
    expect(shapeOf(found)).toEqual(shapeOf(expected))
    expect(hashMoments(found)).toBe(hashMoments(expected))
    return
  }
  const names = ['duration', ...expected.numeric.map(({ name }) => name)]
  const isRough = names.map((name) => inexact.includes(name))
  const squares = [expected.target.hi[1] as number]
  // Without products: the values of those plans are not below 0.
  expected.numeric.forEach((_, p) => {
    const least = (expected.sums.hi[p] as number) ** 2 / Math.max(1, n)
    squares.push(expected.squares.hi[(p * (p + 1)) / 2 + p] ?? least)
  })
  expect(found.squares.hi.length).toBe(expected.squares.hi.length)
  const rootOf = (k: number): number => Math.sqrt(squares[k] as number)
  // By Cauchy and Schwarz, at least the sum of absolute values.
  const sumSize = (k: number): number => rootOf(k) * Math.sqrt(n)
  const close = (a: Sums, b: Sums, i: number, rough: boolean, size: number): void => {
    if (!rough) expect([a.hi[i], a.lo[i]]).toEqual([b.hi[i], b.lo[i]])
    else
      expect(Math.abs((a.hi[i] as number) - (b.hi[i] as number))).toBeLessThanOrEqual(1e-12 * size)
  }
  close(found.target, expected.target, 0, isRough[0] === true, sumSize(0))
  close(found.target, expected.target, 1, isRough[0] === true, rootOf(0) ** 2)
  expected.numeric.forEach((_, p) => {
    const rough = isRough[p + 1] === true
    close(found.sums, expected.sums, p, rough, sumSize(p + 1))
    const either = rough || isRough[0] === true
    if (expected.products.hi.length === 0) return
    close(found.products, expected.products, p, either, rootOf(0) * rootOf(p + 1))
    for (let q = 0; q <= p; q++) {
      const any = rough || isRough[q + 1] === true
      close(
        found.squares,
        expected.squares,
        (p * (p + 1)) / 2 + q,
        any,
        rootOf(p + 1) * rootOf(q + 1),
      )
    }
  })
  expected.blocks.forEach((block, k) => {
    const own = found.blocks[k]
    expect(own?.codes).toEqual(block.codes)
    expect(own?.counts).toEqual(block.counts)
    const width = expected.numeric.length
    expect(own?.target.hi.length).toBe(block.target.hi.length)
    if (block.term.counted) return
    block.codes.forEach((_, i) => {
      close(own?.target as Sums, block.target, i, isRough[0] === true, sumSize(0))
      for (let p = 0; p < width; p++) {
        const rough = isRough[p + 1] === true
        close(own?.numeric as Sums, block.numeric, i * width + p, rough, sumSize(p + 1))
      }
    })
  })
  expect(found.crosses).toEqual(expected.crosses)
}

/** What a person can read of moments, to see where they differ. */
function shapeOf({ target, sums, products, squares, blocks, crosses }: Moments): unknown {
  return {
    target,
    sums,
    products,
    squares,
    blocks: blocks.map(({ term, codes, counts, target }) => [term.name, codes, counts, target]),
    crosses: crosses.map(({ a, b, counts }) => [a, b, counts.length]),
  }
}
