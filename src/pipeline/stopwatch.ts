/** Times the stages of a piece of work and tells of each as it begins. */

/** Seconds by stage, in the order in which they began. */
export type Seconds = Readonly<Record<string, number>>

/** Runs a stage and notes how long it took. */
export type Timer = <T>(stage: string, work: () => Promise<T> | T) => Promise<T>

/**
 * A stopwatch.
 *
 * @param begins told the name of each stage
 * @param clock milliseconds, never going back; default `performance.now`
 */
export function stopwatch(
  begins: (stage: string) => void = () => {},
  clock: () => number = () => performance.now(),
): { readonly seconds: Seconds; readonly time: Timer } {
  const seconds: Record<string, number> = {}
  return {
    seconds,
    async time(stage, work) {
      begins(stage)
      const start = clock()
      const result = await work()
      seconds[stage] = Math.round(clock() - start) / 1000
      return result
    },
  }
}
