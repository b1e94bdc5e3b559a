/**
 * A thread's share of the rows: draws those of a tree, sums their histograms, parts them at splits,
 * adds leaf values. Blocks go to the threads in turns. What is summed is whole numbers, or whole
 * blocks, so that the number of threads changes nothing. Knows nothing about what a good split is.
 */

import { type Kernels, kernelsFor } from './kernels.ts'
import { blockRows, blocksOf, rowsOfThread, type TreeMemory, validationStart } from './memory.ts'
import { randomBelow, randomBits } from './random.ts'

/** Rows that are drawn for the tree, and those that only follow it. */
interface Parts {
  /** By leaf: where its rows begin and end in the order. */
  readonly begins: Int32Array
  readonly ends: Int32Array
}

/** The rows of one thread. */
export class Shard {
  private readonly memory: TreeMemory
  private readonly index: number
  private readonly kernels: Kernels
  /** The thread's parts of what is shared. */
  private readonly order: Uint32Array
  private readonly right: Uint32Array
  private readonly partial: Float64Array
  private readonly drawn: Parts
  private readonly others: Parts
  /** Rows that were not drawn, at the beginning of `right` until they follow those that were. */
  private skipped = 0

  /** @param index of the thread, from 0 */
  constructor(memory: TreeMemory, index: number) {
    const { order, right, partials, bins, leaves } = memory
    this.memory = memory
    this.index = index
    this.kernels = kernelsFor(memory)
    const room = rowsOfThread(memory)
    this.order = order.subarray(index * room, (index + 1) * room)
    this.right = right.subarray(index * room, (index + 1) * room)
    this.partial = partials.subarray(index * bins, (index + 1) * bins)
    const parts = (): Parts => {
      return { begins: new Int32Array(leaves), ends: new Int32Array(leaves) }
    }
    this.drawn = parts()
    this.others = parts()
  }

  /** The address of a place in the order. */
  private address(at: number): number {
    return this.order.byteOffset + at * 4
  }

  /** Draws the rows of a tree and measures their gradients. */
  begin(tree: number): void {
    const { memory, index } = this
    let at = 0
    this.skipped = 0
    for (let block = index; block < blocksOf(memory.rows); block += memory.threads) {
      const from = at
      at = this.draw(block, tree, at)
      this.measure(block, from, at)
    }
    memory.drawn[index] = at
    this.drawn.begins[0] = 0
    this.drawn.ends[0] = at
    this.others.begins[0] = at
    this.others.ends[0] = this.follow(at)
  }

  /** Rows of a block that the tree sees; where they end. */
  private draw(block: number, tree: number, at: number): number {
    const { rows, seed, rowFraction, forest } = this.memory
    const from = block * blockRows
    const to = Math.min(from + blockRows, rows)
    let end = at
    if (!forest) {
      for (let row = from; row < to; row++) {
        if (rowFraction === 1 || randomBits(seed, tree, row) < rowFraction * 2 ** 32) {
          this.order[end++] = row
        } else this.right[this.skipped++] = row
      }
      return end
    }
    // With replacement inside the block, so that a thread needs its own rows alone.
    for (let row = from; row < to; row++) {
      this.order[end] = from + randomBelow(to - from, seed, tree, row)
      if (rowFraction === 1 || randomBits(seed, tree, row + rows) < rowFraction * 2 ** 32) end++
    }
    return end
  }

  private measure(block: number, from: number, to: number): void {
    const { blockSums, blockMaxima } = this.memory
    const largest = blockMaxima.byteOffset + block * 8
    blockSums[block] = this.kernels.measure(this.address(from), this.address(to), largest)
  }

  /** Rows that were not drawn, and those of validation, need the tree's values too. */
  private follow(at: number): number {
    const { order, memory, index } = this
    const { rows, validationRows, threads } = memory
    const start = validationStart(rows)
    order.set(this.right.subarray(0, this.skipped), at)
    let end = at + this.skipped
    const blocks = start / blockRows
    for (let block = index; block < blocksOf(start + validationRows); block += threads) {
      if (block < blocks) continue
      const to = Math.min((block + 1) * blockRows, start + validationRows)
      for (let row = block * blockRows; row < to; row++) order[end++] = row
    }
    return end
  }

  /** Gradients in multiples of 2^-exponent, and the histogram of the root. */
  root(exponent: number): void {
    const { memory, index } = this
    const { rows, threads } = memory
    const factor = 2 ** exponent
    for (let block = index; block < blocksOf(rows); block += threads) {
      const from = block * blockRows
      this.kernels.quantise(from, Math.min(from + blockRows, rows), factor)
    }
    this.sum(0)
  }

  /** The histogram of a leaf's rows, into the thread's part of the partial sums. */
  sum(leaf: number): void {
    const { partial, drawn } = this
    const [begin, end] = [this.address(drawn.begins[leaf]!), this.address(drawn.ends[leaf]!)]
    partial.fill(0)
    this.kernels.sum(begin, end, partial.byteOffset)
  }

  /**
   * Parts the rows of a leaf by `goesRight`: the right ones are those of a new leaf.
   *
   * @param feature that is split by
   */
  split(leaf: number, newLeaf: number, feature: number): void {
    for (const part of [this.drawn, this.others]) {
      const end = part.ends[leaf]!
      const middle = this.part(part.begins[leaf]!, end, feature)
      part.ends[leaf] = middle
      part.begins[newLeaf] = middle
      part.ends[newLeaf] = end
    }
  }

  /** Keeps the order on either side: rows that follow each other lie near each other. */
  private part(begin: number, end: number, feature: number): number {
    const { order, right, memory, kernels } = this
    const places = memory.places.byteOffset + feature * 2
    const [from, to] = [this.address(begin), this.address(end)]
    const left = (kernels.part(from, to, places, right.byteOffset) - order.byteOffset) / 4
    order.set(right.subarray(0, end - left), left)
    return left
  }

  /** Adds the leaf values of a tree, and sums squared errors by block. */
  finish(leaves: number): void {
    const { memory, index, drawn, others } = this
    const { rows, validationRows, threads, forest, blockLosses } = memory
    for (let leaf = 0; leaf < leaves; leaf++) {
      if (!forest) this.add(leaf, drawn)
      this.add(leaf, others)
    }
    const start = validationStart(rows)
    for (let block = index; block < blocksOf(start + validationRows); block += threads) {
      const from = block * blockRows
      const to = Math.min(from + blockRows, from < start ? rows : start + validationRows)
      blockLosses[block] = this.kernels.loss(from, to)
    }
  }

  private add(leaf: number, { begins, ends }: Parts): void {
    const [begin, end] = [this.address(begins[leaf]!), this.address(ends[leaf]!)]
    this.kernels.add(begin, end, this.memory.leafValues[leaf]!)
  }
}
