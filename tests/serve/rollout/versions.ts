/** Versions of a model to try beside each other, good and bad in ways of their own. */

import type { Documents } from '../../../src/artifact.ts'
import type { LinearDocument } from '../../../src/model.ts'
import type { Profile } from '../../../src/profile.ts'
import { hoursAndPassengers, zonesAndDistance } from '../small-model.ts'

/** The same model under another version. */
export function renamed(note: string, documents: Documents = zonesAndDistance): Documents {
  return { ...documents, lineage: { ...(documents.lineage as object), note } }
}

/** Every number of the model this many times as large. */
export function scaled(factor: number): Documents {
  const model = zonesAndDistance.model as LinearDocument
  const { intercept, coefficients } = model
  return {
    ...zonesAndDistance,
    model: {
      ...model,
      intercept: intercept * factor,
      coefficients: coefficients.map((one) => one * factor),
    },
  }
}

/** No number for rides from zone 7, which training never saw much of: infinity less infinity. */
export const breaking: Documents = (() => {
  const model = zonesAndDistance.model as LinearDocument
  const huge = { 'PULocationID=7': 1.7e308, 'DOLocationID=7': 1.7e308 }
  const all: Record<string, number> = { ...huge }
  model.vectorizer.feature_names.forEach((name, i) => {
    all[name] = model.coefficients[i] as number
  })
  const names = Object.keys(all).sort()
  return {
    ...zonesAndDistance,
    model: {
      ...model,
      vectorizer: { ...model.vectorizer, feature_names: names },
      coefficients: names.map((name) => all[name] as number),
    },
  }
})()

/** Answers usual rides with more minutes than a day has. */
export const absurd: Documents = scaled(1000)

/** Needs inputs that the others do not. */
export const demanding: Documents = hoursAndPassengers

/** A profile whose most frequent pair of zones is one that the model cannot answer. */
export const unusable: Documents = {
  ...breaking,
  profile: { ...(breaking.profile as Profile), pairs: [[7, 7, 1000, 1.25]] },
}
