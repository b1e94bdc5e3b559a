/**
 * Rows of named features to sparse vectors and back, as scikit-learn's DictVectorizer does it:
 * `zone: '43'` becomes the column `zone=43` with a 1, `distance: 1.5` the column `distance`.
 * Knows nothing of rides, recipes or models; what a feature means is in `features.ts`.
 *
 * Where it is not scikit-learn to the letter: entries that meet in one cell are stored as their
 * sum (there side by side, to be added by whoever reads them); `fit` takes a single row too; a
 * support or a matrix of the wrong length is refused; a matrix without columns can be inverted.
 */

import { z } from 'zod'
import { sortByCodePoint } from './code-point.ts'
import { RidecastError } from './errors.ts'
import { compress, type Entries, type SparseRows } from './sparse-rows.ts'

/**
 * The value of a feature: text is a category, a number itself, a boolean 1 or 0, null a NaN,
 * an array of texts one category each (a text that stands there twice counts 2).
 */
export type FeatureValue = string | number | boolean | null | readonly string[]

/** One sample: its own enumerable properties are the features, absent ones count as 0. */
export type FeatureRow = Readonly<Record<string, FeatureValue>>

/** How a {@link DictVectorizer} names and orders its columns. */
export interface DictVectorizerOptions {
  /** What stands between the name of a feature and its text, default `=`. */
  readonly separator?: string
  /**
   * Order columns by code point (default true), else by first appearance: row after row, in
   * JavaScript's order of properties, which puts names such as `7` first.
   */
  readonly sort?: boolean
}

/** A fitted vectorizer as JSON; names stand in the order of the columns. */
export interface DictVectorizerDocument {
  readonly kind: 'dict-vectorizer'
  readonly separator: string
  readonly feature_names: readonly string[]
}

const documentSchema = z.strictObject({
  kind: z.literal('dict-vectorizer'),
  separator: z.string(),
  feature_names: z.array(z.string()),
})

interface Fitted {
  readonly names: readonly string[]
  readonly vocabulary: ReadonlyMap<string, number>
}

/**
 * Learns which columns there are, and turns rows of features into sparse vectors over them.
 * What needs the columns throws `internal` as long as they are not learned: it is a fault of the
 * caller, not of the data.
 */
export class DictVectorizer {
  /** What stands between the name of a feature and its text. */
  readonly separator: string
  /** Whether fitting orders the columns by code point. */
  readonly sort: boolean
  private fitted: Fitted | undefined

  /** An unfitted vectorizer. */
  constructor(options: DictVectorizerOptions = {}) {
    this.separator = options.separator ?? '='
    this.sort = options.sort ?? true
  }

  /**
   * A fitted vectorizer over known column names, as `zone=43` or `distance`: the same as fitting
   * on rows that hold these. Names given twice count once.
   */
  static fromFeatureNames(
    names: Iterable<string>,
    options: DictVectorizerOptions = {},
  ): DictVectorizer {
    const vectorizer = new DictVectorizer(options)
    vectorizer.learn([...new Set(names)])
    return vectorizer
  }

  /**
   * The vectorizer of a {@link DictVectorizerDocument}, columns in the document's order. `sort`
   * is not part of a document: it is true again, should the vectorizer be fitted anew.
   *
   * @throws artifact_corrupt when it is not such a document, or names a column twice
   */
  static fromJSON(document: unknown): DictVectorizer {
    const result = documentSchema.safeParse(document)
    if (!result.success) {
      const { path, message } = result.error.issues[0] as z.core.$ZodIssue
      throw corrupt(`is not valid at ${path.join('.') || 'its root'}: ${message}`, result.error)
    }
    const { separator, feature_names: names } = result.data
    const fitted = fittedTo(names)
    if (fitted.vocabulary.size < names.length) {
      const twice = names.find((name, column) => fitted.vocabulary.get(name) !== column)
      throw corrupt(`has column ${JSON.stringify(twice)} twice: expected each name once`)
    }
    const vectorizer = new DictVectorizer({ separator })
    vectorizer.fitted = fitted
    return vectorizer
  }

  /**
   * Learns the columns of one row or many, forgetting earlier ones.
   *
   * @throws input_invalid when a value is none of {@link FeatureValue}; nothing is learned then
   */
  fit(rows: FeatureRow | Iterable<FeatureRow>): this {
    const names = new Set<string>()
    let row = 0
    for (const features of several(rows)) {
      eachEntry(features, row++, this.separator, (name) => names.add(name))
    }
    this.learn([...names])
    return this
  }

  /**
   * One row or many as vectors over the learned columns; what was not learned is left out.
   *
   * @throws input_invalid when a value is none of {@link FeatureValue}, or there is no row
   */
  transform(rows: FeatureRow | Iterable<FeatureRow>): SparseRows {
    const { names, vocabulary } = this.state()
    const entries = collect(rows, this.separator, (name) => vocabulary.get(name))
    return compress(entries, names.length)
  }

  /**
   * {@link fit} and then {@link transform}, reading the rows once (they may be a generator).
   *
   * @throws input_invalid as `fit` and `transform` do
   */
  fitTransform(rows: FeatureRow | Iterable<FeatureRow>): SparseRows {
    const seen = new Map<string, number>()
    const entries = collect(rows, this.separator, (name) => {
      const column = seen.get(name) ?? seen.size
      if (column === seen.size) seen.set(name, column)
      return column
    })
    const { vocabulary } = this.learn([...seen.keys()])
    const columns = Int32Array.from(seen.keys(), (name) => vocabulary.get(name) as number)
    entries.columns = entries.columns.map((column) => columns[column] as number)
    return compress(entries, columns.length)
  }

