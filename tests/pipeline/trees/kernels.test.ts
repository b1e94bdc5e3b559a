/** The loops in WebAssembly against the same sums written out. */

import { describe, expect, test } from 'vitest'
import { countBits, quantumExponent } from '../../../src/pipeline/trees/histogram.ts'
import { kernelsFor } from '../../../src/pipeline/trees/kernels.ts'
import { treeMemory } from '../../../src/pipeline/trees/memory.ts'
import { randomNumbers } from '../../random-rides.ts'

/** A memory with random rows; every third of them is in order. */
function filledMemory(features: number, rows = 1000) {
  const bins = features * 7
  const memory = treeMemory({
    ...{ rows, validationRows: 0, threads: 1, features, bins, leaves: 2 },
    ...{ seed: 1, rowFraction: 1, forest: false },
  })
  const random = randomNumbers(features)
  memory.places.forEach((_, i) => {
    memory.places[i] = (i % features) * 7 + Math.floor(random() * 7)
  })
  memory.targets.forEach((_, i) => {
    memory.targets[i] = random() * 60
    memory.scores[i] = 16
  })
  memory.goesRight.forEach((_, place) => {
    memory.goesRight[place] = random() < 0.4 ? 4 : 0
  })
  const order = Array.from({ length: Math.floor(rows / 3) }, (_, i) => i * 3)
  memory.order.set(order)
  const address = memory.order.byteOffset
  return { memory, order, begin: address, end: address + order.length * 4 }
}

describe.each([1, 2, 5, 24])('with %i features', (features) => {
  test('sums are exact', () => {
    const { memory, order, begin, end } = filledMemory(features)
    const kernels = kernelsFor(memory)
    kernels.quantise(0, 1000, 2 ** 20)
    kernels.sum(begin, end, memory.partials.byteOffset)
    const gradients = new Map<number, bigint>()
    const scale = 2n ** BigInt(countBits(1000))
    for (const row of order) {
      const gradient = BigInt(memory.quanta[row]!)
      const off = memory.quanta[row]! - (16 - memory.targets[row]!) * 2 ** 20
      expect(Math.abs(off)).toBeLessThanOrEqual(0.5)
      for (let f = 0; f < features; f++) {
        const place = memory.places[row * features + f]!
        gradients.set(place, (gradients.get(place) ?? 0n) + gradient * scale + 1n)
      }
    }
    for (const [place, sum] of gradients) expect(BigInt(memory.partials[place]!)).toBe(sum)
  })

  test('rows are parted in order', () => {
    const { memory, order, begin, end } = filledMemory(features)
    const feature = features - 1
    const goes = (row: number): boolean =>
      memory.goesRight[memory.places[row * features + feature]!] === 4
    const places = memory.places.byteOffset + feature * 2
    const middle = kernelsFor(memory).part(begin, end, places, memory.right.byteOffset)
    const left = order.filter((row) => !goes(row))
    expect(middle).toBe(begin + left.length * 4)
    expect([...memory.order.subarray(0, left.length)]).toEqual(left)
    expect([...memory.right.subarray(0, order.length - left.length)]).toEqual(order.filter(goes))
  })
})

test('measures, losses and scores are those of the rows', () => {
  const { memory, order, begin, end } = filledMemory(3)
  const kernels = kernelsFor(memory)
  const sizes = order.map((row) => Math.abs(16 - memory.targets[row]!))
  const sum = kernels.measure(begin, end, memory.blockMaxima.byteOffset)
  expect(sum).toBe(sizes.reduce((total, size) => total + size, 0))
  expect(memory.blockMaxima[0]).toBe(Math.max(...sizes))
  let squares = 0
  for (let row = 10; row < 20; row++) squares += (16 - memory.targets[row]!) ** 2
  expect(kernels.loss(10, 20)).toBe(squares)
  expect(kernels.loss(10, 10)).toBe(0)
  kernels.add(begin, end, 0.1)
  expect(memory.scores[3]).toBe(Math.fround(16 + Math.fround(0.1)))
  expect(memory.scores[4]).toBe(16)
})

describe('the fixed point', () => {
  test.each([
    [1, 1e-9, 1e-9],
    [10, 5, 5],
    [73_908, 73_908 * 9, 45],
    [3_000_000, 3_000_000 * 4, 60],
    [2 ** 24, 2 ** 24 * 4, 60],
    [5, 1e300, 1e300],
  ])('of %i rows keeps sums exact, and as fine as it can', (rows, sum, largest) => {
    const exponent = quantumExponent(sum, largest, rows, rows)
    const packed = (e: number): number => (sum * 2 ** e + rows / 2) * 2 ** countBits(rows) + rows
    expect(packed(exponent)).toBeLessThan(2 ** 53)
    expect(largest * 2 ** exponent).toBeLessThan(2 ** 30)
    const finer = packed(exponent + 1) > 2 ** 53 - rows * 2 ** countBits(rows)
    expect(finer || largest * 2 ** (exponent + 1) >= 2 ** 29).toBe(true)
  })

  test('is off by no more than the documented share of the mean gradient', () => {
    for (const [rows, share] of [
      [3_000_000, 710],
      [70_000, 980_000],
    ] as const) {
      for (let mean = 1; mean < 2; mean += 0.01) {
        const step = 2 ** -quantumExponent(mean * rows, mean, rows, rows)
        expect(step / 2).toBeLessThanOrEqual(mean / share)
      }
    }
  })
})
