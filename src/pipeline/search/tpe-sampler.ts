/**
 * The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kegl 2011): points are drawn
 * where good trials are dense, and the one is taken where they are densest compared with the bad
 * ones, which is where improvement is expected most. Knows nothing about running trials.
 *
 * Multivariate: a kernel is a product over all dimensions. Learning rate and size of a tree, say,
 * go together, and densities by dimension would mix one good trial's rate with another's size.
 */

import { RidecastError } from '../../errors.ts'
import { drawsFor } from './draws.ts'
import { densityOf } from './parzen.ts'
import { randomPoint } from './random-sampler.ts'
import type { Sampler } from './sampler.ts'
import { keyOf, type Point, type Space } from './space.ts'
import type { Trial } from './trial.ts'

const purpose = 0x74706521

/** How the estimator works. */
export interface TpeOptions {
  /** Trials with a value, finished or pruned, before it starts; until then at random. Default 10. */
  readonly startupTrials?: number
  /** Which share of those are good ones, rounded up. Default 0.15. */
  readonly goodShare?: number
  /** Not more good ones than this. Default 25. */
  readonly mostGood?: number
  /** How many points are drawn, of which one is proposed. Default 24. */
  readonly candidates?: number
  /** How many trials the prior counts as, the belief that all settings are alike. Default 1. */
  readonly priorWeight?: number
}

/**
 * A sampler that learns from the trials before. Failed trials count as bad, and so do those that
 * still run, whose points other workers would propose again otherwise. A point that was tried is
 * proposed again only when nothing else was drawn.
 *
 * @throws usage_invalid when an option is out of range
 */
export function tpeSampler(options: TpeOptions = {}): Sampler {
  const {
    startupTrials = 10,
    goodShare = 0.15,
    mostGood = 25,
    candidates = 24,
    priorWeight = 1,
  } = options
  hold('startupTrials', startupTrials, Number.isSafeInteger(startupTrials) && startupTrials >= 1)
  hold('goodShare', goodShare, goodShare > 0 && goodShare < 1)
  hold('mostGood', mostGood, Number.isSafeInteger(mostGood) && mostGood >= 1)
  hold('candidates', candidates, Number.isSafeInteger(candidates) && candidates >= 1)
  hold('priorWeight', priorWeight, priorWeight > 0 && Number.isFinite(priorWeight))
  return {
    spec: {
      name: 'tpe',
      startup_trials: startupTrials,
      good_share: goodShare,
      most_good: mostGood,
      candidates,
      prior_weight: priorWeight,
    },
    propose: (space, number, seed, trials) => {
      const { ranked, others } = sorted(trials)
      if (ranked.length < startupTrials) return randomPoint(space, number, seed)
      const goodCount = Math.min(Math.ceil(goodShare * ranked.length), mostGood)
      const pointsOf = (some: readonly Trial[]) => some.map(({ point }) => point)
      const good = densityOf(space, pointsOf(ranked.slice(0, goodCount)), priorWeight)
      const bad = densityOf(space, pointsOf([...ranked.slice(goodCount), ...others]), priorWeight)
      const draws = drawsFor(seed, purpose, number)
      const drawn = Array.from({ length: candidates }, () => good.draw(draws))
      const fresh = untried(space, drawn, trials)
      // Nothing new where the good ones are: what a small space has left lies elsewhere.
      if (fresh.length === 0) return randomPoint(space, number, seed)
      const ratios = fresh.map((point) => good.at(point) / bad.at(point))
      return fresh[ratios.indexOf(Math.max(...ratios))] as Point
    },
  }
}

function hold(name: string, value: number, isRight: boolean): void {
  if (isRight) return
  throw new RidecastError(
    'usage_invalid',
    `${name} of the sampler is out of range, found ${value}: see its documentation`,
  )
}

/**
 * Trials with a value from the best to the worst, and the others. Pruned ones come after all
 * finished ones, and those that came further before the others, as poor ones are stopped sooner.
 */
function sorted(trials: readonly Trial[]): { ranked: Trial[]; others: Trial[] } {
  const scored = trials.flatMap((trial) => {
    if (trial.state === 'finished') return [{ trial, step: Infinity, value: trial.value as number }]
    if (trial.state !== 'pruned') return []
    const [step, value] = [...trial.intermediates].at(-1) ?? [-1, Infinity]
    return [{ trial, step, value: Number.isNaN(value) ? Infinity : value }]
  })
  scored.sort((a, b) => {
    return compare(b.step, a.step) || compare(a.value, b.value) || a.trial.number - b.trial.number
  })
  return {
    ranked: scored.map(({ trial }) => trial),
    others: trials.filter(({ state }) => state === 'failed' || state === 'running'),
  }
}

/** As a difference, but for infinities too. */
function compare(a: number, b: number): number {
  return Number(a > b) - Number(a < b)
}

function untried(space: Space, points: readonly Point[], trials: readonly Trial[]): Point[] {
  const tried = new Set(trials.map(({ point }) => keyOf(space, point)))
  return points.filter((point) => !tried.has(keyOf(space, point)))
}
