/**
 * An ensemble of regression trees: what it predicts, for one row or a table, in 32-bit floats as
 * XGBoost adds them up. Knows nothing about training, files or what the features mean.
 */

import { TreeLookup } from './tree-lookup.ts'
import { TreeWalk } from './tree-walk.ts'

/** A feature of an ensemble: a number, or a category given as a code from 0. */
export interface TreeFeature {
  readonly name: string
  readonly kind: 'number' | 'category'
}

/** A column of numbers. */
export interface NumberColumn {
  readonly name: string
  readonly kind: 'number'
  /** One per row; NaN is missing. Trees see them as 32-bit floats. */
  readonly values: Float64Array
}

/** A column of categories. */
export interface CategoryColumn {
  readonly name: string
  readonly kind: 'category'
  /** One per row, from 0 up to `levels`, without it; -1 is missing, or not seen in training. */
  readonly codes: Int32Array
  /** Number of levels. */
  readonly levels: number
}

/** A column of a table that trees are trained on or evaluated for. */
export type TreeColumn = NumberColumn | CategoryColumn

/** One tree as parallel arrays, one element per node; node 0 is the root. */
export interface Tree {
  /** Index of the feature that a node splits by; -1 for a leaf. */
  readonly feature: Int32Array
  /** Numbers below it go left. Of splits by number only. */
  readonly threshold: Float32Array
  /** Bit set, 32 codes a word, of the categories that go right, by node. Of splits by category. */
  readonly categories: ReadonlyMap<number, Uint32Array>
  readonly left: Int32Array
  readonly right: Int32Array
  /** 1 where a missing value goes left. */
  readonly missingLeft: Uint8Array
  /** Minutes: what a leaf adds; of other nodes what they would add as a leaf. */
  readonly value: Float32Array
  /** By how much a split lowered the loss; 0 for a leaf. */
  readonly gain: Float32Array
  /** Training rows (sum of hessians) that passed a node. */
  readonly cover: Float32Array
}

/** Deepest tree that is read or evaluated, in splits from the root. */
export const maxTreeDepth = 128

/** XGBoost takes codes as exact 32-bit floats: those from here on are in no set. */
export const maxCategory = 2 ** 24

/** What a feature did for an ensemble. */
export interface TreeImportance {
  readonly feature: string
  /** Number of splits. */
  readonly splits: number
  /** Sum of their gains. */
  readonly gain: number
  /** Sum of the training rows that passed them. */
  readonly cover: number
}

/** Rows that pass an ensemble together. */
export interface RowBlock {
  /** Rows that there is room for. */
  readonly rows: number
  /**
   * Sets a row.
   *
   * @param values one per feature, missing are NaN
   */
  set(row: number, values: Float32Array): void
  /**
   * What the leaves add to a start for the first rows, in the order of the trees, rounded to a 32-bit
   * float each time. The array is used again.
   */
  sum(start: number, rows: number): Float32Array
}

/** Bytes that tables of an ensemble may take: what is far larger takes longer to look up than to walk. */
const mostTableBytes = 2 ** 26

/** Trees that add up. Holds buffers for a block of rows: not to be shared between threads. */
export class TreeEnsemble {
  readonly features: readonly TreeFeature[]
  readonly trees: readonly Tree[]
  /** What every prediction starts from, a 32-bit float. */
  readonly base: number
  private readonly tableBytes: number
  private readonly isCategory: Uint8Array
  /** A row on its way into the block. */
  private readonly row: Float32Array
  /** Made for the first prediction. */
  private made: RowBlock | undefined

  /**
   * @param features in the order of rows and of `Tree.feature`; a category is split by sets alone
   * @param trees whose nodes are all reached from their root, once each
   * @param base rounded to a 32-bit float
   * @param tableBytes default 64 MiB; 0 has the trees walked
   */
  constructor(
    features: readonly TreeFeature[],
    trees: readonly Tree[],
    base: number,
    tableBytes: number = mostTableBytes,
  ) {
    this.features = features
    this.trees = trees
    this.base = Math.fround(base)
    this.tableBytes = tableBytes
    this.isCategory = Uint8Array.from(features, ({ kind }) => (kind === 'category' ? 1 : 0))
    this.row = new Float32Array(features.length)
  }

  private block(): RowBlock {
    const { features, trees, tableBytes } = this
    this.made ??= TreeLookup.of(features, trees, tableBytes) ?? new TreeWalk(features.length, trees)
    return this.made
  }

  /**
   * Minutes for one row. Allocates nothing, but for the first one.
   *
   * @param values one per feature: the number, or the code of the category; missing are NaN, and
   *   codes below 0. A code that no set holds goes left, as in XGBoost.
   */
  predict(values: ArrayLike<number>): number {
    const block = this.block()
    this.set(block, 0, values)
    return block.sum(this.base, 1)[0]!
  }

  /**
   * Minutes for many rows: a fraction of the time of as many calls of `predict`, and the same to the
   * bit.
   *
   * @param fill writes a row, as for `predict`
   */
  predictRows(
    length: number,
    fill: (row: number, values: Float64Array) => void,
  ): Float32Array<ArrayBuffer> {
    const block = this.block()
    const values = new Float64Array(this.features.length)
    const minutes = new Float32Array(length)
    for (let from = 0; from < length; from += block.rows) {
      const rows = Math.min(block.rows, length - from)
      for (let k = 0; k < rows; k++) {
        fill(from + k, values)
        this.set(block, k, values)
      }
      minutes.set(block.sum(this.base, rows).subarray(0, rows), from)
    }
    return minutes
  }

  /**
   * Minutes for every row of a table.
   *
   * @param columns those of `features`, in their order
   */
  predictTable(columns: readonly TreeColumn[]): Float32Array<ArrayBuffer> {
    const arrays = columns.map((column) => {
      return column.kind === 'number' ? column.values : column.codes
    })
    return this.predictRows(arrays[0]?.length ?? 0, (row, values) => {
      for (let f = 0; f < arrays.length; f++) values[f] = arrays[f]![row]!
    })
  }

  private set(block: RowBlock, k: number, values: ArrayLike<number>): void {
    const { row, isCategory } = this
    for (let f = 0; f < row.length; f++) {
      const value = values[f] as number
      row[f] = isCategory[f] === 1 && value < 0 ? Number.NaN : value
    }
    block.set(k, row)
  }

  /** What each feature did in training, in the order of `features`. */
  importance(): TreeImportance[] {
    const all = this.features.map(({ name }) => ({ feature: name, splits: 0, gain: 0, cover: 0 }))
    for (const { feature, gain, cover } of this.trees) {
      for (const [node, f] of feature.entries()) {
        const one = all[f]
        if (!one) continue
        one.splits++
        one.gain += gain[node]!
        one.cover += cover[node]!
      }
    }
    return all
  }
}

/**
 * Whether a node sends a value left.
 *
 * @param value a 32-bit float, or a code; NaN is missing
 */
export function goesLeft(tree: Tree, node: number, value: number): boolean {
  if (Number.isNaN(value)) return tree.missingLeft[node] === 1
  const bits = tree.categories.get(node)
  if (!bits) return value < tree.threshold[node]!
  if (!(value >= 0 && value < bits.length * 32)) return true
  return ((bits[value >>> 5]! >>> (value & 31)) & 1) === 0
}
