import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { zeroSums } from '../../../src/pipeline/double-double.ts'
import {
  diagonalOf,
  residual,
  type System,
  systemOf,
  times,
} from '../../../src/pipeline/solve/system.ts'
import { momentsOf, planFor } from '../small-rides.ts'
import { type Design, denseOf, designs } from './designs.ts'
import { by, type Fraction, fromNumber, plus, toNumber } from './rational.ts'

const runs = { seed: 20210101, numRuns: 40 }
const l2 = fc.constantFrom(0, 0.125, 3)
const none: Fraction = { top: 0n, bottom: 1n }

function systemFor({ rides, recipe }: Design): System {
  return systemOf(momentsOf(planFor(recipe), rides), recipe.l2)
}

/** The columns of [X 1] by coordinate of the system, as exact values. */
function columnsOf(design: Design): Fraction[][] {
  const plan = planFor(design.recipe)
  const { blocks, numeric } = momentsOf(plan, design.rides)
  const dense = new Map(denseOf(design).columns.map((column) => [column.name, column]))
  const names = [
    ...blocks.flatMap(({ term, codes }) => {
      return Array.from(codes, (code) => `${term.name}=${term.text(code)}`)
    }),
    ...numeric.map(({ name }) => name),
  ]
  return [
    ...names.map((name) => {
      const column = dense.get(name)
      if (!column) throw new Error(`no column ${name}`)
      return column.units.map((top) => ({ top, bottom: column.scale }))
    }),
    design.rides.map(() => ({ top: 1n, bottom: 1n })),
  ]
}

const dot = (a: readonly Fraction[], b: readonly Fraction[]): Fraction =>
  a.map((value, i) => by(value, b[i] as Fraction)).reduce(plus, none)

describe('normal equations', () => {
  test('multiply a vector as the dense matrix does, to 1e-28', () => {
    const problems = designs(l2).chain((design) =>
      fc.tuple(
        fc.constant(design),
        fc.array(
          fc.integer({ min: -(2 ** 30), max: 2 ** 30 }).map((whole) => whole / 2 ** 23),
          { minLength: 64, maxLength: 64 },
        ),
      ),
    )
    fc.assert(
      fc.property(problems, ([design, weights]) => {
        const system = systemFor(design)
        const columns = columnsOf(design)
        expect(system.size).toBe(columns.length)
        const v = zeroSums(system.size)
        columns.forEach((_, i) => {
          v.hi[i] = weights[i % weights.length] as number
        })
        const exactV = Array.from(v.hi, fromNumber)
        const fitted = design.rides.map((_, k) =>
          dot(
            columns.map((column) => column[k] as Fraction),
            exactV,
          ),
        )
        const out = times(system, v)
        columns.forEach((column, i) => {
          const penalty = i === system.interceptAt ? none : fromNumber(system.l2)
          const exact = plus(dot(column, fitted), by(penalty, exactV[i] as Fraction))
          const found = plus(fromNumber(out.hi[i] as number), fromNumber(out.lo[i] as number))
          const length = Math.sqrt((diagonalOf(system)[i] as number) + system.l2)
          const size = length * Math.sqrt(toNumber(dot(fitted, fitted))) + 100 * length
          const off = toNumber(plus(found, { ...exact, top: -exact.top }))
          expect(Math.abs(off)).toBeLessThanOrEqual(1e-28 * size + 1e-300)
        })
      }),
      runs,
    )
  })

  test('have the products with the durations on the right, in minutes', () => {
    fc.assert(
      fc.property(designs(l2), (design) => {
        const system = systemFor(design)
        const minutes = design.rides.map(({ seconds }) => ({ top: BigInt(seconds), bottom: 60n }))
        columnsOf(design).forEach((column, i) => {
          const exact = toNumber(dot(column, minutes))
          expect(Math.abs((system.rhs.hi[i] as number) - exact)).toBeLessThanOrEqual(
            1e-15 * Math.abs(exact),
          )
        })
        const squares = toNumber(dot(minutes, minutes))
        expect(Math.abs(system.targetSquares.hi - squares)).toBeLessThanOrEqual(1e-15 * squares)
      }),
      runs,
    )
  })

  test('have a residual of the whole right-hand side at zero, and its negative without one', () => {
    const [design] = fc.sample(designs(fc.constant(0)), { seed: 1, numRuns: 1 })
    const system = systemFor(design as Design)
    expect(residual(system, system.rhs, zeroSums(system.size))).toEqual(system.rhs.hi)
    const unit = zeroSums(system.size)
    unit.hi[system.interceptAt] = 1
    const column = residual(system, undefined, unit)
    expect(column[system.interceptAt]).toBe(-(design as Design).rides.length)
  })
})
