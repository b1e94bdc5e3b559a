/** A service over a small model, and what its log of predictions holds. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Documents } from '../../../src/artifact.ts'
import type { Environment } from '../../../src/config.ts'
import type { Route } from '../../../src/serve/routes.ts'
import type { ServiceState } from '../../../src/serve/state.ts'
import { listening } from '../listening.ts'

/** A service that listens. */
export interface Mounted {
  readonly url: string
  readonly state: ServiceState
  readonly routes: readonly Route[]
  /** What the log of predictions holds by now. */
  logged(): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** The service over a model named `small`, or over none, with the limits of a real one. */
export async function mounted(documents?: Documents, settings: Environment = {}): Promise<Mounted> {
  const app = await listening(documents, { RIDECAST_BODY_LIMIT_BYTES: '65536', ...settings })
  return {
    url: app.url,
    state: app.state,
    routes: app.service.routes,
    async logged() {
      await app.service.close()
      const path = join(app.folder, 'predictions')
      return readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ndjson'))
        .flatMap((name) => readFileSync(join(path, name), 'utf8').trimEnd().split('\n'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    },
    close: () => app.close(),
  }
}
