/**
 * Worker threads that read trip files: started when they are first needed, kept until the pool is
 * closed, replaced when they die. Knows nothing about what the answers mean.
 */

import type { Worker } from 'node:worker_threads'
import { messageOf, RidecastError } from '../../errors.ts'
import { startWorker } from '../start-worker.ts'
import type { ShareAnswer, ShareRequest } from './arrow-worker.ts'

/** An answer that ends a request. */
export type FinalAnswer = Exclude<ShareAnswer, { kind: 'rides' | 'failed' }>

/** Starts a thread. */
export type StartThread = () => Worker

interface Job {
  readonly request: ShareRequest
  readonly told: (rides: number) => void
  readonly resolve: (answer: FinalAnswer) => void
  readonly reject: (reason: unknown) => void
}

interface Thread {
  readonly worker: Worker
  /** What it is busy with. */
  job: Job | undefined
}

/** A bounded number of threads for any number of requests. To be closed. */
export class ArrowPool {
  private readonly threads = new Set<Thread>()
  private queue: Job[] = []
  private closed = false
  private readonly limit: number
  private readonly start: StartThread

  /** @param limit threads at once */
  constructor(limit: number, start: StartThread = () => startWorker('arrow-worker')) {
    this.limit = limit
    this.start = start
  }

  /**
   * Has a thread answer a request; it waits for a free one.
   *
   * @param told the rides of each row group that is done
   * @param signal ends the request, and the thread that is busy with it; its reason is thrown
   * @throws source_columns, source_column_type, source_truncated, sums_overflow, and internal when
   *   the thread dies or the pool is closed
   */
  async ask(
    request: ShareRequest,
    told: (rides: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<FinalAnswer> {
    signal?.throwIfAborted()
    if (this.closed) throw closedPool(request)
    let job: Job | undefined
    const stop = (): void => this.drop(job, signal?.reason)
    try {
      return await new Promise((resolve, reject) => {
        job = { request, told, resolve, reject }
        this.queue.push(job)
        signal?.addEventListener('abort', stop)
        this.pump()
      })
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  /** Ends all threads; requests under way fail. */
  async close(): Promise<void> {
    this.closed = true
    for (const job of this.queue) job.reject(closedPool(job.request))
    this.queue = []
    await Promise.all(
      [...this.threads].map(({ worker, job }) => {
        job?.reject(closedPool(job.request))
        return worker.terminate()
      }),
    )
  }

  /** Gives waiting requests to free threads, and starts threads as far as there may be more. */
  private pump(): void {
    while (this.queue.length > 0) {
      const free = [...this.threads].find(({ job }) => job === undefined)
      if (!free && this.threads.size >= this.limit) return
      const thread = free ?? this.startThread()
      thread.job = this.queue.shift() as Job
      thread.worker.postMessage(thread.job.request)
    }
  }

  private startThread(): Thread {
    const thread: Thread = { worker: this.start(), job: undefined }
    this.threads.add(thread)
    thread.worker.on('message', (answer: ShareAnswer) => this.receive(thread, answer))
    thread.worker.on('messageerror', (error) => this.retire(thread, error))
    thread.worker.on('error', (error) => this.retire(thread, error))
    thread.worker.on('exit', (code) => {
      this.retire(thread, new Error(`it ended with exit code ${code}`))
    })
    return thread
  }

  private receive(thread: Thread, answer: ShareAnswer): void {
    const { job } = thread
    if (answer.kind === 'rides') {
      job?.told(answer.rides)
      return
    }
    thread.job = undefined
    if (answer.kind !== 'failed') {
      job?.resolve(answer)
    } else {
      const { code, message, cause } = answer
      job?.reject(new RidecastError(code, message, cause ? { cause: new Error(cause) } : {}))
      // What damage has left behind in the decoder's memory goes with the thread.
      if (code === 'source_truncated') this.retire(thread)
    }
    this.pump()
  }

  /** Ends a thread; what it is busy with fails. */
  private retire(thread: Thread, reason?: unknown): void {
    if (!this.threads.delete(thread)) return
    const { job } = thread
    thread.job = undefined
    job?.reject(
      new RidecastError(
        'internal',
        `a thread that reads ${job.request.path} has died (${messageOf(reason)}): set fewer threads or more memory, or take another engine`,
        { cause: reason },
      ),
    )
    void thread.worker.terminate()
    if (!this.closed) this.pump()
  }

  private drop(job: Job | undefined, reason: unknown): void {
    if (!job) return
    job.reject(reason)
    this.queue = this.queue.filter((waiting) => waiting !== job)
    const busy = [...this.threads].find((thread) => thread.job === job)
    if (!busy) return
    busy.job = undefined
    this.retire(busy)
  }
}

function closedPool({ path }: ShareRequest): RidecastError {
  return new RidecastError('internal', `the arrow engine was closed before it had read ${path}`)
}
