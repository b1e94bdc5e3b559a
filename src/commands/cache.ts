/** `ridecast cache`: what sums are kept, and making room. */

import { basename, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { CacheEntry } from '../pipeline/moments-cache.ts'
import { defaultCache } from './data-flags.ts'
import { type Io, printJson, table } from './io.ts'

interface Flags {
  cache: string
  json?: true
}

interface PruneFlags extends Flags {
  maxSize?: number
  unusedFor?: number
  all?: true
}

const units: Readonly<Record<string, number>> = { '': 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 }

function bytesOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)B?$/i.exec(text)
  const unit = units[match?.[2]?.toUpperCase() ?? '-']
  if (!match || unit === undefined) {
    throw new InvalidArgumentError('expected a size such as 500MB or 2GB')
  }
  return Number(match[1]) * unit
}

function daysOf(text: string): number {
  const match = /^(\d+)d?$/.exec(text)
  if (!match) throw new InvalidArgumentError('expected a number of days such as 30')
  return Number(match[1])
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** The command. */
export function cacheCommand(io: Io): Command {
  const folder = (command: Command): Command =>
    command
      .option('--cache <dir>', 'folder of sums that were made before', defaultCache)
      .option('--json', 'print one JSON object and nothing else')
  const list = folder(new Command('list'))
    .summary('the files whose sums are kept')
    .action((flags: Flags) => listEntries(io, flags))
  const prune = folder(new Command('prune'))
    .summary('remove the sums used longest ago')
    .description('Remove the sums used longest ago; without a bound, what is past 2 GiB.')
    .addOption(
      new Option('--max-size <size>', 'keep at most this much, such as 500MB').argParser(bytesOf),
    )
    .addOption(
      new Option('--unused-for <days>', 'remove what was not used for so long').argParser(daysOf),
    )
    .option('--all', 'remove everything')
    .action((flags: PruneFlags) => pruneEntries(io, flags))
  return new Command('cache')
    .summary('the sums that are kept of trip files')
    .description('Sums of trip files that were made before: a file is read once for each recipe.')
    .addHelpText(
      'after',
      '\nExamples:\n  ridecast cache list\n  ridecast cache prune --max-size 500MB\n  ridecast cache prune --unused-for 30\n',
    )
    .addCommand(list)
    .addCommand(prune)
}

const momentsIn = (io: Io, { cache }: Flags): string => resolve(io.cwd, cache, 'moments')

async function listEntries(io: Io, flags: Flags): Promise<void> {
  const { cacheEntries } = await import('../pipeline/moments-cache.ts')
  const folder = momentsIn(io, flags)
  const entries = await cacheEntries(folder)
  if (flags.json) {
    const shown = entries.map(({ path, bytes, usedAt, header }) => ({
      path,
      bytes,
      used_at: usedAt.toISOString(),
      source: header?.source ?? null,
      rows: header?.rows ?? null,
      rides: header?.n ?? null,
      plan: header?.plan ?? null,
    }))
    return printJson(io, { folder, entries: shown })
  }
  if (entries.length === 0) return io.out(`no sums are kept in ${folder}\n`)
  const header = ['trip file', 'rides', 'terms', 'size', 'used', 'kept as']
  io.out(table(io, header, entries.map(rowOf), ['left', 'right', 'left', 'right']))
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  io.out(`\n${entries.length} files, ${megabytes(bytes)} in ${folder}\n`)
}

function rowOf({ path, bytes, usedAt, header }: CacheEntry): string[] {
  const used = usedAt.toISOString().slice(0, 16).replace('T', ' ')
  if (!header) return ['cannot be read', '', '', megabytes(bytes), used, basename(path)]
  const { categorical, numeric } = header.plan.features
  const terms = [...categorical, ...numeric].map(({ name }) => name).join(' ')
  return [
    header.source.file,
    header.n.toLocaleString('en-US'),
    terms.length > 50 ? `${terms.slice(0, 47)}...` : terms,
    megabytes(bytes),
    used,
    basename(path),
  ]
}

async function pruneEntries(io: Io, flags: PruneFlags): Promise<void> {
  const { defaultCacheBytes, prune } = await import('../pipeline/moments-cache.ts')
  const days = flags.unusedFor
  const bounded = flags.maxSize !== undefined || days !== undefined
  const result = await prune(momentsIn(io, flags), {
    ...(days !== undefined && { usedSince: new Date(io.now().getTime() - days * 86_400_000) }),
    maxBytes: flags.all ? 0 : (flags.maxSize ?? (bounded ? Infinity : defaultCacheBytes)),
  })
  if (flags.json) {
    return printJson(io, {
      removed: result.removed,
      removed_bytes: result.removedBytes,
      left: result.left,
      left_bytes: result.leftBytes,
    })
  }
  const { removed, removedBytes, left, leftBytes } = result
  io.out(
    `removed ${removed} files, ${megabytes(removedBytes)}; ${left} are left, ${megabytes(leftBytes)}\n`,
  )
}
