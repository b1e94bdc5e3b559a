import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { featureRow } from '../../src/features.ts'
import { linearModel } from '../../src/linear-model.ts'
import type { LinearModel } from '../../src/model.ts'
import { openArrowEngine } from '../../src/pipeline/engines/arrow.ts'
import { constantRmse, evaluate, meanDuration } from '../../src/pipeline/evaluate.ts'
import { fit } from '../../src/pipeline/fit.ts'
import type { Moments } from '../../src/pipeline/moments.ts'
import { columnsOf, type Plan, RideSelector } from '../../src/pipeline/plan.ts'
import { type Residuals, residualsOf } from '../../src/pipeline/residuals.ts'
import { readRides } from '../../src/pipeline/rides.ts'
import { parseRecipe } from '../../src/recipe.ts'
import { batchOf, momentsOf, planFor, recipeOf, type SmallRide, smallRide } from './small-rides.ts'
import { by, type Fraction, fromNumber, plus, toNumber } from './solve/rational.ts'

const recipe = recipeOf({
  categorical: [
    'PULocationID',
    'DOLocationID',
    { name: 'pair', product: ['PULocationID', 'DOLocationID'] },
    'hour_of_week',
  ],
  numeric: ['trip_distance', { name: 'log', of: 'trip_distance', steps: ['log1p'] }],
  l2: 1,
})
const plan = planFor(recipe)
const runs = { seed: 20210101, numRuns: 60 }
const someRides = fc.array(smallRide, { minLength: 1, maxLength: 40, size: 'max' })

/** Rides of which some are between zones and at hours that the others never have. */
const strangers = fc
  .array(fc.tuple(smallRide, fc.nat({ max: 3 })), { minLength: 1, maxLength: 40, size: 'max' })
  .map((rides) =>
    rides.map(([ride, shift]): SmallRide => {
      const PULocationID = (ride.columns.PULocationID ?? 0) + 2 * shift
      return { ...ride, hour: ride.hour + shift, columns: { ...ride.columns, PULocationID } }
    }),
  )

const none: Fraction = { top: 0n, bottom: 1n }
const sum = (values: readonly Fraction[]): Fraction => values.reduce(plus, none)
const negative = ({ top, bottom }: Fraction): Fraction => ({ top: -top, bottom })
const sixtieth: Fraction = { top: 1n, bottom: 60n }

async function fitted(rides: readonly SmallRide[]): Promise<LinearModel> {
  return (await fit(momentsOf(plan, rides), recipe, 'green', 'direct')).model
}

/** prediction - actual by ride, without rounding, from the coefficients as they are. */
function errorsOf(model: LinearModel, rides: readonly SmallRide[]): Fraction[] {
  const known = new Map(model.effects().map(({ feature, minutes }) => [feature, minutes]))
  const batch = batchOf(rides)
  return rides.map(({ seconds }, i) => {
    const terms = Object.entries(featureRow(model.features, batch, i)).map(([name, value]) => {
      if (typeof value !== 'number') return fromNumber(known.get(`${name}=${value}`) ?? 0)
      const scale = model.features.numeric.find((term) => term.name === name)?.scale as number
      const units = { top: BigInt(Math.round(value * scale)), bottom: BigInt(scale) }
      return by(units, fromNumber(known.get(name) as number))
    })
    return plus(
      sum([fromNumber(model.intercept), ...terms]),
      negative(by(fromNumber(seconds), sixtieth)),
    )
  })
}

const squares = (values: readonly Fraction[]): number =>
  toNumber(sum(values.map((value) => by(value, value))))

/** Sum of squared distances to the mean, minutes^2. */
function spreadOf(rides: readonly SmallRide[]): number {
  const y = rides.map(({ seconds }) => by(fromNumber(seconds), sixtieth))
  const mean = by(sum(y), { top: 1n, bottom: BigInt(y.length) })
  return squares(y.map((value) => plus(value, negative(mean))))
}

const close = (found: number, expected: number, to = Math.abs(expected)): void => {
  expect(Math.abs(found - expected)).toBeLessThanOrEqual(1e-12 * to)
}

