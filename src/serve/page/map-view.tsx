/** The map of the taxi zones: shades by minutes, the ride on top, picks by pointer and by key. */

import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useCamera } from './camera.ts'
import { nearestIn, shadeOf, shadeSteps } from './map-shades.ts'
import { type Outline, type Outlines, onPlane, type Point } from './outlines.ts'
import { namedZone, nameOf, placeOf } from './zone-names.ts'

/** Where a zone's pin stands; undefined of zones that are no place. */
function pointOf(id: number | undefined): Point | undefined {
  const zone = namedZone(id)
  if (!zone || zone.longitude === null || zone.latitude === null) return undefined
  return onPlane(zone.longitude, zone.latitude)
}

const boroughs: readonly [string, number, number][] = [
  ['Manhattan', -74.028, 40.785],
  ['Bronx', -73.866, 40.853],
  ['Queens', -73.812, 40.718],
  ['Brooklyn', -73.951, 40.641],
  ['Staten Island', -74.148, 40.58],
]

/** Where keys begin: Midtown Center. */
const start = 161

/** The map. */
export function MapView({
  outlines,
  from,
  to,
  minutes,
  next,
  onPick,
}: {
  outlines: Outlines
  from: number | undefined
  to: number | undefined
  /** Minutes from the pickup by zone, where they are known. */
  minutes: ReadonlyMap<number, number>
  /** What the next pick is meant for. */
  next: 'from' | 'to'
  onPick: (zone: number) => void
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const camera = useCamera(box)
  const [cursor, setCursor] = useState<number>()
  const [below, setBelow] = useState<number>()
  const [a, b] = [pointOf(from), pointOf(to)]
  const { show, view } = camera
  useEffect(() => show([a, b].filter((one) => one !== undefined)), [from, to])

  const zones = useMemo(
    () => (
      <Zones
        outlines={outlines}
        minutes={minutes}
        chosen={[from, to].filter((one) => one !== undefined)}
      />
    ),
    [outlines, minutes, from, to],
  )
  const outlineOf = (id: number | undefined): Outline | undefined =>
    id === undefined ? undefined : outlines.zones.find(({ ids }) => ids.includes(id))
  const zoneAt = (event: Event): number | undefined => {
    const id = (event.target as Element).getAttribute('data-zone')
    return id === null ? undefined : Number(id)
  }
  const told = below ?? cursor
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = cursor ?? from ?? start
    const found = nearestIn(outlines.zones, at, event.key)
    if (found !== undefined) {
      event.preventDefault()
      setCursor(cursor === undefined ? at : found)
      setBelow(undefined)
    } else if ((event.key === 'Enter' || event.key === ' ') && cursor !== undefined) {
      event.preventDefault()
      onPick(cursor)
    } else if (event.key === '+' || event.key === '=') camera.zoomBy(1.5)
    else if (event.key === '-') camera.zoomBy(1 / 1.5)
    else if (event.key === '0') camera.reset()
  }
  return (
    <div class="map">
      <div
        role="listbox"
        class="zones-listed"
        aria-multiselectable="true"
        aria-label={`Map of the taxi zones. Arrow keys go from zone to zone, Enter makes one the ${next === 'from' ? 'pickup' : 'drop-off'}`}
        aria-activedescendant={cursor === undefined ? undefined : `zone-${cursor}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onFocus={(event) => {
          if (event.currentTarget.matches(':focus-visible')) setCursor(cursor ?? from ?? start)
        }}
        onBlur={() => setCursor(undefined)}
        onClick={(event) => {
          const zone = zoneAt(event)
          if (zone !== undefined && !camera.wasDragged()) onPick(zone)
        }}
        onPointerMove={(event) => setBelow(zoneAt(event))}
        onPointerLeave={() => setBelow(undefined)}
        ref={box}
      >
        {/* biome-ignore lint/a11y/noSvgWithoutTitle: the list around it says what it is */}
        <svg>
          <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
            {zones}
            <Over outline={outlineOf(to)} name="to" />
            <Over outline={outlineOf(from)} name="from" />
            <Over outline={outlineOf(below)} name="below" />
            <Over outline={outlineOf(cursor)} name="cursor" />
          </g>
        </svg>
      </div>
      <svg class="on-top" aria-hidden="true">
        {camera.zoom < 2.6 &&
          boroughs.map(([name, longitude, latitude]) => {
            const at = placed(onPlane(longitude, latitude), view)
            return (
              <text key={name} x={at.x} y={at.y}>
                {name}
              </text>
            )
          })}
        {a && b && <Way from={placed(a, view)} to={placed(b, view)} />}
        {b && <Pin at={placed(b, view)} name="to" />}
        {a && <Pin at={placed(a, view)} name="from" />}
      </svg>
      <output class="told" aria-live="off">
        {told === undefined ? (
          <span>{next === 'from' ? 'Next click: the pickup' : 'Next click: the drop-off'}</span>
        ) : (
          <>
            <strong>{placeOf(told)}</strong>
            {from !== undefined && minutes.size > 0 && (
              <span>{farText(minutes.get(told), from)}</span>
            )}
          </>
        )}
      </output>
      <fieldset class="zoom" aria-label="Zoom">
        <button type="button" aria-label="Closer" onClick={() => camera.zoomBy(1.6)}>
          +
        </button>
        <button type="button" aria-label="Farther" onClick={() => camera.zoomBy(1 / 1.6)}>
          −
        </button>
        <button type="button" aria-label="Whole city" onClick={camera.reset}>
          ⤢
        </button>
      </fieldset>
      {minutes.size > 0 && from !== undefined && <Legend from={nameOf(from)} />}
    </div>
  )
}

function farText(minutes: number | undefined, from: number): string {
  return minutes === undefined
    ? `no ride from ${nameOf(from)} in training`
    : `${minutes.toFixed(0)} min from ${nameOf(from)}`
}

const placed = ({ x, y }: Point, view: { scale: number; x: number; y: number }): Point => ({
  x: x * view.scale + view.x,
  y: y * view.scale + view.y,
})

/** What lies below everything: drawn anew only when shades or choices change. */
function Zones({
  outlines,
  minutes,
  chosen,
}: {
  outlines: Outlines
  minutes: ReadonlyMap<number, number>
  chosen: readonly number[]
}): JSX.Element {
  return (
    <g>
      {outlines.zones.map(({ ids, path }) => {
        const [id = 0] = ids
        const time = minutes.get(id)
        const far = time === undefined ? '' : `, ${time.toFixed(0)} minutes`
        return (
          <path
            key={id}
            id={`zone-${id}`}
            data-zone={id}
            d={path}
            role="option"
            aria-label={`${placeOf(id)}${far}`}
            aria-selected={ids.some((one) => chosen.includes(one))}
            class={time === undefined ? 'zone' : `zone shade-${shadeOf(time)}`}
          />
        )
      })}
      <path class="borders" d={outlines.borders} />
      <path class="shore" d={outlines.shore} />
    </g>
  )
}

function Over({ outline, name }: { outline: Outline | undefined; name: string }): JSX.Element {
  return <path class={`over ${name}`} d={outline?.path ?? 'M0,0'} />
}

/** A curve that bends to the left of the way. */
function Way({ from, to }: { from: Point; to: Point }): JSX.Element {
  const bend = 0.16
  const x = (from.x + to.x) / 2 + (to.y - from.y) * bend
  const y = (from.y + to.y) / 2 - (to.x - from.x) * bend
  const d = `M${from.x},${from.y}Q${x},${y} ${to.x},${to.y}`
  return (
    <>
      <path class="way under" d={d} />
      <path class="way" d={d} />
    </>
  )
}

function Pin({ at, name }: { at: Point; name: 'from' | 'to' }): JSX.Element {
  return (
    <g class={`pin ${name}`} transform={`translate(${at.x} ${at.y})`}>
      {name === 'from' ? (
        <circle r="7" />
      ) : (
        <rect x="-6.5" y="-6.5" width="13" height="13" rx="2" />
      )}
      {name === 'from' ? (
        <circle class="eye" r="2.5" />
      ) : (
        <rect class="eye" x="-2" y="-2" width="4" height="4" />
      )}
    </g>
  )
}

function Legend({ from }: { from: string }): JSX.Element {
  return (
    <div class="legend">
      <span>Minutes from {from}</span>
      <ol>
        {shadeSteps.map((step, k) => (
          <li key={step}>
            <i class={`shade-${k}`} />
            {k === 0 ? `< ${shadeSteps[1]}` : k === shadeSteps.length - 1 ? `${step}+` : step}
          </li>
        ))}
      </ol>
    </div>
  )
}
