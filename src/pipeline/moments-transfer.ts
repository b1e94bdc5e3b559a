/**
 * Moments as data that crosses to another thread: arrays are handed over, not copied, and terms,
 * which are functions, stay behind. Knows nothing about threads.
 */

import type { Block, Moments } from './moments.ts'
import type { Plan } from './plan.ts'

/** Moments without their terms. */
export interface MomentsData extends Omit<Moments, 'numeric' | 'blocks'> {
  readonly blocks: readonly Omit<Block, 'term'>[]
}

/** Takes the terms out of moments. */
export function dataOfMoments({ numeric: _, blocks, ...rest }: Moments): MomentsData {
  return { ...rest, blocks: blocks.map(({ term: _, ...block }) => block) }
}

/** The memory behind moments, each piece once: what is handed over cannot be used here again. */
export function buffersOf(moments: MomentsData): ArrayBuffer[] {
  const { target, sums, products, squares, blocks, crosses } = moments
  const pairs = [target, sums, products, squares, ...blocks.flatMap((b) => [b.target, b.numeric])]
  const arrays = [
    ...pairs.flatMap(({ hi, lo }) => [hi, lo]),
    ...blocks.flatMap(({ codes, counts }) => [codes, counts]),
    ...crosses.flatMap(({ rows, columns, counts }) => [rows, columns, counts]),
  ]
  return [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))]
}

/** Moments from data, with the terms of the plan that summed them. */
export function momentsFromData(data: MomentsData, { features }: Plan): Moments {
  const blocks = data.blocks.map((block, k): Block => {
    return { ...block, term: features.categorical[k] as Block['term'] }
  })
  return { ...data, numeric: features.numeric, blocks }
}
