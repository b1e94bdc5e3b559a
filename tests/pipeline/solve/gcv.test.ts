import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Moments } from '../../../src/pipeline/moments.ts'
import { degreesOfFreedom } from '../../../src/pipeline/solve/degrees-of-freedom.ts'
import { type GcvRow, generalizedCrossValidation } from '../../../src/pipeline/solve/gcv.ts'
import { gramOf } from '../../../src/pipeline/solve/gram.ts'
import { systemOf } from '../../../src/pipeline/solve/system.ts'
import { momentsOf, planFor, recipeOf, type SmallRide } from '../small-rides.ts'
import { apply, dot, gram, inverse, rowsOf, sum } from './dense.ts'
import { type Design, denseOf, designs } from './designs.ts'
import { solveExactly } from './reference.ts'

const none = fc.constant(0)
const momentsFor = ({ rides, recipe }: Design): Moments => momentsOf(planFor(recipe), rides)
/** A dense inverse of doubles cannot follow columns of 200,000. */
const tame = designs(none).filter(({ recipe }) => {
  const names = JSON.stringify(recipe.numeric)
  return !names.includes('ehail_fee') && !names.includes('fare_amount')
})

/** The trace of the map from durations to fitted values, and the squared errors, row by row. */
function densely(design: Design, l2: number): { degrees: number; errors: number } {
  const dense = rowsOf(design)
  const inverted = inverse(gram(dense, l2))
  const degrees = sum(dense.rows.map((row) => dot(row, apply(inverted, row))))
  const right = dense.names.map((_, j) =>
    sum(dense.rows.map((row, i) => (row[j] as number) * (dense.target[i] as number))),
  )
  const beta = apply(inverted, right)
  const errors = dense.rows.map((row, i) => dot(row, beta) - (dense.target[i] as number))
  return { degrees, errors: dot(errors, errors) }
}

/** Rides between zones at several hours, so that a design has some hundred columns. */
function city(): Moments {
  const rides = Array.from({ length: 3000 }, (_, k): SmallRide => {
    const [PULocationID, DOLocationID] = [(k * k) % 61, (k * 7) % 53]
    const columns = { PULocationID, DOLocationID, trip_distance: ((k * 37) % 900) / 100 }
    return { hour: (k * 13) % 168, seconds: 60 + ((k * 97) % 3000), columns }
  })
  const recipe = recipeOf({
    categorical: ['PULocationID', 'DOLocationID', 'hour_of_week'],
    numeric: ['trip_distance'],
  })
  return momentsOf(planFor(recipe), rides)
}

describe('degrees of freedom', () => {
  test('are the trace of the dense map from durations to fitted values', () => {
    fc.assert(
      fc.property(tame, fc.constantFrom(0.01, 1, 100), (design, l2) => {
        const found = degreesOfFreedom(gramOf(systemOf(momentsFor(design), 0)), [l2])
        expect(found.method).toBe('exact')
        expect(found.standardErrors).toEqual([0])
        expect(found.values[0]).toBeCloseTo(densely(design, l2).degrees, 5)
      }),
      { seed: 20210101, numRuns: 150, endOnFailure: true },
    )
  })

  test('are the rank where there is no penalty', () => {
    fc.assert(
      fc.property(designs(none), (design) => {
        const { values } = degreesOfFreedom(gramOf(systemOf(momentsFor(design), 0)), [0])
        expect(values[0]).toBe(solveExactly(denseOf(design)).rank)
      }),
      { seed: 3, numRuns: 50, endOnFailure: true },
    )
  })

  test('are estimated within four standard errors, by any seed', () => {
    const strengths = [0.1, 1, 10, 100]
    const matrix = gramOf(systemOf(city(), 0))
    const exact = degreesOfFreedom(matrix, strengths, { method: 'exact' })
    for (let seed = 1; seed <= 20; seed++) {
      const found = degreesOfFreedom(matrix, strengths, { method: 'estimated', probes: 32, seed })
      expect(found.method).toBe('estimated')
      strengths.forEach((_, k) => {
        const off = Math.abs((found.values[k] as number) - (exact.values[k] as number))
        expect(off).toBeLessThan(4 * (found.standardErrors[k] as number) + 1e-3)
        expect(found.standardErrors[k]).toBeLessThan(0.05 * (exact.values[k] as number))
      })
    }
  })

  test('are estimated the same by the same seed, and otherwise by another', () => {
    const matrix = gramOf(systemOf(city(), 0))
    const estimate = (seed: number): readonly number[] =>
      degreesOfFreedom(matrix, [1], { method: 'estimated', seed }).values
    expect(estimate(7)).toEqual(estimate(7))
    expect(estimate(8)).not.toEqual(estimate(7))
  })
})

describe('generalized cross-validation', () => {
  test('scores by squared errors and degrees of freedom, as the dense formula does', () => {
    fc.assert(
      fc.property(
        tame.filter(({ rides }) => rides.length > 10),
        (design) => {
          const strengths = [0.1, 1, 10]
          const { rows, best, trace } = generalizedCrossValidation(momentsFor(design), strengths)
          expect(trace).toBe('exact')
          strengths.forEach((l2, k) => {
            const { degrees, errors } = densely(design, l2)
            const n = design.rides.length
            const { strength, score, trainRmse, degreesOfFreedom, scoreError } = rows[k] as GcvRow
            expect([strength, scoreError]).toEqual([l2, 0])
            expect(degreesOfFreedom).toBeCloseTo(degrees, 5)
            expect(trainRmse).toBeCloseTo(Math.sqrt(errors / n), 6)
            const expected = Math.sqrt(errors / n) / (1 - degrees / n)
            expect(Math.abs(score - expected)).toBeLessThan(1e-4 * expected + 1e-5)
          })
          expect(best.score).toBe(Math.min(...rows.map(({ score }) => score)))
        },
      ),
      { seed: 4, numRuns: 60, endOnFailure: true },
    )
  })

  test('says that its trace is estimated, and how sure the score is', () => {
    const { rows, trace } = generalizedCrossValidation(city(), [1, 10], { method: 'estimated' })
    expect(trace).toBe('estimated')
    for (const { score, scoreError, degreesError, trainRmse } of rows) {
      expect(degreesError).toBeGreaterThan(0)
      expect(scoreError).toBeGreaterThan(0)
      expect(scoreError).toBeLessThan(0.05 * score)
      expect(score).toBeGreaterThan(trainRmse)
    }
  })

  test('gives no finite score to a fit that has used up all rides', () => {
    const rides = [600, 900].map((seconds, i): SmallRide => {
      return { hour: 0, seconds, columns: { trip_distance: i } }
    })
    const recipe = recipeOf({ numeric: ['trip_distance'] })
    const { rows } = generalizedCrossValidation(momentsFor({ rides, recipe }), [0])
    expect(rows[0]?.score).toBe(Number.POSITIVE_INFINITY)
  })
})
