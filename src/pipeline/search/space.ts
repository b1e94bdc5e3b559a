/**
 * What a search may choose from: named dimensions as data, and the way between a setting and its
 * place on the unit interval, on which samplers work. Knows nothing about what the settings mean.
 *
 * Dimensions are always taken in the order of their names, so that the order in which a person
 * writes them changes nothing.
 */

import { z } from 'zod'
import { sortByCodePoint } from '../../code-point.ts'
import { RidecastError } from '../../errors.ts'

/** The value of one dimension. */
export type Setting = string | number | boolean

/** One value for each dimension of a space, by name. */
export type Point = Record<string, Setting>

const bounds = { low: z.number(), high: z.number(), log: z.boolean().default(false) }
const wholes = { low: z.int(), high: z.int(), log: z.boolean().default(false) }
const option = z.union([z.string(), z.number(), z.boolean()], {
  error: 'expected text, a number or true or false',
})

const dimension = z
  .discriminatedUnion(
    'kind',
    [
      z.strictObject({ kind: z.literal('number'), ...bounds }),
      z.strictObject({ kind: z.literal('whole'), ...wholes, step: z.int().positive().default(1) }),
      z.strictObject({ kind: z.literal('choice'), options: z.array(option).min(1) }),
    ],
    { error: 'expected a mapping with kind: number, whole or choice' },
  )
  .superRefine((one, context) => {
    for (const message of faultsOf(one)) context.addIssue({ code: 'custom', message })
  })

// A dot leads into a mapping of a recipe; no name of JavaScript's own begins with a letter and
// changes what an object is.
const name = z
  .string()
  .regex(/^[A-Za-z][\w.-]*$/, 'names begin with a letter, then letters, digits and _ . -')

const spaceSchema = z
  .record(name, dimension)
  .refine((space) => Object.keys(space).length > 0, 'name at least one dimension')

/**
 * What one setting may be, both ends included.
 *
 * - `number`: any number from `low` to `high`; with `log` each ratio is as likely as any equal one
 * - `whole`: `low`, `low + step`, ... up to `high`; with `log` likewise, and without steps
 * - `choice`: one of some values without an order
 */
export type Dimension = z.output<typeof dimension>

/** Dimensions by name, at least one, every default filled in. */
export type Space = z.output<typeof spaceSchema>

function faultsOf(one: z.core.output<typeof dimension>): string[] {
  if (one.kind === 'choice') {
    const distinct = new Set(one.options).size === one.options.length
    return distinct ? [] : ['options must differ from each other']
  }
  const { low, high, log } = one
  const faults: string[] = []
  if (low > high) faults.push(`low must not be above high, found ${low} and ${high}`)
  if (!Number.isFinite(high - low)) faults.push('high - low is too large for a number')
  if (log && low <= 0) faults.push(`log needs low above 0, found ${low}`)
  if (log && one.kind === 'whole' && one.step !== 1) faults.push('log and step exclude each other')
  return faults
}

/**
 * Checks a space that is already an object, as YAML gives it.
 *
 * @param value anything
 * @param label how errors call it
 * @returns the space with its names in order
 * @throws recipe_invalid with every fault
 */
export function checkSpace(value: unknown, label: string): Space {
  const result = spaceSchema.safeParse(value)
  if (result.success) {
    return Object.fromEntries(
      namesOf(result.data).map((key) => [key, result.data[key] as Dimension]),
    )
  }
  const faults = result.error.issues.map((issue) => {
    const inner = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined
    const where = issue.path.join('.')
    return `${where === '' ? '' : `${where}: `}${inner ?? issue.message}`
  })
  throw new RidecastError(
    'recipe_invalid',
    `search space ${label} is not valid: ${[...new Set(faults)].join('; ')}`,
    { cause: result.error },
  )
}

/** The names of dimensions in the order in which everything goes through them. */
export function namesOf(space: Space): string[] {
  return sortByCodePoint(Object.keys(space))
}

/** A text that two points share if and only if they are equal. */
export function keyOf(space: Space, point: Point): string {
  return JSON.stringify(namesOf(space).map((one) => point[one]))
}

/**
 * The setting at a place, uniform over the settings (over their logarithms with `log`) when the
 * place is uniform.
 *
 * @param u 0 to 1; what lies outside counts as the nearer end
 */
