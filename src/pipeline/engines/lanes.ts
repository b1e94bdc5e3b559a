/**
 * Sums the rides of a file in several threads: batches go to lanes in turn, each lane sums its own,
 * and lanes are added up in their order. Knows nothing about where rides come from.
 */

import type { Worker } from 'node:worker_threads'
import { messageOf, RidecastError } from '../../errors.ts'
import type { RideBatch } from '../../ride.ts'
import type { Moments } from '../moments.ts'
import { mergeMoments } from '../moments-algebra.ts'
import { momentsFromData } from '../moments-transfer.ts'
import { type Plan, specOfPlan } from '../plan.ts'
import { startWorker } from '../start-worker.ts'
import { buffersOfRides, type LaneAnswer, type LaneRequest } from './lane-worker.ts'

/** Lanes of a file. */
export const lanesOfFile = 2

/** Batches that a lane has in hand: the next ones are decoded meanwhile. */
const batchesInHand = 4

/** Takes the answers about sums of one id. */
interface Listener {
  readonly answer: (answer: LaneAnswer) => void
  readonly fail: (error: RidecastError) => void
}

interface Thread {
  readonly worker: Worker
  readonly listeners: Map<number, Listener>
}

/** Threads that sum what they are handed. To be closed. */
export class Lanes {
  private readonly threads: (Thread | undefined)[]
  private next = 0
  private ids = 0
  private readonly start: () => Worker

  /** @param limit threads at once, at least 1; they start when they are first needed */
  constructor(limit: number, start: () => Worker = () => startWorker('lane-worker')) {
    this.threads = new Array<Thread | undefined>(limit).fill(undefined)
    this.start = start
  }

  /**
   * Sums rides by each plan; no plan may take a slice by rows.
   *
   * @param batches their arrays are copied, a batch is used up before the next one is asked for
   * @param progress told the rides of every batch that is done
   * @param signal stops the work between two batches; its reason is thrown
   * @throws sums_overflow, internal when a thread dies, and what the batches throw
   */
  async sum(
    batches: AsyncIterable<RideBatch>,
    plans: readonly Plan[],
    progress: (rides: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<Moments[]> {
    const lanes = Array.from({ length: lanesOfFile }, () => this.lane(plans))
    try {
      let turn = 0
      for await (const rides of batches) {
        await (lanes[turn++ % lanes.length] as Lane).add(rides, progress)
        signal?.throwIfAborted()
      }
      const summed = await Promise.all(lanes.map((lane) => lane.close()))
      return plans.map((_, k) => mergeMoments(summed.map((moments) => moments[k] as Moments)))
    } finally {
      for (const lane of lanes) lane.drop()
    }
  }

  /** Ends all threads; sums under way fail. */
  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread?.worker.terminate()))
  }

  private lane(plans: readonly Plan[]): Lane {
    const at = this.next++ % this.threads.length
    const thread = this.threads[at] ?? this.open(at)
    return new Lane(thread, this.ids++, plans)
  }

  private open(at: number): Thread {
    const thread: Thread = { worker: this.start(), listeners: new Map() }
    this.threads[at] = thread
    const die = (reason: unknown): void => {
      if (this.threads[at] === thread) this.threads[at] = undefined
      const error = new RidecastError(
        'internal',
        `a thread that sums rides has died (${messageOf(reason)}): free some memory, or take another engine`,
        { cause: reason },
      )
      for (const { fail } of thread.listeners.values()) fail(error)
      thread.listeners.clear()
    }
    thread.worker.on('message', (answer: LaneAnswer) => {
      thread.listeners.get(answer.id)?.answer(answer)
    })
    thread.worker.on('messageerror', die)
    thread.worker.on('error', die)
    thread.worker.on('exit', (code) => die(new Error(`it ended with exit code ${code}`)))
    return thread
  }
}

/** The sums of every second batch, say, of a file. */
class Lane {
  private readonly thread: Thread
  private readonly id: number
  private readonly plans: readonly Plan[]
  /** Batches to be filled. */
  private readonly free: RideBatch[] = []
  private made = 0
  private failed: RidecastError | undefined
  private moments: Moments[] | undefined
  /** Called when anything has changed. */
  private wake: () => void = () => {}
  private told: (rides: number) => void = () => {}

  constructor(thread: Thread, id: number, plans: readonly Plan[]) {
    this.thread = thread
    this.id = id
    this.plans = plans
    thread.listeners.set(id, {
      answer: (answer) => this.receive(answer),
      fail: (error) => this.fail(error),
    })
    this.send({ id, kind: 'open', plans: plans.map(specOfPlan) })
  }

  /** Hands on a copy of a batch; waits while the thread has enough. */
  async add(rides: RideBatch, progress: (rides: number) => void): Promise<void> {
    this.told = progress
    const copy = await this.room(rides)
    this.send({ id: this.id, kind: 'add', rides: copied(rides, copy) })
  }

  /** The sums. */
  async close(): Promise<Moments[]> {
    this.send({ id: this.id, kind: 'close' })
    while (!this.moments) await this.change()
    return this.moments
  }

  /** Lets go of what was not closed. */
  drop(): void {
    if (this.thread.listeners.delete(this.id)) this.send({ id: this.id, kind: 'drop' })
  }

  private async room(like: RideBatch): Promise<RideBatch> {
    if (this.free.length === 0 && this.made < batchesInHand) {
      this.made++
      return emptyLike(like)
    }
    while (this.free.length === 0) await this.change()
    return this.free.pop() as RideBatch
  }

  /** Waits until anything has changed. */
  private async change(): Promise<void> {
    if (!this.failed) {
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
    if (this.failed) throw this.failed
  }

  private send(request: LaneRequest): void {
    const buffers = request.kind === 'add' ? buffersOfRides(request.rides) : []
    this.thread.worker.postMessage(request, buffers)
  }

  private receive(answer: LaneAnswer): void {
    if (answer.kind === 'done') {
      this.free.push(answer.rides)
      this.told(answer.rides.length)
    } else if (answer.kind === 'moments') {
      this.thread.listeners.delete(this.id)
      this.moments = answer.moments.map((data, k) => momentsFromData(data, this.plans[k] as Plan))
    } else {
      this.thread.listeners.delete(this.id)
      this.failed = new RidecastError(answer.code, answer.message)
    }
    this.wake()
  }

  private fail(error: RidecastError): void {
    this.failed = error
    this.wake()
  }
}

function emptyLike({ pickup, columns }: RideBatch): RideBatch {
  const room = pickup.buffer.byteLength / Float64Array.BYTES_PER_ELEMENT
  const names = Object.keys(columns)
  return {
    length: 0,
    pickup: new Float64Array(room),
    dropoff: new Float64Array(room),
    columns: Object.fromEntries(names.map((name) => [name, new Float64Array(room)])),
  }
}

/** A batch in the memory of another one. */
function copied(rides: RideBatch, into: RideBatch): RideBatch {
  const copy = (from: Float64Array, to: Float64Array): Float64Array => {
    const whole = new Float64Array(to.buffer, 0, from.length)
    whole.set(from)
    return whole
  }
  const names = Object.keys(rides.columns) as (keyof RideBatch['columns'])[]
  const pairs = names.map((name) => {
    const [from, to] = [rides.columns[name], into.columns[name]] as [Float64Array, Float64Array]
    return [name, copy(from, to)]
  })
  return {
    length: rides.length,
    pickup: copy(rides.pickup, into.pickup),
    dropoff: copy(rides.dropoff, into.dropoff),
    columns: Object.fromEntries(pairs),
  }
}
