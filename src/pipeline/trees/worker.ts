/** The worker thread of tree training. Knows nothing about tables. */

import { type MessagePort, parentPort } from 'node:worker_threads'
import { messageOf, RidecastError } from '../../errors.ts'
import { serveOrders } from './crew.ts'
import { type GrownRound, growRounds, type RoundsPlan } from './rounds.ts'

/** What a worker is told: the first grows trees, the others take its orders. */
export interface TreeRequest {
  readonly index: number
  readonly plan: RoundsPlan
}

/** What the first worker answers: each round, then one of the others. */
export type TreeAnswer =
  | { readonly kind: 'round'; readonly round: GrownRound }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: RidecastError['code']; readonly message: string }

/** Takes one request. */
export function serveTrees(port: MessagePort): void {
  port.once('message', ({ index, plan }: TreeRequest) => {
    if (index > 0) {
      serveOrders(plan.memory, index)
      return
    }
    const send = (answer: TreeAnswer): void => port.postMessage(answer)
    try {
      for (const round of growRounds(plan)) send({ kind: 'round', round })
      send({ kind: 'done' })
    } catch (error) {
      const code = error instanceof RidecastError ? error.code : 'internal'
      send({ kind: 'failed', code, message: messageOf(error) })
    }
  })
}

if (parentPort) serveTrees(parentPort)
