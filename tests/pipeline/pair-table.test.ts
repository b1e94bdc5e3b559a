import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PairTable } from '../../src/pipeline/pair-table.ts'

/** Counts pairs, by the table and by a map. */
function counted(pairs: readonly (readonly [number, number])[]): {
  table: [string, number][]
  map: [string, number][]
} {
  const table = new PairTable()
  const map = new Map<string, number>()
  for (const [row, column] of pairs) {
    const at = table.at(row, column)
    table.values[at] = (table.values[at] as number) + 1
    map.set(`${row},${column}`, (map.get(`${row},${column}`) ?? 0) + 1)
  }
  const { rows, columns, values } = table.pairs()
  const found = Array.from(values, (count, k): [string, number] => {
    return [`${rows[k]},${columns[k]}`, count]
  })
  return { table: found.sort(), map: [...map].sort() }
}

test('a table counts pairs as a map does, in a matrix, while it grows, and in slots', () => {
  // Up to 1024 x 1024 pairs are a matrix.
  const number = fc.oneof(
    fc.nat({ max: 10 }),
    fc.nat({ max: 1023 }),
    fc.nat({ max: 5000 }),
    fc.constantFrom(0, 63, 64, 2 ** 31 - 1),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(number, number), { maxLength: 400, size: 'max' }), (pairs) => {
      const { table, map } = counted(pairs)
      expect(table).toEqual(map)
    }),
    { seed: 20210101, numRuns: 100 },
  )
})

test('a table with more pairs than its first slots keeps them all', () => {
  // 300,000 pairs, each once, a third of them twice: more than four times the first slots.
  const pairs = Array.from({ length: 400_000 }, (_, k): [number, number] => {
    return [(k % 300_000) >> 4, (k % 300_000) & 15]
  })
  const { table, map } = counted(pairs)
  expect(table).toHaveLength(300_000)
  expect(table).toEqual(map)
})

test('a table without pairs has none', () => {
  expect(counted([]).table).toEqual([])
})
