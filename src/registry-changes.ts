/**
 * What a change of an alias becomes, given its history: the rules that every registry keeps. Knows
 * nothing about where the history is.
 */

import type { AliasEntry, Decision } from './alias-log.ts'
import { isRidecastError, RidecastError } from './errors.ts'

/** Where an alias points after all its entries; null when it points nowhere. */
export function targetOf(entries: readonly AliasEntry[]): string | null {
  return entries.at(-1)?.version ?? null
}

/** A promotion; undefined when the alias points there already. */
export function promotion(
  entries: readonly AliasEntry[],
  version: string,
  reason: string,
): Decision | undefined {
  const current = targetOf(entries)
  if (current === version) return undefined
  return { version, kind: current === null ? 'first' : 'promote', reason }
}

/** A first setting; undefined when the alias points somewhere. */
export function firstSetting(
  entries: readonly AliasEntry[],
  version: string,
  reason: string,
): Decision | undefined {
  return targetOf(entries) === null ? { version, kind: 'first', reason } : undefined
}

/** A removal; undefined when the alias points nowhere. */
export function removal(entries: readonly AliasEntry[], reason: string): Decision | undefined {
  return targetOf(entries) === null ? undefined : { version: null, kind: 'delete', reason }
}

/**
 * Where an alias pointed before its last promotion that was not rolled back. What was before it was
 * deleted is not gone back to.
 *
 * @param alias in words, such as `green-duration@champion`
 * @throws rollback_impossible
 */
export function earlierVersion(alias: string, entries: readonly AliasEntry[]): string {
  let path: string[] = []
  for (const { kind, version } of entries) {
    if (version === null) path = []
    else if (kind === 'rollback') path.pop()
    else path.push(version)
  }
  const earlier = path.at(-2)
  if (earlier !== undefined) return earlier
  const [name] = alias.split('@')
  throw new RidecastError(
    'rollback_impossible',
    `${alias} has no earlier version to go back to than ${targetOf(entries)}: ` +
      `ridecast models promote ${name}/<version> sets another`,
  )
}

/** The error for something that aliases hold. */
export function aliasHeld(
  name: string,
  what: string,
  aliases: readonly string[],
  place: string,
): RidecastError {
  const [first = ''] = aliases
  const held = aliases.map((alias) => `${name}@${alias}`).join(', ')
  return new RidecastError(
    'registry_alias_held',
    `${what} of ${place} is held by ${held}: point ${aliases.length > 1 ? 'them' : 'it'} elsewhere ` +
      `with ridecast models promote, or ridecast models alias delete ${name} ${first}`,
  )
}

/** The error for a name that another model has. */
export function nameTaken(newName: string, place: string): RidecastError {
  return new RidecastError(
    'usage_invalid',
    `model name ${newName} is taken in ${place}: choose another, or delete that model first`,
  )
}

/** An error about the files of a version as one that also names the alias that led to it. */
export function blamingAlias(
  error: unknown,
  { name, alias, version }: { name: string; alias?: string; version: string },
): unknown {
  if (alias === undefined || !isRidecastError(error)) return error
  if (!error.code.startsWith('artifact_')) return error
  return new RidecastError(
    error.code,
    `alias ${name}@${alias} points to ${version}, which cannot be used: ${error.message}`,
    { cause: error },
  )
}
