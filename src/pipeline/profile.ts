/**
 * Sums the distributions that are stored beside a model: the plan to sum by, and the profile
 * from its moments. Knows nothing about serving.
 */

import type { Atom, AtomSpec } from '../atoms.ts'
import { type CategoricalTermSpec, type Features, featuresOf } from '../features.ts'
import type { Profile } from '../profile.ts'
import type { ColumnName } from '../ride.ts'
import type { Block, Moments } from './moments.ts'
import { beside, type Plan } from './plan.ts'

const plausibleMiles = 100
const halfMiles = Array.from({ length: 20 }, (_, k) => (k + 1) / 2)
const edges = [0.01, ...halfMiles, 11, 12, 13, 14, 15, 17.5, 20, 25, 30, 40, 50, 75, 100, 1000]

// Every training ride counts: where an input is missing it has a level of its own.
const zone = (column: ColumnName): AtomSpec => ({ kind: 'id', column, or_missing: true })

function profileFeatures(withDistance: boolean): Features {
  const categorical: CategoricalTermSpec[] = [
    { name: 'pair', atoms: [zone('PULocationID'), zone('DOLocationID')] },
    { name: 'hour_of_week', atoms: [{ kind: 'derived', name: 'hour_of_week' }], counted: true },
    { name: 'duration_minute', atoms: [{ kind: 'duration_minute' }], counted: true },
  ]
  if (!withDistance) return featuresOf({ categorical, numeric: [] })
  const of = 'trip_distance'
  return featuresOf({
    categorical: [
      ...categorical,
      { name: 'distance', atoms: [{ kind: 'bin', of, edges }], counted: true },
    ],
    numeric: [
      { name: 'plausible', of, steps: [{ is_between: [0.01, plausibleMiles] }] },
      { name: 'miles', of, steps: [{ between: [0.01, plausibleMiles] }] },
    ],
  })
}

/** The plan that sums the profile of the rides that `plan` selects. */
export function profilePlan(plan: Plan): Plan {
  const features = profileFeatures(plan.required.includes('trip_distance'))
  return { ...beside(plan, features), crosses: false }
}

/** The profile from the moments of {@link profilePlan}. */
export function profileOf(moments: Moments): Profile {
  const { n, target } = moments
  const mean = (target.hi[0] as number) / n
  const spread = Math.max(0, (target.hi[1] as number) - mean * (target.hi[0] as number))
  const hours = new Array<number>(168).fill(0)
  each(block(moments, 'hour_of_week'), (code, rides) => {
    hours[code] = rides
  })
  const minutes: number[] = []
  each(block(moments, 'duration_minute'), (code, rides) => {
    while (minutes.length <= code) minutes.push(0)
    minutes[code] = rides
  })
  const pairs: Profile['pairs'] = []
  const pickups = new Map<number, number>()
  const dropoffs = new Map<number, number>()
  const pairBlock = block(moments, 'pair')
  const { levels } = pairBlock.term.atoms[1] as Atom
  each(pairBlock, (code, rides, i) => {
    // 0 stands for a missing zone, in the document too; a zone 0 would count as missing.
    const from = Math.max(Math.floor(code / levels) - 1, 0)
    const to = Math.max((code % levels) - 1, 0)
    pickups.set(from, (pickups.get(from) ?? 0) + rides)
    dropoffs.set(to, (dropoffs.get(to) ?? 0) + rides)
    pairs.push([from, to, rides, meanMiles(moments, pairBlock.numeric.hi, i)])
  })
  const sorted = (counts: Map<number, number>): [number, number][] =>
    [...counts].sort(([a], [b]) => a - b)
  return {
    rides: n,
    duration: { mean: mean / 60, std: Math.sqrt(spread / Math.max(1, n - 1)) / 60, minutes },
    hour_of_week: hours,
    pickups: sorted(pickups),
    dropoffs: sorted(dropoffs),
    trip_distance: moments.numeric.length > 0 ? distanceOf(moments) : null,
    pairs,
  }
}

function block(moments: Moments, name: string): Block {
  return moments.blocks.find(({ term }) => term.name === name) as Block
}

function each(block: Block, visit: (code: number, rides: number, i: number) => void): void {
  const { codes, counts } = block
  for (let i = 0; i < codes.length; i++) visit(codes[i] as number, counts[i] as number, i)
}

// The two numeric terms are the flag and the miles, both in units of one scale.
function meanMiles(moments: Moments, sums: Float64Array, level: number): number | null {
  if (moments.numeric.length === 0) return null
  const flags = sums[level * 2] as number
  return flags > 0 ? (sums[level * 2 + 1] as number) / flags : null
}

function distanceOf(moments: Moments): Profile['trip_distance'] {
  const counts = new Array<number>(edges.length + 1).fill(0)
  each(block(moments, 'distance'), (code, rides) => {
    counts[code] = rides
  })
  return {
    mean: meanMiles(moments, moments.sums.hi, 0) ?? 0,
    plausible_up_to: plausibleMiles,
    edges,
    counts,
  }
}
