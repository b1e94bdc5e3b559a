/** The first view: a map, what the person says of the ride, and the answer. */

import type { JSX } from 'preact'
import { useEffect, useId, useState } from 'preact/hooks'
import { AnswerView } from './answer-view.tsx'
import { newYorkTime, weekdayOf } from './format.ts'
import { MapView } from './map-view.tsx'
import { loadOutlines, type Outlines } from './outlines.ts'
import { type Change, type Choice, type Known, numbersOf, useRide } from './ride.ts'
import type { SaidRide, Scorer } from './scorer.ts'
import { ZoneBox } from './zone-box.tsx'

/** An input of the model, as `GET /model` tells it. */
export interface ModelField {
  readonly name: string
  readonly type: 'integer' | 'number' | 'string'
  readonly unit: string
  readonly required: boolean
}

const base = ['PULocationID', 'DOLocationID', 'trip_distance', 'pickup_datetime']

/** The view. */
export function RideView({
  scorer,
  fields,
  recipe,
}: {
  scorer: Scorer | undefined
  /** Of the model; undefined until it is known. */
  recipe: unknown
  /** What the model takes; empty until it is known. */
  fields: readonly ModelField[]
}): JSX.Element {
  const [choice, change, known] = useRide(scorer)
  const [outlines, setOutlines] = useState<Outlines>()
  const [fault, setFault] = useState<string>()
  const [next, setNext] = useState<'from' | 'to'>(
    choice.from !== undefined && choice.to === undefined ? 'to' : 'from',
  )
  const minutes = useReach(scorer, choice)
  useEffect(() => {
    const address = document.querySelector<HTMLLinkElement>('#outlines')?.href ?? ''
    loadOutlines(address).then(setOutlines, (error: unknown) => setFault(String(error)))
  }, [])
  const pick = (zone: number): void => {
    change(next === 'from' ? { from: zone } : { to: zone })
    setNext(next === 'from' ? 'to' : 'from')
  }
  return (
    <main class="ride">
      <h1 class="unseen">How long a taxi ride takes</h1>
      {outlines ? (
        <MapView
          outlines={outlines}
          from={choice.from}
          to={choice.to}
          minutes={minutes}
          next={next}
          onPick={pick}
        />
      ) : (
        <div class="map">{fault && <p class="fault">{fault}</p>}</div>
      )}
      <div class="side">
        <Form
          choice={choice}
          change={change}
          known={known}
          next={next}
          setNext={setNext}
          others={fields.filter(({ name }) => !base.includes(name))}
        />
        <AnswerView
          known={known}
          at={choice.at}
          recipe={recipe}
          onHour={(hour) =>
            change({ at: `${choice.at.slice(0, 11)}${String(hour).padStart(2, '0')}:30` })
          }
        />
      </div>
    </main>
  )
}

/** Minutes from the pickup to everywhere, for the shades of the map. */
function useReach(scorer: Scorer | undefined, choice: Choice): ReadonlyMap<number, number> {
  const [minutes, setMinutes] = useState<ReadonlyMap<number, number>>(new Map())
  const { from, at, others } = choice
  useEffect(() => {
    if (!scorer || from === undefined) {
      setMinutes(new Map())
      return
    }
    const ride: SaidRide = {
      PULocationID: from,
      DOLocationID: from,
      ...(at !== '' && { pickup_datetime: at }),
      ...numbersOf(others),
    }
    const stop = new AbortController()
    const timer = setTimeout(() => {
      scorer.reach(ride, stop.signal).then(
        (reach) => stop.signal.aborted || setMinutes(new Map(reach.minutes)),
        // The map goes without shades; what is wrong is told with the answer.
        () => stop.signal.aborted || setMinutes(new Map()),
      )
    }, 60)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [scorer, from, at, others])
  return minutes
}

function Form({
  choice,
  change,
  known,
  next,
  setNext,
  others,
}: {
  choice: Choice
  change: Change
  known: Known
  next: 'from' | 'to'
  setNext: (next: 'from' | 'to') => void
  others: readonly ModelField[]
}): JSX.Element {
  const id = useId()
  const { from, to, at, miles } = choice
  return (
    <form class="card ask" aria-label="Ride" onSubmit={(event) => event.preventDefault()}>
      <div class="ends">
        <ZoneBox
          id={`${id}from`}
          label="Pickup"
          value={from}
          isTarget={next === 'from'}
          onTarget={() => setNext('from')}
          onPick={(zone) => {
            change({ from: zone })
            setNext('to')
          }}
        />
        <button
          type="button"
          class="swap"
          aria-label="The other way round"
          title="The other way round"
          disabled={from === undefined && to === undefined}
          onClick={() => change({ from: to, to: from })}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M5 13V3M2.5 5.5 5 3l2.5 2.5M11 3v10M8.5 10.5 11 13l2.5-2.5" />
          </svg>
        </button>
        <ZoneBox
          id={`${id}to`}
          label="Drop-off"
          value={to}
          isTarget={next === 'to'}
          onTarget={() => setNext('to')}
          onPick={(zone) => {
            change({ to: zone })
            setNext('from')
          }}
        />
      </div>
      <div class="inputs">
        <div class="field when">
          <label for={`${id}at`}>
            Time in New York <span class="quiet">{weekdayOf(at)}</span>
          </label>
          <input
            id={`${id}at`}
            type="datetime-local"
            value={at}
            onInput={(event) => change({ at: event.currentTarget.value })}
          />
          <button type="button" onClick={() => change({ at: newYorkTime(new Date()) })}>
            Now
          </button>
        </div>
        <div class="field">
          <label for={`${id}miles`}>Distance, miles</label>
          <input
            id={`${id}miles`}
            type="number"
            inputMode="decimal"
            min="0"
            step="any"
            value={miles ?? ''}
            onInput={(event) => change({ miles: event.currentTarget.value })}
          />
        </div>
      </div>
      <p class="quiet small hint">{distanceHint(choice, known)}</p>
      {others.length > 0 && (
        <div class="inputs others">
          {others.map(({ name, unit, required }) => (
            <div class="field" key={name}>
              <label for={id + name} title={unit}>
                {name.replaceAll('_', ' ')}
                {!required && <span class="quiet"> optional</span>}
              </label>
              <input
                id={id + name}
                type="number"
                step="any"
                value={choice.others[name] ?? ''}
                onInput={(event) =>
                  change({ others: { ...choice.others, [name]: event.currentTarget.value } })
                }
              />
            </div>
          ))}
        </div>
      )}
    </form>
  )
}

/** Where the distance comes from. */
function distanceHint({ from, to, miles }: Choice, { typical }: Known): string {
  if (from === undefined || to === undefined) return 'The distance is filled in with the zones.'
  if (!typical) return miles ? '' : 'The model knows of no distances.'
  const what = {
    pair: 'the mean of rides between these zones',
    line: 'no ride between these zones in training, so the straight line with the usual detour',
    all: 'the mean of all rides',
  }[typical.of]
  const isTypical = miles === typical.miles.toFixed(2)
  return `${isTypical ? 'Filled in' : `Typically ${typical.miles.toFixed(2)} miles`}: ${what}.`
}
