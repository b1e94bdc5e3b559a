/**
 * A map of the taxi zones in shades, with the zone below the pointer told by name. Knows nothing
 * about what the shades mean.
 */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useCallback, useMemo, useState } from 'preact/hooks'
import { feature, mesh } from 'topojson-client'
import zoneTable from '../../../zones.json' with { type: 'json' }
import outlines from '../zones.topo.json' with { type: 'json' }
import { Figure } from './figure.tsx'
import { Scroll } from './scroll.tsx'

/** What an area of the map shows. */
export interface MapArea {
  /** NaN for nothing to show; on scales other than that of differences, 0 too. */
  readonly value: number
  /** Said of it below the pointer and in the table. */
  readonly text: string
}

interface Zone {
  /** All the ids that the outline stands for. */
  readonly ids: readonly number[]
}

type Topology = Parameters<typeof feature>[0]
type Collection = Extract<ReturnType<typeof feature>, { readonly features: unknown }>

const topology = outlines as unknown as Topology
const shapes = topology.objects.zones as NonNullable<Parameters<typeof mesh>[1]>
const zones = feature(topology, shapes) as Collection
/** What each outline stands for, in the order of the outlines. */
const areaIds = zones.features.map(({ properties }) => (properties as unknown as Zone).ids)
const borders = mesh(topology, shapes, (a, b) => a !== b)
const shore = mesh(topology, shapes, (a, b) => a === b)

const names = new Map(
  (zoneTable as [number, string, string, string][]).map(([id, name]) => [id, name]),
)

/** `Corona (56, 57)`. */
export function zoneName(ids: readonly number[]): string {
  return `${names.get(ids[0] ?? 0) ?? 'zone'} (${ids.join(', ')})`
}

/** Kinds of scales: counts by powers, numbers by steps, ratios around 1, differences around 0. */
export type ScaleKind = 'log' | 'linear' | 'ratio' | 'difference'

/** A map with its legend and, for those who do not see it, its numbers as a table. */
export function ZoneMap({
  title,
  note,
  area,
  scale,
  format,
}: {
  title: string
  note: string
  /** Keep it the same as long as what it tells is. */
  area: (ids: readonly number[]) => MapArea
  scale: ScaleKind
  format: (value: number) => string
}): JSX.Element {
  const [below, setBelow] = useState<string>()
  const areas = useMemo(() => areaIds.map((ids) => area(ids)), [area])
  const shades = useMemo(
    () =>
      shadesOf(
        areas.map(({ value }) => value),
        scale,
      ),
    [areas, scale],
  )
  const draw = useCallback(
    (width: number): Plot.PlotOptions => ({
      height: Math.round(Math.min(width * 1.02, 560)),
      margin: 2,
      projection: { type: 'mercator', domain: zones, inset: 2 },
      marks: [
        Plot.geo(zones.features, {
          fill: (_: unknown, i: number) => shadeOf(areas[i]?.value ?? Number.NaN, shades, scale),
        }),
        Plot.geo(borders, { stroke: 'var(--surface)', strokeWidth: 0.5 }),
        Plot.geo(shore, { stroke: 'var(--edge)', strokeWidth: 0.5 }),
      ],
    }),
    [areas, shades, scale],
  )
  const listen = useCallback(
    (chart: Element) => {
      const paths = [...(chart.querySelector('g[aria-label="geo"]')?.children ?? [])]
      const tell = (event: Event): void => {
        const at = paths.indexOf(event.target as Element)
        for (const path of paths) path.classList.toggle('under', path === paths[at])
        const [ids, shown] = [areaIds[at], areas[at]]
        setBelow(ids && shown ? `${zoneName(ids)}: ${shown.text}` : undefined)
      }
      chart.addEventListener('pointermove', tell)
      chart.addEventListener('pointerdown', tell)
      chart.addEventListener('pointerleave', tell)
    },
    [areas],
  )
  return (
    <div class="map">
      <h3>{title}</h3>
      <p class="quiet">{note}</p>
      <Figure
        label={`Map of ${title.toLowerCase()} by taxi zone: ${note}`}
        draw={draw}
        after={listen}
      >
        <figcaption>
          <ul class="shades">
            {shades.map(({ color, from }, k) => (
              <li key={color}>
                <i style={{ background: color }} />
                {k === 0 ? `under ${format(shades[1]?.from ?? 0)}` : format(from)}
              </li>
            ))}
            <li>
              <i class="nothing" />
              {scale === 'log' ? 'none' : 'few'}
            </li>
          </ul>
          <output class="below">{below ?? 'Point at a zone.'}</output>
        </figcaption>
      </Figure>
      <details>
        <summary>As a table</summary>
        <Scroll label={`${title} by zone`} isTall>
          <table>
            <tbody>
              {areaIds
                .map((ids, i) => ({ ids, ...(areas[i] as MapArea) }))
                .filter(({ value }) => isShown(value, scale))
                .sort((a, b) => b.value - a.value)
                .map(({ ids, text }) => (
                  <tr key={ids[0]}>
                    <th scope="row">{zoneName(ids)}</th>
                    <td>{text}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </Scroll>
      </details>
    </div>
  )
}

/** A step of a scale. */
export interface Shade {
  /** Included; the first reaches down to all there is. */
  readonly from: number
  readonly color: string
}

/** Steps of the scales that turn in the middle. */
const turning: Readonly<Partial<Record<ScaleKind, readonly number[]>>> = {
  ratio: [0, 1 / 2, 2 / 3, 0.87, 1.15, 1.5, 2],
  difference: [Number.NEGATIVE_INFINITY, -3, -1.5, -0.5, 0.5, 1.5, 3],
}

/** The steps of a scale for what is to be shown. */
export function shadesOf(values: readonly number[], scale: ScaleKind): Shade[] {
  const steps = turning[scale]
  if (steps) return steps.map((from, k) => ({ from, color: `var(--turn-${k})` }))
  const some = values.filter((value) => value > 0)
  const most = Math.max(1, ...some)
  if (scale === 'log') {
    // 1, 3, 10, 30 ...: the last seven steps that are reached.
    const steps = [1]
    for (let k = 1; ; k++) {
      const step = k % 2 === 1 ? 3 * 10 ** ((k - 1) / 2) : 10 ** (k / 2)
      if (step > most) break
      steps.push(step)
    }
    const shown = steps.slice(-7)
    return [{ from: 1, color: '' }, ...shown.slice(1).map((from) => ({ from, color: '' }))].map(
      ({ from }, k, all) => ({ from, color: `var(--shade-${k + 7 - all.length})` }),
    )
  }
  const least = Math.min(...some)
  const width = Math.max(1, Math.ceil((most - least) / 7))
  const start = Math.floor(least / width) * width
  return Array.from({ length: 7 }, (_, k) => ({
    from: start + k * width,
    color: `var(--shade-${k})`,
  }))
}

/** False where an area has nothing to show. */
const isShown = (value: number, scale: ScaleKind): boolean =>
  scale === 'difference' ? !Number.isNaN(value) : value > 0

/** The colour of a value. */
export function shadeOf(value: number, shades: readonly Shade[], scale: ScaleKind): string {
  if (!isShown(value, scale)) return 'var(--nothing)'
  return shades.findLast(({ from }) => value >= from)?.color ?? shades[0]?.color ?? 'var(--nothing)'
}
