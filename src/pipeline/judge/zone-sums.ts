/** Errors by the zones where rides begin and end. Knows nothing about models. */

import { maxZone, type RideBatch, type ZoneColumn } from '../../ride.ts'
import { ErrorSums } from './error-sums.ts'
import type { ZoneBias } from './judgement.ts'

/** Sums errors by zone. */
export class ZoneSums {
  private readonly from = new ErrorSums(maxZone + 1)
  private readonly to = new ErrorSums(maxZone + 1)

  /** Takes a ride; an end that is no zone is left out. */
  add(rides: RideBatch, i: number, error: number): void {
    this.from.add(zoneAt(rides, 'PULocationID', i), error)
    this.to.add(zoneAt(rides, 'DOLocationID', i), error)
  }

  /** Zones with rides, ascending. */
  zones(): ZoneBias[] {
    return Array.from({ length: maxZone }, (_, k) => k + 1).flatMap((id) => {
      const [from, to] = [this.from.measures(id), this.to.measures(id)]
      if (!from && !to) return []
      return {
        id,
        pickups: from?.n ?? 0,
        pickup_bias: from?.bias ?? null,
        dropoffs: to?.n ?? 0,
        dropoff_bias: to?.bias ?? null,
      }
    })
  }
}

function zoneAt(rides: RideBatch, column: ZoneColumn, i: number): number {
  const id = rides.columns[column]?.[i] ?? Number.NaN
  return Number.isInteger(id) && id >= 1 && id <= maxZone ? id : -1
}
