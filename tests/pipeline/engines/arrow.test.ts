import { describe, expect, test } from 'vitest'
import { compileFeatures } from '../../../src/features.ts'
import { openArrowEngine } from '../../../src/pipeline/engines/arrow.ts'
import { columnsOf, planOf } from '../../../src/pipeline/plan.ts'
import { profilePlan } from '../../../src/pipeline/profile.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import { engineConformance } from './conformance.ts'

engineConformance('arrow', openArrowEngine)

describe('the columns that plans need', () => {
  const recipe = checkRecipe(
    {
      name: 'x',
      categorical: ['hour', { bin: 'trip_distance', edges: [1] }],
      filters: [{ column: 'passenger_count', above: 0 }],
    },
    'x',
  )
  const plan = planOf(recipe, compileFeatures(recipe))

  test('are required by terms and filters, optional for a profile, each once', () => {
    const { required, optional } = columnsOf([plan, profilePlan(plan), plan])
    expect([...required].sort()).toEqual(['passenger_count', 'trip_distance'])
    expect([...optional].sort()).toEqual(['DOLocationID', 'PULocationID'])
  })

  test('of no plan are none', () => {
    expect(columnsOf([])).toEqual({ required: [], optional: [] })
  })
})
