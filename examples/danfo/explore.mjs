// Prints what a person looks at first: node explore.mjs [month or file]

import { keptRides } from './rides.mjs'

const say = (text) => process.stdout.write(`${text}\n`)

const rides = await keptRides(process.argv[2])

say(`${rides.shape[0].toLocaleString('en-US')} kept rides, ${rides.shape[1]} columns\n`)
rides.head(5).print()

say('\nThe numbers:')
rides
  .loc({ columns: ['duration', 'trip_distance', 'total_amount'] })
  .describe()
  .print()

say('\nMinutes and rides by weekday, 0 for Monday:')
const byDay = rides.groupby(['weekday']).agg({ duration: 'mean', trip_distance: 'count' })
byDay.sortValues('weekday').print()

say('\nThe ten pickup zones with most rides, and what a ride from there costs:')
rides
  .groupby(['PULocationID'])
  .agg({ total_amount: 'mean', duration: 'count' })
  .sortValues('duration_count', { ascending: false })
  .head(10)
  .print()
