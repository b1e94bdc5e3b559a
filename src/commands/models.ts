/** `ridecast models`: what the registry holds, and which version is the champion. */

import { resolve } from 'node:path'
import { Command } from 'commander'
import type { AliasEntry } from '../alias-log.ts'
import { messageOf, RidecastError } from '../errors.ts'
import { type AliasChange, championAlias, openRegistry, type Registry } from '../registry.ts'
import { type Io, printJson, table } from './io.ts'

interface Flags {
  models: string
  alias: string
  reason?: string
  json?: true
}

const examples = `
Examples:
  ridecast models list
  ridecast models show green-duration
  ridecast models verify
  ridecast models promote green-duration/3f9c2a71b0de --reason "better in March"
  ridecast models rollback green-duration
`

/** The command. */
export function modelsCommand(io: Io): Command {
  const models = new Command('models')
    .summary('list, verify, promote and roll back model versions')
    .description('Look at the registry and decide which version is the champion.')
    .addHelpText('after', examples)
  const verb = (name: string, summary: string): Command =>
    models
      .command(name)
      .summary(summary)
      .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
      .option('--models <dir>', 'folder of the registry', 'models')
      .option('--json', 'print one JSON object and nothing else')
  const aliased = (command: Command): Command =>
    command
      .option('--alias <name>', 'the alias that is moved', championAlias)
      .option('--reason <text>', 'why, for the record')
  const open = (flags: Flags): Registry => openRegistry(resolve(io.cwd, flags.models), io.now)

  verb('list', 'list all versions of all models').action((flags: Flags) =>
    list(io, open(flags), flags),
  )
  verb('show', 'show a version: what it was made from, how good it is, where its aliases were')
    .argument('<reference>', 'name, name@alias, name/version or a folder')
    .action((reference: string, flags: Flags) => show(io, open(flags), reference, flags))
  verb('verify', 'check every file of a version, or of all, against its checksum')
    .argument('[reference]', 'name, name@alias, name/version or a folder (default: all)')
    .action((reference: string | undefined, flags: Flags) =>
      verify(io, open(flags), reference, flags),
    )
  aliased(verb('promote', 'make a version the champion, or what another alias points to'))
    .argument('<reference>', 'name/version or name@alias')
    .action(async (reference: string, flags: Flags) => {
      const registry = open(flags)
      const { name, version } = await registry.resolve(reference)
      const change = await registry.promote(name, version, moved(flags))
      told(io, name, change, flags)
    })
  aliased(verb('rollback', 'point an alias back to where it was before its last promotion'))
    .argument('<name>', 'name of the model')
    .action(async (name: string, flags: Flags) => {
      told(io, name, await open(flags).rollback(name, moved(flags)), flags)
    })
  return models
}

const moved = ({ alias, reason }: Flags): { alias: string; reason?: string } => {
  return reason === undefined ? { alias } : { alias, reason }
}

function told(io: Io, name: string, change: AliasChange, flags: Flags): void {
  const { version, previous, changed } = change
  if (flags.json) {
    printJson(io, { name, alias: flags.alias, ...change })
    return
  }
  if (!changed) {
    io.out(`${name}@${flags.alias} is ${version} already\n`)
    return
  }
  io.out(
    `${name}@${flags.alias} is now ${io.colors.bold(version)}${previous ? ` (was ${previous})` : ''}\n`,
  )
  if (!previous) return
  const models = flags.models === 'models' ? '' : ` --models ${flags.models}`
  const alias = flags.alias === championAlias ? '' : ` --alias ${flags.alias}`
  io.out(`to undo: ridecast models promote ${name}/${previous}${alias}${models}\n`)
}

/** What other files say about a version; absent where they do not. */
interface Facts {
  recipe?: string
  validationRmse?: number
  fault?: string
}

function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((inner, key) => {
    return inner !== null && typeof inner === 'object'
      ? (inner as Record<string, unknown>)[key]
      : undefined
  }, value)
}

async function factsOf(registry: Registry, reference: string): Promise<Facts> {
  try {
    const { documents } = await registry.load(reference)
    const recipe = at(documents.lineage, 'recipe', 'name')
    const rmse = at(documents.metrics, 'validation', 'rmse')
    return {
      ...(typeof recipe === 'string' ? { recipe } : {}),
      ...(typeof rmse === 'number' ? { validationRmse: rmse } : {}),
    }
  } catch (error) {
    return { fault: messageOf(error) }
  }
}

