/**
 * What an ensemble can tell apart: numbers by the thresholds of all its trees, categories by code, each
 * as a small number, its bin. Knows nothing about leaves.
 */

import type { Tree, TreeFeature } from './tree-ensemble.ts'

/** What values of one feature become. */
export interface ValueBins {
  readonly isCategory: boolean
  /** Numbers: thresholds of all trees, each once, ascending. */
  readonly thresholds: Float32Array
  /** Categories: codes from here on are in no set. */
  readonly codes: number
  /** Number of bins: missing values, then numbers or codes, then other codes. */
  readonly size: number
}

/** Bins of the features of an ensemble, in their order. */
export function valueBins(features: readonly TreeFeature[], trees: readonly Tree[]): ValueBins[] {
  const thresholds = features.map(() => new Set<number>())
  const codes = features.map(() => 0)
  for (const { feature, threshold, categories } of trees) {
    for (const [node, f] of feature.entries()) {
      if (f < 0) continue
      const bits = categories.get(node)
      if (bits) codes[f] = Math.max(codes[f]!, bits.length * 32)
      else thresholds[f]!.add(threshold[node]!)
    }
  }
  return features.map(({ kind }, f) => {
    const isCategory = kind === 'category'
    const sorted = Float32Array.from(thresholds[f]!).sort()
    const size = isCategory ? codes[f]! + 2 : sorted.length + 2
    return { isCategory, thresholds: sorted, codes: codes[f]!, size }
  })
}

/**
 * The bin of a value: 0 for a missing one, else 1 and the number of thresholds that are not above it, or
 * 1 and the code.
 *
 * @param value a 32-bit float, or a code; NaN is missing
 */
export function binOf({ thresholds, codes, isCategory }: ValueBins, value: number): number {
  if (Number.isNaN(value)) return 0
  if (isCategory) return value >= 0 && value < codes ? 1 + Math.trunc(value) : codes + 1
  let low = 0
  let high = thresholds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value < thresholds[middle]!) high = middle
    else low = middle + 1
  }
  return low + 1
}
