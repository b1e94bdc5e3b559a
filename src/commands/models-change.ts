/**
 * The subcommands of `ridecast models` that change something: aliases, descriptions, tags, names,
 * and what is deleted. Each says what undoes it, where something does.
 */

import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import { isPath, parseReference } from '../model-reference.ts'
import { type AliasChange, type ChangeOptions, championAlias } from '../registry.ts'
import { type Io, printJson } from './io.ts'
import {
  type ChangeFlags,
  checkReason,
  collect,
  type Flags,
  openFor,
  placeFlags,
  placeOf,
  quoted,
  references,
  tagsOf,
  verb,
  withAlias,
  withReason,
} from './models-flags.ts'

const noted = 'name (the model itself), name@alias or name/version'

interface TagFlags extends Flags {
  readonly delete?: string[]
}

interface DeleteFlags extends Flags {
  readonly yes?: true
}

interface Told {
  /** The alias that moved. */
  readonly alias: string
  /** What undoes it, behind `ridecast models`; null when nothing does. */
  readonly undoing: string | null
  /** Where it was done. */
  readonly registry: string
}

/** The subcommands, in the order of the help. */
export function changingCommands(io: Io): Command[] {
  return [
    promoteCommand(io),
    rollbackCommand(io),
    aliasCommand(io),
    describeCommand(io),
    tagCommand(io),
    renameCommand(io),
    deleteCommand(io),
  ]
}

function promoteCommand(io: Io): Command {
  return withAlias(
    verb(
      'promote',
      'make a version the champion, or what another alias points to',
      'promote green-duration/3f9c2a71 --reason "better in March"',
    ),
  )
    .argument('<reference>', references)
    .action((reference: string, flags: ChangeFlags) => promote(io, reference, flags))
}

async function promote(io: Io, reference: string, flags: ChangeFlags): Promise<void> {
  const registry = await openFor(io, flags)
  const { name, version } = await registry.resolve(reference)
  const change = await registry.promote(name, version, changeOf(flags))
  const { changed, kind } = change
  // What an alias was set to first cannot be gone back from, only taken away.
  const back = kind === 'promote' ? `rollback ${name}` : null
  const undoing = changed ? back : null
  tell(io, name, change, flags, { alias: flags.alias, undoing, registry: registry.place })
}

function rollbackCommand(io: Io): Command {
  return withAlias(
    verb(
      'rollback',
      'point an alias back to where it was before its last promotion',
      'rollback green-duration --reason "slow in the rain"',
    ),
  )
    .argument('<name>', 'name of a model')
    .action(async (name: string, flags: ChangeFlags) => {
      const registry = await openFor(io, flags)
      const change = await registry.rollback(name, changeOf(flags))
      const undoing = `promote ${name}/${change.previous}`
      tell(io, name, change, flags, { alias: flags.alias, undoing, registry: registry.place })
    })
}

function aliasCommand(io: Io): Command {
  const alias = new Command('alias')
    .description('point an alias to a version, or take it away')
    .addHelpText(
      'after',
      '\nExamples:\n  ridecast models alias set green-duration/3f9c2a71 challenger\n' +
        '  ridecast models alias delete green-duration challenger',
    )
  const set = verb(
    'set',
    'point an alias to a version, as promote --alias does',
    'alias set green-duration/3f9c2a71 challenger',
  )
  const remove = verb(
    'delete',
    'take an alias away; its history stays',
    'alias delete green-duration challenger --reason "the test is over"',
  )
  alias.addCommand(
    withReason(set)
      .argument('<reference>', references)
      .argument('<alias>', 'name of the alias')
      .action((reference: string, name: string, flags: Flags) => {
        return promote(io, reference, { ...flags, alias: name })
      }),
  )
  alias.addCommand(
    withReason(remove)
      .argument('<name>', 'name of a model')
      .argument('<alias>', 'name of the alias')
      .action((name: string, alias: string, flags: ChangeFlags) => {
        return deleteAlias(io, name, alias, flags)
      }),
  )
  return alias
}

async function deleteAlias(io: Io, name: string, alias: string, flags: ChangeFlags): Promise<void> {
  const registry = await openFor(io, flags)
  const entry = await registry.deleteAlias(name, alias, { reason: checkReason(flags.reason) })
  const undo = `ridecast models alias set ${name}/${entry.previous} ${alias}${placeFlags(flags)}`
  if (flags.json) {
    printJson(io, { registry: registry.place, name, alias, ...entry, undo })
    return
  }
  io.out(`${name}@${alias} is gone (was ${entry.previous})\nundo with: ${undo}\n`)
}

