/** The data contract in training: what it asks of the files, and whether they may train a model. */

import type { Contract } from '../contract.ts'
import { recipeColumns } from '../recipe.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { Taxi } from '../ride.ts'
import type { Anomaly } from './contract/anomaly.ts'
import { footersOnce } from './contract/footer.ts'
import {
  allowed,
  factsOf,
  judge,
  refusal,
  remoteFactsOf,
  trainingCheckPlan,
} from './contract/gate.ts'
import type { Moments } from './moments.ts'
import type { Plan } from './plan.ts'
import type { RideSums } from './sum-rides.ts'
import type { TripFile } from './summing.ts'

/** What is odd about a file. */
export interface FileAnomalies {
  /** What the file is called in front of people. */
  readonly label: string
  readonly anomalies: readonly Anomaly[]
}

/** What a check depends on. */
export interface CheckOptions {
  readonly recipe: Recipe
  /** The contract that files of a fleet are held to; undefined checks nothing. */
  readonly contractOf?: ((taxi: Taxi) => Contract) | undefined
  /** Anomalies that are let pass, by code. */
  readonly allow?: readonly string[]
}

/** What has to be summed of every file for the check; undefined when nothing is checked. */
export function checkPlanOf({ recipe, contractOf }: CheckOptions): Plan | undefined {
  return contractOf && trainingCheckPlan(recipeColumns(recipe))
}

/**
 * Holds every file to the contract of its fleet.
 *
 * @returns the files with anomalies that do not stand in the way
 * @throws contract_refused when an error stands, contract_invalid, usage_invalid
 */
export async function checkFiles(options: CheckOptions, sums: RideSums): Promise<FileAnomalies[]> {
  const { recipe, contractOf, allow = [] } = options
  if (!contractOf) return []
  const seen = new Map<string, { file: TripFile; moments: Moments }>()
  for (const part of ['train', 'validation'] as const) {
    sums.checks[part].forEach((moments, i) => {
      const { file } = sums.files[part][i] as RideSums['files']['train'][number]
      seen.set(file.source.path, { file, moments })
    })
  }
  const read = footersOnce()
  // A contract is a text that is parsed: once for each fleet, not for each file.
  const contracts = new Map<Taxi, Contract>()
  const contractOnce = (taxi: Taxi): Contract => {
    const contract = contracts.get(taxi) ?? contractOf(taxi)
    contracts.set(taxi, contract)
    return contract
  }
  const found = await Promise.all(
    [...seen.values()].map(async ({ file: { source, taxi }, moments }) => {
      const { path, month, label } = source
      const gated = { path, month, taxi }
      const facts =
        source.sha256 === null
          ? await remoteFactsOf(gated, source.remote)
          : await factsOf(gated, read)
      const anomalies = judge(contractOnce(taxi), gated, facts, recipeColumns(recipe), moments)
      return { label, anomalies: allowed(anomalies, allow) }
    }),
  )
  const refused = refusal(found)
  if (refused) throw refused
  return found.filter(({ anomalies }) => anomalies.length > 0)
}
