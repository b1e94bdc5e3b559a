/** The engines there are, by name. */

import { arrowEngine } from './arrow.ts'
import type { Engine, EngineName } from './engine.ts'

const engines: Readonly<Record<EngineName, Engine>> = { arrow: arrowEngine }

/** The engine of a name. */
export function engineOf(name: EngineName): Engine {
  return engines[name]
}
