/**
 * Boosted trees beside the libraries that Python has: LightGBM's error at the same settings, and
 * XGBoost as reader and writer of the same model files.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { TreeTable } from '../../src/pipeline/trees/table.ts'
import { trainBoosted, trainForest } from '../../src/pipeline/trees/train.ts'
import { TreeContributions } from '../../src/tree-contributions.ts'
import type { TreeColumn, TreeEnsemble } from '../../src/tree-ensemble.ts'
import { parseXgboost, xgboostJson } from '../../src/xgboost-json.ts'
import { hasShared, sharedPath, whyNot } from '../pipeline/shared.ts'
import { rideTable, rmseOf, rowOf } from '../pipeline/trees/tables.ts'
import { python } from './parts.ts'

const folder = mkdtempSync(join(tmpdir(), 'ridecast-trees-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const path = (name: string): string => join(folder, name)

/** Writes a table as rows of doubles; missing are NaN. */
function writeRows(name: string, table: TreeTable): string {
  const rows = Array.from(table.target, (_, i) =>
    rowOf(table, i).map((value, f) => {
      return table.columns[f]!.kind === 'category' && value < 0 ? Number.NaN : value
    }),
  )
  writeFileSync(path(name), Float64Array.from(rows.flat()))
  return path(name)
}

const floats = (name: string): Float32Array =>
  new Float32Array(new Uint8Array(readFileSync(path(name))).buffer)

const matrix = `
import json, sys
import numpy as np
import xgboost as xgb
folder = sys.argv[1]
rows = lambda name: np.fromfile(f'{folder}/{name}').reshape(-1, 3)
matrix = lambda x, y=None: xgb.DMatrix(x, y, feature_names=['zone', 'distance', 'hour'], feature_types=['c', 'float', 'float'])
`

describe('XGBoost', () => {
  const table = rideTable(20_000)
  const other = rideTable(20_000, 2, 0.2)

  /** Python's predictions and contributions for the file of an ensemble. */
  function askPython(ensemble: TreeEnsemble): void {
    writeFileSync(path('ours.json'), xgboostJson(ensemble))
    writeRows('rows', other)
    python(
      `${matrix}
model = xgb.Booster(model_file=f'{folder}/ours.json')
d = matrix(rows('rows'))
model.predict(d).astype('<f4').tofile(f'{folder}/minutes')
model.predict(d, pred_contribs=True).astype('<f4').tofile(f'{folder}/contributions')
print(json.dumps(True))`,
      [folder],
    )
  }

  test.each([
    ['boosted trees', trainBoosted],
    ['a forest', trainForest],
  ])('predicts from a file of ours the same to the bit: %s', async (_, train) => {
    const { ensemble } = await train(table, { settings: { rounds: 60, rowFraction: 0.8 } })
    expect(ensemble.trees.some(({ categories }) => categories.size > 0)).toBe(true)
    askPython(ensemble)
    expect(floats('minutes')).toEqual(ensemble.predictTable(other.columns))
  })

  test('gives the same contributions, to what 32-bit floats hold', async () => {
    const { ensemble } = await trainBoosted(table, { settings: { rounds: 30 } })
    askPython(ensemble)
    const theirs = floats('contributions')
    const contributions = new TreeContributions(ensemble)
    const ours = new Float64Array(3)
    for (let i = 0; i < 500; i++) {
      contributions.explain(rowOf(other, i), ours)
      for (const [f, minutes] of [...ours, contributions.intercept].entries()) {
        expect(Math.abs(minutes - theirs[i * 4 + f]!)).toBeLessThan(1e-4)
      }
    }
  })

  test.each([
    ['sets of categories', '"max_cat_to_onehot": 1, "max_depth": 6'],
    ['single categories', '"max_cat_to_onehot": 100, "max_depth": 6'],
    ['leaf by leaf', '"grow_policy": "lossguide", "max_leaves": 60, "max_depth": 0'],
    ['pruned trees', '"gamma": 200, "tree_method": "exact"'],
  ])('writes files that predict the same to the bit here: %s', (name, parameters) => {
    const exact = name === 'pruned trees'
    writeRows('train', table)
    writeRows('rows', other)
    writeFileSync(path('target'), table.target)
    python(
      `${matrix}
y = np.fromfile(f'{folder}/target')
types = ${exact ? "['float'] * 3" : "['c', 'float', 'float']"}
matrix = lambda x, y=None: xgb.DMatrix(x, y, feature_names=['zone', 'distance', 'hour'], feature_types=types)
model = xgb.train({${parameters}}, matrix(rows('train'), y), 40)
model.save_model(f'{folder}/theirs.json')
model.predict(matrix(rows('rows'))).astype('<f4').tofile(f'{folder}/minutes')
print(json.dumps(True))`,
      [folder],
    )
    const ensemble = parseXgboost(readFileSync(path('theirs.json'), 'utf8'))
    const columns = other.columns.map((column): TreeColumn => {
      if (!exact || column.kind === 'number') return column
      const values = Float64Array.from(column.codes, (code) => (code < 0 ? Number.NaN : code))
      return { name: column.name, kind: 'number', values }
    })
    expect(ensemble.predictTable(columns)).toEqual(floats('minutes'))
  })
})

