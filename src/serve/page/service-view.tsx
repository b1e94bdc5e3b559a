/** The second view: the service live, its models, and how a rollout goes. */

import type { JSX } from 'preact'
import { counted, percent, tenths } from './format.ts'
import { type ArmStatus, type RolloutStatus, type Sample, useStatus } from './service-status.ts'

/** The view. */
export function ServiceView(): JSX.Element {
  const { samples, error } = useStatus()
  const status = samples.at(-1)?.status
  return (
    <main class="service">
      <h1>
        Service
        <span class={`live${error ? ' lost' : ''}`} role="status">
          {error ? error.message : status ? 'live' : 'asking'}
        </span>
      </h1>
      {status && (
        <>
          <Figures samples={samples} />
          <section class="card" aria-label="Models">
            <h2>Models</h2>
            <div class="arms">
              {status.arms.map((arm) => (
                <Arm key={`${arm.arm} ${arm.version}`} arm={arm} />
              ))}
              {status.arms.length === 0 && <p class="quiet">No model is ready yet.</p>}
            </div>
          </section>
          <Rollout rollout={status.rollout} />
          <p class="quiet small">
            ridecast {status.version}, up since {moment(status.started_at)}. Numbers are of one
            process since it started.
          </p>
        </>
      )}
    </main>
  )
}

function Figures({ samples }: { samples: readonly Sample[] }): JSX.Element {
  const { requests, latency_ms: latency, in_flight: inFlight } = (samples.at(-1) as Sample).status
  const rates = samples.map(({ status }) => status.requests.per_second)
  const slow = samples.map(({ status }) => status.latency_ms.p99 ?? 0)
  const failed = Object.entries(requests.by_status)
    .filter(([code]) => code.startsWith('5'))
    .reduce((sum, [, count]) => sum + count, 0)
  const milliseconds = (value: number | null): string =>
    value === null ? 'none yet' : `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`
  return (
    <section class="figures" aria-label="Requests">
      <Figure name="Requests a second" value={requests.per_second.toFixed(1)} line={rates}>
        {counted(requests.total)} in all, {counted(inFlight)} in flight
      </Figure>
      <Figure name="Latency, 99 %" value={milliseconds(latency.p99)} line={slow}>
        {latency.p50 === null
          ? 'no ride was asked yet'
          : `half under ${milliseconds(latency.p50)}, 90 % under ${milliseconds(latency.p90)}`}
      </Figure>
      <Figure
        name="Failed"
        value={requests.total === 0 ? 'none yet' : percent(failed / requests.total)}
      >
        <span class="codes">
          {Object.entries(requests.by_status)
            .sort(([a], [b]) => a.localeCompare(b))
            .map(([code, count]) => (
              <span key={code} class={`code of-${code.charAt(0)}`}>
                {code} <b>{counted(count)}</b>
              </span>
            ))}
        </span>
      </Figure>
    </section>
  )
}

function Figure({
  name,
  value,
  line,
  children,
}: {
  name: string
  value: string
  line?: readonly number[]
  children: JSX.Element | string | (string | JSX.Element)[]
}): JSX.Element {
  return (
    <div class="card figure">
      <h2>{name}</h2>
      <p class="big">{value}</p>
      {line && <Line values={line} />}
      <p class="quiet small">{children}</p>
    </div>
  )
}

/** The last two minutes; what they are is told in words beside it. */
function Line({ values }: { values: readonly number[] }): JSX.Element {
  const [width, height] = [240, 44]
  const most = Math.max(1e-9, ...values) * 1.1
  const step = width / 59
  const first = width - (values.length - 1) * step
  const points = values.map((value, k) => {
    return `${(first + k * step).toFixed(1)},${(height - (value / most) * (height - 4) - 1).toFixed(1)}`
  })
  return (
    <svg
      class="line"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path class="area" d={`M${first},${height}L${points.join('L')}L${width},${height}Z`} />
      <polyline points={points.join(' ')} />
    </svg>
  )
}

function Arm({ arm }: { arm: ArmStatus }): JSX.Element {
  const { share, predictions, failures, mean_minutes: mean, version, model } = arm
  return (
    <article class={`arm ${arm.arm}`} aria-label={arm.arm}>
      <header>
        <h3>{arm.arm}</h3>
        <code>
          {model}/{version}
        </code>
        <span class="share">{percent(share)} of requests</span>
      </header>
      <div class="weight" aria-hidden="true">
        <i style={{ width: `${share * 100}%` }} />
      </div>
      <dl>
        <div>
          <dt>predictions</dt>
          <dd>{counted(predictions)}</dd>
        </div>
        <div>
          <dt>mean</dt>
          <dd>{mean === null ? 'none yet' : `${tenths(mean)} min`}</dd>
        </div>
        <div>
          <dt>failures</dt>
          <dd class={failures > 0 ? 'bad' : ''}>{counted(failures)}</dd>
        </div>
      </dl>
      <Histogram arm={arm} />
    </article>
  )
}

