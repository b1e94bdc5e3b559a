/** Judging against the same measures worked out ride by ride. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { judge } from '../../../src/pipeline/judge/judge.ts'
import type { FamilyKey, Judgement, RideSlice } from '../../../src/pipeline/judge/judgement.ts'
import { planOf } from '../../../src/pipeline/plan.ts'
import { residualsOf } from '../../../src/pipeline/residuals.ts'
import type { RideBatch } from '../../../src/ride.ts'
import { zoneOf } from '../../../src/zones.ts'
import { randomNumbers, rideBatch } from '../../random-rides.ts'
import { type FileRide, greenColumns, makeParquet } from '../make-parquet.ts'
import { knownModel, ofHour, onSunday, perMile } from './known-model.ts'

// Monday 2021-02-01T00:00.
const start = Date.UTC(2021, 1, 1) * 1000

interface Ride extends FileRide {
  readonly pickup: number
  readonly from: number
  readonly to: number
  readonly miles: number
  readonly minutes: number
}

/** Rides of 1 to 60 minutes between all zones, JFK among them, over two weeks. */
function madeRides(count: number): Ride[] {
  const random = randomNumbers(11)
  const upTo = (n: number): number => Math.floor(random() * n)
  return Array.from({ length: count }, (_, k) => {
    const pickup = start + upTo(14 * 24 * 60) * 60e6
    const seconds = 60 + upTo(3541)
    const from = k % 25 === 0 ? 132 : 1 + upTo(265)
    return {
      pickup,
      dropoff: pickup + seconds * 1e6,
      from,
      to: 1 + upTo(265),
      miles: upTo(2500) / 100,
      minutes: seconds / 60,
    }
  })
}

const rides = madeRides(3000)
const hourOf = ({ pickup }: Ride): number => Math.floor((pickup - start) / 3600e6) % 24
const dayOf = ({ pickup }: Ride): number => Math.floor((pickup - start) / 86_400e6) % 7
const predictedFor = (ride: Ride): number =>
  3 + perMile * ride.miles + ofHour(hourOf(ride)) + (dayOf(ride) === 6 ? onSunday : 0)
const errorOf = (ride: Ride): number => predictedFor(ride) - ride.minutes

const batch: RideBatch = rideBatch(
  rides.map(({ pickup, dropoff, from, to, miles }) => ({
    pickup,
    dropoff: dropoff as number,
    PULocationID: from,
    DOLocationID: to,
    trip_distance: miles,
    VendorID: 2,
  })),
)
const model = knownModel(batch)
const plan = planOf(model.recipe, model.features)

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

function measuresOf(some: readonly Ride[]): Omit<RideSlice, 'name'> {
  const errors = some.map(errorOf)
  return {
    n: errors.length,
    rmse: Math.sqrt(mean(errors.map((error) => error ** 2))),
    mae: mean(errors.map(Math.abs)),
    bias: mean(errors),
  }
}

const near = (values: Omit<RideSlice, 'name'>): unknown =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, expect.closeTo(value, 9)]))

let folder: string
let file: { source: { path: string }; taxi: 'green' }
let judged: Judgement

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-judge-'))
  const path = makeParquet(join(folder, 'whole.parquet'), greenColumns(rides))
  file = { source: { path }, taxi: 'green' }
  judged = await judge(model, [file], plan)
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const family = (key: FamilyKey): readonly RideSlice[] =>
  judged.slices.find((one) => one.key === key)?.slices ?? []