function describeCommand(io: Io): Command {
  return verb(
    'describe',
    'say in words what a model or a version is',
    'describe green-duration/3f9c2a71 "trained on the first month after the fare change"',
  )
    .argument('<reference>', noted)
    .argument('<text>', 'the description; empty takes it away')
    .action(async (reference: string, text: string, flags: Flags) => {
      const registry = await openFor(io, flags)
      await registry.describe(reference, text)
      if (flags.json) {
        printJson(io, { registry: registry.place, reference, description: text })
      } else io.out(`${reference} is ${text === '' ? 'without a description' : 'described'}\n`)
    })
}

function tagCommand(io: Io): Command {
  return verb(
    'tag',
    'set tags of a model or a version, or take them away',
    'tag green-duration/3f9c2a71 team=airport checked=yes --delete draft',
  )
    .argument('<reference>', noted)
    .argument('[tags...]', 'a name, = and a value')
    .option('--delete <name>', 'take a tag away (repeatable)', collect)
    .action(async (reference: string, pairs: string[], flags: TagFlags) => {
      const tags = tagsOf(pairs)
      const gone = flags.delete ?? []
      if (pairs.length + gone.length === 0) {
        throw new RidecastError(
          'usage_invalid',
          'tags are missing: expected such as team=airport, or --delete team',
        )
      }
      const registry = await openFor(io, flags)
      await registry.setTags(reference, tags)
      for (const tag of gone) await registry.deleteTag(reference, tag)
      if (flags.json) {
        printJson(io, { registry: registry.place, reference, set: tags, deleted: gone })
        return
      }
      const set = Object.keys(tags)
      if (set.length > 0) io.out(`${reference}: set ${set.join(', ')}\n`)
      if (gone.length > 0) io.out(`${reference}: took ${gone.join(', ')} away\n`)
    })
}

function renameCommand(io: Io): Command {
  return verb(
    'rename',
    'give a model another name; versions and aliases stay',
    'rename green-duration green-minutes',
  )
    .argument('<name>', 'name of a model')
    .argument('<new-name>', 'its new name')
    .action(async (name: string, newName: string, flags: Flags) => {
      const registry = await openFor(io, flags)
      await registry.rename(name, newName)
      const undo = `ridecast models rename ${newName} ${name}${placeFlags(flags)}`
      if (flags.json)
        printJson(io, { registry: registry.place, name: newName, previous: name, undo })
      else io.out(`${name} is now ${newName}\nundo with: ${undo}\n`)
    })
}

function deleteCommand(io: Io): Command {
  return verb(
    'delete',
    'delete a version, or a model with all its versions',
    'delete green-duration/3f9c2a71 --yes',
  )
    .argument('<reference>', 'name/version, or the name of a model')
    .option('--yes', 'really; it cannot be undone')
    .action((reference: string, flags: DeleteFlags) => remove(io, reference, flags))
}

async function remove(io: Io, reference: string, flags: DeleteFlags): Promise<void> {
  const { name, version, alias } = isPath(reference)
    ? { name: reference, version: undefined, alias: reference }
    : parseReference(reference)
  if (alias !== undefined) {
    throw new RidecastError(
      'usage_invalid',
      `${reference} cannot be deleted: expected name/version or the name of a model; ` +
        'ridecast models alias delete takes an alias away',
    )
  }
  const registry = await openFor(io, flags)
  const place = placeOf(registry, flags)
  const what = version === undefined ? `model ${name} with all its versions` : reference
  if (!flags.yes) {
    throw new RidecastError(
      'usage_invalid',
      `${what} of ${place} would be deleted for good: add --yes if that is meant`,
    )
  }
  if (version === undefined) await registry.deleteModel(name)
  else await registry.deleteVersion(name, version)
  if (flags.json) {
    printJson(io, { registry: registry.place, name, version: version ?? null, deleted: true })
  } else io.out(`deleted ${what}\n`)
}

function changeOf({ alias, reason }: ChangeFlags): ChangeOptions {
  return { alias, reason: checkReason(reason) }
}

/** Says where an alias points now, and what undoes the change. */
function tell(
  io: Io,
  name: string,
  change: AliasChange,
  flags: ChangeFlags,
  { alias, undoing, registry }: Told,
): void {
  const { version, previous, changed } = change
  const other = alias === championAlias ? '' : ` --alias ${quoted(alias)}`
  const undo = undoing && `ridecast models ${undoing}${other}${placeFlags(flags)}`
  if (flags.json) {
    printJson(io, { registry, name, alias, ...change, undo })
    return
  }
  const was = previous === null ? '' : ` (was ${previous})`
  const now = io.colors.bold(version)
  io.out(`${name}@${alias} is ${changed ? `now ${now}${was}` : `${now} already`}\n`)
  if (undo) io.out(`undo with: ${undo}\n`)
}
