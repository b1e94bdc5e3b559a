/**
 * The part of a serving process in a rollout: keeps what it serves at what the record and the
 * registry say, counts what the arms do, and judges. Processes that share the record agree by it:
 * whoever finds a reason first writes it down, the others follow. Knows nothing about HTTP.
 */

import type { FSWatcher } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { isRidecastError, messageOf } from '../../errors.ts'
import { championTaker, followReference, loadReady } from '../follow.ts'
import type { Answer, PredictionListener } from '../predictions.ts'
import type { ServedModel, ServiceState } from '../state.ts'
import { countAnswer, countError, countPair, newCounts, type TrialCounts } from './arm-counts.ts'
import {
  finishPromotion,
  makeChange,
  type RolloutPlace,
  type RolloutRegistry,
  requestChange,
} from './change.ts'
import { readCounts, writeCounts } from './count-files.ts'
import { type RolloutDocument, rolloutDocument } from './document.ts'
import { misfitOf } from './golden-rides.ts'
import { judge } from './judge.ts'
import { isActive, type Trial } from './machine.ts'
import type { RolloutRequest } from './requests.ts'
import { openRolloutLog, type Recorded } from './rollout-log.ts'
import { watched } from './watch-folder.ts'

/** What a process that serves needs for rollouts. */
export interface RolloutOptions {
  readonly registry: RolloutRegistry
  readonly state: ServiceState
  /** What is served, as the registry takes it. */
  readonly reference: string
  /** Folder of the server's state. */
  readonly folder: string
  /** Name of this process among those that count. */
  readonly process: string
  readonly log: Logger
  /** How often the registry is asked whether the alias has moved, milliseconds; 0 never. */
  readonly reloadMs: number
  /** How often the record is read and a trial judged, milliseconds, default 1,000. */
  readonly pollMs?: number
  /** The clock of the judge. */
  readonly now?: () => Date
  /** Hears that another champion was taken, or could not be. */
  readonly onReload?: (result: 'taken' | 'refused') => void
}

/** A rollout as the rest of a server sees it. */
export interface Rollout {
  /** Counts what the arms do. */
  readonly listener: PredictionListener
  /** Counts how long a ride took in the end, by the version and arm that predicted it. */
  feedback(
    prediction: { readonly version: string; readonly arm: string; readonly duration: number },
    minutes: number,
  ): void
  /** What goes on or was last; undefined where there never was anything. */
  document(): RolloutDocument | undefined
  /**
   * Does what a person asks for; it has taken effect in this process when this resolves.
   *
   * @throws what `requestChange` throws
   */
  change(request: RolloutRequest): Promise<RolloutDocument>
  /** Ends; what was counted is on disk when this resolves. */
  stop(): Promise<void>
}

/** A promotion that its process did not finish is finished by another after this. */
const takeOverMs = 15_000

/**
 * Takes up what the record says, and goes on with it until it is stopped. The state must have its
 * champion already.
 */