describe('judge', () => {
  test('measures as the residuals are measured', async () => {
    expect(judged.measures).toEqual(await residualsOf(model, [file], plan))
    expect(judged.measures).toMatchObject(near(measuresOf(rides)) as object)
  })

  test.each<[FamilyKey, string, (ride: Ride) => boolean]>([
    ['hour', '17', (ride) => hourOf(ride) === 17],
    ['weekday', 'Sunday', (ride) => dayOf(ride) === 6],
    ['distance', '0 to 0.5 miles', ({ miles }) => miles < 0.5],
    ['distance', '3 to 5 miles', ({ miles }) => miles >= 3 && miles < 5],
    ['distance', '20 miles and more', ({ miles }) => miles >= 20],
    ['pickup_borough', 'Queens', ({ from }) => zoneOf(from)?.borough === 'Queens'],
    ['pickup_borough', 'Outside the city', ({ from }) => from === 265],
    ['pickup_service', 'Yellow Zone', ({ from }) => zoneOf(from)?.service === 'Yellow Zone'],
    [
      'airport',
      'to or from an airport',
      ({ from, to }) => [from, to].some((id) => [1, 132, 138].includes(id)),
    ],
    ['predicted', '20 to 30 minutes', (ride) => bandOf(ride, 20, 30)],
    ['predicted', '45 minutes and more', (ride) => bandOf(ride, 45, 1e9)],
  ])('measures the slice %s: %s', (key, name, isIn) => {
    const expected = rides.filter(isIn)
    expect(expected.length).toBeGreaterThan(0)
    expect(family(key).find((slice) => slice.name === name)).toEqual({
      name,
      ...(near(measuresOf(expected)) as object),
    })
  })

  const bandOf = (ride: Ride, from: number, to: number): boolean =>
    predictedFor(ride) >= from && predictedFor(ride) < to

  test('has every ride in one slice of each family', () => {
    const counts = judged.slices.map(({ slices }) => slices.reduce((sum, { n }) => sum + n, 0))
    expect(counts).toEqual(Array(7).fill(rides.length))
  })

  test('finds the worst slice and the gaps among slices with enough rides', () => {
    const all = judged.slices.flatMap(({ key, slices }) =>
      slices.map((slice) => ({ family: key, ...slice })),
    )
    const able = all.filter(({ n }) => n >= 200)
    expect(able.length).toBeLessThan(all.length)
    const highest = Math.max(...able.map(({ rmse }) => rmse))
    expect(judged.worst).toEqual({
      ...able.find(({ rmse }) => rmse === highest),
      ratio: highest / judged.measures.rmse,
    })
    const days = family('weekday').map(({ rmse }) => rmse)
    expect(judged.slices.find(({ key }) => key === 'weekday')?.gap).toBe(
      Math.max(...days) - Math.min(...days),
    )
  })

  test('has no worst slice where none has enough rides', async () => {
    const { worst, slices } = await judge(model, [file], plan, { minimumSupport: 1e6 })
    expect(worst).toBeNull()
    expect(slices.every(({ gap }) => gap === null)).toBe(true)
  })

  test('counts minutes, alone and together', () => {
    const count = (isIn: (ride: Ride) => boolean): number => rides.filter(isIn).length
    const at = (minutes: number): number => Math.floor(minutes)
    expect(judged.axis).toEqual({ width: 1, bins: 60 })
    expect(judged.actual.counts[10]).toBe(count(({ minutes }) => at(minutes) === 10))
    expect(judged.predicted.counts[33]).toBe(count((ride) => at(predictedFor(ride)) === 33))
    expect(judged.predicted.above).toBe(count((ride) => predictedFor(ride) >= 61))
    expect(judged.predicted.above).toBeGreaterThan(0)
    const cells = rides.map((ride) => {
      return Math.min(59, at(predictedFor(ride))) * 60 + Math.min(59, at(ride.minutes))
    })
    const density = Array(3600).fill(0)
    for (const cell of cells) density[cell]++
    expect(judged.density).toEqual(density)
  })

  test('has residuals by predicted minutes, to a tenth of a minute', () => {
    for (const bin of judged.fitted.filter(({ from, to }) => from > 0 && to < 60)) {
      const errors = rides
        .filter((ride) => bandOf(ride, bin.from, bin.to))
        .map(errorOf)
        .sort((a, b) => a - b)
      expect(bin.n).toBe(errors.length)
      expect(bin.mean).toBeCloseTo(mean(errors), 9)
      const at = (sorted: readonly number[], p: number): number =>
        sorted[Math.ceil(p * sorted.length) - 1] as number
      for (const [k, p] of [0.05, 0.25, 0.5, 0.75, 0.95].entries()) {
        expect(Math.abs((bin.quantiles[k] as number) - at(errors, p))).toBeLessThan(0.0501)
      }
      const sizes = errors.map(Math.abs).sort((a, b) => a - b)
      const size = (bin.spread[1] as number) ** 2 * judged.measures.rmse
      expect(Math.abs(size - at(sizes, 0.5))).toBeLessThan(0.0501)
    }
  })

  test('sets residuals against a normal distribution, as far as there are rides', () => {
    const sorted = rides.map(errorOf).sort((a, b) => a - b)
    const point = (p: number) => judged.qq.find((one) => one.p === p)
    // Quantiles of the normal distribution as scipy.stats.norm.ppf gives them.
    expect(point(0.5)?.z).toBe(0)
    expect(point(0.9)?.z).toBeCloseTo(1.2815515655, 5)
    expect(point(0.001)?.z).toBeCloseTo(-3.0902323062, 5)
    expect(Math.abs((point(0.9)?.residual ?? 0) - (sorted[2699] as number))).toBeLessThan(0.0051)
    expect(judged.qq[0]?.p).toBe(0.0005)
    expect(judged.qq).toHaveLength(99 + 8)
    expect(judged.qq.every(({ z }, k, all) => k === 0 || z > (all[k - 1]?.z ?? 0))).toBe(true)
  })

  test('has the bias of every zone at both ends', () => {
    const jfk = judged.zones.find(({ id }) => id === 132)
    const [from, to] = [
      rides.filter((ride) => ride.from === 132),
      rides.filter((ride) => ride.to === 132),
    ]
    expect(jfk).toEqual({
      id: 132,
      pickups: from.length,
      pickup_bias: expect.closeTo(measuresOf(from).bias, 9),
      dropoffs: to.length,
      dropoff_bias: expect.closeTo(measuresOf(to).bias, 9),
    })
  })

  test('keeps a sample of rides that the seed decides', async () => {
    const draw = async (seed: number) =>
      (await judge(model, [file], plan, { seed, sample: 100 })).sample
    const [one, same, other] = [await draw(5), await draw(5), await draw(6)]
    expect(one.predicted).toHaveLength(100)
    expect(same).toEqual(one)
    expect(other.predicted).not.toEqual(one.predicted)
    const known = new Set(
      rides.map((ride) => `${ride.miles} ${hourOf(ride)} ${ride.minutes.toFixed(2)}`),
    )
    one.distance.forEach((miles, k) => {
      const text = `${miles} ${one.hour[k]} ${(one.actual[k] as number).toFixed(2)}`
      expect(known).toContain(text)
    })
  })

  test('gives the same document however rides come in row groups and files', async () => {
    const path = makeParquet(join(folder, 'groups.parquet'), greenColumns(rides), 101)
    expect(await judge(model, [{ source: { path }, taxi: 'green' }], plan)).toEqual(judged)
    const files = [rides.slice(0, 1234), rides.slice(1234)].map((some, k) => {
      const part = makeParquet(join(folder, `part-${k}.parquet`), greenColumns(some))
      return { source: { path: part }, taxi: 'green' as const }
    })
    expect(await judge(model, files, plan)).toEqual(judged)
  })

  test('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(judged))).toEqual(judged)
  })

  test('measures how many rides lie in intervals, and how wide they are', async () => {
    // Half of the width in minutes is ten times the coverage.
    const { intervals } = await judge(model, [file], plan, {
      interval: (predicted, coverage) => [predicted - 10 * coverage, predicted + 10 * coverage],
    })
    expect(intervals?.map(({ nominal }) => nominal)).toEqual([0.5, 0.8, 0.9, 0.95])
    for (const { nominal, n, coverage, width, slices } of intervals ?? []) {
      const isInside = (ride: Ride): boolean => Math.abs(errorOf(ride)) <= 10 * nominal
      expect(n).toBe(rides.length)
      expect(coverage).toBeCloseTo(rides.filter(isInside).length / n, 12)
      expect(width).toBeCloseTo(20 * nominal, 9)
      const band = rides.filter((ride) => bandOf(ride, 15, 20))
      expect(slices.find(({ name }) => name === '15 to 20 minutes')).toEqual({
        name: '15 to 20 minutes',
        n: band.length,
        coverage: expect.closeTo(band.filter(isInside).length / band.length, 12),
        width: expect.closeTo(20 * nominal, 9),
      })
    }
    expect(judged.intervals).toBeNull()
  })

  test('has no slices of what files do not have', async () => {
    const { trip_distance: _, ...columns } = greenColumns(rides)
    const path = makeParquet(join(folder, 'no-distance.parquet'), columns)
    const recipe = { ...model.recipe, numeric: [], categorical: model.recipe.categorical }
    const zonesAlone = { ...plan, required: [], features: { ...plan.features, numeric: [] } }
    const half = { ...model, recipe, features: { ...model.features, numeric: [] } }
    const { slices, sample } = await judge(
      { ...half, predict: () => 10 },
      [{ source: { path }, taxi: 'green' }],
      zonesAlone,
    )
    expect(slices.map(({ key }) => key)).not.toContain('distance')
    expect(slices).toHaveLength(6)
    expect(sample.distance.every((miles) => miles === null)).toBe(true)
  })

  test('refuses files without a ride that passes', async () => {
    const short = rides.map((ride) => ({ ...ride, dropoff: ride.pickup + 1e6 }))
    const path = makeParquet(join(folder, 'short.parquet'), greenColumns(short))
    await expect(judge(model, [{ source: { path }, taxi: 'green' }], plan)).rejects.toMatchObject({
      code: 'source_empty',
    })
  })

  test('ends where it is told to', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(judge(model, [file], plan, { signal })).rejects.toThrow('enough')
  })
})
