/** The answer: the duration with its interval, what it is compared with, and its reasons. */

import type { JSX } from 'preact'
import type { Interval } from '../../intervals.ts'
import { percent, signed, tenths, weekdayOf } from './format.ts'
import type { Known } from './ride.ts'
import { coverage } from './scorer.ts'
import { reasonsOf, type Sources, sourcesOf, warningText } from './terms.ts'

/** All that is known of the ride. */
export function AnswerView({
  known,
  at,
  recipe,
  onHour,
}: {
  known: Known
  at: string
  /** Of the model, as it tells it. */
  recipe: unknown
  onHour: (hour: number) => void
}): JSX.Element {
  const { answer, around, error, isWaiting, isEqual } = known
  if (error) {
    return (
      <section class="card answer" aria-label="Answer">
        <p class="fault" role="alert">
          {error.faults.length > 0
            ? error.faults.map(({ message }) => message).join('; ')
            : error.message}
        </p>
      </section>
    )
  }
  if (!answer) {
    return (
      <section class="card answer empty" aria-label="Answer">
        <p class="quiet">Pick a pickup and a drop-off: two clicks on the map, or by name.</p>
      </section>
    )
  }
  const { duration, interval, warnings = [], explanation, model_version: version } = answer
  const half = around?.half ?? null
  return (
    <section class={`card answer${isWaiting ? ' waiting' : ''}`} aria-label="Answer">
      <p class="duration" role="status">
        <strong>{tenths(duration)}</strong> <span>min</span>
        {interval && (
          <span class="between">
            <span class="unseen">, </span>
            {tenths(interval.low)}–{tenths(interval.high)}
            <small> in {percent(coverage)} of such rides</small>
          </span>
        )}
      </p>
      {interval ? (
        <IntervalBar duration={duration} interval={interval} half={half} />
      ) : (
        <p class="sureless quiet">
          How sure it is, this version cannot say: it was trained without{' '}
          <code>intervals: true</code>.
        </p>
      )}
      {half && (
        <p class="usually">
          Usually {Math.round(half.low)} to {Math.round(half.high)} minutes
          <span class="quiet">: the middle half of rides like this one</span>
        </p>
      )}
      {warnings.length > 0 && (
        <ul class="warnings" aria-label="Warnings">
          {warnings.map((warning) => (
            <li key={`${warning.code} ${warning.field}`}>
              {warningText(warning, explanation.contributions)}
            </li>
          ))}
        </ul>
      )}
      {around?.hours && <Hours hours={around.hours} at={at} onHour={onHour} />}
      <Reasons {...explanation} duration={duration} sources={sourcesOf(recipe, known.ride ?? {})} />
      <p class="origin quiet">
        Model version <code>{version}</code>
        {isEqual && <span class="equal"> · equal to the server’s answer to the last bit</span>}
      </p>
    </section>
  )
}

/** Where a bar lies, per cent. */
type Place = {
  readonly left: string
  readonly width: string
}

function IntervalBar({
  duration,
  interval,
  half,
}: {
  duration: number
  interval: Interval
  half: Interval | null
}): JSX.Element {
  const end = Math.max(10, Math.ceil((interval.high * 1.12) / 5) * 5)
  const at = (minutes: number): string => `${(Math.max(0, minutes) / end) * 100}%`
  const band = ({ low, high }: Interval): Place => {
    return { left: at(low), width: `${((high - low) / end) * 100}%` }
  }
  const step = end > 60 ? 20 : end > 25 ? 10 : 5
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, k) => k * step)
  return (
    <div class="interval" aria-hidden="true">
      <div class="track">
        <i class="most" style={band(interval)} />
        {half && <i class="half" style={band(half)} />}
        <i class="mark" style={{ left: at(duration) }} />
      </div>
      <div class="ticks">
        {ticks.map((tick) => (
          <span key={tick} style={{ left: at(tick) }}>
            {tick}
          </span>
        ))}
      </div>
    </div>
  )
}

