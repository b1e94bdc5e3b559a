/** `ridecast data contract`: what is expected of trip files, and proposals for it. */

import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { type Contract, parseContract } from '../contract.ts'
import { RidecastError } from '../errors.ts'
import { columnNames, type Taxi, taxis } from '../ride.ts'
import {
  type Domain,
  domainOf,
  type Environment,
  environments,
  environmentsOf,
} from '../ride-domain.ts'
import { contractText, findContract } from './contracts.ts'
import { cacheOptions, dataOptions } from './data-flags.ts'
import { type InspectFlags, inspectFiles } from './data-inspect.ts'
import { engineOptions } from './engine-flags.ts'
import { type Io, printJson, table } from './io.ts'

interface ShowFlags {
  readonly environment?: Environment
  readonly json?: true
}

interface LearnFlags extends InspectFlags {
  readonly out?: string
}

const learnExamples = `
Examples:
  ridecast data contract learn 2021-01..2021-03 --out contract.yaml
  ridecast data contract learn 2023-01..2023-12 --taxi yellow > yellow.yaml
  ridecast data check 2021-04 --contract contract.yaml

Learn from months that are known to be good: what is wrong in them becomes what is expected.
`

const showExamples = `
Examples:
  ridecast data contract show yellow
  ridecast data contract show green --environment SERVING
  ridecast data contract show ./ours.yaml --json
`

/** The subcommand `contract` of `ridecast data`. */
export function dataContractCommand(io: Io): Command {
  return new Command('contract')
    .summary('what is expected of trip files')
    .description('Show the data contract of a fleet, or propose one from months that are good.')
    .addCommand(showCommand(io))
    .addCommand(learnCommand(io))
}

function showCommand(io: Io): Command {
  return new Command('show')
    .summary('print the contract that is in force')
    .description('Print the contract of a fleet as it is checked, with its comments.')
    .addArgument(
      new Argument('[fleet|file]', `${taxis.join(', ')} or a YAML file`).default('green'),
    )
    .addOption(
      new Option(
        '--environment <name>',
        'only what an input can hold: TRAINING, rows of files; SERVING, requests',
      ).choices(environments),
    )
    .option('--json', 'print one JSON object, every default filled in, and nothing else')
    .addHelpText('after', showExamples)
    .action((named: string, flags: ShowFlags) => {
      // A contract that is not valid is not in force.
      const contract = findContract(named, io.cwd)
      if (flags.environment) showInputs(io, contract, flags.environment, flags.json === true)
      else if (flags.json) printJson(io, contract)
      else io.out(contractText(named, io.cwd))
    })
}

/** What the inputs of a fleet can hold in one environment. */
function showInputs(io: Io, { columns }: Contract, environment: Environment, json: boolean): void {
  const names = columnNames.filter((name) => columns[name] !== undefined)
  const inputs = (['pickup_datetime', 'dropoff_datetime', ...names] as const).filter((name) => {
    return environmentsOf(name).includes(environment)
  })
  const all = inputs.map((name) => ({ name, ...domainOf(name) }))
  if (json) printJson(io, { environment, inputs: all })
  else
    io.out(
      table(
        io,
        ['input', 'can hold'],
        all.map((input) => [input.name, domainText(input)]),
      ),
    )
}

function domainText(domain: Domain): string {
  if (domain.kind === 'time') return 'a wall-clock time'
  if (domain.kind === 'id') {
    return `${domain.zone ? 'a taxi zone' : 'an integer'} from ${domain.from} to ${domain.to}`
  }
  return `a finite number (${domain.unit})${domain.from === undefined ? '' : ` from ${domain.from}`}`
}

function learnCommand(io: Io): Command {
  const command = new Command('learn')
    .summary('propose a contract from good months')
    .description('Propose a contract from months that are good, as YAML for a person to edit.')
    .argument('<files...>', 'months (2023-01, 2023-01..2023-04), Parquet files, or addresses')
    .option('--out <file>', 'file to write (default: standard output)')
  return engineOptions(cacheOptions(dataOptions(command)))
    .addHelpText('after', learnExamples)
    .action((files: string[], flags: LearnFlags) => learnFrom(io, files, flags))
}

async function learnFrom(io: Io, args: readonly string[], flags: LearnFlags): Promise<void> {
  const contractOf = (taxi: Taxi): Contract => findContract(taxi, io.cwd)
  const found = await inspectFiles(io, args, flags, { contractOf, rows: true })
  const unread = found.find(({ footer, measurement }) => !footer || !measurement)
  if (unread) {
    const why = unread.anomalies[0]?.message ?? 'it cannot be read'
    throw new RidecastError('usage_invalid', `${unread.label} teaches nothing: ${why}`)
  }
  const fleets = [...new Set(found.map(({ taxi }) => taxi))]
  const [fleet] = fleets
  if (fleet === undefined || fleets.length > 1) {
    throw new RidecastError(
      'usage_invalid',
      `a contract is for one fleet, found files of ${fleets.join(' and ')}: learn from one at a time`,
    )
  }
  const { learn } = await import('../pipeline/contract/learn.ts')
  const text = learn(fleet, found)
  parseContract(text, 'learned')
  if (flags.out === undefined) return io.out(text)
  const target = resolve(io.cwd, flags.out)
  await writeFile(target, text, { flag: 'wx' }).catch((cause: NodeJS.ErrnoException) => {
    const why =
      cause.code === 'EEXIST'
        ? 'is there already: name another file'
        : `cannot be written (${cause.code})`
    throw new RidecastError('usage_invalid', `${target} ${why}`, { cause })
  })
  io.err(`proposed from ${found.length} files: ${target}\n`)
}
