/**
 * Sums of trip files, each made once: taken from the cache where they are kept, else by an engine,
 * which is opened only then. Knows nothing about what the sums are for.
 */

import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import type { Taxi } from '../ride.ts'
import type { Engine, EngineName, EngineProgress, RemoteFile } from './engines/engine.ts'
import type { Moments } from './moments.ts'
import { mergeMoments } from './moments-algebra.ts'
import type { MomentsCache } from './moments-cache.ts'
import type { Plan } from './plan.ts'
import type { RemoteSource, Source } from './source.ts'

/** A trip file and the fleet whose columns it has. */
export interface TripFile {
  readonly source: Source | RemoteSource
  readonly taxi: Taxi
}

/** A trip file on this disk. */
export interface LocalTripFile extends TripFile {
  readonly source: Source
}

/** What was read, and what was known already. */
export interface Reading {
  /** The engine that read; undefined when nothing had to be read. */
  readonly engine: EngineName | undefined
  /** Files that an engine has read, and rides in them. */
  readonly read: { readonly files: number; readonly rows: number }
  /** Files whose sums all came from the cache. */
  readonly cached: { readonly files: number }
}

/** Sums files by plans, from the cache or by an engine. To be closed. */
export class Summing {
  private engine: Promise<Engine> | undefined
  private used: EngineName | undefined
  private readonly readFiles = new Map<string, number>()
  private readonly cachedFiles = new Set<string>()
  private readonly open: () => Promise<Engine>
  private readonly cache: MomentsCache
  private readonly progress: EngineProgress
  private readonly signal: AbortSignal | undefined

  constructor(
    open: () => Promise<Engine>,
    cache: MomentsCache,
    progress: EngineProgress = () => {},
    signal?: AbortSignal,
  ) {
    this.open = open
    this.cache = cache
    this.progress = progress
    this.signal = signal
  }

  /** What was read so far. */
  get reading(): Reading {
    const rows = [...this.readFiles.values()].reduce((sum, count) => sum + count, 0)
    const cached = [...this.cachedFiles].filter((path) => !this.readFiles.has(path))
    return {
      engine: this.used,
      read: { files: this.readFiles.size, rows },
      cached: { files: cached.length },
    }
  }

  /** Where the engine keeps files elsewhere, see {@link Engine.locate}. */
  async locate(name: string, taxi: Taxi): Promise<RemoteFile | undefined> {
    this.engine ??= this.open()
    return (await this.engine).locate?.(name, taxi)
  }

  /**
   * The sums of one file, one for each plan.
   *
   * @throws what {@link Engine.sum} throws
   */
  async ofFile({ source, taxi }: TripFile, plans: readonly Plan[]): Promise<Moments[]> {
    const known = await Promise.all(plans.map((plan) => this.cache.get(source, taxi, plan)))
    const missing = plans.filter((_, k) => known[k] === undefined)
    if (missing.length === 0) {
      this.cachedFiles.add(source.path)
      return known as Moments[]
    }
    this.engine ??= this.open()
    const engine = await this.engine
    this.used = engine.name
    const { path } = source
    const made = await engine.sum(path, taxi, missing, this.progress, this.signal)
    this.readFiles.set(path, made[0]?.rows ?? 0)
    await Promise.all(
      made.map((moments, k) => this.cache.put(source, taxi, missing[k] as Plan, moments)),
    )
    return known.map((moments) => moments ?? (made.shift() as Moments))
  }

  /** The sums of several files, by file and plan; a few files at once. */
  async byFile(files: readonly TripFile[], plans: readonly Plan[]): Promise<Moments[][]> {
    const limit = pLimit(Math.min(4, availableParallelism()))
    return Promise.all(files.map((file) => limit(() => this.ofFile(file, plans))))
  }

  /** The sums of all files together, one for each plan. */
  async ofFiles(files: readonly TripFile[], plans: readonly Plan[]): Promise<Moments[]> {
    const all = await this.byFile(files, plans)
    return plans.map((_, k) => mergeMoments(all.map((sums) => sums[k] as Moments)))
  }

  /** Lets go of the engine. */
  async close(): Promise<void> {
    await this.engine?.then((engine) => engine.close()).catch(() => {})
  }
}
