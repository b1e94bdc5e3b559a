/** The flags of every command that reads trip files: which fleets, from where, what is kept. */

import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { isRidecastError } from '../errors.ts'
import { parseTaxis } from '../months.ts'
import type { MomentsCache } from '../pipeline/moments-cache.ts'
import type { ObtainAllEffects } from '../pipeline/source.ts'
import type { SourcesOptions } from '../pipeline/sources.ts'
import type { Taxi } from '../ride.ts'
import { type Io, progress } from './io.ts'
import { downloadText, progressLines } from './progress-lines.ts'

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

/** Getting trip files for a command. */
export interface Fetching {
  /** What `obtainAll` touches of the world. */
  readonly effects: ObtainAllEffects
  /** Takes progress away and writes down what was learnt; to be called in any case. */
  finish(): Promise<void>
}

/** Downloads with a line of progress each, S3 by the environment, and hashes that are remembered. */
export async function fetchingOf(io: Io, flags: CacheFlags): Promise<Fetching> {
  const { s3Fetch } = await import('../pipeline/s3.ts')
  const { hashMemory } = await import('../pipeline/hash-memory.ts')
  const memory = flags.cache === false ? undefined : hashMemory(resolve(io.cwd, flags.cache))
  const lines = progressLines(io)
  return {
    effects: {
      fetch: s3Fetch(io.env),
      memory,
      now: io.now,
      note(text) {
        progress(io, '')
        lines.note(text)
      },
      progress(received, total, label = '') {
        const isDone = total !== undefined && received >= total
        progress(io, '')
        lines.show(label, isDone ? '' : downloadText(received, total))
      },
    },
    async finish() {
      lines.close()
      await memory?.save()
    },
  }
}
