/**
 * Makes changes of a rollout: those that people ask for and those that the judge decides. Two
 * records are kept in step: the alias in the registry says who is champion, the rollout's own what
 * is tried beside it. Used by servers and the command line alike; knows nothing about either.
 */

import { randomUUID } from 'node:crypto'
import { isRidecastError, messageOf } from '../../errors.ts'
import type { Registry } from '../../registry.ts'
import type { ServedModel } from '../state.ts'
import { misfitOf } from './golden-rides.ts'
import {
  type Because,
  type Change,
  type Entry,
  impossible,
  isActive,
  type Trial,
  type TrialPlan,
  transition,
  versionRefused,
} from './machine.ts'
import type { RolloutRequest } from './requests.ts'
import type { Recorded, RolloutLog } from './rollout-log.ts'
import { defaultSteps, rulesOf } from './rules.ts'

/** What a rollout needs of a registry. */
export type RolloutRegistry = Pick<Registry, 'place' | 'resolve' | 'load' | 'promote' | 'rollback'>

/** Where a rollout takes place. */
export interface RolloutPlace {
  readonly registry: RolloutRegistry
  /** What is served, as the registry takes it: through an alias, or nothing can be moved. */
  readonly reference: string
  readonly record: RolloutLog
  /** A version that is loaded, verified and warm; throws what `loadReady` throws. */
  readonly load: (name: string, version: string) => Promise<ServedModel>
}

/** The champion as the registry has it. */
interface Champion {
  readonly name: string
  readonly alias: string
  readonly version: string
}

/**
 * Does what a person asks for.
 *
 * @throws rollout_impossible when it cannot be done now, version_refused for a version that must not take
 *   traffic (on record as `refused`), model_not_found, registry_busy, and what the registry throws
 */
export async function requestChange(place: RolloutPlace, request: RolloutRequest): Promise<void> {
  const because: Because = { by: 'person', reason: request.reason }
  switch (request.action) {
    case 'start':
      return start(place, request, because)
    case 'switch':
      return switchTo(place, request.version, because)
    case 'back':
      return switchBack(place, because)
    default:
      await championOf(place)
      await makeChange(place, { kind: request.action }, because)
  }
}

/**
 * Makes a change of a trial; a promotion is carried out too.
 *
 * @param judged the record must not have changed since, where a judgement was made of it
 * @returns the entry that it led to, undefined when the record had changed
 */
export async function makeChange(
  place: RolloutPlace,
  change: Change,
  because: Because,
  judged?: Recorded,
): Promise<Entry | undefined> {
  const { entry } = await place.record.change((recorded, next) => {
    if (judged && judged.revision !== recorded.revision) return undefined
    return transition(recorded.trial, change, because, next)
  })
  if (entry?.event === 'promoting' && entry.trial)
    await finishPromotion(place, entry.trial, because)
  return entry
}

/**
 * Moves the alias of a trial that is being promoted, and says so on record; again is no harm.
 *
 * @param because of the promotion
 */
export async function finishPromotion(
  place: RolloutPlace,
  { id, mode, challenger }: Trial,
  because: Because,
): Promise<void> {
  const ended = async (kind: 'promoted' | 'promotion_failed', why: Because): Promise<void> => {
    await place.record.change((recorded, next) => {
      const { trial } = recorded
      if (trial?.id !== id || trial.status !== 'promoting') return undefined
      return transition(trial, { kind }, why, next)
    })
  }
  try {
    const { name, alias } = await championOf(place)
    const reason = `${mode}: ${because.reason || 'promoted'}`.slice(0, 1000)
    await place.registry.promote(name, challenger, { alias, reason })
  } catch (error) {
    return ended('promotion_failed', { by: because.by, reason: messageOf(error) })
  }
  return ended('promoted', because)
}

/**
 * The champion, where it is served through an alias.
 *
 * @throws rollout_impossible when a version is served that no alias can move from
 */
async function championOf({ registry, reference }: RolloutPlace): Promise<Champion> {
  const { name, alias, version } = await registry.resolve(reference)
  if (alias !== undefined) return { name, alias, version }
  throw impossible(
    `model ${reference} is one version, which nothing can take the place of: serve a name or ` +
      'name@alias',
  )
}

