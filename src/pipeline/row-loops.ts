/**
 * The loops that every ride goes through. Each is a function of its own over plain arrays: a
 * compiler that has seen it once need not change its mind, whatever calls it. What is not in a
 * table yet is left to the caller, by position, in `late`.
 */

/** Takes the numbers at the positions `at`. */
export function gather(into: Int32Array, from: Int32Array, at: Int32Array): void {
  for (let j = 0; j < at.length; j++) into[j] = from[at[j] as number] as number
}

/** Takes the values at the positions `at`. */
export function gatherValues(into: Float64Array, from: Float64Array, at: Int32Array): void {
  for (let j = 0; j < at.length; j++) into[j] = from[at[j] as number] as number
}

/**
 * Numbers by key.
 *
 * @param known by key, below 0 where it is not known
 * @returns how many were not
 */
export function lookUp(
  into: Int32Array,
  known: Int32Array,
  keys: Int32Array,
  length: number,
  late: Int32Array,
): number {
  let size = 0
  for (let i = 0; i < length; i++) {
    const number = known[keys[i] as number] as number
    into[i] = number
    if (number < 0) late[size++] = i
  }
  return size
}

/**
 * Values by key at the positions `at`.
 *
 * @param known by key, NaN where it is not known
 * @param late positions in `into` whose value is not known
 * @returns how many are not
 */
export function gatherKnown(
  into: Float64Array,
  known: Float64Array,
  keys: Int32Array,
  at: Int32Array,
  late: Int32Array,
): number {
  let size = 0
  for (let j = 0; j < at.length; j++) {
    const value = known[keys[at[j] as number] as number] as number
    into[j] = value
    if (Number.isNaN(value)) late[size++] = j
  }
  return size
}

/** The largest absolute value of the first `length`. */
export function topOf(values: Float64Array, length: number): number {
  let [least, most] = [0, 0]
  for (let j = 0; j < length; j++) {
    const value = values[j] as number
    if (value > most) most = value
    if (value < least) least = value
  }
  return Math.max(most, -least)
}

/**
 * Numbers by pair of numbers from a matrix of numbers plus 1.
 *
 * @param left row of the matrix, below 0 for none; `right` its column
 * @returns how many have no number, lie outside, or have no row or column
 */
export function lookUpPairs(
  into: Int32Array,
  matrix: Int32Array,
  width: number,
  left: Int32Array,
  right: Int32Array,
  length: number,
  late: Int32Array,
): number {
  const height = matrix.length / width
  let size = 0
  for (let i = 0; i < length; i++) {
    const row = left[i] as number
    const column = right[i] as number
    const isInside = row >= 0 && row < height && column >= 0 && column < width
    const number = isInside ? (matrix[row * width + column] as number) - 1 : -1
    into[i] = number
    if (number < 0) late[size++] = i
  }
  return size
}

/**
 * Counts the rides at the positions `at` by key. The first one of each key is late, too; where the
 * count is below 0 it stays, and all rides are late.
 *
 * @returns how many are
 */
export function countKeys(
  counts: Int32Array,
  keys: Int32Array,
  at: Int32Array,
  late: Int32Array,
): number {
  let size = 0
  for (let j = 0; j < at.length; j++) {
    const i = at[j] as number
    const key = keys[i] as number
    const count = counts[key] as number
    if (count >= 0) counts[key] = count + 1
    if (count <= 0) late[size++] = i
  }
  return size
}

/** Counts the rides at the positions `at` by group. */
export function countGroups(counts: Float64Array, groups: Int32Array, at: Int32Array): void {
  for (let j = 0; j < at.length; j++) {
    const group = groups[at[j] as number] as number
    counts[group] = (counts[group] as number) + 1
  }
}

/** The sum of the values from `from` up to `end`, exact where no sum on the way passes 2^53. */
export function sumOf(values: Float64Array, from: number, end: number): number {
  // Several at once: one addition does not wait for the one before.
  let [a, b, c, d] = [0, 0, 0, 0]
  let j = from
  for (; j + 3 < end; j += 4) {
    a += values[j] as number
    b += values[j + 1] as number
    c += values[j + 2] as number
    d += values[j + 3] as number
  }
  for (; j < end; j++) a += values[j] as number
  return a + b + (c + d)
}

/** The sum of products from `from` up to `end`, exact where no sum on the way passes 2^53. */
export function sumOfProducts(
  left: Float64Array,
  right: Float64Array,
  from: number,
  end: number,
): number {
  let [a, b, c, d] = [0, 0, 0, 0]
  let j = from
  for (; j + 3 < end; j += 4) {
    a += (left[j] as number) * (right[j] as number)
    b += (left[j + 1] as number) * (right[j + 1] as number)
    c += (left[j + 2] as number) * (right[j + 2] as number)
    d += (left[j + 3] as number) * (right[j + 3] as number)
  }
  for (; j < end; j++) a += (left[j] as number) * (right[j] as number)
  return a + b + (c + d)
}

/** Adds a value to column `p` of its group, (groups x width). */
export function addByGroup(
  into: Float64Array,
  width: number,
  p: number,
  groups: Int32Array,
  values: Float64Array,
  length: number,
): void {
  for (let j = 0; j < length; j++) {
    const at = (groups[j] as number) * width + p
    into[at] = (into[at] as number) + (values[j] as number)
  }
}

/** Adds three values to three columns of their group. */
export function addThreeByGroup(
  into: Float64Array,
  width: number,
  [p, q, r]: readonly [number, number, number],
  groups: Int32Array,
  [first, second, third]: readonly [Float64Array, Float64Array, Float64Array],
  length: number,
): void {
  for (let j = 0; j < length; j++) {
    const at = (groups[j] as number) * width
    into[at + p] = (into[at + p] as number) + (first[j] as number)
    into[at + q] = (into[at + q] as number) + (second[j] as number)
    into[at + r] = (into[at + r] as number) + (third[j] as number)
  }
}
