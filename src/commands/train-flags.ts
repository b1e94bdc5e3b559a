/**
 * What commands that train have in common: flags for data, contract, registry and tracking, and what
 * they make of them. Knows nothing about which models are trained.
 */

import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import type { TrainOptions } from '../pipeline/train.ts'
import type { Tracker } from '../tracking/tracker.ts'
import { contractFor } from './contracts.ts'
import {
  type CacheFlags,
  cacheOptions,
  type DataFlags,
  dataOptions,
  sourcesOptionsOf,
} from './data-flags.ts'
import { type EngineFlags, engineOptions, engineSettingsOf } from './engine-flags.ts'
import { collect, type Io } from './io.ts'
import { findRecipe } from './recipes.ts'
import { localTrackerOf, pushTargetOf, serverOf, trackingUriHelp } from './tracking.ts'

/** Flags of commands that record runs. */
export interface RecordFlags {
  models: string
  runs: string
  trackingUri?: string
  registryUri?: string
  experiment?: string
  tag: string[]
}

/** Flags of commands that train. */
export interface TrainFlags extends DataFlags, CacheFlags, EngineFlags, RecordFlags {
  contract?: string
  check: boolean
  allow: string[]
}

/** Adds the flags of {@link TrainFlags} to a command. */
export function trainFlags(command: Command): Command {
  const all = dataOptions(command)
    .option(
      '--allow <code>',
      'train although the data contract finds this (repeatable)',
      collect,
      [],
    )
    .option('--contract <name|file>', 'another data contract (default: the one of the fleet)')
    .option('--no-check', 'do not hold the files to their data contract')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--runs <dir>', 'folder of run records', 'runs')
    .option('--tracking-uri <uri>', trackingUriHelp)
    .option('--registry-uri <uri>', 'register elsewhere (default: the tracking server)')
    .option('--experiment <name>', 'group of runs (default: the name of the model)')
    .option('--tag <key=value>', 'tag the run (repeatable)', collect, [])
  return engineOptions(cacheOptions(all))
}

/** Tags by name. */
export function tagsOf(flags: RecordFlags): Record<string, string> {
  return Object.fromEntries(
    flags.tag.map((tag) => {
      const at = tag.indexOf('=')
      if (at < 1) throw new RidecastError('usage_invalid', `tag "${tag}" is not key=value`)
      return [tag.slice(0, at), tag.slice(at + 1)]
    }),
  )
}

/** What a training depends on beside the flags. */
export interface Wanted extends Pick<TrainOptions, 'sources' | 'validate' | 'recipe'> {
  /** Default auto. */
  readonly solver?: TrainOptions['solver']
  /** Default false. */
  readonly residuals?: boolean
  /** Whether the classic recipe is fitted beside it, default true. */
  readonly compared?: boolean
}

/** The options of one training. */
export function trainOptionsOf(io: Io, flags: TrainFlags, wanted: Wanted): TrainOptions {
  const { recipe, solver = 'auto', residuals = false, compared = true } = wanted
  return {
    ...sourcesOptionsOf(io, flags),
    sources: wanted.sources,
    validate: wanted.validate,
    recipe,
    // What the classic recipe makes of the same rides: the number everyone knows.
    comparison: recipe.name === 'plain' || !compared ? undefined : findRecipe('plain', [], io.cwd),
    engine: flags.engine,
    engineSettings: engineSettingsOf(io, flags),
    solver,
    residuals,
    ...(flags.check && { contractOf: (taxi) => contractFor(taxi, flags.contract, io.cwd) }),
    allow: flags.allow,
  }
}

/**
 * Where runs are recorded: plain files, and a server that is told what they say.
 *
 * @param promote whether what is registered there becomes champion
 */
export async function trackerFor(io: Io, flags: RecordFlags, promote: boolean): Promise<Tracker> {
  const local = await localTrackerOf(io, flags)
  const server = await serverOf(io, flags)
  if (server === undefined) return local
  const target = await pushTargetOf(io, server, flags, promote)
  const { mirrorTracker } = await import('../tracking/mirror.ts')
  // `mlflow run` has started a run already, and says which.
  const runId = io.env.MLFLOW_RUN_ID || undefined
  return mirrorTracker(local, { ...target, runId }, (text) => io.err(`warning: ${text}\n`))
}

/** The login name, where the system has one for this process. */
export function userOf(io: Io): string | undefined {
  try {
    return io.env.MLFLOW_TRACKING_USERNAME || userInfo().username
  } catch {
    return undefined
  }
}
