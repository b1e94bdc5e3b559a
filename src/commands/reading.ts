/**
 * What commands have in common that work on trip files, by their sums where they may: flags, and what
 * these make of the world. Knows nothing about what is done with the rides.
 */

import type { Command } from 'commander'
import type { EngineChoice } from '../pipeline/engines/engine.ts'
import type { EngineSettings } from '../pipeline/engines/engines.ts'
import type { MomentsCache } from '../pipeline/moments-cache.ts'
import type { ObtainAllEffects } from '../pipeline/source.ts'
import type { SourcesOptions } from '../pipeline/sources.ts'
import {
  type CacheFlags,
  cacheOf,
  cacheOptions,
  type DataFlags,
  dataOptions,
  fetchingOf,
  sourcesOptionsOf,
} from './data-flags.ts'
import { type EngineFlags, engineOptions, engineSettingsOf } from './engine-flags.ts'
import { interruptible } from './interrupt.ts'
import { collect, type Io, progress } from './io.ts'

/** What the flags of {@link readingOptions} hold. */
export interface ReadingFlags extends DataFlags, CacheFlags, EngineFlags {
  json?: true
}

/** What the flags of {@link recipeOptions} hold. */
export interface RecipeFlags {
  recipe: string
  set: string[]
}

/** Adds `--recipe` and `--set` for commands that fit linear recipes. */
export function recipeOptions(command: Command, what: string, usual: string): Command {
  return command
    .option('--recipe <name|file>', `${what}, by name or as a YAML file`, usual)
    .option('--set <key=value>', 'a value of the recipe, such as l2=0 (repeatable)', collect, [])
}

/** Adds the flags of {@link ReadingFlags}, after those that a command has alone. */
export function readingOptions(command: Command): Command {
  return engineOptions(cacheOptions(dataOptions(command))).option(
    '--json',
    'print one JSON object and nothing else',
  )
}

/** Where rides are, and who reads them. */
export interface ReadingOptions extends SourcesOptions {
  readonly engine: EngineChoice
  readonly engineSettings: EngineSettings
}

/** What reading touches of the world. */
export interface ReadingEffects {
  readonly cache: MomentsCache
  readonly download: ObtainAllEffects
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}

/**
 * Does work on trip files with what the flags say; takes progress away and writes down hashes at its
 * end, whatever that is.
 *
 * @throws config_invalid, usage_invalid; source_interrupted by Ctrl-C; what the work throws
 */
export async function reading<T>(
  io: Io,
  flags: Omit<ReadingFlags, 'json'>,
  work: (options: ReadingOptions, effects: ReadingEffects) => Promise<T>,
): Promise<T> {
  const options = {
    ...sourcesOptionsOf(io, flags),
    engine: flags.engine,
    engineSettings: engineSettingsOf(io, flags),
  }
  const cache = await cacheOf(io, flags)
  const fetching = await fetchingOf(io, flags)
  return interruptible((signal) =>
    work(options, { cache, signal, download: { ...fetching.effects, signal } }),
  ).finally(async () => {
    progress(io, '')
    await fetching.finish()
  })
}

/** Shows how far reading is: told (rides read, rides in the file). */
export const percent =
  (io: Io, what: string): ((done: number, total: number) => void) =>
  (done, total) =>
    progress(io, `${what} ... ${Math.round((100 * done) / Math.max(1, total))} %`)
