/** A linear model whose answer is written down, and trip files of rides. Knows nothing of judging. */

import { compileFeatures } from '../../../src/features.ts'
import { linearModel } from '../../../src/linear-model.ts'
import type { LinearModel } from '../../../src/model.ts'
import { modelFormat } from '../../../src/model-format.ts'
import { checkRecipe } from '../../../src/recipe.ts'
import type { RideBatch } from '../../../src/ride.ts'
import { DictVectorizer } from '../../../src/vectorizer.ts'
import { featureRows } from '../../random-rides.ts'

const recipe = checkRecipe(
  {
    name: 'known',
    categorical: ['PULocationID', 'DOLocationID', 'hour', 'weekday'],
    numeric: ['trip_distance', 'VendorID'],
  },
  'known',
)

/** Minutes per mile of {@link knownModel}. */
export const perMile = 2.5

/** Minutes that it adds by hour of the day. */
export const ofHour = (hour: number): number => hour / 8

/** Minutes that it adds for a Sunday. */
export const onSunday = -2

/** 3 minutes, and so many per mile, by hour and on Sundays; zones and vendors add nothing. */
export function knownModel(rides: RideBatch): LinearModel {
  const vectorizer = new DictVectorizer().fit(featureRows(compileFeatures(recipe), rides))
  return linearModel({
    format_version: modelFormat,
    kind: 'linear',
    taxi: 'green',
    recipe,
    intercept: 3,
    vectorizer: vectorizer.toJSON(),
    coefficients: vectorizer.featureNames().map((name) => {
      if (name === 'trip_distance') return perMile
      if (name.startsWith('hour=')) return ofHour(Number(name.slice(5)))
      return name === 'weekday=6' ? onSunday : 0
    }),
  })
}
