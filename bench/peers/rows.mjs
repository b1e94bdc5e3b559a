// `node bench/peers/rows.mjs <file> <out>`: the rides of a trip file that take 1 to 60 minutes as
// doubles, one column after the other, as bench/trees.mjs reads them: PULocationID, DOLocationID,
// trip_distance, hour, weekday, minutes.

import { closeSync, openSync, writeSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

const [file, out] = process.argv.slice(2)
const connection = await (await DuckDBInstance.create()).connect()
const minutes = '(epoch_us(tpep_dropoff_datetime) - epoch_us(tpep_pickup_datetime)) / 6e7'
const columns = [
  ...['PULocationID', 'DOLocationID', 'trip_distance', 'hour(tpep_pickup_datetime)'],
  ...['isodow(tpep_pickup_datetime) - 1', minutes],
]
const descriptor = openSync(out, 'w')
let rides = 0
for (const column of columns) {
  const result = await connection.stream(
    `SELECT CAST(${column} AS DOUBLE) FROM read_parquet($1) WHERE ${minutes} BETWEEN 1 AND 60`,
    [file],
  )
  rides = 0
  for (;;) {
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) break
    writeSync(descriptor, chunk.getColumnVector(0).items)
    rides += chunk.rowCount
  }
}
closeSync(descriptor)
console.log(JSON.stringify({ rides }))
