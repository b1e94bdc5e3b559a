/**
 * Non-negative least squares for a handful of columns: the weights of an ensemble. Knows nothing about
 * models.
 */

/**
 * Weights from 0 with the least |A w - y|^2, by trying every set of columns that may be above 0: exact,
 * and for up to eight columns no more than 255 small systems. Of equal sets the smaller one is taken.
 *
 * @param gram A'A, (k x k), row-major
 * @param rhs A'y, k values
 * @returns k weights
 */
export function nonNegativeWeights(gram: Float64Array, rhs: Float64Array): Float64Array {
  const k = rhs.length
  let best = new Float64Array(k)
  let least = 0
  const sets = Array.from({ length: 2 ** k - 1 }, (_, i) => membersOf(i + 1, k))
  for (const set of sets.sort((a, b) => a.length - b.length)) {
    const solved = solveOn(gram, rhs, set)
    if (!solved || solved.some((weight) => !(weight >= 0))) continue
    const weights = new Float64Array(k)
    set.forEach((column, i) => {
      weights[column] = solved[i] as number
    })
    const loss = lossOf(gram, rhs, weights)
    // What rounding makes of a column that adds nothing is no gain.
    if (loss < least - 1e-12 * Math.abs(least)) [best, least] = [weights, loss]
  }
  return best
}

/**
 * Weights from 0 that add up to 1 with the least squared error of the weighted mean. A sum that is free
 * would learn the level of the rides that it is found on, and carry it to others.
 *
 * @param gram E'E of the errors, (k x k), row-major: one column for each prediction
 * @returns k weights
 */
export function meanWeights(gram: Float64Array): Float64Array {
  const k = Math.sqrt(gram.length)
  const given = gram.slice()
  const largest = Math.max(...Array.from({ length: k }, (_, i) => gram[i * k + i] as number))
  // Predictions without an error would have weights without bounds.
  for (let i = 0; i < k; i++) given[i * k + i]! += 1e-9 * largest || 1
  // The least of w'Gw where w adds up to 1 lies in the direction of the least of w'Gw - 2 sum(w).
  const weights = nonNegativeWeights(given, new Float64Array(k).fill(1))
  const sum = weights.reduce((all, weight) => all + weight, 0)
  return weights.map((weight) => weight / sum)
}

const membersOf = (bits: number, k: number): number[] =>
  Array.from({ length: k }, (_, i) => i).filter((i) => (bits >> i) & 1)

/** w'Gw - 2 w'r: the squared error without what no weight changes. */
function lossOf(gram: Float64Array, rhs: Float64Array, w: Float64Array): number {
  const k = rhs.length
  let loss = 0
  for (let i = 0; i < k; i++) {
    loss -= 2 * (w[i] as number) * (rhs[i] as number)
    for (let j = 0; j < k; j++)
      loss += (w[i] as number) * (gram[i * k + j] as number) * (w[j] as number)
  }
  return loss
}

/** Gauss with pivots on the rows and columns of a set; undefined where they depend on each other. */
function solveOn(
  gram: Float64Array,
  rhs: Float64Array,
  set: readonly number[],
): number[] | undefined {
  const k = rhs.length
  const rows = set.map((i) => [...set.map((j) => gram[i * k + j] as number), rhs[i] as number])
  const size = set.length
  const scale = Math.max(...set.map((i) => gram[i * k + i] as number))
  for (let c = 0; c < size; c++) {
    let pivot = c
    for (let r = c + 1; r < size; r++) {
      if (Math.abs(rows[r]![c]!) > Math.abs(rows[pivot]![c]!)) pivot = r
    }
    if (!(Math.abs(rows[pivot]![c]!) > 1e-12 * scale)) return undefined
    ;[rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!]
    for (let r = 0; r < size; r++) {
      if (r === c) continue
      const factor = rows[r]![c]! / rows[c]![c]!
      for (let j = c; j <= size; j++) rows[r]![j]! -= factor * rows[c]![j]!
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!)
}