export function settingAt(one: Dimension, u: number): Setting {
  const at = Math.min(Math.max(u, 0), 1)
  if (one.kind === 'choice') {
    return one.options[Math.min(Math.floor(at * one.options.length), one.options.length - 1)]!
  }
  if (one.kind === 'number' && (at === 0 || at === 1)) return at === 0 ? one.low : one.high
  const [from, to] = span(one)
  const value = from + at * (to - from)
  if (one.kind === 'number') return clamp(one.log ? Math.exp(value) : value, one.low, one.high)
  if (one.log) return clamp(Math.round(Math.exp(value)), one.low, one.high)
  const steps = Math.round((value - one.low) / one.step)
  return one.low + clamp(steps, 0, stepsOf(one)) * one.step
}

/**
 * The places whose setting is the given one: `[from, to]` on the unit interval, the same place
 * twice for a number. All of it when the dimension has one setting only.
 */
export function placesOf(one: Dimension, setting: Setting): [from: number, to: number] {
  if (one.kind === 'choice') {
    const i = one.options.indexOf(setting)
    return [i / one.options.length, (i + 1) / one.options.length]
  }
  const [from, to] = span(one)
  const value = setting as number
  if (from === to) return [0, 1]
  const place = (x: number): number => ((one.log ? Math.log(x) : x) - from) / (to - from)
  if (one.kind === 'number') return [place(value), place(value)]
  return [place(value - one.step / 2), place(value + one.step / 2)]
}

/** The range that the unit interval stands for: half a step more than the settings of `whole`. */
function span(one: Exclude<Dimension, { kind: 'choice' }>): [from: number, to: number] {
  const half = one.kind === 'whole' ? one.step / 2 : 0
  const high = one.kind === 'whole' ? one.low + stepsOf(one) * one.step : one.high
  if (!one.log) return [one.low - half, high + half]
  return [Math.log(one.low - half), Math.log(high + half)]
}

/** The number of steps from the lowest to the highest setting. */
function stepsOf(one: Extract<Dimension, { kind: 'whole' }>): number {
  return Math.floor((one.high - one.low) / one.step)
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}

/** Points that lie at regular distances; made when asked for, as there may be very many. */
export interface Grid {
  /** How many there are. */
  readonly size: number
  /** Point `index`, 0 to `size - 1`: the last dimension by name varies fastest. */
  at(index: number): Point
}

/**
 * All combinations of evenly spaced settings, both ends included (evenly by ratio with `log`), and
 * of all options.
 *
 * @param pointsPerDimension how many settings of a number, at least 1 (then the middle), and at
 *   most of a whole number
 * @throws usage_invalid
 */
export function gridOf(space: Space, pointsPerDimension: number): Grid {
  if (!Number.isSafeInteger(pointsPerDimension) || pointsPerDimension < 1) {
    throw new RidecastError(
      'usage_invalid',
      `a grid needs a whole number of points per dimension, 1 or more, found ${pointsPerDimension}`,
    )
  }
  const axes = namesOf(space).map((one) => {
    return [one, axisOf(space[one] as Dimension, pointsPerDimension)] as const
  })
  return {
    size: axes.reduce((product, [, settings]) => product * settings.length, 1),
    at: (index) => {
      let rest = index
      const point = axes.toReversed().map(([one, settings]) => {
        const setting = settings[rest % settings.length] as Setting
        rest = Math.floor(rest / settings.length)
        return [one, setting] as const
      })
      return Object.fromEntries(point.reverse())
    },
  }
}

function axisOf(one: Dimension, count: number): Setting[] {
  if (one.kind === 'choice') return one.options
  if (one.kind === 'whole' && stepsOf(one) < count) {
    return Array.from({ length: stepsOf(one) + 1 }, (_, i) => one.low + i * one.step)
  }
  const settings = Array.from({ length: count }, (_, i) => {
    const setting = settingAt(one, count === 1 ? 0.5 : i / (count - 1)) as number
    // As a person would write it: 0.001, where the exponential of a logarithm is not quite that.
    return clamp(Number(setting.toPrecision(12)), one.low, one.high)
  })
  return [...new Set(settings)]
}
