/** Finds recipes: the shipped ones by name, others by path. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, RidecastError } from '../errors.ts'
import { packageFolder } from '../package.ts'
import { parseRecipe } from '../recipe.ts'
import type { Recipe } from '../recipe-schema.ts'

/** Names of the recipes that come with ridecast. */
export function recipeNames(): string[] {
  return readdirSync(join(packageFolder(), 'recipes'))
    .flatMap((file) => /^(.+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort()
}

/**
 * A recipe by name or path, with overrides applied.
 *
 * @param nameOrPath a shipped name, or a path (it has a separator or ends in .yaml or .yml)
 * @param overrides `key=value`, see {@link parseRecipe}
 * @throws recipe_not_found, recipe_invalid, recipe_leakage, usage_invalid
 */
export function findRecipe(nameOrPath: string, overrides: readonly string[], cwd: string): Recipe {
  const isPath = /[\\/]|\.ya?ml$/i.test(nameOrPath)
  const path = isPath
    ? resolve(cwd, nameOrPath)
    : join(packageFolder(), 'recipes', `${nameOrPath}.yaml`)
  if (!existsSync(path)) {
    throw new RidecastError(
      'recipe_not_found',
      `recipe ${nameOrPath} is not there: expected one of ${recipeNames().join(', ')}, or the path of a YAML file`,
    )
  }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new RidecastError(
      'recipe_not_found',
      `recipe ${path} cannot be read: ${messageOf(error)}`,
      { cause: error },
    )
  }
  return parseRecipe(text, nameOrPath, overrides, (name) => findRecipe(name, [], cwd))
}
