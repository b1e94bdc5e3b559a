/** A real MLflow server as a store that each test finds empty. */

import { randomUUID } from 'node:crypto'
import { type MlflowClient, mlflowClient } from '../../src/tracking/mlflow/client.ts'
import { activeExperiments } from '../../src/tracking/mlflow/experiments.ts'
import { mlflowSettings } from '../../src/tracking/mlflow/settings.ts'
import { mlflowEffects, mlflowTracker } from '../../src/tracking/mlflow/tracker.ts'
import type { TrackerHarness } from '../tracking/tracker-contract.ts'

/** A client with the settings that a person has who sets no variable. */
export const clientOf = (url: string, environment = {}): MlflowClient =>
  mlflowClient(mlflowSettings(url, environment))

/**
 * The harness of one test. A deleted experiment is in no list but keeps its name, so it gets
 * another name first: that is far quicker than another server.
 */
export async function emptyStore(client: MlflowClient): Promise<TrackerHarness> {
  await clear(client)
  return {
    open: async (now) => mlflowTracker(client, { ...mlflowEffects, now }),
    close: () => clear(client),
  }
}

async function clear(client: MlflowClient): Promise<void> {
  const root = '/api/2.0/mlflow/experiments'
  for (const { id } of await activeExperiments(client)) {
    // The first one is the server's own and holds no run of ours.
    if (id === '0') continue
    await client.send('POST', `${root}/update`, { experiment_id: id, new_name: randomUUID() })
    await client.send('POST', `${root}/delete`, { experiment_id: id })
  }
}
