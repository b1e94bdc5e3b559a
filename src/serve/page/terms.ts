/** What the terms of a model and their values are called. Knows nothing of how they are shown. */

import type { Contribution } from '../../model.ts'
import type { Warning } from '../../predictor.ts'
import { weekdays } from './format.ts'
import { nameOf } from './zone-names.ts'

/** What is known by a name of its own; other terms are called as the recipe calls them. */
const names: Readonly<Record<string, string>> = {
  PULocationID: 'Pickup zone',
  DOLocationID: 'Drop-off zone',
  PU_DO: 'Pair of zones',
  hour: 'Hour',
  weekday: 'Day of the week',
  hour_of_week: 'Hour of the week',
  quarter_hour: 'Time of day',
  weekend: 'Weekend',
  holiday: 'Holiday',
  minute_of_day: 'Time of day',
  pickup_datetime: 'Time',
  trip_distance: 'Distance',
  distance: 'Distance',
  distance_log: 'Distance, logarithm',
  distance_sqrt: 'Distance, root',
  distance_zero: 'Distance is zero',
  zone_distance: 'Straight distance',
  distance_ratio: 'Detour',
  passenger_count: 'Passengers',
}

/** `Pickup zone`. */
export const termName = (term: string): string =>
  names[term] ?? `${term.charAt(0).toUpperCase()}${term.slice(1).replaceAll('_', ' ')}`

/** The value of a term in words; empty where it is missing. */
export function valueName({ term, value }: Contribution): string {
  if (value === null) return ''
  const number = Number(value)
  switch (term) {
    case 'PULocationID':
    case 'DOLocationID':
      return nameOf(number)
    case 'PU_DO': {
      const ends = String(value).split('_').map(Number)
      return ends.map((zone) => nameOf(zone)).join(' to ')
    }
    case 'hour':
      return `${number}:00`
    case 'weekday':
      return weekdays[number] ?? String(value)
    case 'hour_of_week':
      return `${weekdays[Math.floor(number / 24)]} ${number % 24}:00`
    case 'quarter_hour':
      return clockOf(number * 15)
    case 'minute_of_day':
      return clockOf(number)
  }
  if (typeof value !== 'number') return levelName(value)
  return String(Number(value.toPrecision(4))).replace('-', '−')
}

/** `17:30` of minutes since midnight. */
function clockOf(minutes: number): string {
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

/** `Manhattan · 16–19` of a level `Manhattan_16..19`: a product of columns and bins. */
function levelName(level: string): string {
  const parts = level.split('_').map((part) => part.replace(/(\d)\.\.(?=\d)/, '$1–'))
  if (parts.every((part) => part === 'missing')) return 'not given'
  return parts.map((part) => (part === 'missing' ? 'not given' : part)).join(' · ')
}

/** The message of a warning, with the names that people have for a term and its level. */
export function warningText(
  { field, message }: Warning,
  contributions: readonly Contribution[],
): string {
  const one = contributions.find(({ term }) => term === field)
  const said = one && `${one.term} ${one.value}`
  if (!one || !said || !message.startsWith(`${said} `)) return message
  return `${termName(one.term)} (${valueName(one)})${message.slice(said.length)}`
}

/** A line of reasons. */
export interface Reason {
  readonly name: string
  readonly value: string
  readonly minutes: number
  readonly isUnseen: boolean
}

/** What several terms are made of, and its value: `distance_log` of `trip_distance`. */
export type Sources = ReadonlyMap<string, { readonly of: string; readonly value: string }>

/**
 * The reasons that weigh most, as they come in the model: terms of one quantity as one, and the
 * lesser ones added up.
 *
 * @param most how many lines there are at most
 */
export function reasonsOf(
  contributions: readonly Contribution[],
  sources: Sources,
  most = 9,
): Reason[] {
  const lines = new Map<string, Reason>()
  for (const one of contributions) {
    const source = sources.get(one.term)
    const name = termName(source?.of ?? one.term)
    const minutes = (lines.get(name)?.minutes ?? 0) + one.minutes
    lines.set(name, { name, value: source?.value ?? valueName(one), minutes, isUnseen: one.unseen })
  }
  const all = [...lines.values()]
  if (all.length <= most) return all
  const weighty = [...all].sort((a, b) => Math.abs(b.minutes) - Math.abs(a.minutes))
  const kept = new Set(weighty.slice(0, most - 1))
  const minutes = weighty.slice(most - 1).reduce((sum, one) => sum + one.minutes, 0)
  const name = `${all.length - kept.size} smaller ones`
  return [...all.filter((one) => kept.has(one)), { name, value: '', minutes, isUnseen: false }]
}

/** What a recipe says of its terms, or an ensemble's of those of its members. */
interface Terms {
  readonly numeric?: readonly unknown[]
  readonly members?: readonly (Terms | null)[]
}

/** What the terms of a recipe that are made of one number each are made of. */
export function sourcesOf(recipe: unknown, ride: Readonly<Record<string, unknown>>): Sources {
  const { numeric = [], members = [] } = (recipe ?? {}) as Terms
  const own = numeric.flatMap((spec): [string, { of: string; value: string }][] => {
    const { name, of } = (spec ?? {}) as { name?: string; of?: unknown }
    const given = typeof of === 'string' ? ride[of] : undefined
    if (name === undefined || typeof given !== 'number') return []
    const unit = of === 'trip_distance' ? ' miles' : ''
    return [[name, { of: of as string, value: `${given}${unit}` }]]
  })
  return new Map([...own, ...members.flatMap((member) => [...sourcesOf(member, ride)])])
}
