/**
 * The worker thread behind a lane: sums the rides that it is handed, batch by batch, for several
 * files at once. It opens nothing, so that it can be ended at any time. Knows nothing about lanes.
 */

import { type MessagePort, parentPort } from 'node:worker_threads'
import { messageOf, RidecastError } from '../../errors.ts'
import type { RideBatch } from '../../ride.ts'
import { MomentsBuilder } from '../moments-builder.ts'
import { buffersOf, dataOfMoments, type MomentsData } from '../moments-transfer.ts'
import { type PlanSpec, planFrom } from '../plan.ts'

/** What a worker is told, about the sums called `id`. */
export type LaneRequest = { readonly id: number } & (
  | { readonly kind: 'open'; readonly plans: readonly PlanSpec[] }
  | { readonly kind: 'add'; readonly rides: RideBatch }
  | { readonly kind: 'close' }
  /** Nobody wants them any more. */
  | { readonly kind: 'drop' }
)

/** What it answers: `done` gives a batch back, to be filled again. */
export type LaneAnswer = { readonly id: number } & (
  | { readonly kind: 'done'; readonly rides: RideBatch }
  | { readonly kind: 'moments'; readonly moments: readonly MomentsData[] }
  | { readonly kind: 'failed'; readonly code: RidecastError['code']; readonly message: string }
)

/** The memory behind a batch, each piece once. */
export function buffersOfRides({ pickup, dropoff, columns }: RideBatch): ArrayBuffer[] {
  const arrays = [pickup, dropoff, ...Object.values(columns)]
  return [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))]
}

/** Answers requests until the port is closed. */
export function serveLane(port: MessagePort): void {
  const open = new Map<number, MomentsBuilder>()
  const send = (answer: LaneAnswer, buffers: ArrayBuffer[]): void =>
    port.postMessage(answer, buffers)
  port.on('message', (request: LaneRequest) => {
    const { id } = request
    try {
      if (request.kind === 'open') open.set(id, new MomentsBuilder(request.plans.map(planFrom)))
      else if (request.kind === 'add') {
        open.get(id)?.add(request.rides)
        send({ id, kind: 'done', rides: request.rides }, buffersOfRides(request.rides))
      } else {
        const builder = open.get(id)
        open.delete(id)
        if (request.kind === 'drop' || !builder) return
        const moments = builder.finish().map(dataOfMoments)
        send({ id, kind: 'moments', moments }, [...new Set(moments.flatMap(buffersOf))])
      }
    } catch (error) {
      open.delete(id)
      const code = error instanceof RidecastError ? error.code : 'internal'
      send({ id, kind: 'failed', code, message: messageOf(error) }, [])
    }
  })
}

if (parentPort) serveLane(parentPort)
