/**
 * Elimination of the largest one-hot block, and the dense factor of what remains, scaled to unit
 * diagonal. Good to what doubles give; knows nothing about refinement or least norms.
 */

import { type Cholesky, choleskyBlocked, choleskyPivoted, choleskySolve } from './cholesky.ts'
import { diagonalOf, type System, type SystemBlock } from './system.ts'
import { addScaled } from './vectors.ts'

/** The coordinates that are eliminated and, row by row, what they share with the others. */
export interface Elimination {
  /** Coordinates eliminated. */
  readonly at: number
  readonly count: number
  /** Diagonal of the eliminated part, penalty included. */
  readonly diagonal: Float64Array
  /** Coordinates that remain. */
  readonly rest: Int32Array
  /** Position among `rest` by coordinate. */
  readonly place: Int32Array
  /** Sparse rows: (eliminated x rest), columns ascending. */
  readonly start: Int32Array
  readonly columns: Int32Array
  readonly values: Float64Array
}

/** Index of the block with most levels, -1 where there is none. */
function largestBlock(blocks: readonly SystemBlock[]): number {
  return blocks.reduce((best, block, k) => {
    const size = best < 0 ? 0 : (blocks[best] as SystemBlock).counts.length
    return block.counts.length > size ? k : best
  }, -1)
}

/** Columns that remain for the dense factor. */
export function remaining(system: System): number {
  const chosen = largestBlock(system.blocks)
  return system.size - (chosen < 0 ? 1 : (system.blocks[chosen] as SystemBlock).counts.length)
}

// Without any block the intercept is what is eliminated, which centres the columns.
function eliminate(system: System): Elimination {
  const chosen = largestBlock(system.blocks)
  const block = system.blocks[chosen]
  const at = block ? block.at : system.interceptAt
  const counts = block ? block.counts : Float64Array.of(system.n)
  const penalty = block ? system.l2 : 0
  const rest = new Int32Array(system.size - counts.length)
  const place = new Int32Array(system.size).fill(-1)
  for (let i = 0, r = 0; i < system.size; i++) {
    if (i >= at && i < at + counts.length) continue
    place[i] = r
    rest[r++] = i
  }
  return {
    at,
    count: counts.length,
    diagonal: counts.map((count) => count + penalty),
    rest,
    place,
    ...sharedRows(system, chosen, counts, place),
  }
}

/** What each eliminated coordinate shares with the remaining ones, as sparse rows. */
function sharedRows(
  system: System,
  chosen: number,
  counts: Float64Array,
  place: Int32Array,
): Pick<Elimination, 'start' | 'columns' | 'values'> {
  const { blocks, numericAt, numericCount: width, interceptAt } = system
  const block = blocks[chosen]
  const crosses = system.crosses.filter(({ a, b }) => a === chosen || b === chosen)
  const sides = crosses.map((cross) => {
    const first = cross.a === chosen
    const other = (blocks[first ? cross.b : cross.a] as SystemBlock).at
    return {
      own: first ? cross.rows : cross.columns,
      its: first ? cross.columns : cross.rows,
      other,
    }
  })
  const start = new Int32Array(counts.length + 1)
  for (const { own } of sides) for (const i of own) start[i + 1] = (start[i + 1] as number) + 1
  for (let i = 0; i < counts.length; i++) {
    start[i + 1] = (start[i + 1] as number) + (start[i] as number) + width + (block ? 1 : 0)
  }
  const columns = new Int32Array(start[counts.length] as number)
  const values = new Float64Array(columns.length)
  const next = start.slice(0, counts.length)
  const put = (i: number, coordinate: number, value: number): void => {
    const at = next[i] as number
    columns[at] = place[coordinate] as number
    values[at] = value
    next[i] = at + 1
  }
  sides.forEach(({ own, its, other }, k) => {
    const cells = (crosses[k] as (typeof crosses)[number]).counts
    for (let c = 0; c < own.length; c++) {
      put(own[c] as number, other + (its[c] as number), cells[c] as number)
    }
  })
  const sums = block ? block.numeric.hi : system.numericSums.hi
  for (let i = 0; i < counts.length; i++) {
    for (let p = 0; p < width; p++) put(i, numericAt + p, sums[i * width + p] as number)
    if (block) put(i, interceptAt, counts[i] as number)
  }
  return { start, columns, values }
}

