/** Where predictions are too long or too short: maps of the zones. */

import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { changeText, countText } from '../../data-profile/number-text.ts'
import { type MapArea, ZoneMap } from '../../data-profile/page/zone-map.tsx'
import type { Judgement, ZoneBias } from '../../judge/judgement.ts'
import { biasText } from './names.ts'

/** Maps of both ends. */
export function BiasMaps({ zones }: Pick<Judgement, 'zones'>): JSX.Element {
  return (
    <div class="maps">
      <BiasMap zones={zones} title="Pickups" count="pickups" bias="pickup_bias" />
      <BiasMap zones={zones} title="Drop-offs" count="dropoffs" bias="dropoff_bias" />
    </div>
  )
}

/** Zones with fewer rides are left blank. */
const enough = 20

function BiasMap({
  zones,
  title,
  count,
  bias,
}: {
  zones: readonly ZoneBias[]
  title: string
  count: 'pickups' | 'dropoffs'
  bias: 'pickup_bias' | 'dropoff_bias'
}): JSX.Element {
  const area = useMemo(() => {
    return (ids: readonly number[]): MapArea => {
      const some = zones.filter(({ id }) => ids.includes(id))
      const rides = some.reduce((sum, zone) => sum + zone[count], 0)
      const sum = some.reduce((total, zone) => total + zone[count] * (zone[bias] ?? 0), 0)
      if (rides < enough) return { value: Number.NaN, text: `${countText(rides)} rides: too few` }
      return {
        value: sum / rides,
        text: `${biasText(sum / rides)} minutes, ${countText(rides)} rides`,
      }
    }
  }, [zones, count, bias])
  return (
    <ZoneMap
      title={title}
      note="mean of predicted − actual, minutes"
      area={area}
      scale="difference"
      format={changeText}
    />
  )
}
