/** Errors by what rides have in common. */

import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { countText } from '../../data-profile/number-text.ts'
import { Figure } from '../../data-profile/page/figure.tsx'
import { Scroll } from '../../data-profile/page/scroll.tsx'
import type { RideSlice, SliceFamily } from '../../judge/judgement.ts'
import type { ReportModel } from '../document.ts'
import { type Bar, drawBars, drawColumns, type Other } from './bars-chart.ts'
import { biasText, minutesText } from './names.ts'

type Measure = 'rmse' | 'mae' | 'bias'

const measures: Readonly<Record<Measure, string>> = {
  rmse: 'root mean squared error (RMSE)',
  mae: 'mean absolute error (MAE)',
  bias: 'bias',
}

/** One chart for each family. */
export function Slices({
  model,
  others,
}: {
  model: ReportModel
  others: readonly ReportModel[]
}): JSX.Element {
  const [measure, setMeasure] = useState<Measure>('rmse')
  return (
    <>
      <fieldset class="choice">
        <legend class="unseen">Measure</legend>
        {(Object.keys(measures) as Measure[]).map((one) => (
          <label key={one}>
            <input
              type="radio"
              name="measure"
              checked={measure === one}
              onChange={() => setMeasure(one)}
            />
            {measures[one]}
          </label>
        ))}
      </fieldset>
      <div class="pair">
        {model.judgement.slices.map((family) => (
          <Family key={family.key} family={family} {...{ model, others, measure }} />
        ))}
      </div>
    </>
  )
}

function Family({
  family,
  model,
  others,
  measure,
}: {
  family: SliceFamily
  model: ReportModel
  others: readonly ReportModel[]
  measure: Measure
}): JSX.Element {
  const { key, title, slices, gap } = family
  const support = model.judgement.minimum_support
  const draw = useMemo(() => {
    const bars = slices.map((slice): Bar => {
      return {
        name: slice.name,
        value: slice[measure],
        text: textOf(slice[measure], measure),
        title: titleOf(slice),
        isFaint: slice.n < support,
        others: others.flatMap(({ name: model, judgement }): Other[] => {
          const same = judgement.slices.find((one) => one.key === key)
          const value = same?.slices.find(({ name }) => name === slice.name)?.[measure]
          // Bands of predictions hold other rides for another model.
          if (value === undefined || key === 'predicted') return []
          return [{ model, value, text: textOf(value, measure) }]
        }),
      }
    })
    const label = measure === 'bias' ? 'minutes, predicted − actual' : 'minutes'
    return key === 'hour' ? drawColumns(bars, 'hour') : drawBars(bars, label)
  }, [slices, key, measure, others, support])
  return (
    <div>
      <h3>{title}</h3>
      <p class="quiet small">
        {gap === null
          ? `no two with ${countText(support)} rides`
          : `${minutesText(gap)} minutes of RMSE between the best and the worst`}
      </p>
      <Figure label={`${measures[measure]} by ${title.toLowerCase()}, minutes`} draw={draw}>
        <details>
          <summary>As a table</summary>
          <Scroll label={`Errors by ${title.toLowerCase()}`}>
            <table>
              <thead>
                <tr>
                  <th scope="col">{title}</th>
                  <th scope="col">rides</th>
                  <th scope="col">RMSE</th>
                  <th scope="col">MAE</th>
                  <th scope="col">bias</th>
                </tr>
              </thead>
              <tbody>
                {slices.map(({ name, n, rmse, mae, bias }) => (
                  <tr key={name} class={n < support ? 'quiet' : ''}>
                    <th scope="row">{name}</th>
                    <td>{countText(n)}</td>
                    <td>{minutesText(rmse)}</td>
                    <td>{minutesText(mae)}</td>
                    <td>{biasText(bias)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </details>
      </Figure>
    </div>
  )
}

const textOf = (value: number, measure: Measure): string =>
  measure === 'bias' ? biasText(value) : minutesText(value)

const titleOf = ({ name, n, rmse, mae, bias }: RideSlice): string =>
  `${name}\nRMSE ${minutesText(rmse)}, MAE ${minutesText(mae)}\nbias ${biasText(bias)}\n${countText(n)} rides`
