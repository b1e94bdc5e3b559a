import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Moments } from '../../../src/pipeline/moments.ts'
import { type Estimate, inferenceOf, rowOfRide } from '../../../src/pipeline/solve/inference.ts'
import { featureNames, systemOf } from '../../../src/pipeline/solve/system.ts'
import { batchOf, momentsOf, planFor, recipeOf, type SmallRide } from '../small-rides.ts'
import { apply, dot, gram, inverse, rowsOf, sum } from './dense.ts'
import { type Design, denseOf, designs } from './designs.ts'
import { solveExactly } from './reference.ts'

const none = fc.constant(0)
const momentsFor = ({ rides, recipe }: Design): Moments => momentsOf(planFor(recipe), rides)

describe('on the data of Longley, which NIST has certified', () => {
  // J. W. Longley, Journal of the American Statistical Association 62 (1967): employment, then
  // deflator, GNP, unemployment, armed forces, population, year.
  const data = [
    [60323, 83.0, 234289, 2356, 1590, 107608, 1947],
    [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
    [60171, 88.2, 258054, 3682, 1616, 109773, 1949],
    [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
    [63221, 96.2, 328975, 2099, 3099, 112075, 1951],
    [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
    [64989, 99.0, 365385, 1870, 3547, 115094, 1953],
    [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
    [66019, 101.2, 397469, 2904, 3048, 117388, 1955],
    [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
    [68169, 108.4, 442769, 2936, 2798, 120445, 1957],
    [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
    [68655, 112.6, 482704, 3813, 2552, 123366, 1959],
    [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
    [69331, 115.7, 518173, 4806, 2572, 127852, 1961],
    [70551, 116.9, 554894, 4007, 2827, 130081, 1962],
  ]
  const columns = [
    'trip_distance',
    'fare_amount',
    'extra',
    'mta_tax',
    'tip_amount',
    'tolls_amount',
  ] as const
  const rides = data.map(([y, ...x]): SmallRide => {
    const named = columns.map((name, k) => [name, x[k] as number])
    return { hour: 0, seconds: y as number, columns: Object.fromEntries(named) }
  })
  const recipe = recipeOf({ numeric: columns, target: { min: 0, max: 1200 } })
  const inference = inferenceOf(momentsFor({ rides, recipe }))

  // NIST Statistical Reference Datasets, Longley: estimates and standard deviations, the intercept
  // last here; in seconds, which stand for the thousands of people.
  const certified = [
    [15.0618722713733, 84.9149257747669],
    [-0.035819179292591, 0.0334910077722432],
    [-2.02022980381683, 0.488399681651699],
    [-1.03322686717359, 0.214274163161675],
    [-0.0511041056535807, 0.22607320006937],
    [1829.15146461355, 455.478499142212],
    [-3482258.63459582, 890420.383607373],
  ]

  test('estimates and standard errors have ten certified digits', () => {
    inference.coefficients().forEach(({ value, standardError, t }, i) => {
      const [estimate, deviation] = certified[i] as [number, number]
      expect(Math.abs((60 * value) / estimate - 1)).toBeLessThan(1e-10)
      expect(Math.abs((60 * (standardError as number)) / deviation - 1)).toBeLessThan(1e-10)
      expect(t).toBeCloseTo(estimate / deviation, 8)
    })
  })

  test('and so has the deviation of the errors', () => {
    // NIST: residual standard deviation, 9 degrees of freedom.
    expect([inference.n, inference.rank, inference.degrees]).toEqual([16, 7, 9])
    const deviation = 60 * Math.sqrt(inference.variance as number)
    expect(Math.abs(deviation / 304.854073561965 - 1)).toBeLessThan(1e-10)
  })
})

describe('on ten rides', () => {
  const miles = [1.2, 0.8, 3.5, 2.2, 7.9, 5.1, 4.4, 9.3, 2.7, 6.0]
  const airport = [1, 0, 0, 1, 1, 0, 1, 0, 0, 1]
  const seconds = [420, 300, 980, 760, 1710, 1230, 1100, 1890, 700, 1420]
  const rides = miles.map((trip_distance, i): SmallRide => {
    const columns = { trip_distance, tip_amount: airport[i] as number }
    return { hour: 0, seconds: seconds[i] as number, columns }
  })
  const recipe = recipeOf({ numeric: ['trip_distance', 'tip_amount'] })
  const moments = momentsFor({ rides, recipe })
  const inference = inferenceOf(moments)
  const row = (distance: number, tip: number): Map<number, number> =>
    new Map([
      [0, distance],
      [1, tip],
      [2, 1],
    ])

  // statsmodels 0.14, OLS(y, X).fit(): params, bse, tvalues, pvalues, conf_int(0.1).
  test.each([
    [
      0, 3.0880308154828984, 0.1462894033961056, 21.1090533134617, 1.3471934406765412e-7,
      2.8108740416572555, 3.3651875893085412,
    ],
    [
      1, 0.848051484404353, 0.7794301609481821, 1.08804037474338, 0.31261401656624915,
      -0.6286402226899328, 2.324743191498639,
    ],
    [
      2, 3.7832281097331757, 0.8341113393162243, 4.535639226334623, 0.0026816048792720317,
      2.2029386120016867, 5.363517607464665,
    ],
  ])('coefficient %d is that of statsmodels', (i, value, error, t, p, low, high) => {
    const found = inference.coefficients(0.9)[i] as Estimate
    const expected = [value, error, t, p, low, high]
    const numbers = [found.value, found.standardError, found.t, found.p, ...(found.interval ?? [])]
    numbers.forEach((number, k) => {
      expect(Math.abs((number as number) / (expected[k] as number) - 1)).toBeLessThan(1e-10)
    })
    expect(found.estimable).toBe(true)
    const alone = inference.combination(new Map([[i, 1]]), 0.9)
    expect(alone.standardError).toBeCloseTo(error, 12)
  })

  test('leverage and prediction intervals are those of statsmodels', () => {
    // get_influence().hat_matrix_diag; get_prediction(...).summary_frame(alpha=0.05).
    const first = inference.leverage(rowOfRide(moments, batchOf(rides), 0).row)
    expect(first).toBeCloseTo(0.3389458850056366, 12)
    const { minutes, meanInterval, interval } = inference.predict(row(3, 1))
    expect(minutes).toBeCloseTo(13.895372040586224, 11)
    expect(meanInterval?.[0]).toBeCloseTo(12.512230435604636, 10)
    expect(meanInterval?.[1]).toBeCloseTo(15.278513645567813, 10)
    expect(interval?.[0]).toBeCloseTo(10.669821824131704, 10)
    expect(interval?.[1]).toBeCloseTo(17.120922257040746, 10)
    const far = inference.predict(row(20, 0)).interval
    expect(far?.[0]).toBeCloseTo(59.238325468251766, 10)
    expect(far?.[1]).toBeCloseTo(71.84936337053054, 10)
  })

  test('a confidence level outside 0 to 1 and a penalty are refused', () => {
    expect(() => inference.coefficients(95)).toThrow(
      expect.objectContaining({
        code: 'usage_invalid',
        message: 'a confidence level lies between 0 and 1, found 95: give 0.95 for 95 %',
      }),
    )
    expect(() => inferenceOf(moments, systemOf(moments, 1))).toThrow(
      expect.objectContaining({ code: 'usage_invalid' }),
    )
  })

  test('as many coefficients as rides leave nothing to judge by', () => {
    const few = inferenceOf(momentsFor({ rides: rides.slice(0, 3), recipe }))
    expect([few.degrees, few.variance]).toEqual([0, undefined])
    expect(few.coefficients()[0]).toMatchObject({ estimable: true, standardError: undefined })
    expect(few.predict(row(3, 1)).interval).toBeUndefined()
  })
})

describe('on designs of every kind', () => {
  test('says of exactly those coefficients that they cannot be told that lie in the null space', () => {
    let [told, not] = [0, 0]
    fc.assert(
      fc.property(designs(none), (design) => {
        const moments = momentsFor(design)
        const exact = solveExactly(denseOf(design))
        const names = [...exact.slopes.keys(), 'intercept']
        const found = inferenceOf(moments).coefficients()
        const own = [...featureNames(moments), 'intercept']
        found.forEach(({ estimable }, i) => {
          const at = names.indexOf(own[i] as string)
          const free = exact.nullSpace.some((vector) => vector[at] !== 0)
          expect(estimable).toBe(!free)
          if (estimable) told++
          else not++
        })
      }),
      { seed: 20210101, numRuns: 250, endOnFailure: true },
    )
    expect(told).toBeGreaterThan(200)
    expect(not).toBeGreaterThan(300)
  })

  test('gives the leverages of the rides, which add up to the rank', () => {
    fc.assert(
      fc.property(designs(none), (design) => {
        const moments = momentsFor(design)
        const inference = inferenceOf(moments)
        if (inference.condition > 1e8) return
        const batch = batchOf(design.rides)
        const leverages = design.rides.map((_, i) => {
          const { row, unseen } = rowOfRide(moments, batch, i)
          expect(unseen).toEqual([])
          return inference.leverage(row) as number
        })
        expect(sum(leverages)).toBeCloseTo(inference.rank, 6)
        for (const leverage of leverages) expect(leverage).toBeLessThan(1 + 1e-7)
      }),
      { seed: 2, numRuns: 200, endOnFailure: true },
    )
  })

  test('gives the standard errors of a dense inverse where there is one', () => {
    let compared = 0
    fc.assert(
      fc.property(designs(none), (design) => {
        const moments = momentsFor(design)
        const inference = inferenceOf(moments)
        const dense = rowsOf(design)
        if (inference.rank < dense.names.length || inference.condition > 1e6) return
        if (inference.degrees < 1) return
        compared++
        const squares = inverse(gram(dense, 0))
        const beta = apply(
          squares,
          dense.names.map((_, j) =>
            sum(dense.rows.map((r, i) => (r[j] as number) * (dense.target[i] as number))),
          ),
        )
        const errors = dense.rows.map((r, i) => dot(r, beta) - (dense.target[i] as number))
        const variance = dot(errors, errors) / inference.degrees
        const own = [...featureNames(moments), 'intercept']
        inference.coefficients().forEach(({ standardError }, i) => {
          const at = dense.names.indexOf(own[i] as string)
          const expected = Math.sqrt(variance * (squares[at]?.[at] as number))
          if (variance < 1e-12) return
          expect(Math.abs((standardError as number) / expected - 1)).toBeLessThan(1e-5)
        })
      }),
      { seed: 3, numRuns: 600, endOnFailure: true },
    )
    expect(compared).toBeGreaterThan(20)
  })

  test('tells the difference of two zones of one component, and not of two', () => {
    // Pickups 1 and 2 meet drop-off 11, pickup 3 meets 13 alone: two components.
    const rides = [
      [1, 11, 600],
      [2, 11, 720],
      [1, 12, 660],
      [2, 12, 900],
      [3, 13, 300],
      [3, 13, 420],
      [1, 11, 630],
    ].map(([PULocationID, DOLocationID, seconds]): SmallRide => {
      const columns = { PULocationID: PULocationID as number, DOLocationID: DOLocationID as number }
      return { hour: 0, seconds: seconds as number, columns }
    })
    const recipe = recipeOf({ categorical: ['PULocationID', 'DOLocationID'] })
    const moments = momentsFor({ rides, recipe })
    const inference = inferenceOf(moments)
    const at = (name: string): number => featureNames(moments).indexOf(name)
    const between = (a: string, b: string): Estimate =>
      inference.combination(
        new Map([
          [at(a), 1],
          [at(b), -1],
        ]),
      )
    const near = between('PULocationID=2', 'PULocationID=1')
    expect(near.estimable).toBe(true)
    expect(near.standardError).toBeGreaterThan(0)
    const far = between('PULocationID=3', 'PULocationID=1')
    expect(far).toMatchObject({ estimable: false, standardError: undefined, p: undefined })
    expect(inference.coefficients().every(({ estimable }) => !estimable)).toBe(true)
    // A pair that no ride has, over two components: nothing is known of it.
    const strange = new Map([
      [at('PULocationID=1'), 1],
      [at('DOLocationID=13'), 1],
      [featureNames(moments).length, 1],
    ])
    expect(inference.predict(strange)).toMatchObject({ leverage: undefined, interval: undefined })
  })

  test('names the terms of a ride that it has not seen', () => {
    const [design] = fc.sample(
      designs(none).filter(({ recipe }) => recipe.categorical.includes('PULocationID')),
      { seed: 1, numRuns: 1, endOnFailure: true },
    ) as [Design]
    const moments = momentsFor(design)
    const ride = {
      hour: 0,
      seconds: 60,
      columns: { ...design.rides[0]?.columns, PULocationID: 99 },
    }
    expect(rowOfRide(moments, batchOf([ride]), 0).unseen).toContain('PULocationID')
  })
})
