/** Whether the winner of a comparison becomes champion. Knows nothing about how it was found. */

import { resolve } from 'node:path'
import { openRegistry } from '../registry.ts'
import type { Judged } from './compare-judged.ts'
import type { ComparisonReport } from './compare-report.ts'
import type { Io } from './io.ts'
import { gateRefusal } from './worst-gate.ts'

/**
 * Makes the winner champion where it is better than the one there is on the reported rides, and no
 * slice with enough rides is worse than allowed.
 *
 * @param worst the RMSE that no slice may exceed, minutes
 */
export async function promote(
  io: Io,
  { outcome, candidate }: Pick<Judged, 'outcome' | 'candidate'>,
  { models, worst: allowed }: { readonly models: string; readonly worst?: number },
): Promise<NonNullable<ComparisonReport['promoted']>> {
  const { name, version, champion } = outcome
  const refusal = gateRefusal(candidate.worst, allowed)
  if (refusal !== undefined) {
    const first =
      champion === version ? '; it is the champion as the first version of its name' : ''
    return { done: false, reason: `${refusal}${first}` }
  }
  if (champion === version) return { done: true, reason: 'it is the champion already' }
  const { loadFrom } = await import('../loaded-model.ts')
  const { measuredOn } = await import('./compare-judged.ts')
  const registry = openRegistry(resolve(io.cwd, models))
  const held = await loadFrom(registry, `${name}/${champion}`)
  const { rmse } = await measuredOn(held.predictor.model, outcome)
  const [own, theirs] = [candidate.validation.rmse.toFixed(4), rmse.toFixed(4)]
  if (!(candidate.validation.rmse < rmse)) {
    return {
      done: false,
      reason: `champion ${champion} has an RMSE of ${theirs} on these rides, the winner ${own}`,
    }
  }
  await registry.promote(name, version, { reason: `compare: RMSE ${own} after ${theirs}` })
  return { done: true, reason: `RMSE ${own} after ${theirs} of ${champion}` }
}
