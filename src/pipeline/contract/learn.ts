/**
 * Proposes a contract from months that are known to be good: what was seen, with room around it,
 * as YAML with comments that a person edits. Knows nothing about where the months come from.
 */

import { contractFormat, type MeasureName, measures } from '../../contract.ts'
import { type ColumnName, rideColumns, type Taxi } from '../../ride.ts'
import { domainOf } from '../../ride-domain.ts'
import { countText, shareText } from './anomaly.ts'
import { contractKey } from './check-columns.ts'
import type { ColumnKind, FooterColumn } from './footer.ts'
import type { Inspection } from './inspect.ts'
import { type ColumnCounts, sum } from './measure.ts'

/** Room around counts of rides: a third of what was seen, to either side. */
const countRoom = 1.35

/** Room around medians that warns, and that refuses: half-way to kilometres, in ratio. */
const medianRoom = { warn: 1.12, error: 1.27 }

/** The share of values, at each end, that a range need not hold. */
const fewValues = 0.001

/** How a month is seen by one column. */
interface Seen {
  readonly column: FooterColumn | undefined
  readonly counts: ColumnCounts | undefined
  readonly rides: number
  readonly rows: number
}

/**
 * A contract for files like these.
 *
 * @param files of one fleet, at least one with a footer; those without are left out
 * @returns YAML that `parseContract` reads
 */
export function learn(fleet: Taxi, files: readonly Inspection[]): string {
  const good = files.filter(({ footer }) => footer !== undefined)
  const labels = good.map(({ label }) => label)
  return `${[
    `# Proposed from ${labels.length} files: ${labels.join(', ')}.`,
    '# A draft: every bound is what was seen with room around it. Look at each, widen what is known',
    '# to vary more, and say why. docs/contract.md explains every word.',
    `format: ${contractFormat}`,
    `fleet: ${fleet}`,
    `description: Learned from ${labels.length} ${fleet} files.`,
    '',
    'columns:',
    ...keysOf(fleet, good).flatMap((key) => columnLines(key, seenOf(key, fleet, good))),
    '',
    '# The first period that contains the month holds. [low, high], both included; null: no bound.',
    'measures:',
    ...measureLines(good),
  ].join('\n')}\n`
}

function keysOf(fleet: Taxi, files: readonly Inspection[]): string[] {
  const keys = files.flatMap(({ footer }) => {
    return (footer?.columns ?? []).map(({ name }) => contractKey(name, fleet))
  })
  const byCase = new Map(keys.reverse().map((key) => [key.toLowerCase(), key]))
  return [...byCase.values()].reverse()
}

function seenOf(key: string, fleet: Taxi, files: readonly Inspection[]): Seen[] {
  return files.map(({ footer, measurement }) => ({
    column: footer?.columns.find(({ name }) => {
      return contractKey(name, fleet).toLowerCase() === key.toLowerCase()
    }),
    counts: measurement?.columns[key as ColumnName],
    rides: measurement?.rides ?? 0,
    rows: footer?.rows ?? 0,
  }))
}

function columnLines(key: string, seen: readonly Seen[]): string[] {
  const there = seen.filter(({ column }) => column !== undefined)
  const always = there.length === seen.length
  const isUsed = key === 'pickup' || key === 'dropoff' || Object.hasOwn(rideColumns, key)
  const name = /^[A-Za-z_]\w*$/.test(key) ? key : JSON.stringify(key)
  const missing = there.map(missingShare).filter((share) => !Number.isNaN(share))
  const empty = missing.length > 0 && Math.min(...missing) === 1
  const required = !always || empty ? 'no' : isUsed ? 'error' : 'warn'
  return [
    `  ${name}:`,
    `    type: ${typeOf(key, there)} # seen as ${kindsOf(there).join(', ')}`,
    `    required: ${required} # in ${there.length} of ${seen.length} files`,
    // Times have a measure of their own: unreadable_times.
    ...(key === 'pickup' || key === 'dropoff' ? [] : missingLines(missing)),
    ...valueLines(key, there),
  ]
}

function kindsOf(seen: readonly Seen[]): ColumnKind[] {
  return [...new Set(seen.flatMap(({ column }) => (column ? [column.kind] : [])))]
}

function typeOf(key: string, seen: readonly Seen[]): string {
  if (key === 'pickup' || key === 'dropoff') return 'time'
  if (Object.hasOwn(rideColumns, key)) return rideColumns[key as ColumnName].kind
  const kinds = kindsOf(seen)
  if (kinds.includes('time')) return 'time'
  return kinds.includes('int') || kinds.includes('float') ? 'number' : 'text'
}

function missingShare({ column, counts, rides, rows }: Seen): number {
  if (counts) return counts.missing / rides
  if (column?.kind === 'null') return 1
  return column?.nulls === undefined ? Number.NaN : column.nulls / rows
}

function missingLines(shares: readonly number[]): string[] {
  if (shares.length === 0) return []
  const most = Math.max(...shares)
  // A column that may be empty as a whole says nothing when it is.
  if (most > 0.95) return []
  const warn = most === 0 ? 0 : rounded(Math.min(0.95, most * countRoom))
  const error = rounded(Math.min(0.98, Math.max(0.02, most * 2)))
  const note = `${shareText(Math.min(...shares))} to ${shareText(most)} seen`
  return [`    missing: { warn: ${warn}, error: ${Math.max(error, warn)} } # ${note}`]
}