  /**
   * Each row of a matrix as an object from column names (`zone=43`, not `zone`) to values, zeros
   * left out.
   *
   * @throws input_invalid when a value is not finite, internal when the matrix has another number
   *   of columns
   */
  inverseTransform(matrix: SparseRows): Record<string, number>[] {
    const { names } = this.state()
    if (matrix.columns !== names.length) {
      throw misused(`matrix has ${matrix.columns} columns: expected ${names.length}`)
    }
    return Array.from({ length: matrix.rows }, (_, row) => {
      const cells: [string, number][] = []
      for (let k = matrix.indptr[row]!; k < matrix.indptr[row + 1]!; k++) {
        const name = names[matrix.indices[k]!] as string
        const value = matrix.values[k]!
        if (!Number.isFinite(value)) {
          throw refused(
            `column ${JSON.stringify(name)} of row ${row} is ${value}: expected a finite number; fill missing values first`,
          )
        }
        if (value !== 0) cells.push([name, value])
      }
      // Defines the properties rather than setting them: `__proto__` is a name like any other.
      return Object.fromEntries(cells)
    })
  }

  /**
   * Keeps only some columns, in place.
   *
   * @param support true for each column to keep, one per column; or the indices of the columns
   *   to keep, in their new order
   * @throws internal when a mask has another length, or an index is no column or stands there
   *   twice
   */
  restrict(support: readonly boolean[] | ArrayLike<number>): this {
    const { names } = this.state()
    const given = Array.from<boolean | number>(support)
    const mask = typeof given[0] === 'boolean'
    const kept = mask ? names.filter((_, i) => given[i]) : given.map((i) => names[Number(i)])
    const fitted = fittedTo(kept.filter((name) => name !== undefined))
    if (fitted.vocabulary.size < kept.length || (mask && given.length !== names.length)) {
      const end = names.length - 1
      throw misused(
        `support does not fit the ${names.length} columns: expected a boolean for each, or indices from 0 to ${end}, none twice`,
      )
    }
    this.fitted = fitted
    return this
  }

  /** Names of the columns, in their order; frozen. */
  featureNames(): readonly string[] {
    return this.state().names
  }

  /** The index of each column by its name. */
  get vocabulary(): ReadonlyMap<string, number> {
    return this.state().vocabulary
  }

  /** The index of a column by its name (`zone=43`), undefined when there is none. */
  columnOf(name: string): number | undefined {
    return this.state().vocabulary.get(name)
  }

  /** What {@link DictVectorizer.fromJSON} reads; `JSON.stringify` calls it. */
  toJSON(): DictVectorizerDocument {
    const { names } = this.state()
    return { kind: 'dict-vectorizer', separator: this.separator, feature_names: names }
  }

  private learn(names: string[]): Fitted {
    this.fitted = fittedTo(this.sort ? sortByCodePoint(names) : names)
    return this.fitted
  }

  private state(): Fitted {
    if (!this.fitted) throw misused('vectorizer is not fitted: call fit, fitTransform or fromJSON')
    return this.fitted
  }
}

function fittedTo(names: readonly string[]): Fitted {
  return {
    names: Object.freeze([...names]),
    vocabulary: new Map(names.map((name, column) => [name, column])),
  }
}

function several(rows: FeatureRow | Iterable<FeatureRow>): Iterable<FeatureRow> {
  return Symbol.iterator in rows ? (rows as Iterable<FeatureRow>) : [rows as FeatureRow]
}

function eachEntry(
  features: FeatureRow,
  row: number,
  separator: string,
  emit: (name: string, value: number) => void,
): void {
  // A Map or an array has no features to enumerate and would pass as an empty row.
  if (typeof features !== 'object' || features === null || Symbol.iterator in features) {
    throw refused(
      `row ${row} is ${kindOf(features)}: expected an object from feature names to values`,
    )
  }
  for (const feature of Object.keys(features)) {
    const value: unknown = features[feature]
    if (typeof value === 'string') emit(feature + separator + value, 1)
    else if (typeof value === 'number') emit(feature, value)
    else if (typeof value === 'boolean') emit(feature, value ? 1 : 0)
    else if (value === null) emit(feature, Number.NaN)
    else if (Array.isArray(value)) {
      for (const text of value as readonly unknown[]) {
        if (typeof text !== 'string') {
          throw refused(
            `feature ${JSON.stringify(feature)} of row ${row} has ${kindOf(text)} in its array: expected texts only; write each as text`,
          )
        }
        emit(feature + separator + text, 1)
      }
    } else {
      throw refused(
        `feature ${JSON.stringify(feature)} of row ${row} is ${kindOf(value)}: expected a text, number, boolean, null or array of texts; leave out what is missing and name each part of an object on its own`,
      )
    }
  }
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function collect(
  rows: FeatureRow | Iterable<FeatureRow>,
  separator: string,
  columnOf: (name: string) => number | undefined,
): Entries {
  const indptr = [0]
  const columns: number[] = []
  const values: number[] = []
  const emit = (name: string, value: number): void => {
    const column = columnOf(name)
    if (column === undefined) return
    columns.push(column)
    values.push(value)
  }
  for (const features of several(rows)) {
    eachEntry(features, indptr.length - 1, separator, emit)
    indptr.push(columns.length)
  }
  if (indptr.length === 1) {
    throw refused('rows are empty: expected at least one to transform, found none')
  }
  return { indptr, columns, values }
}

function refused(message: string): RidecastError {
  return new RidecastError('input_invalid', message)
}

function misused(message: string): RidecastError {
  return new RidecastError('internal', message)
}

function corrupt(message: string, cause?: unknown): RidecastError {
  const advice = 'train the model again or restore the file'
  return new RidecastError('artifact_corrupt', `vectorizer document ${message}; ${advice}`, {
    cause,
  })
}
