import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Prediction, RideRequest } from '../../src/predictor.ts'
import { formatWallClock } from '../../src/ride.ts'
import type { Loggable } from '../../src/serve/prediction-log.ts'
import { createPredictions, type PredictionListener } from '../../src/serve/predictions.ts'
import { servedModel } from '../../src/serve/served-model.ts'
import { type Challenger, pointOf, type ServedModel, ServiceState } from '../../src/serve/state.ts'
import { zonesAndDistance } from './small-model.ts'

const ride: RideRequest = { PULocationID: 43, DOLocationID: 151, trip_distance: 1.5 }
const champion = servedModel('small', '0123456789ab', zonesAndDistance)
const other = servedModel('small', 'ba9876543210', zonesAndDistance)

/** The other model, with another answer. */
const saying = (predict: (asked: RideRequest) => Prediction): ServedModel => ({
  ...other,
  predictor: { ...other.predictor, predict },
})

function served(challenger?: Challenger) {
  const state = new ServiceState(champion)
  state.challenger = challenger
  const lines: Record<string, unknown>[] = []
  const heard: string[] = []
  const listener: PredictionListener = {
    answered: ({ arm }) => heard.push(`answered ${arm}`),
    failed: ({ arm }, error) => heard.push(`failed ${arm} ${(error as Error).message}`),
    mirrored: (one, two) => heard.push(`mirrored ${one.duration} ${two.duration}`),
  }
  let count = 0
  const predictions = createPredictions(state, {
    name: (day) => ({ id: `${day}/${count}`, prefix: `${day}/`, number: count++ }),
    append: (line: Loggable) => lines.push(JSON.parse(line.text()) as Record<string, unknown>),
    logInputs: true,
    listeners: [listener],
    now: () => Date.parse('2026-11-22T23:59:59.007Z'),
  })
  return { state, predictions, lines, heard }
}

describe('answers', () => {
  test('are logged with the model, the arm and what was asked', () => {
    const { state, predictions, lines, heard } = served()
    const asked = { ...ride, pickup_datetime: Date.UTC(2021, 1, 3, 8, 15) * 1000 }
    const answer = predictions.answer(state.turn(), asked, { key: 'a "key"' })
    expect(answer).toMatchObject({
      id: '2026-11-22/0',
      arm: 'champion',
      prediction: { duration: 16 },
    })
    expect(heard).toEqual(['answered champion'])
    expect(lines).toEqual([
      {
        id: '2026-11-22/0',
        time: '2026-11-22T23:59:59.007Z',
        model: 'small',
        version: '0123456789ab',
        arm: 'champion',
        key: 'a "key"',
        inputs: { ...ride, pickup_datetime: '2021-02-03T08:15:00' },
        duration: 16,
      },
    ])
  })

  test('times are logged as they are said, to the microsecond where they have one', () => {
    const { state, predictions, lines } = served()
    // The years 0 to 9999.
    const span = { min: Date.UTC(1, 0) / 1000, max: Date.UTC(9999, 0) / 1000 }
    const second = fc.integer(span).map((seconds) => seconds * 1e6)
    const micro = fc.integer({ min: 0, max: 4e15 })
    fc.assert(
      fc.property(fc.oneof(second, micro), (pickup_datetime) => {
        predictions.answer(state.turn(), { ...ride, pickup_datetime })
        const said = lines.pop()?.inputs as { pickup_datetime: string }
        expect(said.pickup_datetime).toBe(formatWallClock(pickup_datetime))
      }),
    )
  })

  test('lines that are held back are logged when they are let go, once', () => {
    const { state, predictions, lines } = served()
    const held: Loggable[] = []
    for (const miles of [1, 2]) {
      predictions.answer(state.turn(), { ...ride, trip_distance: miles }, { held })
    }
    expect(lines).toEqual([])
    predictions.log(held)
    predictions.log(held)
    expect(lines.map(({ id }) => id)).toEqual(['2026-11-22/0', '2026-11-22/1'])
  })

  test('warnings are logged by their codes', () => {
    const { state, predictions, lines } = served()
    predictions.answer(state.turn(), { ...ride, trip_distance: 25 })
    expect(lines[0]?.warnings).toEqual(['distance_unusual'])
  })
})

describe('a challenger', () => {
  const throwing = saying(() => {
    throw new Error('broken')
  })

  test('that fails does not fail the request: the champion answers', () => {
    const trial = { model: throwing, mode: 'canary', share: 1, seed: 's' } as const
    const { state, predictions, lines, heard } = served(trial)
    const answer = predictions.answer(state.turn(), ride)
    expect(answer).toMatchObject({ arm: 'champion', prediction: { duration: 16 } })
    expect(heard).toEqual(['failed challenger broken', 'answered champion'])
    expect(lines).toMatchObject([{ arm: 'champion', version: '0123456789ab' }])
  })

  test('is not blamed for a ride that the champion cannot compute either', () => {
    const trial = { model: throwing, mode: 'canary', share: 1, seed: 's' } as const
    const { state, predictions, heard } = served(trial)
    const huge = { ...ride, trip_distance: 1e308 }
    expect(() => predictions.answer(state.turn(), huge)).toThrow(/too large/)
    expect(heard).toEqual([])
  })

  test('in the shadow is asked after the answer, and logged beside it', async () => {
    const model = saying(() => ({ duration: 20, warnings: [] }))
    const { state, predictions, lines, heard } = served({
      model,
      mode: 'shadow',
      share: 1,
      seed: 's',
    })
    const answer = predictions.answer(state.turn(), ride)
    expect(answer).toMatchObject({ arm: 'champion', prediction: { duration: 16 } })
    expect(heard).toEqual(['answered champion'])
    await expect.poll(() => heard).toEqual(['answered champion', 'mirrored 16 20'])
    expect(lines[1]).toMatchObject({
      arm: 'shadow',
      of: answer.id,
      duration: 20,
      version: other.version,
    })
    expect(lines[1]).not.toHaveProperty('inputs')
  })
})

describe('turns', () => {
  const trial = (share: number): Challenger => ({
    model: other,
    mode: 'ab',
    share,
    seed: 'trial 1',
  })
  const armsOf = (share: number): string[] => {
    const { state } = served(trial(share))
    return Array.from({ length: 10_000 }, (_, i) => state.turn(`client ${i}`).arm)
  }

  test('a key keeps its arm, and the arms have their shares', () => {
    const arms = armsOf(0.3)
    expect(armsOf(0.3)).toEqual(arms)
    const share = arms.filter((arm) => arm === 'challenger').length / arms.length
    // Four standard errors of a share of 0.3 in 10,000.
    expect(Math.abs(share - 0.3)).toBeLessThan(4 * Math.sqrt((0.3 * 0.7) / 10_000))
  })

  test('a key that has the challenger keeps it while the share grows', () => {
    const [small, large] = [armsOf(0.1), armsOf(0.5)]
    const lost = small.filter((arm, i) => arm === 'challenger' && large[i] !== 'challenger')
    expect(lost).toEqual([])
  })

  test('points are even: no tenth of the keys is favoured', () => {
    const tenths = new Array<number>(10).fill(0)
    for (let i = 0; i < 20_000; i++) {
      const tenth = Math.floor(pointOf(`k${i}`) * 10)
      tenths[tenth] = (tenths[tenth] as number) + 1
    }
    // Chi squared of 9 degrees of freedom: 27.9 is passed once in a thousand.
    const chi = tenths.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)
    expect(chi).toBeLessThan(27.9)
  })
})