/** What the model says at the other hours of the day; the slider below goes there. */
function Hours({
  hours,
  at,
  onHour,
}: {
  hours: readonly number[]
  at: string
  onHour: (hour: number) => void
}): JSX.Element {
  const most = Math.max(...hours)
  const least = Math.min(...hours)
  const hour = Number(at.slice(11, 13))
  const clock = (of: number): string => `${of}:00`
  const [quickest, slowest] = [hours.indexOf(least), hours.indexOf(most)]
  return (
    <div class="hours">
      <h2>
        At other hours <span class="quiet">{weekdayOf(at)}</span>
      </h2>
      <div class="columns" aria-hidden="true">
        {hours.map((minutes, k) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the slider is the way by keys
          // biome-ignore lint/a11y/noStaticElementInteractions: the slider is the control
          <div
            key={k}
            class={k === hour ? 'column chosen' : 'column'}
            title={`${clock(k)}, ${tenths(minutes)} minutes`}
            onClick={() => onHour(k)}
          >
            <i style={{ height: `${(minutes / most) * 100}%` }} />
          </div>
        ))}
      </div>
      <input
        type="range"
        min="0"
        max="23"
        step="1"
        value={hour}
        aria-label="Hour of the pickup"
        aria-valuetext={`${clock(hour)}, ${tenths(hours[hour] ?? Number.NaN)} minutes`}
        onInput={(event) => onHour(Number(event.currentTarget.value))}
      />
      <p class="quiet small">
        {tenths(least)} min at {clock(quickest)}, {tenths(most)} at {clock(slowest)}: what the model
        says of the same ride in the middle of each hour
      </p>
    </div>
  )
}

/** Bars from the running total to the next: they end at the model's number. */
function Reasons({
  intercept,
  contributions,
  total,
  duration,
  sources,
}: {
  intercept: number
  contributions: Parameters<typeof reasonsOf>[0]
  total: number
  duration: number
  sources: Sources
}): JSX.Element {
  const start = { name: 'Every ride', value: '', minutes: intercept, isUnseen: false }
  let sum = 0
  const lines = [start, ...reasonsOf(contributions, sources)].map((reason) => {
    const from = sum
    sum += reason.minutes
    return { ...reason, from, to: sum }
  })
  const ends = lines.flatMap(({ from, to }) => [from, to])
  const [least, most] = [Math.min(0, ...ends), Math.max(1, total, ...ends)]
  const place = (minutes: number): number => ((minutes - least) / (most - least)) * 100
  const span = (from: number, to: number): Place => {
    const [left, right] = [place(Math.min(from, to)), place(Math.max(from, to))]
    return { left: `${left}%`, width: `${right - left}%` }
  }
  return (
    <div class="reasons">
      <h2>Why</h2>
      <table>
        <caption class="unseen">
          Minutes that each reason adds; together they are the answer
        </caption>
        <thead class="unseen">
          <tr>
            <th scope="col">Reason</th>
            <th scope="col">Minutes so far</th>
            <th scope="col">Minutes</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(({ name, value, minutes, from, to, isUnseen }) => (
            <tr key={name} class={minutes < 0 ? 'less' : 'more'}>
              <th scope="row">
                {name}
                {value !== '' && <small>{value}</small>}
                {isUnseen && <small>not in training</small>}
              </th>
              <td class="bar">
                <i style={span(from, to)}>
                  <span class="unseen">{tenths(to)}</span>
                </i>
              </td>
              <td class="number">{name === start.name ? tenths(minutes) : signed(minutes)}</td>
            </tr>
          ))}
          <tr class="total">
            <th scope="row">
              Together
              {duration !== total && <small>raised to the shortest ride</small>}
            </th>
            <td class="bar">
              <i style={span(0, total)}>
                <span class="unseen">{tenths(total)}</span>
              </i>
            </td>
            <td class="number">{tenths(total)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  )
}