/** Predictions by minutes; bins are as wide as they reach, so that areas are counts. */
function Histogram({ arm }: { arm: ArmStatus }): JSX.Element {
  const { edges, counts } = arm.histogram
  const last = edges.at(-1) ?? 60
  const end = last * 1.15
  const total = counts.reduce((sum, count) => sum + count, 0)
  const bins = counts.map((count, k) => {
    const from = k === 0 ? 0 : (edges[k - 1] ?? 0)
    const to = edges[k] ?? end
    return { from, to, count, density: count / (to - from) }
  })
  const most = Math.max(1e-9, ...bins.map(({ density }) => density))
  const [width, height] = [400, 110]
  const ticks = [0, 10, 20, 30, 40, 60, 90].filter((tick) => tick <= last)
  const words = bins
    .filter(({ count }) => count > 0)
    .map(
      ({ from, to, count }) => `${from} to ${to > last ? 'more' : to}: ${percent(count / total)}`,
    )
  return (
    <figure>
      <svg
        viewBox={`0 0 ${width} ${height + 1}`}
        role="img"
        aria-label={`Predictions by minutes. ${words.join(', ') || 'None yet'}`}
      >
        {bins.map(({ from, to, count, density }) => (
          <rect
            key={from}
            x={(from / end) * width + 0.5}
            width={Math.max(0, ((to - from) / end) * width - 1)}
            y={height - (density / most) * height}
            height={(density / most) * height}
          >
            <title>{`${from} to ${to > last ? 'more' : to} minutes: ${counted(count)}`}</title>
          </rect>
        ))}
        <line x1="0" x2={width} y1={height} y2={height} />
      </svg>
      <div class="ticks" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick} style={{ left: `${(tick / end) * 100}%` }}>
            {tick}
          </span>
        ))}
      </div>
      <figcaption class="quiet small">predictions by minutes</figcaption>
    </figure>
  )
}

/** Ways of trying a version. */
const modeNames: Readonly<Record<string, string>> = {
  ab: 'A/B',
  'blue-green': 'Blue-green',
  canary: 'Canary',
  shadow: 'Shadow',
}

function Rollout({ rollout }: { rollout: RolloutStatus | null }): JSX.Element {
  if (rollout === null) {
    return (
      <section class="card" aria-label="Rollout">
        <h2>Rollout</h2>
        <p class="quiet">No other version has been tried yet.</p>
      </section>
    )
  }
  const { mode, status, champion, challenger, share, step, steps, since, history } = rollout
  return (
    <section class="card rollout" aria-label="Rollout">
      <h2>
        Rollout <span class={`state ${status}`}>{status.replaceAll('_', ' ')}</span>
      </h2>
      <p>
        {modeNames[mode] ?? mode}: {challenger === null ? '' : <code>{challenger}</code>}
        {challenger === null ? '' : ' beside '}
        <code>{champion}</code>
        {challenger === null ? '' : `, ${percent(share)} of requests`}, since {moment(since)}
      </p>
      {steps.length > 1 && (
        <ol class="steps" aria-label="Steps">
          {steps.map((part, k) => (
            <li key={k} class={k + 1 < step ? 'done' : k + 1 === step ? 'now' : ''}>
              {percent(part)}
              {k + 1 === step && <span class="unseen">, the current step</span>}
            </li>
          ))}
        </ol>
      )}
      <h3>History</h3>
      <ol class="history">
        {[...history].reverse().map((entry) => (
          <li key={`${entry.at} ${entry.event}`} class={entry.event}>
            <time dateTime={entry.at}>{moment(entry.at)}</time>
            <strong>{entry.event.replaceAll('_', ' ')}</strong>
            <span>
              {entry.version && <code>{entry.version}</code>} {entry.reason}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}

/** A time on the clock of whoever looks. */
function moment(iso: string): string {
  const date = new Date(iso)
  const isToday = date.toDateString() === new Date().toDateString()
  return date.toLocaleString('en-GB', {
    ...(!isToday && { day: 'numeric', month: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
}
