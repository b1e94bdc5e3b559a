/** Trees in threads: the same bytes, a process that stays awake, and threads that end or die. */

import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { growInThreads } from '../../../src/pipeline/trees/threads.ts'
import {
  planTrees,
  type TreeTrainingOptions,
  trainBoosted,
  trainForest,
} from '../../../src/pipeline/trees/train.ts'
import { xgboostJson } from '../../../src/xgboost-json.ts'
import { rideTable } from './tables.ts'

// Enough for three threads, see `rowsPerThread`.
const table = rideTable(200_000)
const validation = rideTable(10_000, 2)
const settings = { rounds: 4, rowFraction: 0.7 }

describe('any number of threads', () => {
  test.each([
    ['boosting', trainBoosted],
    ['a forest', trainForest],
  ])('gives the same bytes: %s', async (_, train) => {
    const answers: string[] = []
    for (const threads of [1, 2, 3]) {
      const { ensemble, rounds } = await train(table, { validation, settings, threads })
      answers.push(xgboostJson(ensemble) + JSON.stringify(rounds))
    }
    expect(answers[1]).toBe(answers[0])
    expect(answers[2]).toBe(answers[0])
  })
})

describe('a training under way', () => {
  test.each([1, 2])(
    'tells each round, and ends when it is told to, threads %i',
    async (threads) => {
      const end = new AbortController()
      const seen: number[] = []
      const options: TreeTrainingOptions = {
        threads,
        settings: { rounds: 10_000 },
        signal: end.signal,
        onRound: ({ round }) => {
          seen.push(round)
          if (round === 3) end.abort(new Error('enough'))
        },
      }
      await expect(trainBoosted(table, options)).rejects.toThrow('enough')
      expect(seen.slice(0, 3)).toEqual([1, 2, 3])
      await expect(trainBoosted(table, options)).rejects.toThrow('enough')
    },
  )

  test('passes on what the caller throws', async () => {
    const onRound = (): void => {
      throw new Error('full disk')
    }
    await expect(trainBoosted(table, { threads: 2, onRound })).rejects.toThrow('full disk')
  })

  test('fails when a thread dies, instead of waiting for it', async () => {
    const plan = planTrees(table, { threads: 2 }, false)
    const dying = (): Worker => new Worker('process.exit(3)', { eval: true })
    await expect(growInThreads(plan, () => {}, undefined, dying))
      .rejects //
      .toMatchObject({ code: 'internal', message: expect.stringContaining('exit code 3') })
  })
})