describe.skipIf(!hasShared)(`LightGBM${hasShared ? '' : ` (skipped: ${whyNot})`}`, () => {
  /** Rides of 1 to 60 minutes, as one row of doubles after the other: five features and minutes. */
  const extract = `
import json, sys
import lightgbm as lgb
import numpy as np
import pandas as pd
folder = sys.argv[1]
def table(name, path):
    d = pd.read_parquet(path)
    d['minutes'] = (d.lpep_dropoff_datetime - d.lpep_pickup_datetime).dt.total_seconds() / 60
    d = d[(d.minutes >= 1) & (d.minutes <= 60)]
    t = d.lpep_pickup_datetime.dt
    x = np.stack([d.PULocationID, d.DOLocationID, d.trip_distance, t.hour, t.dayofweek, d.minutes]).astype('<f8')
    x.tofile(f'{folder}/{name}')
    return x
a, b = table('month', sys.argv[2]), table('next', sys.argv[3])
data = lgb.Dataset(a[:5].T, a[5], categorical_feature=[0, 1])
model = lgb.train({'objective': 'regression', 'num_leaves': 31, 'learning_rate': 0.1, 'verbose': -1, 'num_threads': 2}, data, 200)
print(json.dumps(float(np.sqrt(np.mean((model.predict(b[:5].T) - b[5]) ** 2)))))`

  function readTable(name: string): TreeTable {
    const all = new Float64Array(new Uint8Array(readFileSync(path(name))).buffer)
    const rows = all.length / 6
    const part = (f: number): Float64Array => all.slice(f * rows, (f + 1) * rows)
    const columns = ['PULocationID', 'DOLocationID', 'trip_distance', 'hour', 'weekday'].map(
      (column, f): TreeColumn => {
        if (f > 1) return { name: column, kind: 'number', values: part(f) }
        return { name: column, kind: 'category', codes: Int32Array.from(part(f)), levels: 266 }
      },
    )
    return { columns, target: part(5) }
  }

  test.each([
    ['2021-01', '2021-02'],
    ['2023-01', '2023-02'],
  ])('is not better by more than 0.005 minutes, green %s to %s', async (month, next) => {
    const file = (name: string): string => sharedPath(`tlc/green_tripdata_${name}.parquet`)
    const theirs = python(extract, [folder, file(month), file(next)]) as number
    const { ensemble } = await trainBoosted(readTable('month'))
    const { columns, target } = readTable('next')
    const ours = rmseOf(ensemble.predictTable(columns), target)
    expect(ours).toBeLessThan(theirs + 0.005)
    expect(ours).toBeGreaterThan(theirs - 0.05)
  })
})