async function list(io: Io, registry: Registry, flags: Flags): Promise<void> {
  const models = await registry.list()
  const rows = []
  for (const { name, versions } of models) {
    for (const { version, path, created, aliases } of versions) {
      rows.push({ name, version, path, created, aliases, ...(await factsOf(registry, path)) })
    }
  }
  if (flags.json) return printJson(io, rows)
  if (rows.length === 0) {
    return io.out(
      `no model in ${resolve(io.cwd, flags.models)} yet; train one: ridecast train 2021-01\n`,
    )
  }
  const cells = rows.map((row) => [
    `${row.name}/${row.version}`,
    row.aliases.join(', '),
    row.fault ? io.colors.red('damaged') : (row.recipe ?? ''),
    row.validationRmse?.toFixed(3) ?? '',
    row.created.toISOString().slice(0, 16).replace('T', ' '),
  ])
  io.out(
    table(io, ['version', 'alias', 'recipe', 'validation RMSE', 'created (UTC)'], cells, [
      'left',
      'left',
      'left',
      'right',
      'left',
    ]),
  )
}

async function show(io: Io, registry: Registry, reference: string, flags: Flags): Promise<void> {
  const { name, version, path, documents } = await registry.load(reference)
  const { metrics, lineage, profile } = documents
  const summary = (await registry.list()).find((model) => model.name === name)
  const aliases = summary?.versions.find((v) => v.version === version)?.aliases ?? []
  const history: Record<string, AliasEntry[]> = {}
  for (const alias of new Set([championAlias, ...aliases])) {
    const entries = summary ? await registry.history(name, alias) : []
    if (entries.length > 0) history[alias] = entries
  }
  if (flags.json) {
    return printJson(io, { name, version, path, aliases, metrics, lineage, history })
  }
  io.out(
    `${io.colors.bold(`${name}/${version}`)}${aliases.length > 0 ? `  @${aliases.join(' @')}` : ''}\n${path}\n\n`,
  )
  const recipe = at(lineage, 'recipe')
  io.out(`recipe      ${String(at(recipe, 'name'))}: ${String(at(recipe, 'description'))}\n`)
  io.out(
    `design      ${String(at(metrics, 'columns'))} columns, rank ${String(at(metrics, 'rank'))}, l2 ${String(at(recipe, 'l2'))}\n`,
  )
  io.out(`rides       ${String(at(profile, 'rides'))} in training\n`)
  for (const part of ['train', 'validation']) {
    const files = at(lineage, part)
    for (const file of Array.isArray(files) ? files : []) {
      io.out(
        `${part.padEnd(11)} ${String(at(file, 'file'))}  sha256 ${String(at(file, 'sha256')).slice(0, 16)}...  ${String(at(file, 'kept'))} of ${String(at(file, 'rows'))} rides\n`,
      )
    }
  }
  const measures = ['train', 'validation', 'baseline'].map((part) => {
    const number = (key: string, digits: number): string => {
      const value = at(metrics, part, key)
      return typeof value === 'number' ? value.toFixed(digits) : ''
    }
    return [part, number('rmse', 4), number('r2', 4), number('bias', 4)]
  })
  io.out(
    `\n${table(io, ['', 'RMSE', 'R2', 'bias'], measures, ['left', 'right', 'right', 'right'])}`,
  )
  for (const [alias, entries] of Object.entries(history)) {
    io.out(`\nhistory of ${name}@${alias}\n`)
    const rows = entries.map((e) => [
      e.at.slice(0, 19).replace('T', ' '),
      e.kind,
      e.version,
      e.reason,
    ])
    io.out(table(io, ['at (UTC)', 'change', 'version', 'reason'], rows))
  }
}

async function verify(
  io: Io,
  registry: Registry,
  reference: string | undefined,
  flags: Flags,
): Promise<void> {
  const targets = reference
    ? [await registry.resolve(reference)]
    : (await registry.list()).flatMap(({ name, versions }) => versions.map((v) => ({ name, ...v })))
  const results = []
  for (const { name, version, path } of targets) {
    const fault = await registry.load(path).then(
      () => undefined,
      (error: unknown) => error,
    )
    results.push({ name, version, path, ok: fault === undefined, fault })
  }
  const damaged = results.filter(({ ok }) => !ok)
  if (flags.json) {
    printJson(
      io,
      results.map(({ fault, ...rest }) => ({ ...rest, fault: fault ? messageOf(fault) : null })),
    )
  } else {
    for (const { name, version, ok, fault } of results) {
      const verdict = ok
        ? io.colors.green('ok')
        : `${io.colors.red('damaged')}  ${messageOf(fault)}`
      io.out(`${name}/${version}  ${verdict}\n`)
    }
    if (results.length === 0) io.out('no model to verify\n')
  }
  const [first] = damaged
  if (!first) return
  if (first.fault instanceof RidecastError && damaged.length === 1) throw first.fault
  throw new RidecastError(
    'artifact_corrupt',
    `${damaged.length} of ${results.length} versions are damaged`,
  )
}
