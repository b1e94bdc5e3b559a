/** Plain dense linear algebra in doubles for tests of small designs. Shares nothing with `src/`. */

import { type Design, denseOf } from './designs.ts'

/** A design as rows of doubles, one column of ones last. */
export interface DenseRows {
  /** By column: its name, `intercept` the last. */
  readonly names: readonly string[]
  /** By ride, then by column. */
  readonly rows: readonly (readonly number[])[]
  /** Durations in minutes. */
  readonly target: readonly number[]
}

/** The rows of a design. */
export function rowsOf(design: Design): DenseRows {
  const { columns, seconds } = denseOf(design)
  return {
    names: [...columns.map(({ name }) => name), 'intercept'],
    rows: seconds.map((_, i) => [
      ...columns.map(({ units, scale }) => Number(units[i] as bigint) / Number(scale)),
      1,
    ]),
    target: seconds.map((value) => Number(value) / 60),
  }
}

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
export const dot = (a: readonly number[], b: readonly number[]): number =>
  sum(a.map((value, i) => value * (b[i] as number)))

/** X'X with `l2` on the diagonal of all columns but the last. */
export function gram({ rows, names }: DenseRows, l2: number): number[][] {
  return names.map((_, i) =>
    names.map((_, j) => {
      const product = sum(rows.map((row) => (row[i] as number) * (row[j] as number)))
      return product + (i === j && i < names.length - 1 ? l2 : 0)
    }),
  )
}

/** The inverse by Gauss-Jordan elimination with complete exchange of rows. */
export function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length
  const work = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))])
  for (let c = 0; c < n; c++) {
    let best = c
    for (let r = c; r < n; r++) {
      if (Math.abs(work[r]?.[c] as number) > Math.abs(work[best]?.[c] as number)) best = r
    }
    const chosen = work[best] as number[]
    work[best] = work[c] as number[]
    const pivot = chosen[c] as number
    work[c] = chosen.map((value) => value / pivot)
    work.forEach((row, r) => {
      const by = row[c] as number
      if (r === c || by === 0) return
      row.forEach((value, k) => {
        row[k] = value - by * (work[c]?.[k] as number)
      })
    })
  }
  return work.map((row) => row.slice(n))
}

/** A matrix times a vector. */
export function apply(matrix: readonly (readonly number[])[], v: readonly number[]): number[] {
  return matrix.map((row) => dot(row, v))
}
