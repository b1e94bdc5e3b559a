/**
 * A model version as a folder for scikit-learn: the fitted attributes of a DictVectorizer and a
 * LinearRegression as JSON, and a short script that rebuilds the pair and predicts. Nothing in it
 * is a pickle. Knows nothing about where the folder is put.
 */

import { RidecastError } from '../errors.ts'
import { exactJson } from '../exact-json.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { isColumn } from '../measures.ts'
import type { Model } from '../model.ts'
import type { ModelFile } from '../model-file.ts'
import { modelCard } from './model-card.ts'
import { requirementsText } from './python-environment.ts'
import { rebuildScript } from './rebuild-script.ts'
import { textFile, versionFiles } from './version-files.ts'

/** Which features a ride has: what `rebuild.py` computes before the vectorizer. */
interface Terms {
  /** The level is the ids of the columns, joined by `_`. */
  readonly categorical: readonly { name: string; columns: readonly string[] }[]
  readonly numeric: readonly { name: string; column: string }[]
}

/**
 * The folder: `model.json`, `rebuild.py`, `requirements.txt` and the model card `README.md`.
 *
 * @throws export_unsupported when the recipe has more than id columns, products of them and
 *   untransformed numbers, naming all that does not fit
 */
export function sklearnFolder(loaded: LoadedModel): readonly ModelFile[] {
  const { name, version } = loaded
  const { model } = loaded.predictor
  if (model.kind !== 'linear') {
    const others = model.kind === 'ensemble' ? 'mlflow or onnx' : 'mlflow, onnx or xgboost'
    throw new RidecastError(
      'export_unsupported',
      `format sklearn takes linear models, found kind ${model.kind}: export with --format ${others}`,
    )
  }
  const terms = termsOf(model)
  const { vectorizer, coefficients, intercept } = model.toJSON()
  const names = vectorizer.feature_names
  const document = {
    name,
    version,
    lineage_sha256: versionFiles(loaded).lineageSha256,
    unit: 'minutes',
    shortest: model.recipe.target.min,
    terms,
    vectorizer: {
      separator: vectorizer.separator,
      feature_names_: names,
      vocabulary_: Object.fromEntries(names.map((feature, column) => [feature, column])),
    },
    regression: { coef_: coefficients, intercept_: intercept },
  }
  return [
    textFile('model.json', exactJson('model.json', document)),
    textFile('rebuild.py', rebuildScript),
    textFile('requirements.txt', requirementsText(['numpy', 'scikit-learn'])),
    textFile('README.md', modelCard(loaded)),
  ]
}

function termsOf({ features }: Model): Terms {
  const { categorical, numeric } = features
  const faults: string[] = []
  for (const { name, atoms } of categorical) {
    // The key of an id is the name of its column; of a bin or a part of the time it is not.
    const derived = atoms.filter(({ key, inputs }) => key !== inputs[0])
    if (derived.length > 0) {
      faults.push(`${name} (derived: ${derived.map(({ key }) => key).join(', ')})`)
    }
  }
  for (const { name, of, steps } of numeric) {
    if (!isColumn(of)) faults.push(`${name} (made: ${of})`)
    else if (steps.length > 0) faults.push(`${name} (transformed: ${of})`)
  }
  if (faults.length > 0) {
    throw new RidecastError(
      'export_unsupported',
      `format sklearn takes id columns, their products and untransformed numbers, found ` +
        `${faults.join('; ')}: export with --format onnx or mlflow, which take every recipe`,
    )
  }
  return {
    categorical: categorical.map(({ name, inputs }) => ({ name, columns: inputs })),
    numeric: numeric.map(({ name, inputs }) => ({ name, column: inputs[0] as string })),
  }
}
