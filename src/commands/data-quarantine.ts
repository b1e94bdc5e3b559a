/** `ridecast data quarantine`: the rows that a model does not learn from, or should not, as a file. */

import { resolve } from 'node:path'
import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import { contractFor } from './contracts.ts'
import { type DataFlags, dataOptions, sourcesOptionsOf } from './data-flags.ts'
import { interruptible } from './interrupt.ts'
import { type Io, printJson, progress, table } from './io.ts'

interface Flags extends DataFlags {
  readonly out: string
  readonly contract?: string
  readonly json?: true
}

const help = `
Reasons:
  null_time, unparsable_time, below_min, above_max, null_value: the plain recipe leaves the row out
  dropoff_before_pickup, pickup_outside_month, <column>_not_allowed, <column>_below_range,
  <column>_above_range: a rule of the contract flags the row; the plain recipe may keep it

Examples:
  ridecast data quarantine 2021-01 --out rejected.parquet
  ridecast data quarantine ./my_trips.parquet --taxi yellow --out rejected.parquet --json
`

/** The subcommand `quarantine` of `ridecast data`. */
export function dataQuarantineCommand(io: Io): Command {
  const command = new Command('quarantine')
    .summary('write refused and flagged rows, with the reason')
    .description(
      'Write the rows that the plain recipe leaves out or the contract flags to a Parquet file: all their columns, and the reason.',
    )
    .argument('<source>', 'a month (YYYY-MM), a Parquet file, or the address of one')
    .requiredOption('--out <file>', 'Parquet file to write')
    .option('--contract <fleet|file>', 'what is expected (default: the one of the fleet)')
  return dataOptions(command)
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', help)
    .action((source: string, flags: Flags) => setAside(io, source, flags))
}

async function setAside(io: Io, argument: string, flags: Flags): Promise<void> {
  const { planSources } = await import('../pipeline/sources.ts')
  const { obtain } = await import('../pipeline/source.ts')
  const { quarantine } = await import('../pipeline/contract/quarantine.ts')
  const { s3Fetch } = await import('../pipeline/s3.ts')
  const plans = planSources([argument], sourcesOptionsOf(io, flags))
  const [planned, ...more] = plans
  if (planned === undefined || more.length > 0) {
    throw new RidecastError(
      'usage_invalid',
      `${argument} names ${plans.length} files: expected one, since each is written to a file of its own`,
    )
  }
  const { plan, taxi } = planned
  const contract = contractFor(taxi, flags.contract, io.cwd)
  const target = resolve(io.cwd, flags.out)
  if (target === plan.path) {
    throw new RidecastError('usage_invalid', `--out ${target} is the file that is read`)
  }
  const fetched = { fetch: s3Fetch(io.env) }
  const { path, label, month } = await interruptible((signal) =>
    obtain(plan, { ...fetched, signal }),
  )
  const show = (done: number, total: number): void =>
    progress(io, `${label}: ${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}`)
  const found = await quarantine({ path, taxi, month }, contract, target, show)
  progress(io, '')
  const { rows, clean, flagged, refused, reasons } = found
  if (flags.json) {
    const counts = { rows, clean, flagged, refused, reasons: Object.fromEntries(reasons) }
    return printJson(io, { source: label, out: target, written: flagged + refused, ...counts })
  }
  const text = (count: number): string => count.toLocaleString('en-US')
  const lines = [
    ['rows', text(rows), ''],
    ['clean', text(clean), 'kept by the plain recipe, and nothing against them'],
    ['flagged', text(flagged), 'kept by the plain recipe, yet against the contract: written'],
    ['refused', text(refused), 'left out by the plain recipe: written'],
  ]
  io.out(`${io.colors.bold(label)}\n\n`)
  io.out(table(io, ['', '', ''], lines, ['left', 'right', 'left']))
  if (reasons.size > 0) {
    const byReason = [...reasons].map(([reason, count]) => [reason, text(count)])
    io.out(`\n${table(io, ['reason', 'rows'], byReason, ['left', 'right'])}`)
    io.out(io.colors.dim('a row may have several reasons\n'))
  }
  io.out(`\n${text(flagged + refused)} rows written to ${target}\n`)
}
