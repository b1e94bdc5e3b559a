/** The engines there are, by name. Each is loaded when it is asked for, and only then. */

import { isRidecastError } from '../../errors.ts'
import type { Engine, EngineChoice, EngineName } from './engine.ts'
import type { TrinoSettings } from './trino-settings.ts'

/** What engines need to know that have a server of their own. */
export interface EngineSettings {
  readonly trino?: TrinoSettings | undefined
}

const openers: Readonly<Record<EngineName, (settings: EngineSettings) => Promise<Engine>>> = {
  arrow: async () => (await import('./arrow.ts')).openArrowEngine(),
  duckdb: async () => (await import('./duckdb.ts')).openDuckdbEngine(),
  trino: async ({ trino }) => (await import('./trino.ts')).openTrinoEngine(trino),
}

/**
 * Opens an engine; `auto` takes DuckDB where it is installed, else Arrow. To be closed again.
 *
 * @throws engine_missing, engine_* codes, config_invalid
 */
export async function openEngine(
  choice: EngineChoice,
  settings: EngineSettings = {},
): Promise<Engine> {
  if (choice !== 'auto') return openers[choice](settings)
  try {
    return await openers.duckdb(settings)
  } catch (error) {
    if (!isRidecastError(error, 'engine_missing')) throw error
    return openers.arrow(settings)
  }
}
