import { tableFromIPC } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { compileFeatures } from '../../src/features.ts'
import { hashMoments, type Moments } from '../../src/pipeline/moments.ts'
import { MomentsBuilder } from '../../src/pipeline/moments-builder.ts'
import { decodeMoments, encodeMoments, readHeader } from '../../src/pipeline/moments-file.ts'
import { type Plan, planFrom, planOf, specOfPlan } from '../../src/pipeline/plan.ts'
import { profilePlan } from '../../src/pipeline/profile.ts'
import { checkRecipe } from '../../src/recipe.ts'
import { randomRides, rideBatch } from '../random-rides.ts'

const recipe = checkRecipe(
  {
    name: 'x',
    categorical: ['PULocationID', 'DOLocationID', 'hour', { bin: 'trip_distance', edges: [1, 5] }],
    filters: [{ column: 'trip_distance', at_least: 0, at_most: 1e6 }],
    numeric: ['trip_distance', { of: 'trip_distance', steps: [{ clip: [0, 30] }, 'log1p'] }],
  },
  'x',
)
const plan = planOf(recipe, compileFeatures(recipe), {
  kind: 'pickup',
  from: Number.NEGATIVE_INFINITY,
  to: 1.5e15,
})
const source = { file: 'green_tripdata_2021-01.parquet', sha256: 'ab'.repeat(32), taxi: 'green' }

function summed(plan: Plan, rides = 500): Moments {
  const builder = new MomentsBuilder([plan])
  if (rides > 0) builder.add(rideBatch(randomRides(7, rides)))
  return builder.finish()[0] as Moments
}

describe('moments as a file', () => {
  test.each([
    ['of a plan with every kind of term', plan, 500],
    ['of a profile, without crosses', profilePlan(plan), 500],
    ['of no ride at all', plan, 0],
  ])('%s come back to the bit', (_, plan, rides) => {
    const moments = summed(plan, rides)
    const back = decodeMoments(encodeMoments(moments, plan, source), plan)
    expect(back && hashMoments(back)).toBe(hashMoments(moments))
    expect(back?.refused).toEqual(moments.refused)
    expect(moments.n > 100).toBe(rides > 0)
  })

  test('the header names the source and the plan', () => {
    const header = readHeader(encodeMoments(summed(plan), plan, source))
    expect(header?.source).toEqual(source)
    expect(header?.plan.features.categorical.map(({ name }) => name)).toEqual([
      'PULocationID',
      'DOLocationID',
      'hour',
      'trip_distance_bin',
    ])
  })

  test('any reader of Arrow sees the arrays by name', () => {
    const moments = summed(plan)
    const table = tableFromIPC(encodeMoments(moments, plan, source))
    expect(table.numRows).toBe(1)
    const rides = table.getChild('PULocationID.rides')?.get(0).toArray()
    expect(Array.from(rides)).toEqual(Array.from(moments.blocks[0]?.counts ?? []))
  })

  test('a plan goes through data unchanged', () => {
    const again = planFrom(specOfPlan(plan))
    expect(hashMoments(summed(again))).toBe(hashMoments(summed(plan)))
  })

  test('bytes of another plan, damaged or cut ones are not taken', () => {
    const bytes = encodeMoments(summed(plan), plan, source)
    expect(decodeMoments(bytes, { ...plan, crosses: false })).toBeUndefined()
    expect(decodeMoments(bytes, { ...plan, target: { min: 1, max: 61 } })).toBeUndefined()
    expect(decodeMoments(bytes.slice(0, bytes.length / 2), plan)).toBeUndefined()
    expect(decodeMoments(new Uint8Array(0), plan)).toBeUndefined()
    let taken = 0
    for (let at = 0; at < bytes.length; at += 97) {
      const damaged = bytes.slice()
      damaged[at] = (damaged[at] as number) ^ 0x40
      const back = decodeMoments(damaged, plan)
      // Padding between arrays may change without consequence; a sum may not.
      if (back && hashMoments(back) !== hashMoments(summed(plan))) taken++
    }
    expect(taken).toBe(0)
  })
})
