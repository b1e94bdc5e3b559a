/** `ridecast trainer`: libraries by other people that can grow trees, installed when they are asked for. */

import { resolve } from 'node:path'
import { Argument, Command } from 'commander'
import { type Io, printJson, progress, table } from './io.ts'
import { defaultTrainers } from './trainers.ts'

interface Flags {
  trainers: string
  json?: true
}

interface InstallFlags extends Flags {
  from?: string
  indexUrl?: string
}

const examples = `
Examples:
  ridecast trainer install xgboost               from the publisher, checked by its SHA-256
  ridecast trainer install xgboost --from ./xgboost_cpu-3.2.0-py3-none-manylinux_2_28_x86_64.whl
  ridecast trainer list
  ridecast train 2021-01 --recipe trees --trainer xgboost
`

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** The command. */
export function trainerCommand(io: Io): Command {
  const shared = (command: Command): Command =>
    command
      .option('--trainers <dir>', 'folder that they are kept in', defaultTrainers)
      .option('--json', 'print one JSON object and nothing else')
  const install = shared(
    new Command('install')
      .summary('install the library of a trainer')
      .description(
        'Take the library of XGBoost out of its pinned Python wheel. No Python is needed, nor a compiler.',
      )
      .addArgument(new Argument('<name>', 'which one').choices(['xgboost']))
      .option('--from <file>', 'a wheel on disk, in place of a download')
      .option('--index-url <address>', 'a Python package index (default: PIP_INDEX_URL, or PyPI)'),
  ).action((_: string, flags: InstallFlags) => installTrainer(io, flags))
  const list = shared(
    new Command('list').summary('which trainers there are, and where they are'),
  ).action((flags: Flags) => listTrainers(io, flags))
  return new Command('trainer')
    .summary('trainers by other people, such as the real XGBoost')
    .addHelpText('after', examples)
    .addCommand(install)
    .addCommand(list)
}

async function installTrainer(io: Io, flags: InstallFlags): Promise<void> {
  const { installLibrary } = await import('../pipeline/xgboost/install.ts')
  const trainers = resolve(io.cwd, flags.trainers)
  const from = flags.from === undefined ? undefined : resolve(io.cwd, flags.from)
  const index = flags.indexUrl ?? (io.env.PIP_INDEX_URL || undefined)
  const installed = await installLibrary(
    trainers,
    { from, index },
    {
      progress: (received, total) => {
        const all = total === undefined ? '' : ` of ${megabytes(total)}`
        progress(io, `xgboost: ${megabytes(received)}${all}`)
      },
      note: (text) => io.err(`${text}\n`),
    },
  )
  progress(io, '')
  const { version, path, bytes, isNew } = installed
  if (flags.json) return printJson(io, { name: 'xgboost', version, path, bytes, installed: isNew })
  const what = isNew ? 'installed' : 'there already'
  io.out(`xgboost ${version}, ${megabytes(bytes)}, ${what}: ${path}\n`)
}

async function listTrainers(io: Io, flags: Flags): Promise<void> {
  const { installedIn } = await import('../pipeline/xgboost/install.ts')
  const { xgboostVersion } = await import('../pipeline/xgboost/release.ts')
  const found = await installedIn(resolve(io.cwd, flags.trainers))
  const all = [
    { name: 'own', version: null, path: null, installed: true },
    {
      name: 'xgboost',
      version: found?.version ?? xgboostVersion,
      path: found?.path ?? null,
      installed: found !== undefined,
    },
  ]
  if (flags.json) return printJson(io, { trainers: all })
  const rows = all.map(({ name, version, path, installed }) => {
    const where = installed ? 'part of ridecast' : 'ridecast trainer install xgboost'
    return [name, version ?? '', path ?? where]
  })
  io.out(table(io, ['trainer', 'version', 'where'], rows))
}
