/** Time that is shared equally, and work that is ended when its part is spent. Knows nothing about models. */

import { RidecastError } from '../errors.ts'

/** Starts a signal that is aborted after so many milliseconds. */
export type StartTimer = (ms: number, whose: string) => AbortSignal

/** One part of a budget. */
export interface Share {
  /**
   * Does work that counts.
   *
   * @param work told when the part is spent; what it gives after that is not taken
   * @throws budget_spent; what the work throws
   */
  spend<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
}

const everlasting: Share = { spend: (work) => work(new AbortController().signal) }

/**
 * Shares a time among some that are named; what one leaves, no other gets.
 *
 * @param minutes undefined for as long as it takes
 */
export function shareTime(
  minutes: number | undefined,
  names: readonly string[],
  startTimer: StartTimer = AbortSignal.timeout,
): ReadonlyMap<string, Share> {
  const all = names.map((name): [string, Share] => {
    if (minutes === undefined) return [name, everlasting]
    const part = minutes / names.length
    return [name, shareOf(part, name, startTimer)]
  })
  return new Map(all)
}

function shareOf(minutes: number, name: string, startTimer: StartTimer): Share {
  let left = minutes * 60_000
  const spent = (): RidecastError =>
    new RidecastError(
      'budget_spent',
      `${name} took longer than its part of the budget, ${Number(minutes.toPrecision(3))} minutes: give it more, or name fewer recipes`,
    )
  return {
    async spend(work) {
      const began = performance.now()
      const timer = startTimer(Math.max(0, Math.round(left)), name)
      const stop = new AbortController()
      const onTime = (): void => stop.abort(spent())
      if (timer.aborted) onTime()
      else timer.addEventListener('abort', onTime, { once: true })
      try {
        stop.signal.throwIfAborted()
        const done = await work(stop.signal)
        // Sums are solved without a look at the clock, and timers wait meanwhile.
        if (performance.now() - began > left) throw spent()
        stop.signal.throwIfAborted()
        return done
      } finally {
        timer.removeEventListener('abort', onTime)
        left -= performance.now() - began
      }
    },
  }
}
