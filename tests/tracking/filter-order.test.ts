import { describe, expect, it } from 'vitest'
import { inOrder, type Orderable, parseOrder } from '../../src/tracking/order-by.ts'

/** Runs of one second each, by id. */
const run = (id: string, second: number, more: Partial<Orderable> = {}): Orderable => ({
  id,
  startedAt: new Date(Date.UTC(2021, 2, 1, 8, 15, second)).toISOString(),
  ...more,
})
const runs = [
  run('a', 1, { metrics: { loss: 2 }, parameters: { name: 'b' }, status: 'finished' }),
  run('b', 2, { metrics: { loss: Number.NaN }, parameters: { name: '\u{1f600}' } }),
  run('c', 3, { metrics: { loss: -1 }, parameters: { name: '\uffee' }, status: 'running' }),
  run('d', 4, { metrics: {}, parameters: {} }),
  run('f', 5, { metrics: { loss: 2 }, parameters: { name: 'B' }, status: 'failed' }),
  run('e', 5, { metrics: { loss: -Infinity }, parameters: { name: '' } }),
]
const ordered = (...texts: string[]): string =>
  [...runs]
    .sort(inOrder(parseOrder(texts)))
    .map(({ id }) => id)
    .join('')

describe('runs are ordered', () => {
  it('newest first and then by id unless told otherwise', () => {
    expect(ordered()).toBe('efdcba')
  })

  it('by a metric, NaN and then what has none behind all others in both directions', () => {
    expect(ordered('metrics.loss')).toBe('ecfabd')
    expect(ordered('metrics.loss ASC')).toBe('ecfabd')
    expect(ordered('metric.`loss` desc')).toBe('facebd')
  })

  it('by text, code point by code point', () => {
    expect(ordered('params.name')).toBe('efacbd')
    expect(ordered('params.name DESC')).toBe('bcafed')
  })

  it('by attributes', () => {
    expect(ordered('start_time ASC')).toBe('abcdef')
    expect(ordered('attributes.created asc')).toBe('abcdef')
    expect(ordered('run_id DESC')).toBe('fedcba')
    // FAILED, FINISHED, RUNNING, then those without, newest first.
    expect(ordered('"status" asc')).toBe('facedb')
  })

  it('by several fields, the first before the second', () => {
    expect(ordered('metrics.loss', 'params.name DESC')).toBe('ecafbd')
    expect(ordered('metrics.loss', 'run_id asc')).toBe('ecafbd')
  })

  it('by a metric that is called start_time as by any other', () => {
    expect(ordered('metrics.start_time')).toBe('efdcba')
  })
})

describe('an order is refused', () => {
  it.each([
    ['metrics.loss down', 14, 'expected asc or desc, found "down"'],
    ['metrics.loss, metrics.b', 13, 'found ","'],
    ['metrics.loss desc nulls last', 19, 'one field each'],
    ['loss', 1, 'expected one of run_id'],
    ['dataset.name', 1, 'may have many datasets'],
    ["'start_time'", 1, 'a name such as'],
    ['', 1, 'found the end'],
  ])('%s', (text, column, expected) => {
    expect(() => parseOrder([text])).toThrow(`order is not understood at column ${column}: `)
    expect(() => parseOrder([text])).toThrow(expected)
  })

  it('with a field twice', () => {
    expect(() => parseOrder(['start_time', 'created desc'])).toThrow('every field once')
  })
})