describe('evaluate', () => {
  test('gives from sums what the rides give one by one, unseen levels among them', async () => {
    await fc.assert(
      fc.asyncProperty(someRides, strangers, async (training, validation) => {
        const model = await fitted(training)
        const measured = evaluate(model, momentsOf(plan, validation))
        const errors = errorsOf(model, validation)
        const n = validation.length
        const sse = squares(errors)
        const spread = spreadOf(validation)
        expect(measured.n).toBe(n)
        close(measured.mse, sse / n)
        close(measured.rmse, Math.sqrt(sse / n))
        close(measured.bias, toNumber(sum(errors)) / n, Math.sqrt(sse / n))
        if (spread === 0) expect(measured.r2).toBeNull()
        else close(measured.r2 as number, 1 - sse / spread, sse / spread)
      }),
      runs,
    )
  })

  test('keeps its digits where large coefficients cancel', async () => {
    // Two coefficients of a million minutes that cancel to half a minute in every ride.
    const rides = [600, 660, 720].map((seconds): SmallRide => {
      return { hour: 0, seconds, columns: { PULocationID: 1, DOLocationID: 2, trip_distance: 0 } }
    })
    const base = (await fitted(rides)).toJSON()
    const coefficients = base.vectorizer.feature_names.map((name) => {
      return { 'PULocationID=1': 1e6 + 11.5, 'DOLocationID=2': -1e6 }[name] ?? 0
    })
    const model = linearModel({ ...base, intercept: 0, coefficients })
    const { mse, bias } = evaluate(model, momentsOf(plan, rides))
    // Errors of 1.5, 0.5 and -0.5 minutes.
    close(mse, 2.75 / 3)
    close(bias, 0.5)
  })

  test('has a positive bias for predictions that are too long', async () => {
    const ride = { hour: 0, seconds: 600, columns: { PULocationID: 1, DOLocationID: 2 } }
    const rides = [{ ...ride, columns: { ...ride.columns, trip_distance: 1 } }]
    const base = (await fitted(rides)).toJSON()
    const longer = linearModel({ ...base, intercept: base.intercept + 2 })
    close(evaluate(longer, momentsOf(plan, rides)).bias, 2)
    close(evaluate(longer, momentsOf(plan, rides)).rmse, 2)
  })

  test('has no R2 where all durations are the same', async () => {
    const rides = [1, 2, 3].map((PULocationID): SmallRide => {
      return {
        hour: 0,
        seconds: 3599,
        columns: { PULocationID, DOLocationID: 2, trip_distance: 1 },
      }
    })
    const model = await fitted(rides)
    expect(evaluate(model, momentsOf(plan, rides)).r2).toBeNull()
    expect(evaluate(model, momentsOf(plan, rides.slice(0, 1))).r2).toBeNull()
  })
})

describe('constantRmse', () => {
  test('is the root mean squared distance to the constant', () => {
    const minutes = fc.double({ min: 0, max: 60, noNaN: true })
    fc.assert(
      fc.property(someRides, minutes, (rides, constant) => {
        const errors = rides.map(({ seconds }) =>
          plus(by(fromNumber(seconds), sixtieth), negative(fromNumber(constant))),
        )
        const found = constantRmse(momentsOf(plan, rides), constant)
        close(found, Math.sqrt(squares(errors) / rides.length), Math.max(found, 1e-3))
      }),
      runs,
    )
  })

  test('at the mean is the standard deviation, to the last digits for durations close together', () => {
    const rides = Array.from({ length: 1000 }, (_, k): SmallRide => {
      const columns = { PULocationID: 1, DOLocationID: 2, trip_distance: 1 }
      return { hour: 0, seconds: 35_000 + (k % 3), columns }
    })
    const moments = momentsOf(plan, rides)
    // 334 times 0, 333 times 1 and 333 times 2 seconds more: 1.665 - 0.999^2.
    close(constantRmse(moments, meanDuration(moments)), Math.sqrt(0.666999) / 60)
    const same = momentsOf(plan, rides.slice(0, 1))
    expect(constantRmse(same, meanDuration(same))).toBeLessThan(1e-12)
  })
})

describe('residuals of a real month', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const path = `${root}data/green_tripdata_2021-01.parquet`
  const plain = parseRecipe(readFileSync(`${root}recipes/plain.yaml`, 'utf8'), 'plain')
  const plainPlan: Plan = planFor(plain)
  let moments: Moments
  let model: LinearModel
  let residuals: Residuals
  const errors: number[] = []

  beforeAll(async () => {
    moments = (await (await openArrowEngine()).sum(path, 'green', [plainPlan]))[0] as Moments
    model = (await fit(moments, plain, 'green', 'direct')).model
    residuals = await residualsOf(model, [{ source: { path }, taxi: 'green' }], plainPlan)
    const selector = new RideSelector(plainPlan)
    for await (const rides of readRides(path, 'green', columnsOf([plainPlan]))) {
      selector.forEach(rides, (i) => {
        const actual = ((rides.dropoff[i] as number) - (rides.pickup[i] as number)) / 60e6
        errors.push(model.predict(rides, i) - actual)
      })
    }
  })

  test('have the RMSE that the sums give', () => {
    const { rmse, n } = evaluate(model, moments)
    expect(residuals.n).toBe(n)
    expect(Math.abs(residuals.rmse / rmse - 1)).toBeLessThan(1e-9)
  })

  test('have the mean absolute error of the rides one by one', () => {
    const mae = errors.reduce((total, error) => total + Math.abs(error), 0) / errors.length
    expect(Math.abs(residuals.mae / mae - 1)).toBeLessThan(1e-12)
  })

  test('have quantiles to the hundredth of a minute', () => {
    const sorted = Float64Array.from(errors).sort()
    expect(Object.keys(residuals.quantiles)).toEqual(
      expect.arrayContaining(['0.05', '0.5', '0.95']),
    )
    for (const [level, found] of Object.entries(residuals.quantiles)) {
      const exact = sorted[Math.ceil(Number(level) * sorted.length) - 1] as number
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.005 + 1e-9)
    }
  })
})
