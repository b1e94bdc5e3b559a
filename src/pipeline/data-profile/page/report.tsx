/**
 * The report from top to bottom: headline numbers, findings, what changed, columns, maps, time,
 * duration, correlations. Knows nothing about how charts are drawn.
 */

import type { ComponentChildren, JSX } from 'preact'
import type { DataProfile } from '../document.ts'
import { bytesText, countText, shareText, valueText } from '../number-text.ts'
import { Columns } from './columns.tsx'
import { CorrelationMatrices } from './correlations.tsx'
import { Drift } from './drift.tsx'
import { Durations } from './durations.tsx'
import { Findings } from './findings.tsx'
import { Legend, type Series, seriesOf } from './series.tsx'
import { Week } from './week.tsx'
import { ZoneMaps } from './zone-maps.tsx'

/** The page. */
export function Report({ profile }: { profile: DataProfile }): JSX.Element {
  const all = seriesOf(profile.months)
  const { comparison } = profile
  return (
    <>
      <Head all={all} />
      <main>
        <Headline all={all} />
        <Section id="findings" title={comparison ? 'What changed' : 'Findings'}>
          <Findings all={all} comparison={comparison} />
        </Section>
        {comparison && (
          <Section id="drift" title="How far columns moved">
            <Drift drift={comparison.drift} all={all} />
          </Section>
        )}
        <Section id="columns" title="Columns" all={all}>
          <Columns all={all} />
        </Section>
        {all.some(({ month }) => month.rides.zones !== null) && (
          <Section id="zones" title="Where rides begin and end" all={all}>
            <ZoneMaps all={all} />
          </Section>
        )}
        <Section id="week" title="The week" all={all}>
          <Week all={all} />
        </Section>
        <Section id="duration" title="How long rides take" all={all}>
          <Durations all={all} />
        </Section>
        <Section id="correlations" title="What goes together">
          <CorrelationMatrices all={all} />
        </Section>
      </main>
      <footer>
        {all.map(({ month, name }) => (
          <p key={name}>
            {month.file}, {bytesText(month.bytes)}, SHA-256 <code>{month.sha256}</code>
          </p>
        ))}
        <p>
          Zones: NYC Taxi &amp; Limousine Commission. This page asks nothing of any server; its
          numbers are in it as JSON.
        </p>
      </footer>
    </>
  )
}

function Section({
  id,
  title,
  all,
  children,
}: {
  id: string
  title: string
  all?: readonly Series[]
  children: ComponentChildren
}): JSX.Element {
  return (
    <section aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {all && <Legend all={all} />}
      </header>
      {children}
    </section>
  )
}

function Head({ all }: { all: readonly Series[] }): JSX.Element {
  const [first, second] = all as [Series, Series | undefined]
  return (
    <header class="top">
      <p class="kicker">Taxi data profile</p>
      <h1>
        {second ? (
          <>
            {second.month.label} <span class="quiet">beside {first.month.label}</span>
          </>
        ) : (
          first.month.label
        )}
      </h1>
      <nav aria-label="Sections">
        {[
          ...(second ? [['drift', 'Drift']] : []),
          ['columns', 'Columns'],
          ...(first.month.rides.zones ? [['zones', 'Zones']] : []),
          ['week', 'Week'],
          ['duration', 'Duration'],
          ['correlations', 'Correlations'],
        ].map(([id, title]) => (
          <a key={id} href={`#${id}`}>
            {title}
          </a>
        ))}
      </nav>
    </header>
  )
}

/** The median of some numbers, as the document has it. */
const median = (quantiles: readonly number[] | undefined): number | undefined => quantiles?.[3]

function Headline({ all }: { all: readonly Series[] }): JSX.Element {
  const miles = ({ month }: Series): number | undefined => {
    const column = month.columns.find(({ key }) => key === 'trip_distance')
    return column?.kind === 'number' ? median(column.quantiles) : undefined
  }
  const cells = ({ month }: Series): number => {
    const missing = month.columns.reduce((sum, { nulls, nan }) => sum + nulls + nan, 0)
    return missing / Math.max(1, month.rows * month.columns.length)
  }
  const facts: readonly (readonly [string, (one: Series) => string | undefined])[] = [
    ['rides', ({ month }) => countText(month.rows)],
    [
      'take 1 to 60 minutes',
      ({ month: { rows, rides } }) => shareText(rides.kept / Math.max(1, rows)),
    ],
    ['median minutes', ({ month }) => shown(median(month.rides.duration.quantiles), 1)],
    ['median miles', (one) => shown(miles(one), 2)],
    ['columns', ({ month }) => countText(month.columns.length)],
    ['of cells are empty', (one) => shareText(cells(one))],
  ]
  return (
    <dl class="headline">
      {facts.map(([title, value]) => {
        const values = all.map(value)
        if (values.every((one) => one === undefined)) return null
        return (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{values.at(-1) ?? '–'}</dd>
            {values.length > 1 && <dd class="quiet">{values[0] ?? '–'} before</dd>}
          </div>
        )
      })}
    </dl>
  )
}

function shown(value: number | undefined, places: number): string | undefined {
  return value === undefined ? undefined : valueText(Number(value.toFixed(places)))
}