/** The Gram matrix of the remaining coordinates less what the eliminated ones explain; lower triangle. */
function schurComplement(system: System, elimination: Elimination): Float64Array {
  const { rest, place } = elimination
  const m = rest.length
  const matrix = new Float64Array(m * m)
  const put = (i: number, j: number, value: number): void => {
    const [r, c] = [place[i] as number, place[j] as number]
    if (r >= 0 && c >= 0) matrix[Math.max(r, c) * m + Math.min(r, c)] = value
  }
  const gram = diagonalOf(system)
  for (let i = 0; i < system.size; i++) {
    put(i, i, (gram[i] as number) + (i === system.interceptAt ? 0 : system.l2))
  }
  const { numericAt, numericCount: width, interceptAt } = system
  for (const { at, counts, numeric } of system.blocks) {
    for (let i = 0; i < counts.length; i++) {
      put(at + i, interceptAt, counts[i] as number)
      for (let p = 0; p < width; p++)
        put(at + i, numericAt + p, numeric.hi[i * width + p] as number)
    }
  }
  for (const { a, b, rows, columns: cols, counts } of system.crosses) {
    const [ra, cb] = [(system.blocks[a] as SystemBlock).at, (system.blocks[b] as SystemBlock).at]
    // Nothing of the eliminated block remains.
    if (ra === elimination.at || cb === elimination.at) continue
    for (let c = 0; c < counts.length; c++) {
      put(ra + (rows[c] as number), cb + (cols[c] as number), counts[c] as number)
    }
  }
  for (let p = 0; p < width; p++) {
    put(numericAt + p, interceptAt, system.numericSums.hi[p] as number)
    for (let q = 0; q < p; q++) {
      put(numericAt + p, numericAt + q, system.numericSquares.hi[p * width + q] as number)
    }
  }
  lessShared(matrix, elimination)
  return matrix
}

// Apart, so that nothing the loop reads belongs to a closure.
function lessShared(matrix: Float64Array, elimination: Elimination): void {
  const { start, columns, values, diagonal } = elimination
  const m = elimination.rest.length
  for (let g = 0; g < diagonal.length; g++) {
    for (let s = start[g] as number; s < (start[g + 1] as number); s++) {
      const scaled = (values[s] as number) / (diagonal[g] as number)
      const row = (columns[s] as number) * m
      // Columns ascend: those up to this one are the lower triangle.
      for (let t = start[g] as number; t <= s; t++) {
        const at = row + (columns[t] as number)
        matrix[at] = (matrix[at] as number) - scaled * (values[t] as number)
      }
    }
  }
}

/** A system, eliminated and factored. */
export interface Factored {
  readonly elimination: Elimination
  /** By remaining coordinate: 1 / length of the column. */
  readonly scale: Float64Array
  /** Of the scaled matrix of the remaining coordinates. */
  readonly cholesky: Cholesky
}

/**
 * Eliminates and factors.
 *
 * @param tolerance a pivot at or below this share of its diagonal before elimination is zero;
 *   undefined where a penalty keeps columns apart, or a rough factor will do
 */
export function factor(system: System, tolerance?: number): Factored {
  const elimination = eliminate(system)
  const m = elimination.rest.length
  const matrix = schurComplement(system, elimination)
  const gram = diagonalOf(system)
  const scale = Float64Array.from(elimination.rest, (i) => {
    const diagonal = (gram[i] as number) + (i === system.interceptAt ? 0 : system.l2)
    return diagonal > 0 ? 1 / Math.sqrt(diagonal) : 1
  })
  for (let i = 0; i < m; i++) {
    for (let j = 0; j <= i; j++) {
      const at = i * m + j
      matrix[at] = (matrix[at] as number) * (scale[i] as number) * (scale[j] as number)
    }
  }
  return { elimination, scale, cholesky: factored(matrix, m, tolerance) }
}

