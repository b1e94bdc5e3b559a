/** `ridecast data check`: are trip files what their contract says? */

import { resolve } from 'node:path'
import { Command } from 'commander'
import type { Contract } from '../contract.ts'
import { RidecastError } from '../errors.ts'
import type { Anomaly } from '../pipeline/contract/anomaly.ts'
import type { Inspection } from '../pipeline/contract/inspect.ts'
import type { Taxi } from '../ride.ts'
import { contractFor } from './contracts.ts'
import { cacheOptions, dataOptions } from './data-flags.ts'
import { type InspectFlags, inspectFiles } from './data-inspect.ts'
import { engineOptions } from './engine-flags.ts'
import { collect, type Io, printJson, table } from './io.ts'

interface Flags extends InspectFlags {
  readonly contract?: string
  readonly json?: true
  readonly html?: string
  readonly strict?: true
  readonly allow: string[]
  /** False for `--no-rows`. */
  readonly rows: boolean
}

const examples = `
Examples:
  ridecast data check 2021-01..2021-03
  ridecast data check ./my_trips.parquet --taxi yellow --contract ./ours.yaml
  ridecast data check 2021-01 --html report.html --json > report.json
  ridecast data check 2020-04 --allow COMPARATOR_LOW_NUM_EXAMPLES
  ridecast data contract show green              what is expected, and why

Exits with 3 when a file breaks its contract.
`

/** The subcommand `check` of `ridecast data`. */
export function dataCheckCommand(io: Io): Command {
  const command = new Command('check')
    .summary('are trip files what their contract says?')
    .description('Hold trip files to the data contract of their fleet, and say what is wrong.')
    .argument('<files...>', 'months (2023-01, 2023-01..2023-04), Parquet files, or addresses')
    .option('--contract <fleet|file>', 'what is expected (default: the one of the fleet)')
  return engineOptions(cacheOptions(dataOptions(command)))
    .option('--no-rows', 'leave out what only all columns of all rows can say: duplicates')
    .option('--allow <code>', 'let an error of this code pass (repeatable)', collect, [])
    .option('--strict', 'refuse warnings too')
    .option('--json', 'print one JSON object and nothing else')
    .option('--html <file>', 'write a page that needs nothing beside it')
    .addHelpText('after', examples)
    .action((files: string[], flags: Flags) => check(io, files, flags))
}

async function check(io: Io, args: readonly string[], flags: Flags): Promise<void> {
  const { allowed, checkCodes } = await import('../pipeline/contract/gate.ts')
  checkCodes(flags.allow)
  const contractOf = (taxi: Taxi): Contract => contractFor(taxi, flags.contract, io.cwd)
  const found = await inspectFiles(io, args, flags, { contractOf, rows: flags.rows })
  const files = found.map((file) => {
    const anomalies = flags.strict ? file.anomalies.map(asError) : file.anomalies
    return { ...file, anomalies: allowed(anomalies, flags.allow) }
  })
  if (flags.html !== undefined) await writePage(io, flags.html, files)
  if (flags.json) printJson(io, jsonOf(files))
  else print(io, files)
  refuse(files)
}

function asError(anomaly: Anomaly): Anomaly {
  return { ...anomaly, severity: 'error' }
}

async function writePage(io: Io, path: string, files: readonly Inspection[]): Promise<void> {
  const { checkPage } = await import('../pipeline/contract/page.ts')
  const { writeFile } = await import('node:fs/promises')
  const target = resolve(io.cwd, path)
  await writeFile(target, checkPage(files)).catch((cause: NodeJS.ErrnoException) => {
    const why = `cannot be written (${cause.code}): expected a file in a folder that is there`
    throw new RidecastError('usage_invalid', `${target} ${why}`, { cause })
  })
}

const errorsOf = ({ anomalies }: Inspection): number =>
  anomalies.filter(({ severity }) => severity === 'error').length

/** What `--json` prints. */
function jsonOf(files: readonly Inspection[]): unknown {
  return {
    refused: files.filter((file) => errorsOf(file) > 0).length,
    files: files.map((file) => ({
      label: file.label,
      path: file.path,
      taxi: file.taxi,
      month: file.month ?? null,
      rows: file.footer?.rows ?? null,
      kept: file.kept ?? null,
      refused: errorsOf(file) > 0,
      measures: file.measures,
      anomalies: file.anomalies.map((anomaly) => ({
        ...anomaly,
        column: anomaly.column ?? null,
        count: anomaly.count ?? null,
        share: anomaly.share ?? null,
      })),
    })),
  }
}

function print(io: Io, files: readonly Inspection[]): void {
  for (const file of files) {
    io.out(`${headline(io, file)}\n`)
    if (file.anomalies.length > 0) io.out(`${findings(io, file.anomalies)}\n`)
  }
  const refused = files.filter((file) => errorsOf(file) > 0).length
  const passed = files.length - refused
  io.out(`${files.length} checked: ${passed} passed, ${refused} refused\n`)
}

function headline(io: Io, file: Inspection): string {
  const errors = errorsOf(file)
  const warnings = file.anomalies.length - errors
  const verdict =
    errors > 0
      ? io.colors.red(counted(errors, 'error'))
      : warnings > 0
        ? 'passed'
        : io.colors.green('passed')
  const also = warnings > 0 ? `, ${io.colors.yellow(counted(warnings, 'warning'))}` : ''
  const rides = file.footer ? `${file.footer.rows.toLocaleString('en-US')} rides, ` : ''
  return `${io.colors.bold(file.label)}: ${rides}${verdict}${also}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function findings(io: Io, anomalies: readonly Anomaly[]): string {
  const paint = { error: io.colors.red, warn: io.colors.yellow }
  const rows = anomalies.map(({ severity, code, column, share, found, expected, allowed }) => [
    paint[severity](allowed ? 'allowed' : severity),
    code,
    column ?? '',
    share === undefined ? '' : `${(share * 100).toFixed(2)} %`,
    found,
    expected,
  ])
  const header = ['severity', 'code', 'column', 'share', 'found', 'expected']
  const drawn = table(io, header, rows, ['left', 'left', 'left', 'right'])
  const words = anomalies
    .filter(({ severity }) => severity === 'error')
    .map(({ message }) => `${io.colors.red('error')} ${message}\n`)
  return [drawn, ...(words.length > 0 ? ['\n', ...words] : [])].join('')
}

function refuse(files: readonly Inspection[]): void {
  const bad = files.filter((file) => errorsOf(file) > 0)
  if (bad.length === 0) return
  const named = bad.map(({ label, anomalies }) => {
    const codes = anomalies.filter(({ severity }) => severity === 'error').map(({ code }) => code)
    return `${label} (${[...new Set(codes)].join(', ')})`
  })
  const verb = bad.length === 1 ? 'breaks its' : 'break their'
  throw new RidecastError(
    'contract_refused',
    `${bad.length} of ${files.length} ${verb} data contract: ${named.join('; ')}`,
  )
}
