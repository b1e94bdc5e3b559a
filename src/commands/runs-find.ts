/**
 * Finds the run that somebody means: by its id, the start of one, or `last`. Asks a store for no
 * more runs than that takes. Knows nothing about what is done with it.
 */

import { distance } from 'fastest-levenshtein'
import { isRidecastError, RidecastError } from '../errors.ts'
import type { RunRecord, Tracker } from '../tracking/tracker.ts'

// So many ids are named where one was expected.
const namedIds = 5
// The newest runs, among which the nearest ids are looked for.
const nearRuns = 200

/**
 * The run that a text stands for.
 *
 * @param place where the runs are, for the message
 * @throws RidecastError `run_not_found` with the nearest ids; `usage_invalid` when several runs
 * begin so; `run_corrupt`
 */
export async function findRun(tracker: Tracker, text: string, place: string): Promise<RunRecord> {
  if (text === 'last') {
    const [last] = await tracker.listRuns({ limit: 1 })
    if (last !== undefined) return tracker.getRun(last.id)
    throw notFound(text, place, [])
  }
  try {
    return await tracker.getRun(text)
  } catch (error) {
    if (!isRidecastError(error, 'run_not_found')) throw error
  }
  const [id, ...others] = await startingWith(tracker, text)
  if (id !== undefined && others.length === 0) return tracker.getRun(id)
  if (id !== undefined) throw notOne(text, [id, ...others])
  const newest = await tracker.listRuns({ limit: nearRuns })
  // One that cannot be read fits no filter; asked for by its id, it says why.
  const unreadable = newest.find((run) => run.status === 'unreadable' && run.id.startsWith(text))
  if (unreadable !== undefined && text !== '') return tracker.getRun(unreadable.id)
  throw notFound(
    text,
    place,
    newest.map((run) => run.id),
  )
}

async function startingWith(tracker: Tracker, text: string): Promise<string[]> {
  // No id has other characters; a filter would take % for any.
  if (!/^[\w-]+$/.test(text)) return []
  const filter = `attributes.run_id LIKE '${text}%'`
  const runs = await tracker.listRuns({ filter, limit: namedIds + 1 })
  return runs.map((run) => run.id).filter((id) => id.startsWith(text))
}

function notOne(text: string, ids: readonly string[]): RidecastError {
  const more = ids.length > namedIds ? ' and more' : ''
  return new RidecastError(
    'usage_invalid',
    `run "${text}" is not one run: expected the start of one id, found ` +
      `${ids.slice(0, namedIds).join(', ')}${more}; give more of it`,
  )
}

function notFound(text: string, place: string, ids: readonly string[]): RidecastError {
  const near = ids.map((id) => [distance(text, id), id] as const).sort(([a], [b]) => a - b)
  const names = near.slice(0, 3).map(([, id]) => id)
  const hint =
    names.length > 0
      ? `the nearest ids are ${names.join(', ')}`
      : 'there are none yet, make one with: ridecast train 2021-01'
  return new RidecastError('run_not_found', `run "${text}" is not in ${place}; ${hint}`)
}
