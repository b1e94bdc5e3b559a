/**
 * Trees as the JSON file that Python's `xgboost` loads, with what it takes to make its codes: the
 * levels of each category. Knows nothing about where the file is put.
 */

import { RidecastError } from '../errors.ts'
import type { LoadedModel } from '../loaded-model.ts'

/** How {@link xgboostFile} finds the place of attributes. */
const noAttributes = '{"learner":{"attributes":{}'

/**
 * The file. Under `learner.attributes`, as texts: `ridecast_name` and `ridecast_version`, `ridecast_recipe`
 * as JSON, `ridecast_shortest` in minutes, to which an answer below is raised, and `ridecast_levels` as
 * JSON, the levels by name of a category, whose places are its codes.
 *
 * @throws export_unsupported when the model is not one of trees
 */
export function xgboostFile({ name, version, predictor: { model } }: LoadedModel): Uint8Array {
  if (model.kind === 'linear' || model.kind === 'ensemble') {
    const otherwise = model.kind === 'linear' ? 'mlflow, onnx or sklearn' : 'mlflow or onnx'
    throw new RidecastError(
      'export_unsupported',
      `format xgboost takes trees and forests, found kind ${model.kind}: export with --format ${otherwise}`,
    )
  }
  const attributes = {
    ridecast_name: name,
    ridecast_version: version,
    ridecast_recipe: JSON.stringify(model.recipe),
    ridecast_shortest: String(model.recipe.target.min),
    ridecast_levels: JSON.stringify(model.toJSON().levels),
  }
  const text = model.xgboostJson()
  if (!text.startsWith(noAttributes)) throw new Error('the file has no place for attributes')
  const head = `{"learner":{"attributes":${JSON.stringify(attributes)}`
  return Buffer.from(`${head}${text.slice(noAttributes.length)}`)
}
