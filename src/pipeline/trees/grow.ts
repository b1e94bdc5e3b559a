/**
 * Grows one tree: the leaf whose split lowers the loss most is split next. Knows nothing about
 * threads or what trees are added up to.
 */

import type { Tree } from '../../tree-ensemble.ts'
import type { FeatureBins } from './binning.ts'
import type { Crew } from './crew.ts'
import { countBits, quantumExponent, subtract } from './histogram.ts'
import { blocksOf, type TreeMemory } from './memory.ts'
import { randomChoice } from './random.ts'
import type { TreeSettings } from './settings.ts'
import { type Bounds, type NodeSums, type Split, SplitFinder, unbounded } from './split.ts'
import { TreeDraft } from './tree-draft.ts'

interface Leaf {
  readonly node: number
  readonly depth: number
  readonly sums: NodeSums
  readonly bounds: Bounds
  /** Undefined once it cannot be split further. */
  histogram: Float64Array | undefined
  split: Split | undefined
}

/** In `goesRight`, see {@link TreeMemory}. */
const rightBytes = 4

/** Streams of random numbers: rows of a tree are drawn from the tree's own. */
const featureStream = 0x6665_6174

/** Grows trees on the rows of a memory, one after the other. */
export class TreeGrower {
  private readonly settings: TreeSettings
  private readonly bins: readonly FeatureBins[]
  private readonly memory: TreeMemory
  private readonly crew: Crew
  private readonly finder: SplitFinder
  private readonly scale: number
  /** Histograms that no leaf uses. */
  private readonly spare: Float64Array[] = []

  constructor(
    settings: TreeSettings,
    bins: readonly FeatureBins[],
    memory: TreeMemory,
    crew: Crew,
  ) {
    this.settings = settings
    this.bins = bins
    this.memory = memory
    this.crew = crew
    this.scale = 2 ** countBits(memory.rows)
    this.finder = new SplitFinder(settings, bins, this.scale)
  }

  /**
   * The next tree, its values added to the scores.
   *
   * @param number of the tree, which rows and features are drawn by
   * @param rate what its values are multiplied by
   */
  grow(number: number, rate: number): Tree {
    const { settings, crew } = this
    crew.run('begin', number)
    const exponent = this.exponent()
    crew.run('root', exponent)
    const features = this.chooseFeatures(number)
    const find = (leaf: Leaf): void => this.findSplit(leaf, 2 ** -exponent, features)
    const draft = new TreeDraft(this.bins, settings.leaves, rate)
    const leaves = [this.rootLeaf(2 ** -exponent, draft)]
    find(leaves[0]!)
    while (leaves.length < settings.leaves) {
      const best = bestOf(leaves)
      if (best < 0) break
      const children = this.splitLeaf(leaves, best, draft)
      if (leaves.length < settings.leaves) for (const child of children) find(child)
    }
    for (const { histogram } of leaves) if (histogram) this.spare.push(histogram)
    for (const [i, { node }] of leaves.entries()) {
      this.memory.leafValues[i] = draft.valueOf(node)
    }
    crew.run('finish', leaves.length)
    return draft.tree()
  }

  /** The fixed point of the gradients of the rows drawn. */
  private exponent(): number {
    const { blockSums, blockMaxima, rows, drawn } = this.memory
    let sum = 0
    let largest = 0
    for (let block = 0; block < blocksOf(rows); block++) {
      sum += blockSums[block]!
      largest = Math.max(largest, blockMaxima[block]!)
    }
    return quantumExponent(
      sum,
      largest,
      drawn.reduce((all, some) => all + some, 0),
      rows,
    )
  }

  private chooseFeatures(number: number): number[] {
    const { featureFraction, seed } = this.settings
    return randomChoice(this.bins.length, featureFraction, seed ^ featureStream, number)
  }

