/**
 * `ridecast models`: what the registry holds, whether it is whole, and which version is the
 * champion. Knows nothing about how versions and aliases are stored.
 */

import { Command } from 'commander'
import type { AliasEntry } from '../alias-log.ts'
import { type ErrorCode, isRidecastError, messageOf, RidecastError } from '../errors.ts'
import { type AliasChange, type ChangeOptions, championAlias, type Registry } from '../registry.ts'
import { type Io, printJson } from './io.ts'
import { type ListedVersion, listJson, listText, noFacts, showText } from './models-view.ts'
import { registryOf } from './open-model.ts'

interface Flags {
  models: string
  json?: true
}

interface ChangeFlags extends Flags {
  alias: string
  reason?: string
}

const examples = `
Examples:
  ridecast models list                               every version of every model
  ridecast models show green-duration                the champion: what it was made from, how good
  ridecast models verify                             every file against its checksum
  ridecast models promote green-duration/3f9c2a71    the start of a version is enough
  ridecast models promote green-duration/3f9c2a71 --alias canary
  ridecast models rollback green-duration            the champion before the last promotion`

const references = 'name, name@alias, name/version or the path of a version'

/** The verb `models` with `list`, `show`, `verify`, `promote` and `rollback`. */
export function modelsCommand(io: Io): Command {
  const models = new Command('models')
    .description('list, show, verify, promote and roll back versions of models')
    .addHelpText('after', examples)
  const verb = (name: string, description: string, example: string): Command => {
    return models
      .command(name)
      .description(description)
      .option('--models <dir>', 'folder of models', 'models')
      .option('--json', 'print one line of JSON')
      .addHelpText('after', `\nExample:\n  ridecast models ${example}`)
  }
  const changing = (command: Command): Command => {
    return command
      .option('--alias <name>', 'the alias to move', championAlias)
      .option('--reason <text>', 'why, for the record')
  }
  verb('list', 'list all versions of all models', 'list --json').action((flags: Flags) =>
    list(io, flags),
  )
  verb(
    'show',
    'show what a version was made from, how good it is, and where its aliases were',
    'show green-duration@champion',
  )
    .argument('<reference>', references)
    .action((reference: string, flags: Flags) => show(io, reference, flags))
  verb('verify', 'check every file against its checksum', 'verify green-duration')
    .argument('[reference]', `${references}; all when left out`)
    .action((reference: string | undefined, flags: Flags) => verify(io, reference, flags))
  changing(
    verb(
      'promote',
      'make a version the champion, or what another alias points to',
      'promote green-duration/3f9c2a71 --reason "better in March"',
    ),
  )
    .argument('<reference>', references)
    .action((reference: string, flags: ChangeFlags) => promote(io, reference, flags))
  changing(
    verb(
      'rollback',
      'point an alias back to where it was before its last promotion',
      'rollback green-duration --reason "slow in the rain"',
    ),
  )
    .argument('<name>', 'name of a model')
    .action((name: string, flags: ChangeFlags) => rollback(io, name, flags))
  return models
}

function open(io: Io, flags: Flags): Registry {
  return registryOf(io, flags.models)
}

async function list(io: Io, flags: Flags): Promise<void> {
  const registry = open(io, flags)
  const listed: ListedVersion[] = []
  for (const { name, versions } of await registry.list()) {
    for (const summary of versions) {
      const facts = await registry.load(`models:/${name}/${summary.version}`).then(
        ({ documents }) => ({ documents, fault: null }),
        (error: unknown) => ({ documents: noFacts, fault: codeAndMessage(error) }),
      )
      listed.push({ name, ...summary, ...facts })
    }
  }
  if (flags.json) {
    printJson(io, { models: listed.map(listJson) })
    return
  }
  if (listed.length === 0) {
    io.out(`no models in ${flags.models} yet; train one with: ridecast train 2021-01\n`)
    return
  }
  io.out(listText(io, listed))
  for (const { fault } of listed) if (fault) io.err(`note: ${fault.message}\n`)
}