export async function startRollout(options: RolloutOptions): Promise<Rollout> {
  const { registry, state, reference, log, reloadMs, onReload } = options
  const { pollMs = 1000, now = () => new Date() } = options
  const model = state.requireModel().name
  const { alias } = await registry.resolve(reference)
  const record = openRolloutLog(options.folder, model)
  const take = championTaker({ registry, reference, onReload }, state, log)
  const ending = new AbortController()
  let recorded: Recorded = { entries: [], revision: 0, trial: null, damage: undefined }
  /** What this process counted, of the trial that was last. */
  let own: { readonly trial: Trial; readonly counts: TrialCounts } | undefined
  /** What all processes counted, as of the last look. */
  let total: TrialCounts | undefined
  /** True once the record was read. */
  let following = false
  /** The revision that they were summed up for. */
  let summedUp = 0
  /** True when there is something to write. */
  let counted = false
  let loaded: ServedModel | undefined
  let lastDamage: string | undefined

  const place: RolloutPlace = {
    registry,
    reference,
    record,
    async load(name, version) {
      const ready = [state.model, state.challenger?.model, loaded]
      const found = ready.find((one) => one?.name === name && one.version === version)
      loaded = found ?? (await loadReady(registry, `models:/${name}/${version}`))
      return loaded
    },
  }

  /** Reads the record; what is new takes effect. */
  async function follow(): Promise<void> {
    const before = recorded.revision
    recorded = await record.read()
    if (recorded.damage !== lastDamage && recorded.damage !== undefined) {
      log.error({ message: recorded.damage }, 'rollout damaged: the champion answers alone')
    }
    lastDamage = recorded.damage
    // Pinned to one version: what others try is not tried here.
    if (alias === undefined) return
    const { trial } = recorded
    // What was there at the start is no news, and the champion was loaded a moment ago.
    const events = recorded.entries.filter(({ revision }) => following && revision > before)
    following = true
    for (const { revision, event, version, reason, by, numbers } of events) {
      log.info({ revision, rollout: event, model_version: version, by, reason, numbers }, 'rollout')
    }
    if (events.some(({ event }) => /^(promoted|switched)/.test(event))) await take()
    count(trial)
    if (isActive(trial)) await serve(trial)
    else state.challenger = undefined
  }

  function count(trial: Trial | null): void {
    const step = trial?.since_revision
    if (trial === null || step === undefined) own = undefined
    else if (own?.trial.id !== trial.id) own = { trial, counts: newCounts(step) }
    else if (own.counts.step !== step) own = { trial, counts: newCounts(step, own.counts) }
    else own = { trial, counts: own.counts }
  }

  async function serve(trial: Trial): Promise<void> {
    const { id, challenger: version, mode, share } = trial
    if (state.requireModel().version !== trial.champion) await take()
    const champion = state.requireModel()
    if (champion.version !== trial.champion) {
      state.challenger = undefined
      if (trial.status === 'promoting') return
      const reason = `the champion is ${champion.version} now, no longer ${trial.champion}`
      return change('stop', { reason, numbers: {} })
    }
    const why = await load(champion, version)
    if (typeof why !== 'string') {
      state.challenger = { model: why, mode, share, seed: id }
      return
    }
    state.challenger = undefined
    if (trial.status !== 'promoting') await change('rollback', { reason: why, numbers: {} })
  }

  /** The challenger, ready, or why it cannot be. */
  async function load(champion: ServedModel, version: string): Promise<ServedModel | string> {
    try {
      const challenger = await place.load(champion.name, version)
      return misfitOf(challenger, champion) ?? challenger
    } catch (error) {
      return messageOf(error)
    }
  }

  async function change(
    kind: 'advance' | 'rollback' | 'stop',
    { reason, numbers }: { reason: string; numbers: Readonly<Record<string, number | null>> },
  ): Promise<void> {
    await makeChange(place, { kind }, { by: 'judge', reason, numbers }, recorded)
    await follow()
  }

  /** Sums up what all processes counted, and does what the judge says. */
  async function look(): Promise<void> {
    const { trial, revision } = recorded
    if (!own || trial === null) return
    // Of a trial that is over only late feedback counts.
    if (!isActive(trial) && !counted && revision === summedUp) return
    summedUp = revision
    if (counted) {
      counted = false
      await writeCounts(record.folder, trial.id, options.process, own.counts)
    }
    const mine = { name: options.process, counts: own.counts }
    total = await readCounts(record.folder, trial.id, trial.since_revision, mine)
    if (alias === undefined) return
    const since = recorded.entries.at(-1)?.at ?? trial.since
    if (trial.status === 'promoting' && now().getTime() - Date.parse(since) > takeOverMs) {
      await finishPromotion(place, trial, { by: 'judge', reason: 'begun by another process' })
      await follow()
    }
    if (state.challenger === undefined) return
    const seconds = (now().getTime() - Date.parse(trial.since)) / 1000
    const verdict = judge(trial, total, seconds)
    // A pause keeps a trial from going on, not from being rolled back.
    const wanted = trial.status === 'running' || trial.status === 'paused' ? verdict : undefined
    if (wanted?.change === 'rollback' || trial.status === 'running') {
      if (wanted) await change(wanted.change, wanted)
    }
  }

  // One after the other: each looks at what the one before has done.
  let turn: Promise<unknown> = Promise.resolve()
  function next<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => {})
    return done
  }

  const watchers: FSWatcher[] = []
  let waiting = false
  /** Begins to watch the record once there is one: the next change need not wait for its turn. */
  function watchRecord(): void {
    if (watchers.length > 0) return
    const found = watched(record.folder, () => {
      // A change is several events; the tick that is to come sees them all.
      if (waiting) return
      waiting = true
      void next(() => {
        waiting = false
        return tick()
      })
    })
    watchers.push(...found)
  }

  let lastFault = ''
  async function tick(): Promise<void> {
    watchRecord()
    try {
      await follow()
      await look()
      lastFault = ''
    } catch (error) {
      const fault = messageOf(error)
      const code = isRidecastError(error) ? error.code : 'internal'
      // What fails is tried again at the next look, and the champion answers meanwhile.
      if (fault !== lastFault) log.warn({ code, message: fault }, 'rollout not followed')
      lastFault = fault
    }
  }

  await next(tick)
  const timer = setInterval(() => void next(tick), pollMs)
  timer.unref()
  const aliasWatchers: FSWatcher[] = []
  if (reloadMs > 0) {
    const wakers = (wake: () => void): void => {
      if (alias === undefined) return
      aliasWatchers.push(...watched(join(registry.place, model, 'aliases', alias), wake))
    }
    const source = { registry, reference, onReload, take, everyMs: reloadMs, wakers }
    void followReference(source, state, log, ending.signal)
  }

  function document(): RolloutDocument | undefined {
    const champion = state.model?.version ?? ''
    return rolloutDocument({ model, champion }, recorded, total)
  }

  return {
    listener: {
      answered(answer, ms) {
        if (own === undefined || state.challenger === undefined || own.trial.mode === 'shadow')
          return
        if (countAnswered(own, answer, ms)) counted = true
      },
      failed({ model: { version } }) {
        if (own?.trial.challenger !== version) return
        own.counts.challenger.failed++
        counted = true
      },
      mirrored(champion, challenger, { version }) {
        if (own?.trial.challenger !== version) return
        countPair(own.counts, champion.duration, challenger.duration)
        counted = true
      },
    },
    feedback({ version, arm, duration }, minutes) {
      const { trial, counts } = own ?? {}
      if (!counts || !trial || (arm !== 'champion' && arm !== 'challenger')) return
      if (version !== trial[arm]) return
      countError(counts[arm], duration, minutes)
      counted = true
    },
    document,
    change: (request) =>
      next(async () => {
        try {
          await requestChange(place, request)
        } finally {
          await tick()
        }
        return document() as RolloutDocument
      }),
    async stop() {
      ending.abort()
      clearInterval(timer)
      for (const watcher of [...watchers, ...aliasWatchers]) watcher.close()
      await next(async () => {
        const { trial } = recorded
        if (!counted || !own || trial === null) return
        await writeCounts(record.folder, trial.id, options.process, own.counts)
      }).catch((error: unknown) => log.warn({ message: messageOf(error) }, 'counts not kept'))
    },
  }
}

function countAnswered(
  { trial, counts }: { readonly trial: Trial; readonly counts: TrialCounts },
  { arm, model, prediction }: Answer,
  ms: number,
): boolean {
  // An answer that was on its way while the trial changed belongs to none of its arms.
  if (model.version !== trial[arm]) return false
  countAnswer(counts[arm], prediction.duration, ms)
  return true
}
