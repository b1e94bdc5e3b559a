/** Looks at every trip file that a command line names, for commands that go by a data contract. */

import type { Contract } from '../contract.ts'
import type { Inspection } from '../pipeline/contract/inspect.ts'
import type { Taxi } from '../ride.ts'
import {
  type CacheFlags,
  cacheOf,
  type DataFlags,
  fetchingOf,
  sourcesOptionsOf,
} from './data-flags.ts'
import { type EngineFlags, engineSettingsOf } from './engine-flags.ts'
import { interruptible } from './interrupt.ts'
import { type Io, progress } from './io.ts'

/** The flags that inspecting goes by. */
export interface InspectFlags extends DataFlags, CacheFlags, EngineFlags {}

/** What inspecting may leave out. */
export interface InspectScope {
  /** The contract for files of a fleet; asked once for each. */
  contractOf(taxi: Taxi): Contract
  /** False to leave out what only all columns of all rows can say. */
  readonly rows: boolean
}

/**
 * Looks at the files in their order; Ctrl-C ends it.
 *
 * @throws what planning, engines and contracts throw; a file that cannot be read is a finding
 */
export async function inspectFiles(
  io: Io,
  args: readonly string[],
  flags: InspectFlags,
  scope: InspectScope,
): Promise<Inspection[]> {
  const { planSources } = await import('../pipeline/sources.ts')
  const { Summing } = await import('../pipeline/summing.ts')
  const { openEngine } = await import('../pipeline/engines/engines.ts')
  const { inspect } = await import('../pipeline/contract/inspect.ts')
  const plans = planSources(args, sourcesOptionsOf(io, flags))
  const contracts = new Map<Taxi, Contract>()
  for (const { taxi } of plans) {
    if (!contracts.has(taxi)) contracts.set(taxi, scope.contractOf(taxi))
  }
  const settings = engineSettingsOf(io, flags)
  const cache = await cacheOf(io, flags)
  const fetching = await fetchingOf(io, flags)
  const show = (text: string): void => progress(io, text)
  const reading = (done: number, total: number): void =>
    show(`reading rides ... ${Math.round((100 * done) / Math.max(1, total))} %`)
  return interruptible(async (signal) => {
    const open = () => openEngine(flags.engine, settings)
    const summing = new Summing(open, cache, reading, signal)
    const obtain = { ...fetching.effects, signal }
    const found: Inspection[] = []
    try {
      for (const plan of plans) {
        show(`${plan.plan.label} ...`)
        const contract = contracts.get(plan.taxi) as Contract
        found.push(await inspect(plan, contract, summing, scope.rows, { obtain, show, signal }))
      }
      return found
    } finally {
      await summing.close()
      await fetching.finish()
      show('')
    }
  })
}
