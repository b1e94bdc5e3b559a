/**
 * The worker thread of the Arrow engine: opens trip files and sums shares of them, one request
 * after the other. Knows nothing about other threads.
 */

import { type MessagePort, parentPort } from 'node:worker_threads'
import { messageOf, RidecastError } from '../../errors.ts'
import type { Taxi } from '../../ride.ts'
import type { RideColumns } from '../columns.ts'
import { buffersOf, dataOfMoments, type MomentsData } from '../moments-transfer.ts'
import { type PlanSpec, planFrom } from '../plan.ts'
import { openRides } from '../rides.ts'
import { sumGroups } from './arrow-share.ts'

/** What a worker is asked: the size of a file, or the sums of some of its row groups. */
export interface ShareRequest {
  readonly path: string
  readonly taxi: Taxi
  readonly columns: RideColumns
  /** Undefined asks for the size. */
  readonly share?: { readonly groups: readonly number[]; readonly plans: readonly PlanSpec[] }
}

/** Rides of a file by row group. */
export interface FileSize {
  readonly rows: number
  readonly groups: readonly number[]
}

/** What a worker answers: `rides` for each row group that is done, then one of the others. */
export type ShareAnswer =
  | { readonly kind: 'rides'; readonly rides: number }
  | { readonly kind: 'size'; readonly size: FileSize }
  | { readonly kind: 'moments'; readonly moments: readonly MomentsData[] }
  | {
      readonly kind: 'failed'
      readonly code: RidecastError['code']
      readonly message: string
      readonly cause: string | undefined
    }

/** Answers requests until the port is closed. */
export function serveShares(port: MessagePort): void {
  const send = (answer: ShareAnswer, buffers: ArrayBuffer[] = []): void =>
    port.postMessage(answer, buffers)
  port.on('message', (request: ShareRequest) => {
    answer(request, send).catch((error: unknown) => send(failure(error)))
  })
}

async function answer(
  { path, taxi, columns, share }: ShareRequest,
  send: (answer: ShareAnswer, buffers?: ArrayBuffer[]) => void,
): Promise<void> {
  const file = await openRides(path, taxi, columns)
  try {
    const { rows, groups } = file
    if (!share) {
      send({ kind: 'size', size: { rows, groups } })
      return
    }
    const plans = share.plans.map(planFrom)
    const told = (rides: number): void => send({ kind: 'rides', rides })
    const moments = (await sumGroups(file, share.groups, plans, told)).map(dataOfMoments)
    send({ kind: 'moments', moments }, [...new Set(moments.flatMap(buffersOf))])
  } finally {
    file.close()
  }
}

function failure(error: unknown): ShareAnswer {
  const { cause } = error as Error
  return {
    kind: 'failed',
    code: error instanceof RidecastError ? error.code : 'internal',
    message: messageOf(error),
    cause: cause === undefined ? undefined : messageOf(cause),
  }
}

if (parentPort) serveShares(parentPort)
