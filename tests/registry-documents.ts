/** Documents of real small models, as many as a test wants. */

import type { Documents } from '../src/artifact.ts'
import { zonesAndDistance } from './serve/small-model.ts'

/** Starts every ride from `id` minutes; the same number gives the same documents. */
export function modelOf(id: number): Documents {
  return { ...zonesAndDistance, model: { ...(zonesAndDistance.model as object), intercept: id } }
}
