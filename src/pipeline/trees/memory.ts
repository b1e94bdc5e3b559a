/**
 * What threads share while trees grow: rows, gradients, sums and the order that is being carried
 * out, all in one WebAssembly memory. Knows nothing about what is done with them.
 */

import { RidecastError } from '../../errors.ts'
import { pageBytes, type WasmMemory, wasmMemory } from '../../wasm-assembler.ts'

/** Rows of a block: the smallest unit that a thread owns, and in whose order sums are added. */
export const blockRows = 4096

/** Sizes of a {@link TreeMemory}. */
export interface MemorySizes {
  /** Training rows; those of validation come behind them, from the next block on. */
  readonly rows: number
  readonly validationRows: number
  readonly threads: number
  readonly features: number
  /** Places in a histogram. */
  readonly bins: number
  readonly leaves: number
  readonly seed: number
  readonly rowFraction: number
  /** A forest: rows are drawn with replacement, and trees do not see what others predict. */
  readonly forest: boolean
}

/** What a thread needs to take part. */
export interface TreeMemory extends MemorySizes {
  readonly wasm: WasmMemory
  /** Its size, of 64 KiB each. */
  readonly pages: number
  /** (rows x features): places in a histogram. */
  readonly places: Uint16Array
  readonly targets: Float64Array
  /** What the trees so far predict. */
  readonly scores: Float32Array
  /** Gradients in fixed point. */
  readonly quanta: Int32Array
  /** Rows as the threads have them in order: one part for each thread. */
  readonly order: Uint32Array
  /** Rows on their way to the right, as many. */
  readonly right: Uint32Array
  /** (threads x bins): what each thread summed. */
  readonly partials: Float64Array
  /** By block: sum of absolute gradients of the rows drawn, their largest, sum of squared errors. */
  readonly blockSums: Float64Array
  readonly blockMaxima: Float64Array
  readonly blockLosses: Float64Array
  /** Rows drawn, by thread. */
  readonly drawn: Int32Array
  /** By leaf: what it adds. */
  readonly leafValues: Float32Array
  /** By place: 4, the bytes of a row number, where the split under way sends it right, else 0. */
  readonly goesRight: Uint8Array
  /** The order under way, see `crew.ts`. */
  readonly control: Int32Array
}

/** Where the rows of validation begin. */
export const validationStart = (rows: number): number => Math.ceil(rows / blockRows) * blockRows

/** Number of blocks of a number of rows. */
export const blocksOf = (rows: number): number => Math.ceil(rows / blockRows)

/** Rows that a thread has in order at most. */
export function rowsOfThread({ rows, validationRows, threads }: MemorySizes): number {
  return Math.ceil(blocksOf(validationStart(rows) + validationRows) / threads) * blockRows
}

/**
 * Memory for a training, all zero.
 *
 * @throws solve_too_large beyond 4 GB, the most that WebAssembly addresses
 */
export function treeMemory(sizes: MemorySizes): TreeMemory {
  const all = validationStart(sizes.rows) + sizes.validationRows
  const blocks = blocksOf(all)
  const inOrder = rowsOfThread(sizes) * sizes.threads
  let bytes = 0
  const room = (size: number): number => {
    // Doubles first or last, every array begins at a whole number of them.
    const at = bytes
    bytes += Math.ceil(size / 8) * 8
    return at
  }
  const at = {
    places: room(all * sizes.features * 2),
    targets: room(all * 8),
    scores: room(all * 4),
    quanta: room(all * 4),
    order: room(inOrder * 4),
    right: room(inOrder * 4),
    partials: room(sizes.threads * sizes.bins * 8),
    blockSums: room(blocks * 8),
    blockMaxima: room(blocks * 8),
    blockLosses: room(blocks * 8),
    drawn: room(sizes.threads * 4),
    leafValues: room(sizes.leaves * 4),
    goesRight: room(sizes.bins),
    control: room(64),
  }
  const pages = Math.ceil(bytes / pageBytes)
  // One page less, so that addresses behind the last row do not begin at 0 again.
  if (pages > 65_535) {
    throw new RidecastError(
      'solve_too_large',
      `the trees need ${Math.ceil(bytes / 2 ** 20)} MB for ${all} rows of ${sizes.features} features, expected at most 4095: train on fewer months or features`,
    )
  }
  const wasm = wasmMemory(pages)
  const { buffer } = wasm
  return {
    ...sizes,
    wasm,
    pages,
    places: new Uint16Array(buffer, at.places, all * sizes.features),
    targets: new Float64Array(buffer, at.targets, all),
    scores: new Float32Array(buffer, at.scores, all),
    quanta: new Int32Array(buffer, at.quanta, all),
    order: new Uint32Array(buffer, at.order, inOrder),
    right: new Uint32Array(buffer, at.right, inOrder),
    partials: new Float64Array(buffer, at.partials, sizes.threads * sizes.bins),
    blockSums: new Float64Array(buffer, at.blockSums, blocks),
    blockMaxima: new Float64Array(buffer, at.blockMaxima, blocks),
    blockLosses: new Float64Array(buffer, at.blockLosses, blocks),
    drawn: new Int32Array(buffer, at.drawn, sizes.threads),
    leafValues: new Float32Array(buffer, at.leafValues, sizes.leaves),
    goesRight: new Uint8Array(buffer, at.goesRight, sizes.bins),
    control: new Int32Array(buffer, at.control, 16),
  }
}
