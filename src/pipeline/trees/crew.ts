/**
 * Carries out an order on all shards at once, and waits until all are done. The caller works on
 * the first shard itself. Knows nothing about trees.
 */

import { RidecastError } from '../../errors.ts'
import type { TreeMemory } from './memory.ts'
import { Shard } from './shard.ts'

/** What shards are told: a kind and up to four whole numbers. */
export const orderKinds = { begin: 1, root: 2, split: 3, finish: 4, end: 5 } as const

/** A kind of order. */
export type OrderKind = keyof typeof orderKinds

/** Places in {@link TreeMemory.control}. */
const place = { turn: 0, done: 1, failed: 2, kind: 3, values: 4 } as const

/** Looks before it sleeps: an order of a few hundred rows is done sooner than a thread wakes up. */
const looks = 2000

/** All threads of a training, seen from the first. */
export class Crew {
  private readonly memory: TreeMemory
  private readonly own: Shard

  constructor(memory: TreeMemory) {
    this.memory = memory
    this.own = new Shard(memory, 0)
  }

  /**
   * Has every shard do something.
   *
   * @throws internal when a thread failed
   */
  run(kind: OrderKind, ...values: number[]): void {
    const { control, threads } = this.memory
    control[place.kind] = orderKinds[kind]
    for (const [i, value] of values.entries()) control[place.values + i] = value
    if (threads > 1) {
      Atomics.store(control, place.done, 0)
      Atomics.add(control, place.turn, 1)
      Atomics.notify(control, place.turn)
    }
    carryOut(this.own, control)
    if (threads === 1) return
    for (;;) {
      const done = waitWhile(control, place.done, (value) => value < threads - 1)
      if (done === threads - 1) break
    }
    if (Atomics.load(control, place.failed) === 0) return
    throw new RidecastError('internal', 'a thread that grows trees has failed: set fewer threads')
  }

  /** The sums of all shards in a histogram. */
  gather(sums: Float64Array): void {
    const { partials, threads, bins } = this.memory
    for (let i = 0; i < bins; i++) sums[i] = partials[i]!
    for (let thread = 1, at = bins; thread < threads; thread++, at += bins) {
      for (let i = 0; i < bins; i++) sums[i]! += partials[at + i]!
    }
  }
}

/** Serves orders as a further thread until the last one. */
export function serveOrders(memory: TreeMemory, index: number): void {
  const { control } = memory
  let turn = 0
  let shard: Shard | undefined
  for (;;) {
    turn = waitWhile(control, place.turn, (value) => value === turn)
    const last = control[place.kind] === orderKinds.end
    try {
      shard ??= new Shard(memory, index)
      carryOut(shard, control)
    } catch {
      Atomics.store(control, place.failed, 1)
    }
    Atomics.add(control, place.done, 1)
    Atomics.notify(control, place.done)
    if (last) return
  }
}

function carryOut(shard: Shard, control: Int32Array): void {
  const kind = control[place.kind]
  const [a = 0, b = 0, c = 0, d = 0] = control.subarray(place.values, place.values + 4)
  if (kind === orderKinds.begin) shard.begin(a)
  else if (kind === orderKinds.root) shard.root(a)
  else if (kind === orderKinds.finish) shard.finish(a)
  else if (kind === orderKinds.split) {
    shard.split(a, b, c)
    // The leaf to be summed, or none.
    if (d >= 0) shard.sum(d)
  }
}

/** Waits while a word is as it should not stay; its value then. */
function waitWhile(control: Int32Array, at: number, stays: (value: number) => boolean): number {
  for (let look = 0; look < looks; look++) {
    const value = Atomics.load(control, at)
    if (!stays(value)) return value
  }
  for (;;) {
    const value = Atomics.load(control, at)
    if (!stays(value)) return value
    Atomics.wait(control, at, value)
  }
}