async function show(io: Io, reference: string, flags: Flags): Promise<void> {
  const registry = open(io, flags)
  const { name, version, path, documents } = await registry.load(reference)
  const model = (await registry.list()).find((found) => found.name === name)
  const summary = model?.versions.find((found) => found.version === version)
  const aliases = summary?.aliases ?? []
  const history: Record<string, AliasEntry[]> = {}
  for (const alias of aliases) history[alias] = await registry.history(name, alias)
  if (flags.json) {
    const created = summary?.created.toISOString() ?? null
    const { metrics, lineage } = documents
    printJson(io, { name, version, path, created, aliases, metrics, lineage, history })
    return
  }
  const created = summary?.created ?? null
  io.out(showText(io, { name, version, path, created, aliases, documents, history }))
}

async function verify(io: Io, reference: string | undefined, flags: Flags): Promise<void> {
  const registry = open(io, flags)
  const targets = reference === undefined ? await everything(registry) : [reference]
  const results: { reference: string; fault: { code: ErrorCode; message: string } | null }[] = []
  for (const target of targets) {
    const fault = await registry.load(target).then(
      () => null,
      (error: unknown) => codeAndMessage(error),
    )
    results.push({ reference: target.replace('models:/', ''), fault })
  }
  const faults = results.flatMap(({ fault }) => (fault ? [fault] : []))
  if (flags.json) printJson(io, { checked: results.length, faults: faults.length, results })
  else if (results.length === 0) io.out(`no models in ${flags.models} yet\n`)
  else {
    for (const { reference: name, fault } of results) {
      io.out(`${fault ? io.colors.red('damaged') : io.colors.green('whole')}  ${name}\n`)
    }
  }
  const [first] = faults
  if (!first) return
  if (results.length === 1) throw new RidecastError(first.code, first.message)
  throw new RidecastError(
    first.code,
    `models in ${flags.models} are not whole: ${faults.length} of ${results.length} checks failed\n` +
      faults.map(({ message }) => `  ${message}`).join('\n'),
  )
}

/** References to every version, and to every alias, which may point to one that is gone. */
async function everything(registry: Registry): Promise<string[]> {
  return (await registry.list()).flatMap(({ name, versions, aliases }) => [
    ...versions.map(({ version }) => `models:/${name}/${version}`),
    ...Object.keys(aliases).map((alias) => `models:/${name}@${alias}`),
  ])
}

async function promote(io: Io, reference: string, flags: ChangeFlags): Promise<void> {
  const registry = open(io, flags)
  const { name, version } = await registry.resolve(reference)
  const change = await registry.promote(name, version, changeOf(flags))
  const { changed, previous } = change
  tell(io, name, change, flags, changed && previous !== null ? `rollback ${name}` : null)
}

async function rollback(io: Io, name: string, flags: ChangeFlags): Promise<void> {
  const change = await open(io, flags).rollback(name, changeOf(flags))
  tell(io, name, change, flags, `promote ${name}/${change.previous}`)
}

function changeOf({ alias, reason = '' }: ChangeFlags): ChangeOptions {
  return { alias, reason: checkReason(reason) }
}

function checkReason(reason: string): string {
  if (/^\P{Cc}{0,1000}$/u.test(reason)) return reason
  throw new RidecastError(
    'usage_invalid',
    `reason must be one line of at most 1000 characters, found ${reason.length} characters` +
      `${/\p{Cc}/u.test(reason) ? ' with a line break or another control character' : ''}`,
  )
}

/** Says where an alias points now, and what undoes the change; nothing does when that is null. */
function tell(
  io: Io,
  name: string,
  change: AliasChange,
  flags: ChangeFlags,
  undoing: string | null,
): void {
  const { version, previous, changed } = change
  const alias = flags.alias === championAlias ? '' : ` --alias ${flags.alias}`
  const models = flags.models === 'models' ? '' : ` --models ${quoted(flags.models)}`
  const undo = undoing && `ridecast models ${undoing}${alias}${models}`
  if (flags.json) {
    printJson(io, { name, alias: flags.alias, ...change, undo })
    return
  }
  const was = previous === null ? '' : ` (was ${previous})`
  const now = io.colors.bold(version)
  io.out(`${name}@${flags.alias} is ${changed ? `now ${now}${was}` : `${now} already`}\n`)
  if (undo) io.out(`undo with: ${undo}\n`)
}

function quoted(text: string): string {
  return /^[\w./@:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function codeAndMessage(error: unknown): { code: ErrorCode; message: string } {
  return { code: isRidecastError(error) ? error.code : 'internal', message: messageOf(error) }
}
