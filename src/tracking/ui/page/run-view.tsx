/** Everything about one run. */

import type { ComponentChildren, JSX } from 'preact'
import type { RunAnswer } from '../answers.ts'
import { useModels, useRun } from './api.ts'
import { Artifacts } from './artifacts.tsx'
import { byName, durationMs, isRun, type Run, sorted } from './columns.ts'
import { Curves, hasCurves } from './curves.tsx'
import { columnFormat, count, duration, fullNumber, localTime, shortNumber } from './format.ts'
import { Status } from './icons.tsx'
import { Lineage } from './lineage.tsx'
import { Link, type Place, runHref } from './location.tsx'
import { useRuns } from './runs.ts'

/** The view at `/runs/<id>`. */
export function RunView({ id, place }: { id: string; place: Place }): JSX.Element {
  const { value: run, error } = useRun(id)
  const models = useModels()
  if (run === undefined) {
    return (
      <main class="run">
        <h1 tabIndex={-1}>{id}</h1>
        {error ? (
          <p class="fault notice" role="alert">
            {error.message}
          </p>
        ) : (
          <p class="quiet">Reading the run …</p>
        )}
      </main>
    )
  }
  return (
    <main class="run">
      <Head run={run} />
      {error && (
        <p class="fault notice" role="alert">
          {error.message}
        </p>
      )}
      {run.error !== null && <pre class="error">{run.error}</pre>}
      <Facts run={run} />
      <Family run={run} />
      <div class="halves">
        <Metrics run={run} />
        <Pairs heading="Parameters" values={run.parameters} />
      </div>
      {hasCurves(run) && (
        <Section heading="Curves">
          <Curves runs={[run]} place={place} />
        </Section>
      )}
      {(run.datasets.length > 0 || run.model !== null) && (
        <Section heading="Lineage">
          <Lineage run={run} models={models.error ? null : models.value?.models} />
          {models.error && <p class="fault">{models.error.message}</p>}
        </Section>
      )}
      <Section heading="Artifacts">
        {run.artifacts.length > 0 ? (
          <Artifacts run={run} place={place} />
        ) : (
          <p class="quiet">The run has kept no file.</p>
        )}
      </Section>
      <div class="halves">
        <Datasets run={run} />
        <Pairs heading="Tags" values={run.tags} />
      </div>
    </main>
  )
}

function Section({
  heading,
  children,
}: {
  heading: string
  children: ComponentChildren
}): JSX.Element {
  return (
    <section aria-label={heading}>
      <h2>{heading}</h2>
      {children}
    </section>
  )
}

function Head({ run }: { run: RunAnswer }): JSX.Element {
  return (
    <div class="head">
      <h1 tabIndex={-1}>{run.name}</h1>
      <Status status={run.status} />
    </div>
  )
}

function Facts({ run }: { run: RunAnswer }): JSX.Element {
  const { commit, process, status, endedAt } = run
  const ms = durationMs(run, Date.now())
  const facts: (readonly [string, ComponentChildren])[] = [
    ['Experiment', run.experiment],
    [
      'Started',
      <time key="t" dateTime={run.startedAt} title={run.startedAt}>
        {localTime(run.startedAt)}
      </time>,
    ],
    ['Duration', ms === null ? null : duration(ms)],
    ['User', run.user],
    ['Source', run.source && <code>{run.source}</code>],
    [
      'Commit',
      commit && (
        <>
          <code title={commit.hash}>{commit.hash.slice(0, 10)}</code>
          {commit.modified && ' with changes'}
        </>
      ),
    ],
    ['Id', run.name === run.id ? null : <code>{run.id}</code>],
    ['Process', status === 'running' || endedAt === null ? process : null],
    ['Location', <Location key="l" location={run.location} />],
  ]
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== '' && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  )
}

