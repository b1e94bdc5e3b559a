/**
 * How trials that run side by side wait for each other, and what they may know of each other, so that
 * they are the same whichever is faster. Knows nothing about running trials.
 */

import type { Trial } from './trial.ts'

/**
 * How many of the latest trials one knows nothing of but their points. Twice as many as others run
 * beside it: fewer, and a slow trial would keep all lanes waiting.
 */
function unseenBefore(workers: number): number {
  return 2 * (workers - 1)
}

/** The trials as one of them may know them: the latest as if they still ran. */
export function seenBy(
  number: number,
  workers: number,
  trials: readonly Trial[],
): readonly Trial[] {
  const unseen = unseenBefore(workers)
  if (unseen === 0) return trials
  return trials.slice(0, number).map((trial) => {
    if (trial.number < number - unseen) return trial
    const { point } = trial
    return { number: trial.number, point, state: 'running', metrics: {}, intermediates: new Map() }
  })
}

/** True when all trials have ended whose outcome one may know. */
export function mayBegin(number: number, workers: number, trials: readonly Trial[]): boolean {
  const seen = Math.max(0, number - unseenBefore(workers))
  return trials.slice(0, seen).every(({ state }) => state !== 'running')
}

/** Lanes that take turns, and wait for the ends of each other's trials. */
export class Turns {
  private queue: Promise<unknown> = Promise.resolve()
  private waiting: (() => void)[] = []

  /** Does something while nobody else does the like, in the order of the calls. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const taken = this.queue.then(work)
    this.queue = taken.catch(() => {})
    return taken
  }

  /** Waits until something holds, which is looked at whenever there is news. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.waiting.push(resolve))
  }

  /** Tells whoever waits that something has changed. */
  news(): void {
    for (const go of this.waiting.splice(0)) go()
  }
}
