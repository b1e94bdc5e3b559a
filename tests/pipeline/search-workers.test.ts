/** Threads that try recipes: the same answers as without them, told and stopped in order. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SearchTask, tryRecipe } from '../../src/pipeline/search-task.ts'
import { openTryingThreads, type TryingThreads } from '../../src/pipeline/search-workers.ts'
import { parseRecipe } from '../../src/recipe.ts'
import { randomNumbers, rideBatch } from '../random-rides.ts'

const trees = parseRecipe(
  `name: few
model: trees
categorical: [PULocationID]
numeric: [trip_distance, hour]
trees: { rounds: 20, leaves: 6, learning_rate: 0.3 }
`,
  'few',
)
const linear = (l2: number) =>
  parseRecipe(
    `name: small\ncategorical: [PULocationID]\nnumeric: [trip_distance]\nl2: ${l2}\n`,
    'small',
  )

function madeRides(count: number, seed: number) {
  const random = randomNumbers(seed)
  return rideBatch(
    Array.from({ length: count }, () => {
      const pickup = Date.UTC(2021, 0, 4, Math.floor(random() * 24)) * 1000
      const miles = Math.round(random() * 1000) / 100
      const seconds = Math.round(60 * (2 + 3 * miles + 5 * random()))
      return {
        pickup,
        dropoff: pickup + seconds * 1e6,
        PULocationID: 1 + Math.floor(random() * 40),
        DOLocationID: 7,
        trip_distance: miles,
        VendorID: 2,
      }
    }),
  )
}

const task: SearchTask = {
  taxi: 'green',
  label: 'made rides',
  fingerprint: '',
  train: madeRides(3000, 1),
  held: madeRides(500, 2),
}

let threads: TryingThreads
beforeAll(() => {
  threads = openTryingThreads(task, 2)
})
afterAll(() => threads.close())

describe('threads that try recipes', () => {
  test('answer what this thread answers, several at a time', async () => {
    const wanted = [trees, linear(1), linear(1000), trees]
    const here = await Promise.all(wanted.map((recipe) => tryRecipe(recipe, task)))
    const there = await Promise.all(wanted.map((recipe) => threads.try(recipe)))
    expect(there).toEqual(here)
    expect(new Set(here).size).toBe(3)
  })

  test('tell of rounds in order, as this thread does', async () => {
    const told: [number, number][] = []
    const rmse = await threads.try(trees, { onRound: (...round) => told.push(round) })
    const here: [number, number][] = []
    const watch = { rides: task.held, onRound: (...round: [number, number]) => here.push(round) }
    await tryRecipe(trees, task, { watch })
    expect(told).toEqual(here)
    expect(told.map(([count]) => count)).toEqual(Array.from({ length: 20 }, (_, k) => k + 1))
    // Scores are summed as 64-bit floats while trees grow, a model's as 32-bit ones.
    expect(told.at(-1)?.[1]).toBeCloseTo(rmse, 4)
  })

  test('are stopped by what a round is answered with, and then take another recipe', async () => {
    const poor = new Error('poor')
    const rounds: number[] = []
    const stopped = threads.try(trees, {
      onRound(count) {
        rounds.push(count)
        if (count === 3) throw poor
      },
    })
    await expect(stopped).rejects.toBe(poor)
    expect(rounds).toEqual([1, 2, 3])
    expect(await threads.try(linear(1))).toBe(await tryRecipe(linear(1), task))
  })

  test('tell what went wrong, by its code', async () => {
    const none = { ...task, held: madeRides(0, 3) }
    const others = openTryingThreads(none, 1)
    await expect(others.try(trees)).rejects.toMatchObject({ code: 'source_empty' })
    await others.close()
  })

  test('end at once when they are told to, and others take their place', async () => {
    const stop = new AbortController()
    const onRound = (): void => stop.abort(new Error('interrupted'))
    const cut = threads.try(trees, { signal: stop.signal, onRound })
    await expect(cut).rejects.toThrow('interrupted')
    await expect(threads.try(trees, { signal: stop.signal })).rejects.toThrow('interrupted')
    expect(await threads.try(linear(1))).toBe(await tryRecipe(linear(1), task))
  })
})
