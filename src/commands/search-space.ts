/** What `ridecast search` may choose from, as flags and files say it. Knows nothing about trials. */

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { messageOf, RidecastError } from '../errors.ts'
import type { Space } from '../pipeline/search/space.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { Io } from './io.ts'

/** Flags that name settings. */
export interface SpaceFlags {
  space?: string
  param: string[]
}

/** Settings that are searched where nobody says, by kind of model. */
const usualSpaces: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  trees: {
    'trees.rounds': { kind: 'whole', low: 100, high: 800, log: true },
    'trees.leaves': { kind: 'whole', low: 15, high: 255, log: true },
    'trees.learning_rate': { kind: 'number', low: 0.02, high: 0.2, log: true },
    'trees.row_fraction': { kind: 'number', low: 0.5, high: 1 },
    'trees.feature_fraction': { kind: 'number', low: 0.3, high: 1 },
    'trees.min_rows': { kind: 'whole', low: 5, high: 100, log: true },
    'trees.category_smoothing': { kind: 'number', low: 1, high: 300, log: true },
    'trees.category_l2': { kind: 'number', low: 1, high: 100, log: true },
  },
  forest: {
    'trees.rounds': { kind: 'whole', low: 50, high: 400, log: true },
    'trees.leaves': { kind: 'whole', low: 63, high: 2047, log: true },
    'trees.min_rows': { kind: 'whole', low: 1, high: 50, log: true },
    'trees.feature_fraction': { kind: 'number', low: 0.3, high: 1 },
  },
  linear: { l2: { kind: 'number', low: 0.01, high: 1000, log: true } },
}

/** `1..10`, `0.1..100.0:log`, `a,b,c` as a dimension; two whole ends mean whole numbers. */
export function dimensionOf(param: string): [name: string, dimension: unknown] {
  const at = param.indexOf('=')
  const [name, text] = [param.slice(0, Math.max(at, 0)), param.slice(at + 1)]
  const range = /^(-?[\d.eE+-]+?)\.\.(-?[\d.eE+-]+?)(:log)?$/.exec(text)
  if (at < 1 || text === '') {
    throw new RidecastError(
      'usage_invalid',
      `--param ${param} is not key=range: expected one such as l2=0.1..100.0:log or trees.leaves=31,63`,
    )
  }
  if (!range) return [name, { kind: 'choice', options: text.split(',').map((one) => parse(one)) }]
  const [low, high] = [range[1] as string, range[2] as string]
  const kind = /^-?\d+$/.test(low) && /^-?\d+$/.test(high) ? 'whole' : 'number'
  return [name, { kind, low: Number(low), high: Number(high), log: range[3] !== undefined }]
}

/**
 * What is searched: a file, flags, or what is usual for a kind of model.
 *
 * @throws usage_invalid, recipe_invalid
 */
export async function spaceOf(io: Io, flags: SpaceFlags, recipe: Recipe): Promise<Space> {
  const { checkSpace } = await import('../pipeline/search/space.ts')
  if (flags.space !== undefined) {
    const path = resolve(io.cwd, flags.space)
    const text = await readFile(path, 'utf8').catch((error) => {
      throw new RidecastError('usage_invalid', `space ${path} cannot be read: ${messageOf(error)}`)
    })
    return checkSpace(parse(text, { maxAliasCount: 0, logLevel: 'error' }), flags.space)
  }
  if (flags.param.length > 0) {
    return checkSpace(Object.fromEntries(flags.param.map(dimensionOf)), '--param')
  }
  const usual = usualSpaces[recipe.model]
  if (usual) return checkSpace(usual, recipe.name)
  throw new RidecastError(
    'usage_invalid',
    `recipe ${recipe.name} is of kind ${recipe.model}, which has no usual settings to search: name some with --param, or search its members`,
  )
}
