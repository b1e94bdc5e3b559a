/**
 * What people may note about models and versions, and which of them a list shows. Knows nothing
 * about where notes are kept.
 */

import { RidecastError } from './errors.ts'
import { checkName } from './model-reference.ts'
import type { ListFilter, ModelSummary, Notes } from './registry.ts'

/** Longest description or value of a tag, characters: what every MLflow server takes. */
export const longestNote = 5000

/**
 * Checks a description.
 *
 * @throws usage_invalid
 */
export function checkDescription(text: string): void {
  checkText('description', text)
}

/**
 * Checks the names and values of tags.
 *
 * @throws model_name_invalid, usage_invalid
 */
export function checkTags(tags: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(tags)) {
    checkName('tag', name)
    checkTagOwner(name)
    checkText(`value of tag ${name}`, value)
  }
}

/**
 * Checks that a tag is one that people set.
 *
 * @throws usage_invalid
 */
export function checkTagOwner(name: string): void {
  if (!isOwnTag(name)) return
  throw new RidecastError(
    'usage_invalid',
    `tag ${name} is set by the registry itself: choose a name without ridecast. or mlflow. before it`,
  )
}

/** True for tags that stores set for themselves. */
export function isOwnTag(name: string): boolean {
  return /^(ridecast|mlflow)\./.test(name)
}

function checkText(what: string, text: string): void {
  if (text.length <= longestNote && isText(text)) return
  const found = text.length > longestNote ? text.length : 'something that is no character'
  throw new RidecastError(
    'usage_invalid',
    `${what} must be text of at most ${longestNote} characters, found ${found}`,
  )
}

/** Whether there is no half of a character in a text, and no NUL. */
function isText(text: string): boolean {
  // A pattern that says so takes longer to compile than all else that is done with a note.
  return !text.includes('\0') && Buffer.from(text).toString() === text
}

/** What of a list a filter lets through; a model none of whose versions it does is left out. */
export function filtered(models: readonly ModelSummary[], filter: ListFilter): ModelSummary[] {
  const { name = '*', tags = {}, alias } = filter
  const pieces = name.split('*').map((piece) => piece.replaceAll(/[^\w-]/g, '\\$&'))
  const pattern = new RegExp(`^${pieces.join('.*')}$`, 's')
  const isAll = alias === undefined && Object.keys(tags).length === 0
  const fits = (model: Notes, version: Notes & { aliases: readonly string[] }): boolean =>
    (alias === undefined || version.aliases.includes(alias)) &&
    Object.entries(tags).every(([key, value]) => {
      return (Object.hasOwn(version.tags, key) ? version : model).tags[key] === value
    })
  return models
    .filter((model) => pattern.test(model.name))
    .map((model) => ({
      ...model,
      versions: model.versions.filter((version) => isAll || fits(model, version)),
    }))
    .filter((model) => isAll || model.versions.length > 0)
}
