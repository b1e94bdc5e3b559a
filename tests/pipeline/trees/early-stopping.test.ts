/** How many trees a recipe that stops early has, and what is told of it. */

import { describe, expect, test } from 'vitest'
import { fitRides } from '../../../src/pipeline/fit-rides.ts'
import type { TreesFacts } from '../../../src/pipeline/fit-trees.ts'
import { minutesOf, partByPickup } from '../../../src/pipeline/ride-table.ts'
import { predictAt } from '../../../src/predict-at.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import type { Recipe } from '../../../src/recipe-schema.ts'
import { hourMicros, type RideBatch } from '../../../src/ride.ts'
import { randomRides, rideBatch } from '../../random-rides.ts'

/** Rides whose minutes are distance, day and noise, so that many trees learn the noise. */
function noisyRides(): RideBatch {
  const rides = rideBatch(
    randomRides(7, 900).filter(({ pickup, trip_distance, PULocationID }) =>
      [pickup, trip_distance, PULocationID].every((value) => Number.isFinite(value)),
    ),
  )
  const miles = rides.columns.trip_distance as Float64Array
  for (let i = 0; i < rides.length; i++) {
    const noise = ((i * 7919) % 1013) / 1013 - 0.5
    const day = Math.floor((rides.pickup[i] as number) / (24 * hourMicros)) % 7
    const minutes = 20 + Math.min(20, Math.max(0, miles[i] as number)) + 2 * day + 15 * noise
    rides.dropoff[i] = (rides.pickup[i] as number) + Math.round(minutes * 60) * 1e6
  }
  return rides
}

const rides = noisyRides()
const settings = { rounds: 200, leaves: 8, min_rows: 3, learning_rate: 0.2 }
const both = ['trip_distance', 'weekday']
const recipeOf = (trees: object, model = 'trees', numeric = both): Recipe =>
  checkRecipe({ name: 'noisy', model, numeric, trees }, 'noisy')

/** The error on the last fifth of the rides of a model grown on the others. */
async function laterError(rounds: number): Promise<number> {
  const [earlier, later] = partByPickup(rides, 0.2)
  const recipe = recipeOf({ ...settings, rounds })
  const { model } = await fitRides(recipe, 'green', earlier, { threads: 1 })
  const actual = minutesOf(later)
  const squares = Array.from(
    predictAt(model, later),
    (minutes, i) => (minutes - (actual[i] as number)) ** 2,
  )
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / later.length)
}

describe('trees that stop early', () => {
  test('are as many as were best on the last fifth of the rides, grown on all', async () => {
    const recipe = recipeOf({ ...settings, early_stopping: 10 })
    const { model, solution } = await fitRides(recipe, 'green', rides, { threads: 1 })
    const { trees, early_stopping: facts } = solution as TreesFacts
    if (!facts) throw new Error('nothing is told of early stopping')
    expect(trees).toBe(facts.best)
    expect(facts.best).toBeLessThan(settings.rounds)
    expect(facts.rounds).toBe(facts.best + 10)
    expect(facts.held_out).toBe(partByPickup(rides, 0.2)[1].length)
    expect(facts.rmse).toBeCloseTo(await laterError(facts.best), 5)
    for (const rounds of [facts.best - 1, facts.best + 1, facts.best + 10]) {
      expect(await laterError(rounds)).toBeGreaterThan(facts.rmse)
    }
    const plain = await fitRides(recipeOf({ ...settings, rounds: facts.best }), 'green', rides, {
      threads: 1,
    })
    expect([...predictAt(model, rides)]).toEqual([...predictAt(plain.model, rides)])
  })

  test('are all rounds where the last one is the best', async () => {
    const few = { ...settings, rounds: 3, learning_rate: 0.05, early_stopping: 10 }
    const { solution } = await fitRides(recipeOf(few), 'green', rides, { threads: 1 })
    expect(solution).toMatchObject({ trees: 3, early_stopping: { rounds: 3, best: 3 } })
  })

  test('are the same on any number of threads', async () => {
    const recipe = recipeOf({ ...settings, early_stopping: 5 })
    const [one, two] = await Promise.all(
      [1, 2].map((threads) => fitRides(recipe, 'green', rides, { threads })),
    )
    expect(JSON.stringify(two?.model)).toBe(JSON.stringify(one?.model))
    expect(two?.solution).toEqual(one?.solution)
  })

  test('leave nothing in what is told where all rounds are grown', async () => {
    const { solution } = await fitRides(recipeOf(settings), 'green', rides, { threads: 1 })
    expect(solution).not.toHaveProperty('early_stopping')
  })

  test('tell of themselves as a member of an ensemble', async () => {
    const line = { name: 'line', categorical: ['weekday'], l2: 1 }
    const member = recipeOf({ ...settings, early_stopping: 5 }, 'trees', ['trip_distance'])
    const recipe = checkRecipe({ name: 'two', model: 'ensemble', members: [member, line] }, 'two')
    const { solution } = await fitRides(recipe, 'green', rides, { threads: 1 })
    if (solution.method !== 'ensemble') throw new Error('no ensemble')
    expect(solution.members[0]?.early_stopping?.best).toBeGreaterThan(0)
    expect(solution.members[1]).not.toHaveProperty('early_stopping')
  })

  test('need rides on both sides of the cut', async () => {
    const same = { ...rides, pickup: new Float64Array(rides.length).fill(1e15) }
    await expect(
      fitRides(recipeOf({ ...settings, early_stopping: 5 }), 'green', same),
    ).rejects.toMatchObject({ code: 'source_empty' })
  })

  test('are no forest', () => {
    expect(() => recipeOf({ early_stopping: 5 }, 'forest')).toThrow(/early_stopping/)
  })
})
