/**
 * The loops that count rides by pair of levels, as WebAssembly: see `pair-loops.ts` for what each
 * does. A cell is a column and a count, four bytes each. Knows nothing about terms.
 */

import { type Code, f64, get, i32, set, type WasmFunction, when } from '../wasm-assembler.ts'
import { add, each, eight, four, int, kernel, putDouble, putInt } from './kernel.ts'

const one = i32.const(1)
const countBytes = i32.const(4)

/** Bytes that levels by ride take: two do, mostly. */
export type LevelBytes = 2 | 4

/** The name of a loop. */
export type PairKernelName =
  | `${'takeLevels' | 'sortByLevel' | 'countInMatrix' | 'countInRows'}${LevelBytes}`
  | ('turn' | 'spread')

/** All loops. */
export const pairKernels = (): WasmFunction[] => [
  ...([2, 4] as const).flatMap((bytes) => [
    ...[takeLevels(bytes), sortByLevel(bytes), countInMatrix(bytes), countInRows(bytes)],
  ]),
  ...[turn(), spread()],
]

/** The level of a ride. */
const level = (levels: number, ride: Code, bytes: LevelBytes): Code =>
  bytes === 4
    ? i32.load(four(levels, ride))
    : i32.loadHalf(i32.add(get(levels), i32.shl(ride, one)))

const takeLevels = (bytes: LevelBytes): WasmFunction =>
  kernel(
    `takeLevels${bytes}`,
    { into: 'i32', numbers: 'i32', at: 'i32', end: 'i32' },
    { i: 'i32' },
    ({ into, numbers, at, end, i }) => [
      each(i, end, [
        (bytes === 4 ? i32.store : i32.storeHalf)(get(into), i32.load(four(numbers, int(at, i)))),
        add(into, i32.const(bytes)),
      ]),
    ],
  )

/** Adds to the number at an address that a local holds. */
const addAt = (address: number, value: Code): Code =>
  i32.store(get(address), i32.add(i32.load(get(address)), value))

/** Makes numbers by level where their rides, or cells, begin: `from` counts on. */
const begins = (numbers: number, i: number, size: number, from: number, own: number): Code => [
  ...set(i, i32.const(0)),
  ...each(i, size, [set(own, int(numbers, i)), putInt(numbers, i, get(from)), add(from, get(own))]),
]

const sortByLevel = (bytes: LevelBytes): WasmFunction =>
  kernel(
    `sortByLevel${bytes}`,
    { levels: 'i32', end: 'i32', ends: 'i32', size: 'i32', rides: 'i32' },
    { i: 'i32', at: 'i32', next: 'i32' },
    ({ levels, end, ends, size, rides, i, at, next }) => [
      each(i, end, [set(at, four(ends, level(levels, get(i), bytes))), addAt(at, one)]),
      begins(ends, i, size, next, at),
      set(i, i32.const(0)),
      // Where a level begins moves on with its rides, and ends where the next one begins.
      each(i, end, [
        set(at, four(ends, level(levels, get(i), bytes))),
        set(next, i32.load(get(at))),
        i32.store(four(rides, get(next)), get(i)),
        i32.store(get(at), i32.add(get(next), one)),
      ]),
    ],
  )

const countInMatrix = (bytes: LevelBytes): WasmFunction =>
  kernel(
    `countInMatrix${bytes}`,
    {
      ...{ rows: 'i32', columns: 'i32', end: 'i32', matrix: 'i32', height: 'i32', width: 'i32' },
      ...{ before: 'i32', beforeEnds: 'i32', beforeRows: 'i32', after: 'i32', ends: 'i32' },
    } as const,
    { i: 'i32', row: 'i32', k: 'i32', at: 'i32', count: 'i32', size: 'i32' },
    (at) => {
      const { rows, columns, end, matrix, height, width, before, beforeEnds, beforeRows } = at
      const { after, ends, i, row, k, count, size } = at
      return [
        each(row, beforeRows, [
          set(at.at, int(beforeEnds, row)),
          each(k, at.at, [
            i32.store(
              four(matrix, i32.add(i32.mul(get(row), get(width)), i32.load(eight(before, get(k))))),
              i32.load(i32.add(eight(before, get(k)), countBytes)),
            ),
          ]),
        ]),
        each(i, end, [
          set(row, i32.mul(level(rows, get(i), bytes), get(width))),
          set(at.at, four(matrix, i32.add(get(row), level(columns, get(i), bytes)))),
          addAt(at.at, one),
        ]),
        set(row, i32.const(0)),
        set(at.at, get(matrix)),
        each(row, height, [
          set(k, i32.const(0)),
          each(k, width, [
            set(count, i32.load(get(at.at))),
            i32.store(get(at.at), i32.const(0)),
            add(at.at, i32.const(4)),
            i32.store(eight(after, get(size)), get(k)),
            i32.store(i32.add(eight(after, get(size)), countBytes), get(count)),
            add(size, i32.differ(get(count), i32.const(0))),
          ]),
          putInt(ends, row, get(size)),
        ]),
        get(size),
      ]
    },
    'i32',
  )