function valueLines(key: string, seen: readonly Seen[]): string[] {
  const counted = seen.flatMap(({ counts, rides }) => (counts ? [{ counts, rides }] : []))
  const alive = counted.filter(({ counts }) => counts.counts.size > 0)
  if (alive.length === 0) return []
  const lines = alive[0]?.counts.ladder
    ? rangeLines(
        key,
        alive.map(({ counts }) => counts),
      )
    : idLines(
        key,
        alive.map(({ counts }) => counts),
      )
  const tops = alive.map(({ counts }) => {
    return Math.max(...counts.counts.values()) / sum(counts.counts.values())
  })
  const top = Math.max(...tops)
  const share = rounded(Math.min(0.9999, top + (1 - top) * 0.6))
  return [...lines, `    most_common: { error: ${share} } # up to ${shareText(top)} seen`]
}

function idLines(key: string, all: readonly ColumnCounts[]): string[] {
  const ids = [...new Set(all.flatMap(({ counts }) => [...counts.keys()]))].sort((a, b) => a - b)
  const isZone = key === 'PULocationID' || key === 'DOLocationID'
  const values = isZone ? [] : [`    values: [${ids.join(', ')}]`]
  return [...values, `    unexpected: { warn: 0, error: ${isZone ? 0.001 : 0.1} }`]
}

/** The narrowest range of edges that all but a few values lie in, and one more edge either side. */
function rangeLines(key: string, all: readonly ColumnCounts[]): string[] {
  const domain = domainOf(key as ColumnName)
  const domainFrom = domain.kind === 'number' ? domain.from : undefined
  const ladder = all[0]?.ladder ?? []
  const total = sum(all.flatMap(({ counts }) => [...counts.values()]))
  const of = (bin: number): number => sum(all.map(({ counts }) => counts.get(bin) ?? 0))
  let [low, high] = [0, ladder.length]
  for (let out = of(low); low < high && out <= total * fewValues; out += of(low)) low++
  for (let out = of(high); high > low && out <= total * fewValues; out += of(high)) high--
  const from = domainFrom ?? ladder[low - 2]
  const below = ladder[high + 1]
  const ends = [
    from === undefined ? [] : [`from: ${from}`],
    below === undefined ? [] : [`below: ${below}`],
  ].flat()
  if (ends.length === 0) return []
  return [
    `    range: { ${ends.join(', ')} } # an edge beyond all but ${shareText(2 * fewValues)} of the values seen`,
    '    unexpected: { warn: 0.005, error: 0.03 }',
  ]
}

function measureLines(files: readonly Inspection[]): string[] {
  return (Object.keys(measures) as MeasureName[]).flatMap((name) => {
    const values = files.flatMap(({ measures: taken }) => {
      const value = taken[name]
      return value === undefined || Number.isNaN(value) ? [] : [value]
    })
    if (values.length === 0) return []
    const lines = name === 'rides_per_day' ? yearLines(files) : [periodLine(name, values)]
    return [`  ${name}: # ${measures[name]}`, ...lines]
  })
}

/** Rides a day by year: fleets grow and shrink. The first and last year hold for others too. */
function yearLines(files: readonly Inspection[]): string[] {
  const byYear = new Map<string, number[]>()
  for (const { month, measures: taken } of files) {
    const value = taken.rides_per_day
    if (month === undefined || value === undefined) continue
    byYear.set(month.slice(0, 4), [...(byYear.get(month.slice(0, 4)) ?? []), value])
  }
  const years = [...byYear].sort(([a], [b]) => (a < b ? -1 : 1))
  return years.map(([year, values], k) => {
    const [low, high] = [Math.min(...values), Math.max(...values)]
    const to = k < years.length - 1 ? `to: ${year}-12, ` : ''
    const band = `[${Math.floor(low / countRoom)}, ${Math.ceil(high * countRoom)}]`
    return `    - { ${to}error: ${band} } # ${year}: ${countText(Math.round(low))} to ${countText(Math.round(high))} seen`
  })
}

function periodLine(name: MeasureName, values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const seen = `# ${rounded(low)} to ${rounded(high)} seen`
  const around = (room: number): string => `[${rounded(low / room)}, ${rounded(high * room)}]`
  switch (name) {
    case 'neighbour_ratio':
      return `    - { error: [${rounded(Math.min(0.6, low / 1.1))}, ${rounded(Math.max(1.8, high * 1.1))}] } ${seen}`
    case 'empty_days':
    case 'thin_days':
      return `    - { warn: [0, ${high}], error: [0, ${high + (name === 'thin_days' ? 2 : 0)}] } ${seen}`
    case 'kept':
      return `    - { warn: [${rounded(low - 0.02)}, ${rounded(high + (1 - high) / 2)}], error: [${rounded(low - 0.1)}, ${rounded(high + (1 - high) * 0.95)}] } ${seen}`
    case 'median_minutes':
    case 'median_miles':
    case 'median_mph':
      return `    - { warn: ${around(medianRoom.warn)}, error: ${around(medianRoom.error)} } ${seen}`
    case 'zone_concentration':
      return `    - { warn: [${rounded(Math.sqrt(low))}, null], error: [${rounded(low > 1 ? 1 : low / 1.5)}, null] } ${seen}`
    case 'quietest_hour':
      return `    - { warn: [${Math.max(0, low - 2)}, ${Math.min(23, high + 2)}] } ${seen}`
    default:
      return `    - { warn: [0, ${rounded(high * 2)}], error: [0, ${rounded(Math.min(1, Math.max(0.01, high * 5)))}] } ${seen}`
  }
}

function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
