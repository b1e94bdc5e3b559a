import { afterEach, describe, expect, it } from 'vitest'
import { sklearnFolder } from '../../src/export/sklearn.ts'
import { linearModel } from '../../src/linear-model.ts'
import { checkRecipe } from '../../src/recipe.ts'
import { hoursAndPassengers, zonesAndDistance } from '../serve/small-model.ts'
import { type Kept, keep } from './exported-models.ts'
import { both, documentsWith, fitted, grown } from './fitted-models.ts'

let kept: Kept
afterEach(() => kept?.remove())

const text = (path: string): string => {
  const file = sklearnFolder(kept.loaded).find((one) => one.path === path)
  return Buffer.from(file?.content ?? []).toString('utf8')
}

describe('the folder for scikit-learn', () => {
  it('holds the fitted attributes of the pair', async () => {
    kept = await keep(zonesAndDistance)
    const paths = sklearnFolder(kept.loaded).map(({ path }) => path)
    expect(paths).toEqual(['model.json', 'rebuild.py', 'requirements.txt', 'README.md'])
    // Columns sorted, coefficients as in small-model.ts.
    const names = ['DOLocationID=151', 'PULocationID=1', 'PULocationID=43', 'trip_distance']
    expect(JSON.parse(text('model.json'))).toMatchObject({
      name: 'green-duration',
      version: kept.loaded.version,
      shortest: 1,
      terms: {
        categorical: [
          { name: 'PULocationID', columns: ['PULocationID'] },
          { name: 'DOLocationID', columns: ['DOLocationID'] },
        ],
        numeric: [{ name: 'trip_distance', column: 'trip_distance' }],
      },
      vectorizer: {
        separator: '=',
        feature_names_: names,
        vocabulary_: Object.fromEntries(names.map((name, column) => [name, column])),
      },
      regression: { coef_: [-0.5, -40, 2, 3], intercept_: 10 },
    })
  })

  it('says which columns a product is made of, each once', async () => {
    const recipe = checkRecipe(
      {
        name: 'products',
        categorical: [
          { name: 'PU_DO', product: ['PULocationID', 'DOLocationID'] },
          { name: 'again', product: ['PU_DO', 'PULocationID', 'VendorID'] },
        ],
        numeric: [{ name: 'miles', of: 'trip_distance', steps: [] }],
      },
      'of a test',
    )
    const model = { ...(zonesAndDistance.model as object), recipe }
    const vectorizer = { kind: 'dict-vectorizer', separator: '=', feature_names: ['PU_DO=43_151'] }
    kept = await keep({ ...zonesAndDistance, model: { ...model, vectorizer, coefficients: [2] } })
    expect(JSON.parse(text('model.json')).terms).toEqual({
      categorical: [
        { name: 'PU_DO', columns: ['PULocationID', 'DOLocationID'] },
        { name: 'again', columns: ['PULocationID', 'DOLocationID', 'VendorID'] },
      ],
      numeric: [{ name: 'miles', column: 'trip_distance' }],
    })
  })

  it('opens no pickle and names none of the ways to', async () => {
    kept = await keep(zonesAndDistance)
    const imports = [...text('rebuild.py').matchAll(/^(?:import|from) ([\w.]+)/gm)]
    expect(imports.map(([, name]) => name).sort()).toEqual([
      'csv',
      'json',
      'math',
      'numpy',
      'pathlib',
      'sklearn.feature_extraction',
      'sklearn.linear_model',
      'sys',
    ])
    expect(text('rebuild.py')).not.toMatch(/joblib|eval\(|exec\(|allow_pickle/)
  })

  it('refuses what it cannot hold, and names all of it', async () => {
    kept = await keep(hoursAndPassengers)
    expect(() => sklearnFolder(kept.loaded)).toThrow(
      expect.objectContaining({
        code: 'export_unsupported',
        message: expect.stringContaining('hour (derived: hour)'),
      }),
    )
    await kept.remove()
    const recipe = checkRecipe(
      {
        name: 'rich',
        categorical: [{ bin: 'trip_distance', edges: [1, 2] }, 'PULocationID'],
        numeric: [
          { name: 'root', of: 'trip_distance', steps: ['sqrt'] },
          'zone_distance',
          'passenger_count',
        ],
      },
      'of a test',
    )
    const model = { ...(zonesAndDistance.model as object), recipe }
    const vectorizer = { kind: 'dict-vectorizer', separator: '=', feature_names: ['root'] }
    const document = { ...model, vectorizer, coefficients: [1] }
    expect(linearModel(document as never).columns).toBe(1)
    kept = await keep({ ...zonesAndDistance, model: document })
    expect(() => sklearnFolder(kept.loaded)).toThrow(
      /found trip_distance_bin \(derived: trip_distance\[1,2\]\); root \(transformed: trip_distance\); zone_distance \(made: zone_distance\):/,
    )
  })

  it.each([
    [grown, 'trees', 'mlflow, onnx or xgboost'],
    [both, 'ensemble', 'mlflow or onnx'],
  ])('refuses $name and says what takes it', async (recipe, kind, others) => {
    kept = await keep(documentsWith(await fitted(recipe), zonesAndDistance))
    expect(() => sklearnFolder(kept.loaded)).toThrow(
      expect.objectContaining({
        code: 'export_unsupported',
        message: `format sklearn takes linear models, found kind ${kind}: export with --format ${others}`,
      }),
    )
  })
})
