/**
 * How far a run in plain files has been told to a server: `remote.json` in its folder. Knows
 * nothing about what is told.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { RidecastError } from '../errors.ts'
import { isMissing, writeWhole } from './run-file.ts'

const stateSchema = z.object({
  format: z.literal(1),
  servers: z.record(
    z.string(),
    z.object({
      /** Id of the run on the server; null as long as it has none. */
      run: z.string().nullable(),
      /** Where a person finds it there. */
      location: z.string().nullable(),
      /** Id of the model that was sent with it. */
      model: z.string().nullable(),
      /** Where the version is that it was registered as. */
      registered: z.string().nullable(),
      /** The version that was champion of its name on the server then. */
      champion: z.string().nullable().default(null),
      /** True once the server has everything. */
      complete: z.boolean(),
      /** What went wrong last, null when nothing did. */
      error: z.string().nullable(),
    }),
  ),
})

/** How far one run has been told to one server. */
export type RemoteState = z.infer<typeof stateSchema>['servers'][string]

/** The state of a run of which a server knows nothing yet. */
export const untold: RemoteState = {
  run: null,
  location: null,
  model: null,
  registered: null,
  champion: null,
  complete: false,
  error: null,
}

const fileName = 'remote.json'

/**
 * The state of a run for each server that it was meant for, by address.
 *
 * @param folder the folder of the run
 * @throws RidecastError `run_corrupt`
 */
export async function readRemoteStates(folder: string): Promise<Record<string, RemoteState>> {
  const path = join(folder, fileName)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return undefined
    throw error
  })
  if (text === undefined) return {}
  try {
    return stateSchema.parse(JSON.parse(text)).servers
  } catch (error) {
    throw new RidecastError(
      'run_corrupt',
      `${path} cannot be read: expected what ridecast writes there; remove it to send the run anew`,
      { cause: error },
    )
  }
}

/** Replaces the state of a run for one server. */
export async function writeRemoteState(
  folder: string,
  uri: string,
  state: RemoteState,
): Promise<void> {
  const servers = { ...(await readRemoteStates(folder)), [uri]: state }
  const text = `${JSON.stringify({ format: 1, servers }, null, 2)}\n`
  await writeWhole(join(folder, `${fileName}.tmp`), join(folder, fileName), text, true)
}
