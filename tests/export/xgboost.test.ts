import { afterEach, describe, expect, it } from 'vitest'
import { xgboostFile } from '../../src/export/xgboost.ts'
import type { TreeModel } from '../../src/model.ts'
import { parseXgboost } from '../../src/xgboost-json.ts'
import { zonesAndDistance } from '../serve/small-model.ts'
import { type Kept, keep } from './exported-models.ts'
import { both, documentsWith, fitted, grown, wood } from './fitted-models.ts'

let kept: Kept
afterEach(() => kept?.remove())

describe('the file for XGBoost', () => {
  it.each([grown, wood])('holds the trees of $name and the levels of its categories', async (r) => {
    const model = (await fitted(r)) as TreeModel
    kept = await keep(documentsWith(model, zonesAndDistance), 'green "trees"')
    const text = Buffer.from(xgboostFile(kept.loaded)).toString('utf8')
    const { learner } = JSON.parse(text) as {
      learner: { attributes: Record<string, string>; feature_names: string[] }
    }
    expect(learner.attributes).toEqual({
      ridecast_name: 'green "trees"',
      ridecast_version: kept.loaded.version,
      ridecast_recipe: JSON.stringify(model.recipe),
      ridecast_shortest: '1',
      ridecast_levels: JSON.stringify(model.toJSON().levels),
    })
    const levels = JSON.parse(learner.attributes.ridecast_levels ?? '') as object
    expect(Object.keys(levels)).toEqual(model.features.categorical.map(({ name }) => name))
    // All but the attributes is as the model writes it.
    const [bare, found] = [model.xgboostJson(), text].map((file) => parseXgboost(file))
    expect(found).toEqual(bare)
  })

  it.each([
    ['a linear model', async () => zonesAndDistance, 'linear', 'mlflow, onnx or sklearn'],
    [
      'an ensemble',
      async () => documentsWith(await fitted(both), zonesAndDistance),
      'ensemble',
      'mlflow or onnx',
    ],
  ])('is refused for %s, and says what works', async (_, documents, kind, others) => {
    kept = await keep(await documents())
    expect(() => xgboostFile(kept.loaded)).toThrow(
      expect.objectContaining({
        code: 'export_unsupported',
        message: `format xgboost takes trees and forests, found kind ${kind}: export with --format ${others}`,
      }),
    )
  })
})
