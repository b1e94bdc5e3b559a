import { describe, expect, test } from 'vitest'
import { RidecastError } from '../src/errors.ts'
import {
  bandEdges,
  bandOf,
  coverages,
  errorLevels,
  type Intervals,
  intervalAround,
} from '../src/intervals.ts'
import { loadModel, withIntervals } from '../src/model.ts'
import { ResidualCounter } from '../src/pipeline/residuals.ts'
import { createPredictor } from '../src/predictor.ts'
import { checkRecipe } from '../src/recipe.ts'
import { everyTerm, randomModel, randomNumbers } from './random-rides.ts'

const target = { min: 1, max: 60 }

/** Errors as a pass over rides keeps them. */
function errorsOf(values: readonly number[]): Intervals['all'] {
  const counter = new ResidualCounter()
  for (const value of values) counter.add(10, value)
  return { n: values.length, errors: counter.quantiles(errorLevels) }
}

const noBands: Intervals['bands'] = bandEdges.map(() => null).concat([null])

describe('an interval', () => {
  test.each([40, 500, 20_000])(
    'holds at least as often as it says, from %d errors, on errors like those',
    (n) => {
      // Skewed errors, rounded as they are counted. Over many calibrations, because one of few is luck.
      const random = randomNumbers(7)
      const draw = (): number => Math.round(100 * (-2 * Math.log(1 - random()) - 1)) / 100
      for (const coverage of [0.5, 0.8, 0.9, 0.95]) {
        let inside = 0
        let asked = 0
        for (let turn = 0; turn < 40_000 / n; turn++) {
          const all = errorsOf(Array.from({ length: n }, draw))
          for (let k = 0; k < 200; k++) {
            const { low, high } = intervalAround({ all, bands: noBands }, 30, coverage, target)
            const actual = 30 + draw()
            if (actual >= low && actual <= high) inside++
            asked++
          }
        }
        const spread = Math.sqrt((coverage * (1 - coverage)) / Math.min(asked, 40_000))
        expect(inside / asked).toBeGreaterThan(coverage - 4 * spread - 0.004)
        // Nor much more often: steps of half a per cent, and what few errors cost.
        expect(inside / asked).toBeLessThan(coverage + 4 * spread + 0.012 + 2 / n)
      }
    },
  )

  test('grows with the coverage, holds the prediction, and keeps within the target', () => {
    const random = randomNumbers(3)
    const all = errorsOf(Array.from({ length: 3000 }, () => (random() - 0.5) * 40))
    for (const minutes of [-5, 0.5, 3, 30, 59, 70]) {
      let [lower, upper] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      for (const coverage of [0.5, 0.8, 0.9, 0.99]) {
        const { low, high } = intervalAround({ all, bands: noBands }, minutes, coverage, target)
        expect(low).toBeLessThanOrEqual(lower)
        expect(high).toBeGreaterThanOrEqual(upper)
        const said = Math.max(1, minutes)
        expect(low).toBeLessThanOrEqual(said)
        expect(high).toBeGreaterThanOrEqual(said)
        expect(low).toBeGreaterThanOrEqual(1)
        expect(high).toBeLessThanOrEqual(Math.max(60, minutes))
        ;[lower, upper] = [low, high]
      }
    }
  })

  test('takes the errors of the band of the prediction, or those of all rides', () => {
    const [all, near] = [errorsOf(new Array(600).fill(5)), errorsOf(new Array(600).fill(2))]
    const bands = noBands.map((_, band) => (band === bandOf(9) ? near : null))
    expect(intervalAround({ all, bands }, 9, 0.9, target).high).toBeCloseTo(11, 9)
    expect(intervalAround({ all, bands }, 25, 0.9, target).high).toBeCloseTo(30, 9)
  })

  test.each([0.49, 0.991, 1, 0, -1, Number.NaN])('of coverage %d there is none', (coverage) => {
    const all = errorsOf([0, 1, 2])
    expect(() => intervalAround({ all, bands: noBands }, 9, coverage, target)).toThrow(
      `interval must be a coverage from ${coverages.least} to ${coverages.most}, found ${coverage}`,
    )
  })
})

test('bands meet at their edges', () => {
  expect([-1, 4.99, 5, 29.99, 30, 1e9].map(bandOf)).toEqual([0, 0, 1, 5, 6, 6])
})

describe('a model', () => {
  const profile = {
    rides: 1,
    duration: { mean: 1, std: 0, minutes: [] },
    hour_of_week: new Array<number>(168).fill(1),
    pickups: [],
    dropoffs: [],
    trip_distance: null,
    pairs: [],
  }
  const model = randomModel(
    checkRecipe({ ...everyTerm, categorical: ['PULocationID'], numeric: [] }, 'x'),
  )
  const ride = { PULocationID: 3, DOLocationID: 4 }

  test('that was trained without intervals says so', () => {
    const ask = (): unknown => createPredictor(model, profile).predict(ride, 0.9)
    expect(ask).toThrow(RidecastError)
    expect(ask).toThrow(/train it with --set intervals=true/)
  })

  test('keeps them in its document, and answers with and without reasons alike', () => {
    const all = errorsOf([-1, 0, 1, 2])
    const sure = withIntervals(model, { all, bands: noBands })
    const back = loadModel(JSON.parse(JSON.stringify(sure.toJSON())))
    expect(JSON.stringify(back.toJSON())).toBe(JSON.stringify(sure.toJSON()))
    const predictor = createPredictor(back, profile)
    const { interval, duration } = predictor.predict(ride, 0.5)
    expect(interval).toMatchObject({ coverage: 0.5 })
    expect(predictor.explain(ride, 0.5)).toMatchObject({ interval, duration })
    expect(predictor.predict(ride).interval).toBeUndefined()
  })

  test('of which the errors are not those of all levels is refused', () => {
    const all = { n: 3, errors: [1, 2] }
    const document = { ...model.toJSON(), intervals: { all, bands: noBands } }
    expect(() => loadModel(document)).toThrow(expect.objectContaining({ code: 'artifact_corrupt' }))
  })
})
