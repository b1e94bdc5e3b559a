/** What a model makes of its inputs, on a sample of rides. Knows nothing about how models work. */

import type { Model } from '../../model.ts'
import type { Plan } from '../plan.ts'
import type { MeasuredFile } from '../residuals.ts'
import { partialDependence, permutationImportance } from './inputs.ts'
import type { InputImportance, PartialDependence, SettableInput } from './judgement.ts'
import { type SampleOptions, sampleRides } from './sample-rides.ts'

/** What a model makes of its inputs. */
export interface InputEffects {
  readonly importance: readonly InputImportance[]
  readonly dependence: readonly PartialDependence[]
}

/** Rides that inputs are shuffled among: enough to tell inputs apart, few enough for trees. */
const sampled = 1000

const whatIf: Readonly<Partial<Record<SettableInput, readonly number[]>>> = {
  trip_distance: [0.25, 0.5, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20],
  hour: Array.from({ length: 24 }, (_, hour) => hour),
  weekday: [0, 1, 2, 3, 4, 5, 6],
}

/**
 * Shuffles every input, and sets distance, hour and weekday where they change what the model says.
 *
 * @throws what sampling throws
 */
export async function inputEffects(
  model: Model,
  files: readonly MeasuredFile[],
  plan: Plan,
  options: Pick<SampleOptions, 'signal'> = {},
): Promise<InputEffects> {
  const rides = await sampleRides(files, plan, model.features, { size: sampled, ...options })
  const { inputs } = model.features
  const settable = Object.entries(whatIf).filter(([name]) =>
    (inputs as readonly string[]).includes(name === 'trip_distance' ? name : 'pickup_datetime'),
  )
  return {
    importance: permutationImportance(model, rides),
    dependence: settable
      .map(([name, grid]) => partialDependence(model, rides, name as SettableInput, grid))
      .filter(isTelling),
  }
}

/** A model of hours does not look at weekdays, though it is given the time that has both. */
function isTelling({ points }: PartialDependence): boolean {
  const minutes = points.map((point) => point.minutes)
  return Math.max(...minutes) - Math.min(...minutes) > 1e-6
}
