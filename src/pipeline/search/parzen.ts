/**
 * A density over the points of a space from some points of it (Parzen): the mean of one kernel for
 * each and of a broad one, the prior. A kernel is a product over the dimensions, so that settings
 * that went together stay together. Knows nothing about trials or values.
 */

import type { Draws } from './draws.ts'
import { normalDensity, normalMass } from './normal.ts'
import {
  type Dimension,
  namesOf,
  type Point,
  placesOf,
  type Setting,
  type Space,
  settingAt,
} from './space.ts'

/** A density over the points of a space, to be drawn from and asked. */
export interface Density {
  /** A point at random. */
  draw(draws: Draws): Point
  /** The density at a point where 1 is that of uniformly drawn points; above 0. */
  at(point: Readonly<Point>): number
}

/** One dimension of all kernels: those of points in their order, the prior's last. */
interface Axis {
  /** A setting at random from one kernel. */
  draw(kernel: number, draws: Draws): Setting
  /** Multiplies the products of all kernels by their density at a setting. */
  multiply(products: Float64Array, setting: Setting): void
}

/**
 * The density that points suggest.
 *
 * @param points none or more: without any it is close to uniform
 * @param priorWeight how many points the prior counts as, above 0
 */
export function densityOf(
  space: Space,
  points: readonly Readonly<Point>[],
  priorWeight: number,
): Density {
  const axes = namesOf(space).map((name) => {
    const one = space[name] as Dimension
    const settings = points.map((point) => point[name] as Setting)
    const axis =
      one.kind === 'choice' ? choiceAxis(one, settings, priorWeight) : normalAxis(one, settings)
    return [name, axis] as const
  })
  const total = points.length + priorWeight
  const products = new Float64Array(points.length + 1)
  return {
    draw: (draws) => {
      const kernel = Math.min(Math.floor(draws.uniform() * total), points.length)
      return Object.fromEntries(axes.map(([name, axis]) => [name, axis.draw(kernel, draws)]))
    },
    at: (point) => {
      products.fill(1 / total)
      products[points.length] = priorWeight / total
      for (const [name, axis] of axes) axis.multiply(products, point[name] as Setting)
      return products.reduce((sum, product) => sum + product, 0)
    },
  }
}

/** Options counted, with a little for every one of them in each kernel. */
function choiceAxis(
  one: Extract<Dimension, { kind: 'choice' }>,
  settings: readonly Setting[],
  priorWeight: number,
): Axis {
  const count = one.options.length
  const little = priorWeight / (settings.length + 1)
  const shared = (little * count) / (1 + little * count)
  return {
    draw: (kernel, draws) => {
      const own = settings[kernel]
      const isAny = own === undefined || draws.uniform() < shared
      return isAny ? settingAt(one, draws.uniform()) : own
    },
    multiply: (products, setting) => {
      for (const [k, own] of settings.entries()) {
        products[k]! *= shared + (own === setting ? (1 - shared) * count : 0)
      }
    },
  }
}

/** Normal kernels on the unit interval, cut off at its ends. */
function normalAxis(one: Dimension, settings: readonly Setting[]): Axis {
  const centres = settings.map((setting) => {
    const [from, to] = placesOf(one, setting)
    return (from + to) / 2
  })
  const widths = widthsOf(centres)
  centres.push(0.5)
  widths.push(1)
  const inside = centres.map((c, k) => normalMass(-c / widths[k]!, (1 - c) / widths[k]!))
  return {
    draw: (kernel, draws) => {
      // Every third lies inside at least, as the centre does and no width is above 1.
      let u = -1
      while (u < 0 || u > 1) u = centres[kernel]! + widths[kernel]! * draws.normal()
      return settingAt(one, u)
    },
    multiply: (products, setting) => {
      const [from, to] = placesOf(one, setting)
      for (let k = 0; k < centres.length; k++) {
        const width = widths[k]!
        const a = (from - centres[k]!) / width
        const density =
          from === to
            ? normalDensity(a) / width
            : normalMass(a, (to - centres[k]!) / width) / (to - from)
        products[k]! *= density / inside[k]!
      }
    },
  }
}
/**
 * As wide as the larger of the gaps to the neighbours, the prior's centre among them: narrow where
 * points are dense. What has an equal has no gap, and the bound below, which falls with the
 * number of points, keeps a few points from shutting out what lies between them.
 */
function widthsOf(centres: readonly number[]): number[] {
  const sorted = [...centres, 0.5].sort((a, b) => a - b)
  const least = 1 / Math.min(100, centres.length + 2)
  return centres.map((centre) => {
    const i = sorted.indexOf(centre)
    const below = centre - (sorted[i - 1] ?? centre)
    const above = (sorted[i + 1] ?? centre) - centre
    const gap = above === 0 ? 0 : Math.max(below, above)
    return Math.min(Math.max(gap, least), 1)
  })
}
