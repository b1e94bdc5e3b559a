/** The flags of every command that reads trip files: which fleets, from where, what is kept. */

import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isRidecastError } from '../errors.ts'
import { parseTaxis } from '../months.ts'
import type { MomentsCache } from '../pipeline/moments-cache.ts'
import type { SourcesOptions } from '../pipeline/sources.ts'
import type { Taxi } from '../ride.ts'
import type { Io } from './io.ts'

/** What the flags of {@link dataOptions} hold. */
export interface DataFlags {
  taxi?: readonly Taxi[]
  data: string
  baseUrl?: string
}

/** What the flag of {@link cacheOptions} holds: a folder, or false for none. */
export interface CacheFlags {
  cache: string | false
}

/** Where sums are kept unless told otherwise. */
export const defaultCache = 'data/cache'

/** Adds `--taxi`, `--data` and `--base-url`. */
export function dataOptions(command: Command): Command {
  const fleets = (text: string): Taxi[] => {
    try {
      return parseTaxis(text)
    } catch (error) {
      if (isRidecastError(error)) throw new InvalidArgumentError(error.message)
      throw error
    }
  }
  return command
    .addOption(
      new Option(
        '--taxi <fleets>',
        'green, yellow, fhv, fhvhv, several with commas (default: what file names say, else green)',
      ).argParser(fleets),
    )
    .option('--data <dir>', 'folder of trip files and downloads', 'data')
    .option('--base-url <url>', 'where months are downloaded from (default: the publisher)')
}

/** Adds `--cache` and `--no-cache`. */
export function cacheOptions(command: Command): Command {
  return command
    .option('--cache <dir>', 'folder of sums that were made before', defaultCache)
    .option('--no-cache', 'sum every file anew and keep nothing')
}

/** What planning files needs, from the flags. */
export function sourcesOptionsOf(io: Io, flags: DataFlags): SourcesOptions {
  return {
    taxis: flags.taxi,
    dataFolder: flags.data,
    cwd: io.cwd,
    today: io.now(),
    baseUrl: flags.baseUrl,
  }
}

/** The cache that the flags name. */
export async function cacheOf(io: Io, flags: CacheFlags): Promise<MomentsCache> {
  const { noCache, openMomentsCache } = await import('../pipeline/moments-cache.ts')
  if (flags.cache === false) return noCache
  const folder = resolve(io.cwd, flags.cache, 'moments')
  return openMomentsCache(folder, undefined, (text) => io.err(`note: ${text}\n`))
}
