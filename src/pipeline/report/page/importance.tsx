/** What a model rests on: inputs it needs, terms that told it much, what it says as they change. */

import * as Plot from '@observablehq/plot'
import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { shareText, valueText } from '../../data-profile/number-text.ts'
import { tip } from '../../data-profile/page/bins-chart.ts'
import { type Draw, Figure } from '../../data-profile/page/figure.tsx'
import type { DependencePoint, InputImportance, PartialDependence } from '../../judge/judgement.ts'
import type { ReportModel, TermShare } from '../document.ts'
import { drawBars } from './bars-chart.ts'
import { biasText, inputName, minutesText } from './names.ts'

/** True where there is something to show. */
export const hasImportance = ({ importance, terms, dependence }: ReportModel): boolean =>
  [importance, terms, dependence].some((list) => (list ?? []).length > 0)

/** Whatever of it the report has. */
export function Importance({ model }: { model: ReportModel }): JSX.Element {
  const { importance = [], terms = [], dependence = [] } = model
  return (
    <div class="pair">
      {importance.length > 0 && <Inputs importance={importance} />}
      {terms.length > 0 && <Terms terms={terms} />}
      {dependence.map((one) => (
        <Dependence key={one.input} dependence={one} />
      ))}
    </div>
  )
}

function Inputs({ importance }: { importance: readonly InputImportance[] }): JSX.Element {
  const draw = useMemo(() => {
    const bars = importance.map(({ input, rise, deviation }) => {
      const name = inputName(input)
      const title = `${name}\nRMSE rises by ${minutesText(rise)} minutes\nbetween shuffles: ${minutesText(deviation, 3)}`
      return { name, value: rise, text: biasText(rise), title }
    })
    return drawBars(bars, 'minutes')
  }, [importance])
  return (
    <div>
      <h3>Inputs it needs</h3>
      <p class="quiet small">how much the RMSE rises when an input is shuffled among the rides</p>
      <Figure label="Rise of the RMSE when an input is shuffled, minutes" draw={draw} />
    </div>
  )
}

function Terms({ terms }: { terms: readonly TermShare[] }): JSX.Element {
  const draw = useMemo(() => {
    const bars = terms.slice(0, 20).map(({ term, share }) => {
      const name = inputName(term)
      return {
        name,
        value: share * 100,
        text: shareText(share),
        title: `${name}\n${shareText(share)}`,
      }
    })
    return drawBars(bars, 'percent')
  }, [terms])
  return (
    <div>
      <h3>Terms that told it much</h3>
      <p class="quiet small">share of what its splits lower the squared error of training by</p>
      <Figure label="Share of the gain by term, percent" draw={draw} />
    </div>
  )
}

function Dependence({ dependence }: { dependence: PartialDependence }): JSX.Element {
  const draw = useMemo(() => drawDependence(dependence), [dependence])
  const name = inputName(dependence.input)
  return (
    <div>
      <h3>If the {name} were another</h3>
      <p class="quiet small">mean prediction with all else as it is</p>
      <Figure label={`Mean prediction by ${name}, minutes`} draw={draw} />
    </div>
  )
}

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

function drawDependence({ input, points }: PartialDependence): Draw {
  const isCategory = input.endsWith('ID') || input.endsWith('_type')
  const nameOf = (value: number): string =>
    input === 'weekday' ? (weekdays[value] ?? '') : valueText(value)
  const title = ({ value, minutes }: DependencePoint): string =>
    `${input === 'weekday' ? '' : `${inputName(input)} `}${nameOf(value)}\n${minutesText(minutes)} minutes`
  const place = { x: 'value', y: 'minutes' } as const
  return (width) => ({
    height: 240,
    marginLeft: 36,
    marginRight: 12,
    marginTop: 24,
    marginBottom: 34,
    x: {
      label: input === 'trip_distance' ? 'miles' : inputName(input),
      labelArrow: 'none',
      ticks: input === 'weekday' ? points.length : Math.round(width / 70),
      ...(input === 'weekday' && { tickFormat: (day: number) => nameOf(day).slice(0, 3) }),
      tickSize: 0,
    },
    y: { label: 'minutes', labelArrow: 'none', grid: true, ticks: 5, tickSize: 0 },
    marks: [
      ...(isCategory
        ? []
        : [Plot.lineY(points, { ...place, stroke: 'var(--series-now)', strokeWidth: 2 })]),
      Plot.dot(points, { ...place, r: 2.5, fill: 'var(--series-now)' }),
      Plot.tip(points, Plot.pointerX({ ...place, title, ...tip })),
    ],
  })
}
