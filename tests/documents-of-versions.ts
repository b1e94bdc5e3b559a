/** Documents of model versions for tests, small and all different. */

import type { Documents } from '../src/artifact.ts'

/** Documents that tell themselves apart by one number; the same number gives the same documents. */
export function documentsOf(id: number): Documents & { model: object; lineage: object } {
  return {
    model: { format_version: 1, kind: 'linear', intercept: id, coefficients: [1.5, -0, id / 3] },
    metrics: {
      train: { n: 70, rmse: 5.25, mse: 27.5625, r2: 0.5, bias: 0 },
      validation: { n: 60, rmse: 5.5 + id, mse: 30.25, r2: 0.25, bias: -0.125 },
      baseline: { rmse: 12.5 },
    },
    profile: { rides: 70 },
    lineage: {
      format_version: 1,
      taxi: 'green',
      recipe: { name: 'plain', description: 'the classic one' },
      train: [
        {
          month: '2021-01',
          file: 'green_tripdata_2021-01.parquet',
          sha256: 'b8'.repeat(32),
          rows: 80,
          kept: 70,
        },
      ],
      validation: [],
    },
  }
}
