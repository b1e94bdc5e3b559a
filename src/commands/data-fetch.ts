/** `ridecast data fetch`: trip files ahead of time, several at once. */

import { basename } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import {
  type CacheFlags,
  cacheOptions,
  type DataFlags,
  dataOptions,
  fetchingOf,
  sourcesOptionsOf,
} from './data-flags.ts'
import { interruptible } from './interrupt.ts'
import { type Io, printJson, table } from './io.ts'

interface Flags extends DataFlags, CacheFlags {
  readonly connections: number
  readonly json?: true
}

const examples = `
Examples:
  ridecast data fetch 2023-01..2023-04
  ridecast data fetch 2023-01..2023-04 --taxi yellow,green --connections 8
  ridecast data fetch 2023-01 --base-url s3://our-mirror/trip-data
  ridecast data fetch https://example.org/rides.parquet s3://bucket/rides.parquet

What is there already is not fetched again. What breaks off is kept, and the next attempt asks for
the rest. S3 addresses are signed with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
AWS_REGION; AWS_ENDPOINT_URL names a store other than Amazon's. Without keys, buckets are public.
`

/** The subcommand `fetch` of `ridecast data`. */
export function dataFetchCommand(io: Io): Command {
  const command = new Command('fetch')
    .summary('download months ahead of time')
    .description('Download the trip files of months, or from addresses, several at once.')
    .argument('<months...>', 'months (2023-01, 2023-01..2023-04, lists with commas) or addresses')
  return cacheOptions(dataOptions(command))
    .option('--connections <count>', 'files that are fetched at once', parseConnections, 4)
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action((months: string[], flags: Flags) => fetchMonths(io, months, flags))
}

async function fetchMonths(io: Io, months: readonly string[], flags: Flags): Promise<void> {
  const { planSources } = await import('../pipeline/sources.ts')
  const { obtainAll } = await import('../pipeline/source.ts')
  const plans = planSources(months, sourcesOptionsOf(io, flags)).map(({ plan }) => plan)
  const fetching = await fetchingOf(io, flags)
  const files = await interruptible((signal) =>
    obtainAll(plans, { ...fetching.effects, connections: flags.connections, signal }),
  ).finally(() => fetching.finish())
  if (flags.json) {
    const plain = files.map(({ path, label, bytes, sha256, downloaded }) => {
      return { path, label, bytes, sha256, downloaded }
    })
    return printJson(io, { files: plain })
  }
  const rows = files.map(({ path, bytes, sha256, downloaded }) => [
    basename(path),
    (bytes / 1e6).toFixed(1),
    sha256.slice(0, 12),
    downloaded ? 'downloaded' : 'there already',
  ])
  io.out(table(io, ['file', 'MB', 'sha256', ''], rows, ['left', 'right']))
}

function parseConnections(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= 64) return count
  throw new InvalidArgumentError('expected a whole number from 1 to 64')
}