/** A folder as text; the address of a run on a server leads there, in a tab of its own. */
function Location({ location }: { location: string }): JSX.Element {
  if (!/^https?:\/\//.test(location)) return <code>{location}</code>
  return (
    <a href={location} target="_blank" rel="noreferrer">
      {location}
    </a>
  )
}

const shownParts = 100

/** The run that it is a part of, and its own parts with what tells them apart. */
function Family({ run }: { run: RunAnswer }): JSX.Element | null {
  const rows = useRuns('', null).rows ?? []
  const parent = rows.find((row) => row.id === run.parent)
  const parts = sorted(rows, 'attributes.start_time', false).filter(
    (row): row is Run => isRun(row) && row.parent === run.id && row.id !== run.id,
  )
  if (run.parent === null && parts.length === 0) return null
  return (
    <Section heading={parts.length > 0 ? 'Parts' : 'Part of'}>
      {run.parent !== null && (
        <p>
          {parts.length > 0 && 'Part of '}
          <Link href={runHref(run.parent)}>
            {parent && isRun(parent) ? parent.name : run.parent}
          </Link>
        </p>
      )}
      {parts.length > 0 && <Parts parts={parts} />}
    </Section>
  )
}

function Parts({ parts }: { parts: readonly Run[] }): JSX.Element {
  const params = differing(parts.map((part) => part.parameters))
  const metrics = differing(parts.map((part) => part.metrics))
  const shown = parts.slice(0, shownParts)
  const formats = metrics.map((name) =>
    columnFormat(parts.flatMap((part) => part.metrics[name] ?? [])),
  )
  const query = new URLSearchParams(shown.slice(0, 20).map((part) => ['run', part.id]))
  return (
    <>
      <div class="scrolls">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">Status</th>
              {[...params, ...metrics].map((name) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((part) => (
              <tr key={part.id}>
                <th scope="row">
                  <Link href={runHref(part.id)}>{part.name}</Link>
                </th>
                <td>
                  <Status status={part.status} />
                </td>
                {params.map((name) => (
                  <td key={name} class="number">
                    {part.parameters[name] ?? '–'}
                  </td>
                ))}
                {metrics.map((name, i) => {
                  const value = part.metrics[name]
                  return (
                    <td
                      key={name}
                      class="number"
                      title={value === undefined ? '' : fullNumber(value)}
                    >
                      {value === undefined ? '–' : formats[i]?.(value)}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet">
        {parts.length > shownParts && `The first ${shownParts} of ${count(parts.length, 'part')}. `}
        {parts.length > 1 && (
          <Link href={`/compare?${query}`}>
            Compare {parts.length > 20 ? 'the first 20' : 'them'}
          </Link>
        )}
      </p>
    </>
  )
}

/** Names whose values differ, the first few: what a sweep was about. */
function differing(all: readonly Readonly<Record<string, string | number>>[]): string[] {
  const names = [...new Set(all.flatMap((values) => Object.keys(values)))]
  return names.filter((name) => new Set(all.map((values) => values[name])).size > 1).slice(0, 4)
}

function Metrics({ run }: { run: RunAnswer }): JSX.Element {
  const names = Object.keys(run.metrics).sort(byName.compare)
  return (
    <Section heading="Metrics">
      {names.length === 0 ? (
        <p class="quiet">None logged.</p>
      ) : (
        <table class="pairs">
          <tbody>
            {names.map((name) => {
              const value = Number(run.metrics[name])
              const total = run.curves[name]?.total ?? 1
              return (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td class="number" title={fullNumber(value)}>
                    {shortNumber(value)}
                  </td>
                  <td class="quiet">{total > 1 && count(total, 'value')}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
    </Section>
  )
}

function Pairs({
  heading,
  values,
}: {
  heading: string
  values: Readonly<Record<string, string>>
}): JSX.Element {
  const names = Object.keys(values).sort(byName.compare)
  return (
    <Section heading={heading}>
      {names.length === 0 ? (
        <p class="quiet">None set.</p>
      ) : (
        <table class="pairs">
          <tbody>
            {names.map((name) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <div class="value">{values[name]}</div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  )
}

function Datasets({ run }: { run: RunAnswer }): JSX.Element {
  return (
    <Section heading="Datasets">
      {run.datasets.length === 0 && <p class="quiet">None read.</p>}
      {run.datasets.map(({ name, context, rows, digest, source }, i) => (
        <dl class="dataset" key={i}>
          <dt>
            {name} <span class="quiet">{`${context}, ${count(rows, 'row')}`}</span>
          </dt>
          <dd>
            <code>{source}</code>
          </dd>
          <dd>
            <code class="quiet">{digest}</code>
          </dd>
        </dl>
      ))}
    </Section>
  )
}
