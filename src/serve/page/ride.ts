/**
 * The ride that the page is about, and what is known of it: asks again on every change, and drops
 * answers to what is no longer asked. Knows nothing of how it is shown.
 */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { formatWallClock, parseWallClock } from '../../ride.ts'
import type { Around, TypicalDistance } from '../around.ts'
import { ApiError } from './api.ts'
import { newYorkTime } from './format.ts'
import type { Answer, SaidRide, Scorer } from './scorer.ts'

/** What the person has said. */
export interface Choice {
  readonly from: number | undefined
  readonly to: number | undefined
  /** Wall-clock time of the pickup in New York; empty when it is not said. */
  readonly at: string
  /** Miles as typed; undefined until the typical distance of the pair is there. */
  readonly miles: string | undefined
  /** Further inputs of the model as typed, by name. */
  readonly others: Readonly<Record<string, string>>
}

/** What is known of the ride. */
export interface Known {
  readonly answer?: Answer
  /** What the answer is to. */
  readonly ride?: SaidRide
  readonly around?: Around
  readonly typical?: TypicalDistance | null
  readonly error?: ApiError
  /** True while a newer answer is on its way. */
  readonly isWaiting: boolean
  /** True when the browser's answer is that of the server to the same ride, to the last bit. */
  readonly isEqual?: boolean
}

/** Changes some of a choice. Another pair of zones forgets the distance. */
export type Change = (part: Partial<Choice>) => void

/** Further inputs stand in an address by their names behind this. */
const otherMark = 'input.'

/**
 * The choice that an address names after its `#`, else one of nothing, now. What in it is no time
 * or no number is passed over: addresses are cut and mistyped on their way.
 */
export function choiceOf(hash: string): Choice {
  const query = new URLSearchParams(hash.split('?')[1])
  const zone = (name: string): number | undefined => {
    const id = Number(query.get(name))
    return Number.isInteger(id) && id > 0 && id <= 265 ? id : undefined
  }
  const miles = query.get('miles') ?? ''
  return {
    from: zone('from'),
    to: zone('to'),
    at: timeOf(query.get('at')),
    miles: isNumber(miles) && Number(miles) >= 0 ? miles : undefined,
    others: Object.fromEntries(
      [...query].flatMap(([name, text]): [string, string][] =>
        name.startsWith(otherMark) && isNumber(text) ? [[name.slice(otherMark.length), text]] : [],
      ),
    ),
  }
}

/** True for the text of a finite number. */
const isNumber = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text))

/** The time that an address names, to the minute; empty where it says none, else now. */
function timeOf(text: string | null): string {
  if (text === '') return text
  const micros = parseWallClock(text ?? '')
  return Number.isNaN(micros) ? newYorkTime(new Date()) : formatWallClock(micros).slice(0, 16)
}

/** The numbers of what was typed, by name: what is empty is not said. */
export function numbersOf(typed: Readonly<Record<string, string>>): Record<string, number> {
  const said = Object.entries(typed).filter(([, text]) => text.trim() !== '')
  return Object.fromEntries(said.map(([name, text]) => [name, Number(text)]))
}

/** What stands after the `#` of an address for a choice. */
export function hashOf({ from, to, at, miles, others }: Choice): string {
  const query = new URLSearchParams()
  if (from !== undefined) query.set('from', String(from))
  if (to !== undefined) query.set('to', String(to))
  if (from !== undefined || to !== undefined) query.set('at', at)
  if (miles) query.set('miles', miles)
  for (const [name, text] of Object.entries(others)) {
    if (isNumber(text)) query.set(otherMark + name, text)
  }
  const text = query.toString()
  return text === '' ? '#ride' : `#ride?${text}`
}

/** The ride of a choice, undefined until both zones are chosen. */
export function rideOf({ from, to, at, miles, others }: Choice): SaidRide | undefined {
  if (from === undefined || to === undefined) return undefined
  return {
    PULocationID: from,
    DOLocationID: to,
    ...(at !== '' && { pickup_datetime: at }),
    ...numbersOf({ trip_distance: miles ?? '', ...others }),
  }
}

/** Milliseconds of quiet before a change is asked about. */
const quiet = 120

/** The ride, changes to it, and what a scorer says of it. */
export function useRide(scorer: Scorer | undefined): [Choice, Change, Known] {
  const [choice, setChoice] = useState(() => choiceOf(location.hash))
  const [known, setKnown] = useState<Known>({ isWaiting: false })
  const asked = useRef(0)
  const change = useMemo(
    (): Change => (part) =>
      setChoice((last) => {
        const next = { ...last, ...part }
        const isOther = next.from !== last.from || next.to !== last.to
        return isOther && part.miles === undefined ? { ...next, miles: undefined } : next
      }),
    [],
  )
  const { from, to, miles } = choice
  useEffect(() => {
    const onMove = (): void => {
      if (location.hash.startsWith('#ride')) setChoice(choiceOf(location.hash))
    }
    window.addEventListener('hashchange', onMove)
    return () => window.removeEventListener('hashchange', onMove)
  }, [])
  useEffect(() => {
    if (location.hash === '' || location.hash.startsWith('#ride')) {
      history.replaceState(null, '', hashOf(choice))
    }
    if (!scorer || from === undefined || to === undefined) {
      setKnown({ isWaiting: false })
      return
    }
    const stop = new AbortController()
    const number = ++asked.current
    const tell = (part: (last: Known) => Known): void => {
      if (!stop.signal.aborted && number === asked.current) setKnown(part)
    }
    setKnown((last) => ({ ...last, isWaiting: true }))
    const failed = (error: unknown): void => {
      const told = error instanceof ApiError ? error : new ApiError('internal', String(error))
      tell(() => ({ isWaiting: false, error: told }))
    }
    if (miles === undefined) {
      scorer.distance(from, to, stop.signal).then((typical) => {
        tell((last) => ({ ...last, typical }))
        if (!stop.signal.aborted) change({ miles: typical ? typical.miles.toFixed(2) : '' })
      }, failed)
      return () => stop.abort()
    }
    const ride = rideOf(choice) as SaidRide
    const timer = setTimeout(() => {
      scorer.answer(ride, stop.signal).then((answer) => {
        tell((last) => ({
          ...without(last),
          ...{ answer, ride, isWaiting: false },
          isEqual: scorer.offline !== null && isSame(last, answer, ride),
        }))
        return scorer
          .around(ride, stop.signal)
          .then((around) => tell((last) => ({ ...last, around })))
      }, failed)
    }, quiet)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [choice, scorer, from, to, miles, change])
  return [choice, change, known]
}

/** Without what an earlier request has failed of. */
function without({ error: _, ...rest }: Known): Known {
  return rest
}

/** True when the last answer was to the same ride and is the same number. */
function isSame(last: Known, answer: Answer, ride: SaidRide): boolean {
  const { answer: other, ride: of } = last
  return (
    other !== undefined &&
    JSON.stringify(of) === JSON.stringify(ride) &&
    other.model_version === answer.model_version &&
    Object.is(other.duration, answer.duration) &&
    Object.is(other.explanation.total, answer.explanation.total)
  )
}