/** The factor; where no rank is looked for, without pivoting if it can be had so, which is faster. */
function factored(matrix: Float64Array, size: number, tolerance: number | undefined): Cholesky {
  if (tolerance !== undefined) return choleskyPivoted(matrix, size, tolerance)
  if (!choleskyBlocked(matrix, size)) return choleskyPivoted(matrix, size, 0)
  return { size, rank: size, order: Int32Array.from({ length: size }, (_, i) => i), factor: matrix }
}

/** Solves (X'X + penalty) x = rhs on the independent coordinates, zeros on the dependent ones. */
export function backsolve(
  { elimination, scale, cholesky }: Factored,
  rhs: Float64Array,
): Float64Array {
  const { at, count, rest, start, columns, values, diagonal } = elimination
  const reduced = Float64Array.from(rest, (i) => rhs[i] as number)
  for (let g = 0; g < count; g++) {
    const share = (rhs[at + g] as number) / (diagonal[g] as number)
    if (share === 0) continue
    for (let s = start[g] as number; s < (start[g + 1] as number); s++) {
      const c = columns[s] as number
      reduced[c] = (reduced[c] as number) - (values[s] as number) * share
    }
  }
  for (let r = 0; r < rest.length; r++) reduced[r] = (reduced[r] as number) * (scale[r] as number)
  const solved = choleskySolve(cholesky, reduced)
  const out = new Float64Array(rhs.length)
  for (let r = 0; r < rest.length; r++) {
    solved[r] = (solved[r] as number) * (scale[r] as number)
    out[rest[r] as number] = solved[r] as number
  }
  for (let g = 0; g < count; g++) {
    let value = rhs[at + g] as number
    for (let s = start[g] as number; s < (start[g + 1] as number); s++) {
      value -= (values[s] as number) * (solved[columns[s] as number] as number)
    }
    out[at + g] = value / (diagonal[g] as number)
  }
  return out
}

/**
 * The inverse of the matrix of the remaining coordinates, (rest x rest), row-major, both triangles;
 * zeros in the rows and columns of the dependent ones.
 */
export function inverseOfRest({ scale, cholesky }: Factored): Float64Array {
  const { size, rank, order, factor: lower } = cholesky
  // Rows of L^-1, then their products.
  const rows: Float64Array[] = []
  for (let i = 0; i < rank; i++) {
    const row = new Float64Array(i + 1)
    for (let j = 0; j < i; j++) {
      addScaled(row, rows[j] as Float64Array, -(lower[i * size + j] as number))
    }
    const pivot = lower[i * size + i] as number
    for (let j = 0; j < i; j++) row[j] = (row[j] as number) / pivot
    row[i] = 1 / pivot
    rows.push(row)
  }
  const products = Array.from({ length: rank }, (_, i) => new Float64Array(i + 1))
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      addScaled(products[i] as Float64Array, row.subarray(0, i + 1), row[i] as number)
    }
  }
  const inverse = new Float64Array(size * size)
  products.forEach((product, i) => {
    const r = order[i] as number
    product.forEach((value, j) => {
      const c = order[j] as number
      const unscaled = value * (scale[r] as number) * (scale[c] as number)
      inverse[r * size + c] = unscaled
      inverse[c * size + r] = unscaled
    })
  })
  return inverse
}

/**
 * The diagonal of the inverse of the whole matrix by coordinate; 0 for dependent coordinates, and
 * for the others as if those were not there.
 *
 * @param inverse that of the remaining coordinates, where the caller has it
 */
export function inverseDiagonal(
  factored: Factored,
  inverse: Float64Array = inverseOfRest(factored),
): Float64Array {
  const { at, count, rest, start, columns, values, diagonal } = factored.elimination
  const m = rest.length
  const out = new Float64Array(count + m)
  rest.forEach((i, r) => {
    out[i] = inverse[r * (m + 1)] as number
  })
  for (let g = 0; g < count; g++) {
    const end = start[g + 1] as number
    let form = 0
    for (let s = start[g] as number; s < end; s++) {
      const row = (columns[s] as number) * m
      let along = 0
      for (let t = start[g] as number; t < end; t++) {
        along += (inverse[row + (columns[t] as number)] as number) * (values[t] as number)
      }
      form += along * (values[s] as number)
    }
    const own = diagonal[g] as number
    out[at + g] = 1 / own + form / own / own
  }
  return out
}
