// DuckDB alone, over the same files, from the same kind of process: what reading costs at least.
//   node bench/peers/duckdb.mjs scan <files>    sums of the five columns, nothing else
//   node bench/peers/duckdb.mjs group <files>   what a least squares fit needs, by pair of zones,
//                                               as a person would write it: sums of doubles
// Prints one JSON object; `seconds.query` counts from opening the database to the last group read.

import { DuckDBInstance } from '@duckdb/node-api'

const queries = {
  scan: `
    SELECT sum(epoch_us(tpep_pickup_datetime)), sum(epoch_us(tpep_dropoff_datetime)),
      sum(PULocationID), sum(DOLocationID), sum(trip_distance)
    FROM read_parquet($1)`,
  group: `
    SELECT PULocationID, DOLocationID, count(*), sum(minutes), sum(minutes * minutes),
      sum(trip_distance), sum(trip_distance * trip_distance), sum(trip_distance * minutes)
    FROM (
      SELECT PULocationID, DOLocationID, trip_distance,
        (epoch_us(tpep_dropoff_datetime) - epoch_us(tpep_pickup_datetime)) / 6e7 AS minutes
      FROM read_parquet($1)
    )
    WHERE minutes BETWEEN 1 AND 60
    GROUP BY PULocationID, DOLocationID`,
}

const [kind, ...files] = process.argv.slice(2)
const began = performance.now()
const instance = await DuckDBInstance.create()
const connection = await instance.connect()
let groups = 0
for (const file of files) {
  const reader = await connection.runAndReadAll(queries[kind], [file])
  groups += reader.currentRowCount
}
const query = Math.round(performance.now() - began) / 1000
const peak = Math.round(process.resourceUsage().maxRSS / 1024)
console.log(JSON.stringify({ groups, seconds: { query }, peak_rss_mb: peak }))
