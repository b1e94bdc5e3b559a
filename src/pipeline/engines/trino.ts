/** Trino as an engine. */

import { RidecastError } from '../../errors.ts'
import type { Engine } from './engine.ts'
import type { TrinoSettings } from './trino-settings.ts'

/** Opens the engine, see {@link Engine}. */
export async function openTrinoEngine(_settings: TrinoSettings | undefined): Promise<Engine> {
  throw new RidecastError('engine_missing', 'trino is not there yet')
}
