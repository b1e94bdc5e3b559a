/**
 * `ridecast models`: what the registry holds, whether it is whole, and which version is the
 * champion. Knows nothing about how versions and aliases are stored.
 */

import { Command } from 'commander'
import type { AliasEntry } from '../alias-log.ts'
import { isVersion } from '../artifact.ts'
import { type ErrorCode, isRidecastError, messageOf, RidecastError } from '../errors.ts'
import type { ListFilter, Registry, VersionSummary } from '../registry.ts'
import { type Io, printJson } from './io.ts'
import { changingCommands } from './models-change.ts'
import { exportCommand } from './models-export.ts'
import {
  collect,
  type Flags,
  isServer,
  openFor,
  placeOf,
  references,
  tagsOf,
  verb,
} from './models-flags.ts'
import { type ListedVersion, listedFacts, listJson, listText, showText } from './models-view.ts'

interface SearchFlags extends Flags {
  readonly tag?: string[]
  readonly alias?: string
}

const examples = `
Examples:
  ridecast models list                               every version of every model
  ridecast models show green-duration                the champion: what it was made from, how good
  ridecast models verify                             every file against its checksum
  ridecast models promote green-duration/3f9c2a71    the start of a version is enough
  ridecast models promote green-duration/3f9c2a71 --alias canary
  ridecast models rollback green-duration            the champion before the last promotion
  MLFLOW_TRACKING_URI=http://127.0.0.1:5000 ridecast models list     those of a server`

/** The verb `models` with its subcommands. */
export function modelsCommand(io: Io): Command {
  const models = new Command('models')
    .description('list, verify, promote, describe and delete versions of models')
    .addHelpText('after', examples)
  models.addCommand(
    verb('list', 'list all versions of all models', 'list --json').action((flags: Flags) =>
      list(io, {}, flags),
    ),
  )
  models.addCommand(
    verb(
      'search',
      'list versions by name, tag and alias',
      "search 'green-*' --tag team=airport --alias champion",
    )
      .argument('[pattern]', 'name of the model, * stands for any characters')
      .option('--tag <name=value>', 'a tag of the version or its model (repeatable)', collect)
      .option('--alias <name>', 'an alias that points to the version')
      .action((name: string | undefined, flags: SearchFlags) => {
        const { tag = [], alias } = flags
        return list(io, { name, tags: tagsOf(tag), alias }, flags)
      }),
  )
  models.addCommand(
    verb(
      'show',
      'show what a version was made from, how good it is, and where its aliases were',
      'show green-duration@champion',
    )
      .argument('<reference>', references)
      .action((reference: string, flags: Flags) => show(io, reference, flags)),
  )
  models.addCommand(
    verb('verify', 'check every file against its checksum', 'verify green-duration')
      .argument('[reference]', `${references}; all when left out`)
      .action((reference: string | undefined, flags: Flags) => verify(io, reference, flags)),
  )
  for (const command of changingCommands(io)) models.addCommand(command)
  models.addCommand(exportCommand(io))
  return models
}

async function list(io: Io, filter: ListFilter, flags: Flags): Promise<void> {
  const registry = await openFor(io, flags)
  const listed: ListedVersion[] = []
  for (const { name, versions } of await registry.list(filter)) {
    for (const summary of versions) listed.push(await listedVersion(registry, name, summary))
  }
  if (flags.json) {
    printJson(io, { registry: registry.place, models: listed.map(listJson) })
    return
  }
  if (listed.length === 0) {
    const hint = 'train one with: ridecast train 2021-01'
    const isAll = Object.keys(filter).length === 0
    const place = placeOf(registry, flags)
    io.out(isAll ? `no models in ${place} yet; ${hint}\n` : `no such models in ${place}\n`)
    return
  }
  io.out(listText(io, listed))
  for (const { fault } of listed) if (fault) io.err(`note: ${fault.message}\n`)
}

/** A server says what a list needs; from a folder it is read, and verified on the way. */
async function listedVersion(
  registry: Registry,
  name: string,
  summary: VersionSummary,
): Promise<ListedVersion> {
  const { version, facts } = summary
  if (isServer(registry) && isVersion(version)) {
    const { recipe, validation_rmse: rmse } = facts
    const validationRmse = rmse === undefined ? undefined : Number(rmse)
    return { name, ...summary, recipe, validationRmse, fault: null }
  }
  try {
    const { documents } = await registry.load(`models:/${name}/${version}`)
    return { name, ...summary, ...listedFacts(documents), fault: null }
  } catch (error) {
    const fault = codeAndMessage(error)
    return { name, ...summary, recipe: undefined, validationRmse: undefined, fault }
  }
}

async function show(io: Io, reference: string, flags: Flags): Promise<void> {
  const registry = await openFor(io, flags)
  const { name, version, documents, ...loaded } = await registry.load(reference)
  const model = (await registry.list({ name })).find((found) => found.name === name)
  const summary = model?.versions.find((found) => found.version === version)
  const { aliases = [], number = null, description = '', tags = {} } = summary ?? {}
  const history: Record<string, AliasEntry[]> = {}
  for (const alias of aliases) history[alias] = await registry.history(name, alias)
  const created = summary?.created ?? null
  const path = summary?.path ?? loaded.path
  const about = { name, version, number, path, created, aliases, description, tags }
  if (flags.json) {
    const { metrics, lineage } = documents
    printJson(io, { registry: registry.place, ...about, metrics, lineage, history })
  } else io.out(showText(io, { ...about, documents, history }))
}

interface Check {
  readonly reference: string
  readonly fault: { readonly code: ErrorCode; readonly message: string } | null
}

async function verify(io: Io, reference: string | undefined, flags: Flags): Promise<void> {
  const registry = await openFor(io, flags)
  const place = placeOf(registry, flags)
  const results =
    reference === undefined ? await checkAll(registry) : [await check(registry, reference)]
  const faults = results.flatMap(({ fault }) => (fault ? [fault] : []))
  if (flags.json) {
    const counts = { checked: results.length, faults: faults.length }
    printJson(io, { registry: registry.place, ...counts, results })
  } else if (results.length === 0) io.out(`no models in ${place} yet\n`)
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
    `models in ${place} are not whole: ${faults.length} of ${results.length} checks failed\n` +
      faults.map(({ message }) => `  ${message}`).join('\n'),
  )
}

async function check(registry: Registry, target: string): Promise<Check> {
  const fault = await registry.load(target, { fresh: true }).then(() => null, codeAndMessage)
  return { reference: target.replace('models:/', ''), fault }
}

/** Every version, and every alias, which may point to one that is gone or have a damaged record. */
async function checkAll(registry: Registry): Promise<Check[]> {
  const results: Check[] = []
  for (const { name, versions, aliases } of await registry.list()) {
    const damaged = new Map(
      (await registry.aliasFaults(name)).map(({ alias, message }) => [alias, message]),
    )
    for (const { version } of versions) {
      results.push(await check(registry, `models:/${name}/${version}`))
    }
    for (const alias of new Set([...Object.keys(aliases), ...damaged.keys()])) {
      const message = damaged.get(alias)
      const fault = message === undefined ? null : ({ code: 'artifact_corrupt', message } as const)
      if (fault) results.push({ reference: `${name}@${alias}`, fault })
      else results.push(await check(registry, `models:/${name}@${alias}`))
    }
  }
  return results
}

function codeAndMessage(error: unknown): { code: ErrorCode; message: string } {
  return { code: isRidecastError(error) ? error.code : 'internal', message: messageOf(error) }
}
