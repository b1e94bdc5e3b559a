/**
 * The trees of an ensemble in one array, laid out to be walked: a node takes four words, and both its
 * children lie side by side. Knows nothing about what leaves add up to mean.
 */

import type { RowBlock, Tree } from './tree-ensemble.ts'

/** Rows of a block: a tree of thousands of leaves stays in a cache while they pass it. */
const blockRows = 256
/** Words of a node: feature and flags, threshold or place of a set, first child, words of the set. */
const words = 4
/** Of the first word: the node splits by a set of categories. */
const bySet = 1 << 30
/** Of the first word: a missing value goes left. */
const leftIfMissing = 1 << 29
const featureBits = leftIfMissing - 1

/** Trees that can be walked, and room for a block of rows. */
export class TreeWalk implements RowBlock {
  readonly rows = blockRows
  private readonly sums = new Float32Array(blockRows)
  private readonly block: Float32Array
  private readonly features: number
  /** Of a leaf the first word is -1, and the second its value as a float. */
  private readonly nodes: Int32Array
  private readonly floats: Float32Array
  private readonly sets: Uint32Array
  /** By tree: where its root stands. */
  private readonly roots: Int32Array

  /** @param features of the ensemble */
  constructor(features: number, trees: readonly Tree[]) {
    this.features = features
    this.block = new Float32Array(blockRows * features)
    const count = trees.reduce((sum, { feature }) => sum + feature.length, 0)
    const buffer = new ArrayBuffer(count * words * 4)
    this.nodes = new Int32Array(buffer)
    this.floats = new Float32Array(buffer)
    this.roots = new Int32Array(trees.length)
    const sets: number[] = []
    let next = 0
    for (const [t, tree] of trees.entries()) {
      this.roots[t] = next * words
      next = this.lay(tree, next, sets)
    }
    this.sets = Uint32Array.from(sets)
  }

  /** Writes a tree, level by level; the number of the node after it. */
  private lay(tree: Tree, first: number, sets: number[]): number {
    const { nodes, floats } = this
    const order = [0]
    let next = first + 1
    for (const [k, node] of order.entries()) {
      // The root, then children in pairs: both of a node stand where it says the first one does.
      const at = (first + k) * words
      const feature = tree.feature[node]!
      if (feature < 0) {
        nodes[at] = -1
        floats[at + 1] = tree.value[node]!
        continue
      }
      const set = tree.categories.get(node)
      nodes[at] = feature | (set ? bySet : 0) | (tree.missingLeft[node] ? leftIfMissing : 0)
      if (set) {
        nodes[at + 1] = sets.length
        nodes[at + 3] = set.length
        for (const word of set) sets.push(word)
      } else floats[at + 1] = tree.threshold[node]!
      nodes[at + 2] = next * words
      order.push(tree.left[node]!, tree.right[node]!)
      next += 2
    }
    return next
  }

  set(row: number, values: Float32Array): void {
    this.block.set(values, row * this.features)
  }

  sum(start: number, rows: number): Float32Array {
    const { roots, sums, features } = this
    sums.fill(start, 0, rows)
    for (const root of roots) {
      // Storing rounds to a 32-bit float.
      for (let row = 0; row < rows; row++) sums[row]! += this.leaf(root, row * features)
    }
    return sums
  }

  /** The value of the leaf that a row falls into. */
  private leaf(root: number, row: number): number {
    const { nodes, floats, block } = this
    let at = root
    for (let head = nodes[at]!; head >= 0; head = nodes[at]!) {
      const value = block[row + (head & featureBits)]!
      let right: boolean
      if (Number.isNaN(value)) right = (head & leftIfMissing) === 0
      else if ((head & bySet) === 0) right = !(value < floats[at + 1]!)
      else right = this.inSet(at, value)
      at = nodes[at + 2]! + (right ? words : 0)
    }
    return floats[at + 1]!
  }

  private inSet(at: number, code: number): boolean {
    const { nodes, sets } = this
    if (!(code >= 0 && code < nodes[at + 3]! * 32)) return false
    return ((sets[nodes[at + 1]! + (code >>> 5)]! >>> (code & 31)) & 1) === 1
  }
}
