// The kept rides of a month as a danfojs data frame. ridecast decides which rides are kept, so that
// the frame holds exactly what the plain recipe trains on; danfojs holds all of them in memory.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCSV } from 'danfojs-node'

/** The repository that this example is part of. */
export const repository = join(import.meta.dirname, '../..')

/** The month that is read unless another one is named. */
export const usualSource = join(repository, 'data/green_tripdata_2021-01.parquet')

const columns = [
  'pickup_datetime',
  'duration',
  'PULocationID',
  'DOLocationID',
  'trip_distance',
  'total_amount',
]

/**
 * Opens the kept rides.
 *
 * @param source a month such as 2021-01, a Parquet file, or the address of one
 * @returns a danfojs DataFrame: the columns above, and `hour` and `weekday` (0 for Monday)
 */
export async function keptRides(source = usualSource) {
  const folder = mkdtempSync(join(tmpdir(), 'ridecast-danfo-'))
  try {
    const path = join(folder, 'rides.csv')
    const program = join(repository, 'bin/ridecast.mjs')
    const flags = ['--columns', columns.join(','), '--data', join(repository, 'data')]
    execFileSync(process.execPath, [program, 'data', 'rides', source, ...flags, '--out', path], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const frame = await readCSV(path)
    const times = frame.column('pickup_datetime').values
    // A wall clock has no zone: read as UTC, it shows the hour that New York saw.
    const moments = times.map((time) => new Date(`${time}Z`))
    frame.addColumn(
      'hour',
      moments.map((moment) => moment.getUTCHours()),
      { inplace: true },
    )
    frame.addColumn(
      'weekday',
      moments.map((moment) => (moment.getUTCDay() + 6) % 7),
      { inplace: true },
    )
    return frame
  } finally {
    rmSync(folder, { recursive: true })
  }
}
