/**
 * What tells runs apart: their parameters, metrics and datasets side by side.
 * Knows nothing about stores or how a comparison is shown.
 */

import type { Dataset, RunSummary } from './tracker.ts'

/** One thing that runs may have in common. */
export interface ComparedRow {
  /** What it is. */
  kind: 'parameter' | 'metric' | 'dataset'
  /** Name of the parameter or metric; of datasets, what they were used for. */
  name: string
  /** One value a run, in order of the runs; null where a run has none. */
  values: (string | number | null)[]
  /** True when not all values are the same; NaN is the same as NaN. */
  differs: boolean
}

/**
 * Compares runs: every parameter, metric and use of datasets that any of them has, rows that
 * differ first, within both by kind, then name.
 */
export function compareRuns(runs: readonly RunSummary[]): ComparedRow[] {
  const rows = [
    ...rowsOf(
      'parameter',
      runs.map((run) => run.parameters),
    ),
    ...rowsOf(
      'metric',
      runs.map((run) => run.metrics),
    ),
    ...rowsOf(
      'dataset',
      runs.map((run) => datasetsByUse(run.datasets)),
    ),
  ]
  return [...rows.filter((row) => row.differs), ...rows.filter((row) => !row.differs)]
}

function rowsOf(
  kind: ComparedRow['kind'],
  columns: readonly Readonly<Record<string, string | number>>[],
): ComparedRow[] {
  const names = [...new Set(columns.flatMap((column) => Object.keys(column)))].sort()
  return names.map((name) => {
    const values = columns.map((column) =>
      Object.hasOwn(column, name) ? (column[name] ?? null) : null,
    )
    return { kind, name, values, differs: values.some((value) => !Object.is(value, values[0])) }
  })
}

/** Datasets as one text for training and one for validation, digests shortened. */
function datasetsByUse(datasets: readonly Dataset[]): Record<string, string> {
  const uses: Record<string, string> = {}
  for (const { name, digest, context, rows } of datasets) {
    const text = `${name} (${shortDigest(digest)}, ${rows} rows)`
    uses[context] = uses[context] === undefined ? text : `${uses[context]}, ${text}`
  }
  return uses
}

/** A digest as `sha256:` and its first 12 digits: enough to tell files apart by eye. */
export function shortDigest(digest: string): string {
  return digest.replace(/^([a-z0-9]+:)?([0-9a-f]{12})[0-9a-f]+$/, '$1$2')
}
