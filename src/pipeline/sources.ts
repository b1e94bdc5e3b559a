/**
 * Several trip files at once: months by fleet, files and addresses as a person names them, as
 * plans in an order that does not depend on how they were named.
 */

import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { RidecastError } from '../errors.ts'
import { type Month, monthOf, previousMonth } from '../month.ts'
import { areMonths, monthsText, monthsUpTo, parseMonths } from '../months.ts'
import type { Taxi } from '../ride.ts'
import {
  type ObtainAllEffects,
  obtainAll,
  planSource,
  type RemoteSource,
  type Source,
  type SourceOptions,
  type SourcePlan,
} from './source.ts'
import type { LocalTripFile, Summing, TripFile } from './summing.ts'

/** A file to be read, and the fleet whose columns it has. */
export interface FleetPlan {
  readonly plan: SourcePlan
  readonly taxi: Taxi
}

/** What planning several files needs besides their names. */
export interface SourcesOptions extends Omit<SourceOptions, 'taxi'> {
  /** The fleets that were asked for: files of another one are refused. Undefined takes what names state. */
  readonly taxis: readonly Taxi[] | undefined
  /** The fleets meant where neither a name nor {@link taxis} says; default green. */
  readonly otherwise?: readonly Taxi[]
}

/**
 * Plans every file that the arguments name: months (each of every fleet), paths and addresses.
 *
 * @param args at least one
 * @returns by fleet, then by month, then by name: the order they were named in does not matter
 * @throws month_invalid, usage_invalid (a file named twice, or of a fleet that was not asked for)
 */
export function planSources(args: readonly string[], options: SourcesOptions): FleetPlan[] {
  const meant = meantTaxis(options)
  const plans = args.flatMap((arg): FleetPlan[] => {
    if (!areMonths(arg)) return [planFile(arg, options)]
    const months = parseMonths(arg, options.today)
    return meant.flatMap((taxi) =>
      months.map((month) => ({ plan: planSource(month, { ...options, taxi }), taxi })),
    )
  })
  const paths = plans.map(({ plan }) => plan.path)
  const again = paths.find((path, i) => paths.indexOf(path) !== i)
  if (again !== undefined) {
    throw new RidecastError(
      'usage_invalid',
      `${again} is named twice: its rides would count twice, name it once`,
    )
  }
  return plans.sort(byFleetAndMonth)
}

/**
 * The `count` months that end with `last`; where no month is named, with the one before the
 * validation month, or before the newest month that is published by now: one appears about two
 * months after its end.
 */
export function lastMonths(
  count: number,
  last: Month | undefined,
  validation: Month | undefined,
  today: Date,
): Month[] {
  const newest = previousMonth(previousMonth(previousMonth(monthOf(today))))
  return monthsUpTo(last ?? previousMonth(validation ?? newest), count)
}

function meantTaxis({ taxis, otherwise = ['green'] }: SourcesOptions): readonly Taxi[] {
  return taxis ?? otherwise
}

function planFile(argument: string, options: SourcesOptions): FleetPlan {
  const { taxis } = options
  const [first] = meantTaxis(options) as [Taxi, ...Taxi[]]
  const plan = planSource(argument, { ...options, taxi: first })
  const taxi = plan.taxi ?? first
  if (taxis && !taxis.includes(taxi)) {
    throw new RidecastError(
      'usage_invalid',
      `--taxi ${taxis.join(',')} does not fit ${argument}, whose name says ${taxi}: leave the flag away, or rename the file`,
    )
  }
  if (plan.taxi === undefined && taxis && taxis.length > 1) {
    throw new RidecastError(
      'usage_invalid',
      `${argument} does not say in its name whether it is ${taxis.join(' or ')}: name one fleet, or rename the file`,
    )
  }
  return { plan, taxi }
}

function byFleetAndMonth(a: FleetPlan, b: FleetPlan): number {
  const key = ({ plan, taxi }: FleetPlan): string => `${taxi} ${plan.month ?? ''} ${plan.path}`
  const [x, y] = [key(a), key(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

/**
 * Finds every file of the plans: on this disk, else where the engine keeps it, else by a download.
 *
 * @param engine knows what it keeps elsewhere
 * @returns in the order of the plans
 * @throws what {@link obtainFiles} and an engine throw
 */
export async function findFiles(
  plans: readonly FleetPlan[],
  engine: Pick<Summing, 'locate'>,
  effects: ObtainAllEffects = {},
): Promise<TripFile[]> {
  const found = await Promise.all(
    plans.map(async ({ plan, taxi }): Promise<TripFile | undefined> => {
      if (existsSync(plan.path)) return undefined
      const remote = await engine.locate(basename(plan.path), taxi)
      if (!remote) return undefined
      const { path, label, month } = plan
      const { bytes } = remote
      const source: RemoteSource = {
        ...{ path, label, month, taxi, bytes, remote },
        sha256: null,
        downloaded: false,
      }
      return { taxi, source }
    }),
  )
  const here = await obtainFiles(
    plans.filter((_, i) => found[i] === undefined),
    effects,
  )
  return found.map((file) => file ?? (here.shift() as LocalTripFile))
}

/** Fetches and checks every file of the plans, several at once; in their order. */
export async function obtainFiles(
  plans: readonly FleetPlan[],
  effects: ObtainAllEffects = {},
): Promise<LocalTripFile[]> {
  const sources = await obtainAll(
    plans.map(({ plan }) => plan),
    effects,
  )
  return plans.map(({ taxi }, i) => ({ source: sources[i] as Source, taxi }))
}

/** The fleets of files, each once, with commas. */
export function fleetsOf(plans: readonly FleetPlan[]): string {
  return [...new Set(plans.map(({ taxi }) => taxi))].join(',')
}

/** What several files are called in front of people: `green 2023-01..2023-03`. */
export function sourcesLabel(plans: readonly FleetPlan[]): string {
  const fleets = [...new Set(plans.map(({ taxi }) => taxi))]
  if (plans.length === 1) return plans[0]?.plan.label ?? ''
  if (plans.some(({ plan }) => plan.month === undefined)) {
    return plans.map(({ plan }) => plan.label).join(', ')
  }
  return fleets
    .map((fleet) => {
      const own = plans.filter(({ taxi }) => taxi === fleet)
      return `${fleet} ${monthsText(own.map(({ plan }) => plan.month as Month))}`
    })
    .join(', ')
}