type Start = Extract<RolloutRequest, { action: 'start' }>

async function start(place: RolloutPlace, request: Start, because: Because): Promise<void> {
  const champion = await championOf(place)
  const version = await versionOf(place, champion.name, request.version)
  const plan = planOf(request, champion.version, version)
  // What cannot be started anyway is said before anything is loaded.
  const { trial, revision } = await place.record.read()
  const change: Change = { kind: 'start', plan }
  transition(trial, change, because, { revision: revision + 1, at: new Date(0).toISOString() })
  await requireFit(place, champion, version, because)
  await makeChange(place, change, because)
}

function planOf(request: Start, champion: string, challenger: string): TrialPlan {
  const { mode, steps, share } = request
  if (mode === 'canary' ? share !== undefined : steps !== undefined) {
    throw impossible(
      `${mode} trial takes ${mode === 'canary' ? 'steps, not a share' : 'a share, not steps'}`,
    )
  }
  const single = [share ?? (mode === 'ab' ? 0.5 : 1)]
  return {
    id: randomUUID(),
    mode,
    champion,
    challenger,
    steps: mode === 'canary' ? (steps ?? defaultSteps) : single,
    rules: rulesOf(mode, request.rules),
  }
}

/** The whole of a version of which the start is given. */
async function versionOf({ registry }: RolloutPlace, name: string, start: string): Promise<string> {
  return (await registry.resolve(`models:/${name}/${start}`)).version
}

/** Loads a version beside the champion; one that must not take traffic is put on record. */
async function requireFit(
  place: RolloutPlace,
  { name, version: serving }: Champion,
  version: string,
  { by }: Because,
): Promise<void> {
  const champion = await place.load(name, serving)
  const why = await faultOfVersion(place, champion, version)
  if (why === undefined) return
  const change: Change = { kind: 'refuse', version }
  await place.record.change(({ trial }, next) => {
    return transition(trial, change, { by, reason: why }, next)
  })
  throw versionRefused(name, version, why)
}

/**
 * Why a version must not take traffic, undefined when it may.
 *
 * @throws what the registry throws for another reason than the version itself
 */
async function faultOfVersion(
  { load }: RolloutPlace,
  champion: ServedModel,
  version: string,
): Promise<string | undefined> {
  try {
    return misfitOf(await load(champion.name, version), champion)
  } catch (error) {
    if (isRidecastError(error) && error.code.startsWith('artifact_')) return messageOf(error)
    throw error
  }
}

async function switchTo(place: RolloutPlace, wanted: string, because: Because): Promise<void> {
  const champion = await championOf(place)
  const version = await versionOf(place, champion.name, wanted)
  await requireNoTrial(place, { kind: 'switch', version }, because)
  if (version === champion.version) {
    throw impossible(`version ${version} is the champion already: expected another to switch to`)
  }
  await requireFit(place, champion, version, because)
  const { name, alias } = champion
  await place.registry.promote(name, version, { alias, reason: because.reason })
  await recordSwitch(place, { kind: 'switch', version }, because)
}

async function switchBack(place: RolloutPlace, because: Because): Promise<void> {
  const { name, alias, version: from } = await championOf(place)
  await requireNoTrial(place, { kind: 'back', version: from }, because)
  const { version } = await place.registry.rollback(name, { alias, reason: because.reason })
  await recordSwitch(place, { kind: 'back', version }, because)
}

/** Fails as the change would, before the alias is moved. */
async function requireNoTrial(
  { record }: RolloutPlace,
  change: Change,
  because: Because,
): Promise<void> {
  const { trial, revision } = await record.read()
  transition(trial, change, because, { revision: revision + 1, at: new Date(0).toISOString() })
}

/** The alias has moved; a trial that began meanwhile notices that by itself and ends. */
async function recordSwitch(
  { record }: RolloutPlace,
  change: Change,
  because: Because,
): Promise<void> {
  await record.change(({ trial }, next) => {
    return isActive(trial) ? undefined : transition(trial, change, because, next)
  })
}
