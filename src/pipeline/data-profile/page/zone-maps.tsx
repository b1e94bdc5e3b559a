/**
 * Where rides begin and end: maps of the zones, and the commonest ways between them. Knows nothing
 * about how outlines are drawn.
 */

import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import type { MonthProfile, ZoneProfile } from '../document.ts'
import { countText, shareText, valueText } from '../number-text.ts'
import { Scroll } from './scroll.tsx'
import type { Series } from './series.tsx'
import { type MapArea, ZoneMap, zoneName } from './zone-map.tsx'

/** Maps and flows. */
export function ZoneMaps({ all }: { all: readonly Series[] }): JSX.Element {
  const last = all.at(-1) as Series
  const first = all.length > 1 ? all[0] : undefined
  return (
    <>
      <div class="maps">
        {first ? (
          <>
            <ChangeMap end="pickups" before={first} after={last} />
            <ChangeMap end="dropoffs" before={first} after={last} />
          </>
        ) : (
          <>
            <CountMap end="pickups" month={last.month} />
            <CountMap end="dropoffs" month={last.month} />
            <MinutesMap month={last.month} />
          </>
        )}
      </div>
      <Apart all={all} />
      <div class={first ? 'pair' : ''}>
        {all.map((series) => (
          <Flows key={series.name} series={series} isOneOfTwo={first !== undefined} />
        ))}
      </div>
    </>
  )
}

type End = 'pickups' | 'dropoffs'

const titles: Readonly<Record<End, string>> = { pickups: 'Pickups', dropoffs: 'Drop-offs' }

/** Sums over the zones that an area of the map stands for. */
function sumOf(
  month: MonthProfile,
  ids: readonly number[],
  value: (zone: ZoneProfile) => number,
): number {
  return (month.rides.zones ?? [])
    .filter(({ id }) => ids.includes(id))
    .reduce((sum, zone) => sum + value(zone), 0)
}

function CountMap({ end, month }: { end: End; month: MonthProfile }): JSX.Element {
  const area = useMemo(() => {
    return (ids: readonly number[]): MapArea => {
      const count = sumOf(month, ids, (zone) => zone[end])
      const share = count / Math.max(1, month.rows)
      return {
        value: count,
        text: `${countText(count)} ${titles[end].toLowerCase()}, ${shareText(share)}`,
      }
    }
  }, [end, month])
  return (
    <ZoneMap
      title={titles[end]}
      note="rides, each shade three times the one before"
      area={area}
      scale="log"
      format={countText}
    />
  )
}

function MinutesMap({ month }: { month: MonthProfile }): JSX.Element {
  const area = useMemo(() => {
    return (ids: readonly number[]): MapArea => {
      const zone = month.rides.zones?.find(({ id, pickups }) => ids.includes(id) && pickups >= 10)
      const minutes = zone?.mean_minutes ?? 0
      const text =
        minutes > 0 ? `${valueText(minutes, 3)} minutes on average` : 'fewer than ten rides'
      return { value: minutes, text }
    }
  }, [month])
  return (
    <ZoneMap
      title="Minutes by pickup zone"
      note="mean of rides of 1 to 60 minutes"
      area={area}
      scale="linear"
      format={(v) => valueText(v, 2)}
    />
  )
}

function ChangeMap({
  end,
  before,
  after,
}: {
  end: End
  before: Series
  after: Series
}): JSX.Element {
  const area = useMemo(() => {
    return (ids: readonly number[]): MapArea => {
      const [was, is] = [before, after].map(({ month }) =>
        sumOf(month, ids, (zone) => zone[end]),
      ) as [number, number]
      const text = `${countText(was)} in ${before.name}, ${countText(is)} in ${after.name}`
      if (was + is < 20) return { value: Number.NaN, text: `${text}: too few to compare` }
      // Of shares, so that a month with fewer rides is not all one colour; half a ride spares zero.
      const ratio = (is + 0.5) / after.month.rows / ((was + 0.5) / before.month.rows)
      return { value: ratio, text: `${text}: ${valueText(ratio, 3)} times the share` }
    }
  }, [end, before, after])
  return (
    <ZoneMap
      title={titles[end]}
      note={`share of rides in ${after.name}, times that in ${before.name}`}
      area={area}
      scale="ratio"
      format={(v) => valueText(v, 2)}
    />
  )
}

/** What no map can show. */
function Apart({ all }: { all: readonly Series[] }): JSX.Element {
  return (
    <p class="note">
      {all.map(({ month, name }) => {
        const { without_zone } = month.rides
        const [unknown, outside] = [264, 265].map((id) =>
          [(z: ZoneProfile) => z.pickups, (z: ZoneProfile) => z.dropoffs].map((of) =>
            sumOf(month, [id], of),
          ),
        ) as [number[], number[]]
        const count = (pair: readonly number[]): string =>
          `${countText(pair[0] ?? 0)} pickups and ${countText(pair[1] ?? 0)} drop-offs`
        return (
          <span key={name}>
            {all.length > 1 ? `${name}: not` : 'Not'} on the map are {count(unknown)} in zone 264
            (unknown) and {count(outside)} in zone 265 (outside the city)
            {without_zone.pickup + without_zone.dropoff > 0 &&
              `; ${count([without_zone.pickup, without_zone.dropoff])} have no zone`}
            .{' '}
          </span>
        )
      })}
      Newark Airport lies in the west, JFK and LaGuardia in Queens. The zones 56 and 57 are one
      shape in the city's outlines, and so are 103 to 105: each is counted together.
    </p>
  )
}

function Flows({ series, isOneOfTwo }: { series: Series; isOneOfTwo: boolean }): JSX.Element {
  const { month, name, color } = series
  return (
    <div>
      <h3>
        {isOneOfTwo && <i class="dot" style={{ background: color }} />}
        Commonest ways{isOneOfTwo && ` in ${name}`}
      </h3>
      <Scroll label={`Commonest ways in ${name}`}>
        <table>
          <thead>
            <tr>
              <th class="left">from</th>
              <th class="left">to</th>
              <th>rides</th>
              <th>share</th>
              <th>minutes</th>
            </tr>
          </thead>
          <tbody>
            {month.rides.flows.map(({ from, to, rides, mean_minutes }) => (
              <tr key={`${from}-${to}`}>
                <td class="left">{zoneName([from])}</td>
                <td class="left">{zoneName([to])}</td>
                <td>{countText(rides)}</td>
                <td>{shareText(rides / Math.max(1, month.rows))}</td>
                <td>{mean_minutes === null ? '–' : mean_minutes.toFixed(1)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </div>
  )
}
