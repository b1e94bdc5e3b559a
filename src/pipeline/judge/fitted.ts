/**
 * The rides that a saved model was fitted to: its lineage names their files, which are found by name and
 * known by their hashes. Knows nothing about commands, or about what is done with the rides.
 */

import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import type { Model } from '../../model.ts'
import { parseTaxis } from '../../months.ts'
import type { HashMemory } from '../hash-memory.ts'
import { hashMoments, type Moments } from '../moments.ts'
import { planOf, type Slice } from '../plan.ts'
import { obtain } from '../source.ts'
import { planSources, type SourcesOptions } from '../sources.ts'
import { cutByPickup } from '../split.ts'
import type { LocalTripFile, Summing } from '../summing.ts'
import type { Unavailable } from './judgement.ts'
import type { FittedRides } from './leverage.ts'

const lineageFile = z.object({
  month: z.string().nullable(),
  file: z.string(),
  sha256: z.string().nullable(),
})

/** What is read of `lineage.json`. */
const lineageSchema = z.object({
  taxi: z.string(),
  train: z.array(lineageFile),
  split: z.enum(['month', 'rest', 'holdout']),
  validation: z.array(lineageFile),
  moments_sha256: z.object({ train: z.string() }),
  trainer: z.string().optional(),
})

/** Where a model comes from. */
export type Lineage = z.output<typeof lineageSchema>

/** The lineage in the documents of a version; undefined where there is none that can be read. */
export function readLineage(documents: object): Lineage | undefined {
  const { lineage } = documents as { readonly lineage?: unknown }
  return lineageSchema.safeParse(lineage).data
}

/** Where files are looked for. */
export interface FittedOptions extends SourcesOptions {
  /** Files that are known already: one of them may be it under another name. */
  readonly known: readonly LocalTripFile[]
}

/**
 * Finds the files that a model was fitted to, on this disk alone: those that are named, the data
 * folder, and the folder of the command.
 *
 * @returns in the order of the lineage; or which is missing
 */
export async function fittedFiles(
  { taxi, train }: Lineage,
  options: FittedOptions,
  memory: HashMemory | undefined,
): Promise<readonly LocalTripFile[] | Unavailable> {
  const otherwise = parseTaxis(taxi)
  const files: LocalTripFile[] = []
  for (const { file, sha256 } of train) {
    if (sha256 === null) return { unavailable: `${file} was known to an engine alone` }
    const found = await fileOf(file, sha256, { ...options, taxis: undefined, otherwise }, memory)
    if ('unavailable' in found) return found
    files.push(found)
  }
  if (files.length > 0) return files
  return { unavailable: 'its lineage names no files' }
}

async function fileOf(
  name: string,
  sha256: string,
  options: FittedOptions,
  memory: HashMemory | undefined,
): Promise<LocalTripFile | Unavailable> {
  const known = options.known.find(({ source }) => source.sha256 === sha256)
  if (known) return known
  let other = false
  for (const folder of [resolve(options.cwd, options.dataFolder), options.cwd]) {
    // A name with a folder in it is none that training has written.
    const [planned] = planSources([join(folder, basename(name))], options)
    const source = planned && (await obtain(planned.plan, { memory }).catch(() => undefined))
    if (planned && source?.sha256 === sha256) return { source, taxi: planned.taxi }
    other ||= source !== undefined
  }
  const what = `${name}, which it was trained on,`
  const digits = sha256.slice(0, 12)
  return other
    ? { unavailable: `${what} is not the file of that name at hand: expected SHA-256 ${digits}...` }
    : { unavailable: `${what} is not in the data folder (SHA-256 ${digits}...)` }
}

/**
 * The rides of these files that a linear model was fitted to, and their sums.
 *
 * @param files those of its lineage
 * @returns or why they are not the ones
 * @throws engine_*, source_* codes
 */
export async function fittedRides(
  { recipe, features }: Model,
  { split, moments_sha256 }: Lineage,
  files: readonly LocalTripFile[],
  summing: Summing,
): Promise<FittedRides | Unavailable> {
  const whole = planOf(recipe, features)
  const slices: Record<Lineage['split'], () => Slice | Promise<Slice>> = {
    month: () => whole.slice,
    rest: () => ({ kind: 'rows', from: 0, to: recipe.split?.first_rows ?? 0 }),
    holdout: async () => (await cutByPickup(summing, files, whole)).train,
  }
  const plan = planOf(recipe, features, await slices[split]())
  const moments = (await summing.ofFiles(files, [plan]))[0] as Moments
  if (hashMoments(moments) === moments_sha256.train) return { files, plan, moments }
  return { unavailable: 'the sums of its rides are other ones here than those it was fitted to' }
}
