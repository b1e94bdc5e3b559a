/** What the server serves now. Knows nothing about HTTP or about how a model is found. */

import type { Documents } from '../artifact.ts'
import type { Predictor } from '../predictor.ts'
import { Problem } from './problem.ts'
import type { RideCheck } from './ride-fields.ts'

/** A verified model version, ready to answer. */
export interface ServedModel extends RideCheck {
  readonly name: string
  readonly version: string
  readonly predictor: Predictor
  /** What the version is: the model with its vectorizer, metrics, profile, lineage. */
  readonly documents: Documents
}

/** Which of two models answers: the one that serves, or the one that is tried beside it. */
export type Arm = 'champion' | 'challenger'

/** How a challenger is tried: on a share of requests, on a share of keys, or without answering. */
export type TrialMode = 'canary' | 'ab' | 'shadow'

/** A model that is tried beside the champion. */
export interface Challenger {
  readonly model: ServedModel
  readonly mode: TrialMode
  /** Share of the requests (of the keys) that it answers, 0 to 1; of a shadow, that it mirrors. */
  readonly share: number
  /** Names the trial; a key keeps its arm for as long as this stays. */
  readonly seed: string
}

/** Who answers a request. */
export interface Turn {
  readonly arm: Arm
  readonly model: ServedModel
}

/** The models, if there are any, and whether the server is shutting down. */
export class ServiceState {
  /** The champion; undefined until one is verified. */
  model: ServedModel | undefined
  /** What is tried beside the champion, if anything. */
  challenger: Challenger | undefined
  /** True from the first signal to stop: what is in flight is finished, nothing new is wanted. */
  draining = false

  constructor(model?: ServedModel) {
    this.model = model
  }

  /**
   * The champion.
   *
   * @throws Problem: not_ready
   */
  requireModel(): ServedModel {
    if (this.model) return this.model
    throw new Problem('not_ready', 'server has no verified model yet: ask again in a moment')
  }

  /**
   * Who answers a request: the champion, or by its share the challenger.
   *
   * @param key requests with the same key get the same arm, as long as the share does not shrink;
   *   without one the arm is drawn
   * @throws Problem: not_ready
   */
  turn(key?: string): Turn {
    const model = this.requireModel()
    const { challenger } = this
    if (challenger === undefined || challenger.mode === 'shadow') return { arm: 'champion', model }
    const point = key === undefined ? Math.random() : pointOf(`${challenger.seed}\0${key}`)
    return point < challenger.share
      ? { arm: 'challenger', model: challenger.model }
      : { arm: 'champion', model }
  }
}

/** Where a text lies between 0 and 1, evenly: FNV-1a over its UTF-16 units, then Murmur3's mixer. */
export function pointOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
