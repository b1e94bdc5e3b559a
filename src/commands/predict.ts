/** `ridecast predict`: how long one ride takes, and why. */

import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { Contribution } from '../model.ts'
import type { Explanation, RideRequest } from '../predictor.ts'
import { type ColumnName, parseWallClock, rideColumns } from '../ride.ts'
import { findZone, zoneLabel } from '../zones.ts'
import { collect, type Io, printJson, table } from './io.ts'
import { openModel, registryUriHelp } from './open-model.ts'

interface Flags {
  from: string
  to: string
  distance?: string
  at?: string
  interval?: string
  with: string[]
  model: string
  models: string
  registryUri?: string
  json?: true
}

const examples = `
Examples:
  ridecast predict --from 43 --to 151 --distance 1.01
  ridecast predict --from "central park" --to "JFK airport"
  ridecast predict --from 43 --to 151 --distance 1.01 --at 2021-02-03T08:15 --json
  ridecast predict --from 43 --to 151 --distance 1.01 --interval 0.9
`

/** The command. */
export function predictCommand(io: Io): Command {
  return new Command('predict')
    .summary('how long a ride takes, and why')
    .description(
      'Predict the duration of a ride. What is not given is assumed from the training rides, and said so.',
    )
    .requiredOption('--from <zone>', 'pickup zone, by number or name')
    .requiredOption('--to <zone>', 'drop-off zone, by number or name')
    .option('--distance <miles>', 'distance of the route, miles')
    .option('--at <time>', 'pickup time on the local clock, YYYY-MM-DDTHH:MM')
    .option(
      '--with <column=value>',
      'any other column that the model needs (repeatable)',
      collect,
      [],
    )
    .option('--model <reference>', 'name, name@alias, name/version or a folder', 'green-duration')
    .option('--models <dir>', 'folder of the registry', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .option('--interval <coverage>', 'the minutes that it takes with this probability, such as 0.9')
    .option('--json', 'print one JSON object and nothing else')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const ride = rideOf(flags)
      const coverage =
        flags.interval === undefined ? undefined : numberOf(flags.interval, '--interval')
      const loaded = await openModel(io, flags.models, flags.model, flags.registryUri)
      requireInputs(ride, loaded)
      const explanation = loaded.predictor.explain(ride, coverage)
      if (flags.json) {
        printJson(io, { ...explanation, name: loaded.name, model_version: loaded.version })
      } else {
        printExplanation(io, loaded, ride, explanation)
      }
    })
}

function numberOf(text: string, what: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isFinite(value)) return value
  throw new RidecastError(
    'usage_invalid',
    `${what} is not a number: expected one such as 1.01, found "${text}"`,
  )
}

function rideOf(flags: Flags): RideRequest {
  const ride: Partial<Record<ColumnName | 'pickup_datetime', number>> = {}
  for (const pair of flags.with) {
    const [name = '', value = ''] = pair.split('=', 2)
    if (!Object.hasOwn(rideColumns, name)) {
      throw new RidecastError(
        'usage_invalid',
        `--with ${pair} names no column of a ride: expected one of ${Object.keys(rideColumns).join(', ')}`,
      )
    }
    ride[name as ColumnName] = numberOf(value, name)
  }
  if (flags.distance !== undefined) {
    const miles = numberOf(flags.distance, '--distance')
    if (miles < 0) {
      throw new RidecastError(
        'usage_invalid',
        `--distance is negative: expected miles from 0, found ${miles}`,
      )
    }
    ride.trip_distance = miles
  }
  if (flags.at !== undefined) {
    const micros = parseWallClock(flags.at)
    if (Number.isNaN(micros)) {
      throw new RidecastError(
        'usage_invalid',
        `--at is not a time on the local clock: expected YYYY-MM-DDTHH:MM without a zone, found "${flags.at}"`,
      )
    }
    ride.pickup_datetime = micros
  }
  return { ...ride, PULocationID: findZone(flags.from).id, DOLocationID: findZone(flags.to).id }
}

/** Distance and time can be assumed; what else the model is computed from has to be said. */
function requireInputs(ride: RideRequest, { predictor, name }: LoadedModel): void {
  const missing = predictor.model.features.required.filter(
    (input) =>
      input !== 'pickup_datetime' && input !== 'trip_distance' && ride[input] === undefined,
  )
  if (missing.length === 0) return
  const flags = missing.map((input) => `--with ${input}=...`).join(' ')
  throw new RidecastError(
    'input_invalid',
    `model ${name} needs ${missing.join(', ')}: add ${flags}`,
  )
}

const signed = (minutes: number): string =>
  `${minutes < 0 ? '-' : '+'}${Math.abs(minutes).toFixed(2)}`

/** A contribution's value for a person: zones by name, hours by weekday. */
export function valueText({ term, value, unseen }: Contribution): string {
  if (value === null) return unseen ? 'not given' : 'average'
  if (typeof value === 'number') return String(Number(value.toPrecision(4)))
  const text = unseen ? `${value} (not in training)` : value
  if (/^(PU|DO)LocationID$/.test(term)) return zoneLabel(Number(value))
  if (term === 'hour_of_week') return hourText(Number(value))
  return text
}

/** `Wednesday 8:00` from an hour of the week, Monday first. */
export function hourText(hour: number): string {
  const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
  return `${days[Math.floor(hour / 24)]} ${hour % 24}:00`
}

function printExplanation(
  io: Io,
  { name, version }: LoadedModel,
  ride: RideRequest,
  explanation: Explanation,
): void {
  const { duration, intercept, contributions, total, warnings, interval } = explanation
  const whole = Math.floor(duration)
  const seconds = Math.round((duration - whole) * 60)
  const clock = seconds === 60 ? `${whole + 1} min 0 s` : `${whole} min ${seconds} s`
  io.out(`${zoneLabel(ride.PULocationID)} to ${zoneLabel(ride.DOLocationID)}\n`)
  io.out(`${io.colors.bold(`${duration.toFixed(2)} minutes`)}  (${clock})\n`)
  if (interval) {
    const { low, high, coverage } = interval
    const share = `${Number((100 * coverage).toPrecision(4))} %`
    io.out(`${low.toFixed(2)} to ${high.toFixed(2)} minutes for ${share} of such rides\n`)
  }
  io.out('\n')
  const rows = [
    ['start', '', signed(intercept)],
    ...contributions.map((part) => [part.term, valueText(part), signed(part.minutes)]),
    ...(total === duration ? [] : [['raised to the lower bound', '', signed(duration - total)]]),
  ]
  io.out(table(io, ['why', '', 'minutes'], rows, ['left', 'left', 'right']))
  for (const { message } of warnings) io.out(`note: ${message}\n`)
  io.out(io.colors.dim(`\nmodel ${name}/${version}\n`))
}
