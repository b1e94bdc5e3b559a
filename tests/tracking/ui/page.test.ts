import { describe, expect, test } from 'vitest'
import {
  cellOf,
  columnsOf,
  durationMs,
  isNumeric,
  type Row,
  type Run,
  sorted,
  usualColumns,
} from '../../../src/tracking/ui/page/columns.ts'
import { delimitedRows, indentedJson } from '../../../src/tracking/ui/page/delimited.ts'
import {
  byteSize,
  columnFormat,
  difference,
  duration,
  shortNumber,
  tickNumber,
} from '../../../src/tracking/ui/page/format.ts'
import { treeRows } from '../../../src/tracking/ui/page/tree.ts'
import { thinned } from '../../../src/tracking/ui/thinned.ts'

describe('numbers', () => {
  test.each([
    [0, '0'],
    [5.82217830954286, '5.8222'],
    [0.221, '0.221'],
    [13_899, '13,899'],
    [-1.2700824315491994, '−1.2701'],
    [81_368.04829933195, '81,368'],
    [1.5016113499841705e-30, '1.50e−30'],
    [2.5e12, '2,500,000,000,000'],
    [1234567891.5, '1.23e9'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '−∞'],
    [99_999.99, '100,000'],
  ])('%d is written %s', (value, text) => {
    expect(shortNumber(value)).toBe(text)
  })

  test('of a column have as many decimals as their middle needs', () => {
    const values = [10.473542900717941, 5.82217830954286, 6.1, 0]
    expect(values.map(columnFormat(values))).toEqual(['10.4735', '5.8222', '6.1000', '0.0000'])
  })

  test('of a column that are far too small for it are not written as zero', () => {
    const values = [5.8, 6.1, 1e-12]
    expect(values.map(columnFormat(values))).toEqual(['5.8000', '6.1000', '1.00e−12'])
  })

  test('of a column of whole numbers have no decimals', () => {
    const values = [73_908, 5, Number.NaN]
    expect(values.map(columnFormat(values))).toEqual(['73,908', '5', 'NaN'])
  })

  test.each([
    [5.17163, 6.15205, '−0.9804 (−15.9 %)'],
    [6, 6, '='],
    [1, 0, '+1'],
    [Number.NaN, 1, ''],
  ])('%d against %d differs by %s', (value, base, text) => {
    expect(difference(value, base)).toBe(text)
  })

  test.each([
    [6.2, '6.2'],
    [1000, '1,000'],
    [1e-8, '1e−8'],
    [0.30000000000000004, '0.3'],
  ])('at an axis %d is %s', (value, text) => {
    expect(tickNumber(value)).toBe(text)
  })

  test.each([
    [420, '0.42 s'],
    [3420, '3.4 s'],
    [59_999, '59.9 s'],
    [125_000, '2 min 05 s'],
    [11_220_000, '3 h 07 min'],
    [187_200_000, '2 d 04 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })

  test.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [3200, '3.2 kB'],
    [1_140_000, '1.1 MB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(byteSize(bytes)).toBe(text)
  })
})

const run = (id: string, more: Partial<Run> = {}): Run => ({
  id,
  name: id,
  experiment: 'e',
  status: 'finished',
  startedAt: `2021-03-01T08:0${id.length}:00.000Z`,
  endedAt: null,
  parent: null,
  commit: null,
  user: null,
  source: null,
  tags: {},
  parameters: {},
  metrics: {},
  model: null,
  ...more,
})
const idsOf = (rows: readonly Row[]): string[] => rows.map((row) => row.id)

describe('columns', () => {
  test('sort numbers that are kept as text as numbers, and what has none at the end', () => {
    const rows = [
      run('a', { parameters: { l2: '10' } }),
      run('b', { parameters: { l2: '9' } }),
      run('c'),
      run('d', { parameters: { l2: '1e-3' } }),
    ]
    expect(idsOf(sorted(rows, 'params.l2', false))).toEqual(['d', 'b', 'a', 'c'])
    expect(idsOf(sorted(rows, 'params.l2', true))).toEqual(['a', 'b', 'd', 'c'])
  })

  test('sort NaN and runs that cannot be read to the end', () => {
    const rows: Row[] = [
      run('a', { metrics: { rmse: Number.NaN } }),
      { id: 'u', status: 'unreadable', reason: 'broken' },
      run('b', { metrics: { rmse: 2 } }),
      run('c', { metrics: { rmse: 1 } }),
    ]
    expect(idsOf(sorted(rows, 'metrics.rmse', false)).slice(0, 2)).toEqual(['c', 'b'])
    expect(idsOf(sorted(rows, 'metrics.rmse', true)).slice(0, 2)).toEqual(['b', 'c'])
  })

  test('sort texts as people do', () => {
    const rows = ['step10', 'step2', 'Step1'].map((name) => run(name, { parameters: { at: name } }))
    expect(idsOf(sorted(rows, 'params.at', false))).toEqual(['Step1', 'step2', 'step10'])
  })

  test('have no value by a name that every object has', () => {
    expect(cellOf(run('a'), 'params.constructor')).toBeNull()
    expect(cellOf(run('a'), 'attributes.toString')).toBeNull()
  })

  test('keep dots in names', () => {
    const one = run('a', { metrics: { 'validation.rmse': 5 } })
    expect(columnsOf([one])).toContain('metrics.validation.rmse')
    expect(cellOf(one, 'metrics.validation.rmse')).toBe(5)
  })

  test('that are usual are the telling metrics and the parameters that differ', () => {
    const rows = ['1', '2'].map((l2) =>
      run(l2, {
        parameters: { l2, depth: l2, engine: 'arrow' },
        metrics: { 'validation.rmse': 5, 'solve.bound': 1 },
      }),
    )
    const usual = usualColumns(rows)
    expect(usual).toContain('metrics.validation.rmse')
    expect(usual).toContain('params.depth')
    expect(usual).not.toContain('params.engine')
  })

  test('are numeric when nothing in them is a word', () => {
    expect(isNumeric(['1', 2, null, '1e-3'])).toBe(true)
    expect(isNumeric(['1', ''])).toBe(false)
    expect(isNumeric(['2021-01'])).toBe(false)
  })

  test('know how long a run took, and not how long one that died did', () => {
    const startedAt = '2021-03-01T08:00:00.000Z'
    const now = Date.parse('2021-03-01T08:00:05.000Z')
    expect(durationMs({ startedAt, endedAt: null, status: 'running' }, now)).toBe(5000)
    expect(durationMs({ startedAt, endedAt: null, status: 'killed' }, now)).toBeNull()
  })
})

describe('nesting', () => {
  const rows = [run('other'), run('b', { parent: 'p' }), run('a', { parent: 'p' }), run('p')]
  const shape = (of: readonly Row[], open: string[]): [string, number, number][] =>
    treeRows(of, new Set(open)).map(({ row, depth, parts }) => [row.id, depth, parts])

  test('hides parts until their run is opened, and keeps the order', () => {
    expect(shape(rows, [])).toEqual([
      ['other', 0, 0],
      ['p', 0, 2],
    ])
    expect(shape(rows, ['p'])).toEqual([
      ['other', 0, 0],
      ['p', 0, 2],
      ['b', 1, 0],
      ['a', 1, 0],
    ])
  })

  test('shows parts whose run is not in the list by themselves', () => {
    expect(shape(rows.slice(0, 3), [])).toEqual([
      ['other', 0, 0],
      ['b', 0, 0],
      ['a', 0, 0],
    ])
  })

  test('loses no run whose records name each other or themselves as parents', () => {
    const circle = [run('x', { parent: 'y' }), run('y', { parent: 'x' }), run('z', { parent: 'z' })]
    const open = treeRows(circle, new Set(['x', 'y', 'z'])).map(({ row }) => row.id)
    expect(open.sort()).toEqual(['x', 'y', 'z'])
  })
})

describe('artifacts as text', () => {
  test('CSV is read with quotes, commas and line ends in them', () => {
    expect(delimitedRows('a,"b ""c""",\r\n"1\n2",3,4\n', ',', 9)).toEqual([
      ['a', 'b "c"', ''],
      ['1\n2', '3', '4'],
    ])
    expect(delimitedRows('a\n\nb', ',', 9)).toEqual([['a'], ['b']])
    expect(delimitedRows('a\nb\nc\n', ',', 2)).toEqual([['a'], ['b']])
  })

  test('JSON is set in lines without touching a number', () => {
    const text = '{"exact":1.0,"big":12345678901234567890,"no":[],"deep":{"a":[1,"x,\\"y:{"]}}'
    expect(indentedJson(text)).toBe(`{
  "exact": 1.0,
  "big": 12345678901234567890,
  "no": [],
  "deep": {
    "a": [
      1,
      "x,\\"y:{"
    ]
  }
}`)
  })
})

describe('thinning', () => {
  const points = (values: readonly number[]) =>
    values.map((value, step) => ({ value, step, time: '2021-03-01T08:00:00.000Z' }))

  test('keeps ends and spikes, and the order', () => {
    const values = Array.from({ length: 5000 }, () => 1)
    values[1234] = 99
    values[4000] = -99
    const kept = thinned(points(values), 100)
    expect(kept.length).toBeLessThanOrEqual(100)
    const steps = kept.map((point) => point.step)
    expect(steps).toEqual([...steps].sort((a, b) => a - b))
    for (const step of [0, 1234, 4000, 4999]) expect(steps).toContain(step)
  })

  test('leaves short curves alone, and gets past values that are no numbers', () => {
    const short = points([1, 2, 3])
    expect(thinned(short, 4)).toBe(short)
    const none = thinned(points(Array.from({ length: 50 }, () => Number.NaN)), 10)
    expect(none.length).toBeLessThanOrEqual(10)
    const mixed = thinned(points([1, Number.NaN, 7, Number.NaN, Number.NaN, 2, 3, 1]), 4)
    expect(mixed.map((point) => point.value)).toContain(7)
  })
})
