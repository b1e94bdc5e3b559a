/**
 * Sums the distributions that are stored beside a model: the plan to sum by, and the profile
 * from its moments. Knows nothing about serving.
 */

import { type Atom, splitCode } from '../atoms.ts'
import { type CategoricalTerm, compileFeatures, type Features } from '../features.ts'
import type { Profile } from '../profile.ts'
import type { RideBatch } from '../ride.ts'
import type { Block, Moments } from './moments.ts'
import { beside, type Plan } from './plan.ts'

const plausibleMiles = 100
const halfMiles = Array.from({ length: 20 }, (_, k) => (k + 1) / 2)
const edges = [0.01, ...halfMiles, 11, 12, 13, 14, 15, 17.5, 20, 25, 30, 40, 50, 75, 100, 1000]

const durationLevels = 65_536

const durationAtom: Atom = {
  key: 'duration_minute',
  input: 'pickup_datetime',
  levels: durationLevels,
  code(rides, i) {
    const minutes = ((rides.dropoff[i] as number) - (rides.pickup[i] as number)) / 60e6
    // A recipe may take rides below zero or of months: they share the outermost minutes.
    return Math.min(Math.max(Math.floor(minutes), 0), durationLevels - 1)
  },
  text: String,
  parse: Number,
}

const duration: CategoricalTerm = {
  ...durationAtom,
  name: 'duration_minute',
  atoms: [durationAtom],
  inputs: ['pickup_datetime'],
}

/** The term with code 0 where the input is missing: the profile counts every training ride. */
function tolerant(term: CategoricalTerm): CategoricalTerm {
  const code = (rides: RideBatch, i: number): number => {
    let code = 0
    for (const atom of term.atoms) code = code * atom.levels + Math.max(atom.code(rides, i), 0)
    return code
  }
  return { ...term, code }
}

function profileFeatures(withDistance: boolean): Features {
  const { categorical, numeric, inputs } = compileFeatures({
    name: 'profile',
    categorical: [
      { name: 'pair', product: ['PULocationID', 'DOLocationID'] },
      'hour_of_week',
      ...(withDistance ? [{ name: 'distance', bin: 'trip_distance' as const, edges }] : []),
    ],
    numeric: withDistance
      ? [
          {
            name: 'plausible',
            of: 'trip_distance',
            steps: [{ is_between: [0.01, plausibleMiles] }],
          },
          { name: 'miles', of: 'trip_distance', steps: [{ between: [0.01, plausibleMiles] }] },
        ]
      : [],
  })
  return { categorical: [...categorical.map(tolerant), duration], numeric, inputs }
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
  each(pairBlock, (code, rides, i) => {
    const [from, to] = splitCode(pairBlock.term.atoms, code) as [number, number]
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
  block.codes.forEach((code, i) => {
    visit(code, block.counts[i] as number, i)
  })
}

// The two numeric terms are the flag and the miles, both in units of one scale.
function meanMiles(moments: Moments, sums: Float64Array, level: number): number | null {
  if (moments.numeric.length === 0) return null
  const [flags, miles] = [sums[level * 2] as number, sums[level * 2 + 1] as number]
  return flags > 0 ? miles / flags : null
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
