/** Sums that are kept, opened by another implementation of Arrow. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ridecast } from '../command-line.ts'
import { python } from './parts.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-kept-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const script = `
import glob, json, sys
import pyarrow.compute as pc, pyarrow.feather as feather, pyarrow.parquet as parquet
kept, trips = sys.argv[1:]
for path in glob.glob(kept + "/*.arrow"):
    table = feather.read_table(path)
    header = json.loads(table.schema.metadata[b"ridecast"])
    if header["source"]["file"] == "green_tripdata_2021-01.parquet" and header["plan"]["crosses"]:
        column = lambda name: table[name][0].as_py()
        rides = parquet.read_table(trips)
        seconds = pc.cast(pc.seconds_between(
            rides["lpep_pickup_datetime"], rides["lpep_dropoff_datetime"]), "int64").to_pylist()
        print(json.dumps({
            "n": header["n"],
            "rides": sum(column("PULocationID.rides")),
            "pairs": sum(column("PULocationID x DOLocationID.rides")),
            "seconds": column("target.hi")[0] + column("target.lo")[0],
            "expected": sum(s for s in seconds if 60 <= s <= 3600),
        }))
`

test('pyarrow reads counts and sums by name', async () => {
  const cache = join(folder, 'cache')
  const data = join(repository, 'data')
  const args = ['train', '2021-01', '--recipe', 'plain', '--data', data, '--cache', cache]
  const { code, stderr } = await ridecast(args, { cwd: folder })
  expect([code, stderr]).toEqual([0, ''])
  const trips = join(data, 'green_tripdata_2021-01.parquet')
  const read = python(script, [join(cache, 'moments'), trips]) as Record<string, number>
  // truth.md: 73,908 rides are kept of January 2021.
  expect(read).toMatchObject({ n: 73_908, rides: 73_908, pairs: 73_908 })
  expect(read.seconds).toBe(read.expected)
})
