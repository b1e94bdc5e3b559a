/**
 * How a person names a model version: `name`, `name@alias`, `name/version` or a path, and what is
 * said when there is no such one. Knows nothing about files.
 */

import { isAbsolute } from 'node:path'
import { distance } from 'fastest-levenshtein'
import { isVersion } from './artifact.ts'
import { RidecastError } from './errors.ts'

/** The alias that predict and serve take unless told otherwise. */
export const championAlias = 'champion'

/** The parts of a reference that is no path; a version may be the start of one. */
export interface Reference {
  readonly name: string
  readonly alias?: string
  readonly version?: string
}

/** True for what a model, an alias or a tag can be called. */
export function isName(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(text) && !isVersion(text)
}

/**
 * Checks the name of a model, an alias or a tag before it becomes part of a path.
 *
 * @throws model_name_invalid
 */
export function checkName(what: 'model' | 'alias' | 'tag', name: string): void {
  if (isName(name)) return
  throw new RidecastError(
    'model_name_invalid',
    `${what} name ${JSON.stringify(name)} is not allowed: expected a lower-case letter or digit, ` +
      'then letters, digits, ".", "_" or "-", at most 64 and not the form of a version, such as ' +
      `${{ model: 'green-duration', alias: 'champion', tag: 'team' }[what]}`,
  )
}

/** True for a reference that is read as a path: rooted, beginning with a dot, or of many parts. */
export function isPath(reference: string): boolean {
  if (reference.startsWith('models:/')) return false
  return isAbsolute(reference) || /^\.|\\|\/.*\//.test(reference)
}

/**
 * Takes a reference apart, with or without `models:/` before it.
 *
 * @throws model_not_found when it has another form, model_name_invalid
 */
export function parseReference(reference: string): Reference {
  const text = reference.replace(/^models:\//, '')
  const [, name, mark, rest = ''] = /^([^@/]+)(?:([@/])([^@/]+))?$/.exec(text) ?? []
  if (name === undefined) {
    throw new RidecastError(
      'model_not_found',
      `model reference ${JSON.stringify(reference)} is not one: expected name, name@alias, ` +
        "name/version or the path of a version's folder; ridecast models list shows all",
    )
  }
  checkName('model', name)
  if (mark === '/') return { name, version: rest }
  if (mark === '@') return { name, alias: rest }
  return { name }
}

/**
 * The error for a model, version or alias that is not there, with the nearest that are.
 *
 * @param place folder or server of the registry
 * @param wanted what was looked for, in the form of `known`
 * @param what the same in words
 */
export function notFound(
  place: string,
  wanted: string,
  what: string,
  known: readonly string[],
): RidecastError {
  const near = known
    .map((name) => [distance(name, wanted), name] as const)
    .sort(([a], [b]) => a - b)
    .slice(0, 3)
    .map(([, name]) => name)
  const hint =
    near.length > 0
      ? `the nearest are ${near.join(', ')}; ridecast models list shows all`
      : 'there are none yet; train one, such as ridecast train 2021-01'
  return new RidecastError('model_not_found', `${what} is not in ${place}: ${hint}`)
}

/**
 * The error for a start of a version that several have.
 *
 * @param hits the versions that begin so
 */
export function notOneVersion(name: string, start: string, hits: readonly string[]): RidecastError {
  return new RidecastError(
    'usage_invalid',
    `version ${start} of ${name} is not one version: expected the start of one, found ` +
      `${hits.join(', ')}; give more of it`,
  )
}

/** True for what can be the start of a version, at least 4 digits of it, or all of one. */
export function isVersionStart(text: string): boolean {
  return /^[0-9a-f]{4,12}$/.test(text)
}