  private rootLeaf(quantum: number, draft: TreeDraft): Leaf {
    const histogram = this.spareHistogram()
    this.crew.gather(histogram)
    const { first, size } = this.bins[0]!
    let gradient = 0
    let rows = 0
    for (let place = first; place < first + size; place++) {
      const whole = Math.floor(histogram[place]! / this.scale)
      gradient += whole * quantum
      rows += histogram[place]! - whole * this.scale
    }
    const sums = { gradient, rows }
    const node = draft.addRoot(this.finder.value(sums, unbounded), rows)
    return { node, depth: 0, sums, bounds: unbounded, histogram, split: undefined }
  }

  private findSplit(leaf: Leaf, quantum: number, features: readonly number[]): void {
    const { histogram, sums, bounds } = leaf
    if (!histogram) return
    leaf.split = this.finder.find(histogram, quantum, sums, bounds, features)
    if (leaf.split) return
    this.spare.push(histogram)
    leaf.histogram = undefined
  }

  /** Puts the left child where the leaf was, and the right one at the end. */
  private splitLeaf(leaves: Leaf[], index: number, draft: TreeDraft): Leaf[] {
    const { settings, memory, crew } = this
    const leaf = leaves[index]!
    const split = leaf.split!
    const { first, size, kind } = this.bins[split.feature]!
    const goesRight = memory.goesRight.subarray(first, first + size)
    goesRight.fill(0)
    if (kind === 'number') {
      goesRight.fill(rightBytes, split.cut + 1)
      if (!split.missingLeft) goesRight[0] = rightBytes
    } else for (const bin of split.right) goesRight[bin] = rightBytes
    const nodes = draft.split(leaf.node, split)
    const bounds = childBounds(
      leaf.bounds,
      split,
      settings.monotone[this.bins[split.feature]!.name],
    )
    const children = ([0, 1] as const).map((side): Leaf => {
      const sums = side === 0 ? split.leftSums : split.rightSums
      const depth = leaf.depth + 1
      return {
        node: nodes[side],
        depth,
        sums,
        bounds: bounds[side],
        histogram: undefined,
        split: undefined,
      }
    }) as [Leaf, Leaf]
    const newIndex = leaves.length
    const isLast = newIndex + 1 === settings.leaves
    const mayGrow = children.map((child) => !isLast && this.maySplit(child))
    const smaller = children[0].sums.rows <= children[1].sums.rows ? 0 : 1
    const summed = mayGrow[0] || mayGrow[1] ? [index, newIndex][smaller]! : -1
    crew.run('split', index, newIndex, split.feature, summed)
    const parent = leaf.histogram!
    if (summed >= 0) {
      const histogram = this.spareHistogram()
      crew.gather(histogram)
      subtract(parent, histogram)
      children[smaller]!.histogram = histogram
      children[1 - smaller]!.histogram = parent
    } else {
      this.spare.push(parent)
    }
    for (const [side, child] of children.entries()) {
      if (mayGrow[side] || !child.histogram) continue
      this.spare.push(child.histogram)
      child.histogram = undefined
    }
    leaves[index] = children[0]
    leaves.push(children[1])
    return children
  }

  private maySplit({ depth, sums }: Leaf): boolean {
    const { minRows, minHessian, depth: deepest } = this.settings
    return depth < deepest && sums.rows >= 2 * Math.max(minRows, minHessian)
  }

  private spareHistogram(): Float64Array {
    return this.spare.pop() ?? new Float64Array(this.memory.bins)
  }
}

/** The leaf with the largest gain, the first of equals; -1 where none can be split. */
function bestOf(leaves: readonly Leaf[]): number {
  let best = -1
  let most = 0
  for (const [i, { split }] of leaves.entries()) {
    if (!split || split.gain <= most) continue
    best = i
    most = split.gain
  }
  return best
}

/** A split by a monotone feature parts the values that its sides may take. */
function childBounds(
  bounds: Bounds,
  split: Split,
  direction: 1 | -1 | undefined,
): [Bounds, Bounds] {
  if (direction === undefined) return [bounds, bounds]
  const middle = (split.leftValue + split.rightValue) / 2
  const below = { least: bounds.least, most: middle }
  const above = { least: middle, most: bounds.most }
  return direction === 1 ? [below, above] : [above, below]
}