const countInRows = (bytes: LevelBytes): WasmFunction =>
  kernel(
    `countInRows${bytes}`,
    {
      ...{ rides: 'i32', rideEnds: 'i32', columns: 'i32', counts: 'i32', height: 'i32' },
      ...{ before: 'i32', beforeEnds: 'i32', beforeRows: 'i32', after: 'i32', ends: 'i32' },
    } as const,
    {
      ...{ row: 'i32', ride: 'i32', cell: 'i32', end: 'i32', first: 'i32', size: 'i32' },
      ...{ column: 'i32', count: 'i32', at: 'i32', place: 'i32' },
    } as const,
    (local) => {
      const { rides, rideEnds, columns, counts, height, before, beforeEnds, beforeRows } = local
      const { after, ends, row, ride, cell, end, first, size, column, count, at, place } = local
      return [
        each(row, height, [
          set(first, get(size)),
          when(i32.less(get(row), get(beforeRows)), [
            ...set(end, int(beforeEnds, row)),
            ...each(cell, end, [
              set(at, eight(before, get(cell))),
              set(column, i32.load(get(at))),
              i32.store(four(counts, get(column)), i32.load(i32.add(get(at), countBytes))),
              i32.store(eight(after, get(size)), get(column)),
              add(size, one),
            ]),
          ]),
          set(end, int(rideEnds, row)),
          each(ride, end, [
            set(column, level(columns, int(rides, ride), bytes)),
            set(at, four(counts, get(column))),
            set(count, i32.load(get(at))),
            i32.store(get(at), i32.add(get(count), one)),
            i32.store(eight(after, get(size)), get(column)),
            add(size, i32.isZero(get(count))),
          ]),
          // What was met of the row: its counts, and none for the next row.
          each(first, size, [
            set(place, eight(after, get(first))),
            set(at, four(counts, i32.load(get(place)))),
            i32.store(i32.add(get(place), countBytes), i32.load(get(at))),
            i32.store(get(at), i32.const(0)),
          ]),
          putInt(ends, row, get(size)),
        ]),
        get(size),
      ]
    },
    'i32',
  )

const turn = (): WasmFunction =>
  kernel(
    'turn',
    {
      ...{ order: 'i32', height: 'i32', ends: 'i32', cells: 'i32', size: 'i32' },
      ...{ places: 'i32', width: 'i32', into: 'i32', intoEnds: 'i32' },
    } as const,
    { i: 'i32', k: 'i32', end: 'i32', at: 'i32', next: 'i32' },
    (local) => {
      const { order, height, ends, cells, size, places, width, into, intoEnds } = local
      const { i, k, end, at, next } = local
      const endOf = (cell: number): Code =>
        four(intoEnds, i32.load(four(places, i32.load(eight(cells, get(cell))))))
      return [
        each(i, size, [set(at, endOf(i)), addAt(at, one)]),
        begins(intoEnds, i, width, next, at),
        set(i, i32.const(0)),
        each(i, height, [
          set(at, four(ends, int(order, i))),
          set(end, i32.load(get(at))),
          set(k, i32.load(i32.sub(get(at), i32.const(4)))),
          each(k, end, [
            set(at, endOf(k)),
            set(next, i32.load(get(at))),
            i32.store(get(at), i32.add(get(next), one)),
            set(at, eight(into, get(next))),
            i32.store(get(at), get(i)),
            i32.store(
              i32.add(get(at), countBytes),
              i32.load(i32.add(eight(cells, get(k)), countBytes)),
            ),
          ]),
        ]),
      ]
    },
  )

const spread = (): WasmFunction =>
  kernel(
    'spread',
    {
      ...{ ends: 'i32', height: 'i32', cells: 'i32' },
      ...{ rows: 'i32', columns: 'i32', counts: 'i32' },
    } as const,
    { row: 'i32', end: 'i32', k: 'i32', at: 'i32' },
    ({ ends, height, cells, rows, columns, counts, row, end, k, at }) => [
      each(row, height, [
        set(end, int(ends, row)),
        each(k, end, [
          set(at, eight(cells, get(k))),
          putInt(rows, k, get(row)),
          putInt(columns, k, i32.load(get(at))),
          putDouble(counts, k, f64.fromInteger(i32.load(i32.add(get(at), countBytes)))),
        ]),
      ]),
    ],
  )
