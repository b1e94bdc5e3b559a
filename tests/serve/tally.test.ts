import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { quantileOf, Tally } from '../../src/serve/tally.ts'

describe('Tally', () => {
  test('prints what prom-client prints of a histogram', async () => {
    const tally = new Tally('seconds', 'Time', [0.1, 1])
    const registry = new Registry()
    registry.registerMetric(tally.toMetric())
    const series = tally.of({ route: '/predict' })
    for (const value of [0.05, 0.1, 0.5, 7]) series.observe(value)
    expect(tally.of({ route: '/predict' })).toBe(series)
    expect((await registry.metrics()).trim().split('\n')).toEqual([
      '# HELP seconds Time',
      '# TYPE seconds histogram',
      'seconds_bucket{le="0.1",route="/predict"} 2',
      'seconds_bucket{le="1",route="/predict"} 3',
      'seconds_bucket{le="+Inf",route="/predict"} 4',
      'seconds_sum{route="/predict"} 7.65',
      'seconds_count{route="/predict"} 4',
    ])
  })
})

describe('quantileOf', () => {
  // histogram_quantile of Prometheus over the same buckets: 50 between 0 and 1, 50 between 1 and 3.
  test('interpolates within a bucket, over all series together', () => {
    const tally = new Tally('x', 'x', [1, 3])
    for (let i = 0; i < 50; i++) {
      tally.of({ a: '1' }).observe(0.5)
      tally.of({ a: '2' }).observe(2)
    }
    expect(quantileOf(tally.series, 0.25)).toBe(0.5)
    expect(quantileOf(tally.series, 0.5)).toBe(1)
    expect(quantileOf(tally.series, 0.75)).toBe(2)
  })

  test('is undefined without observations, and the last edge beyond it', () => {
    const tally = new Tally('x', 'x', [1, 3])
    expect(quantileOf(tally.series, 0.5)).toBeUndefined()
    tally.of({ a: '1' }).observe(100)
    expect(quantileOf(tally.series, 0.5)).toBe(3)
  })
})
