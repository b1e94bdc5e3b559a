/** Models side by side. */

import type { JSX } from 'preact'
import { bytesText, valueText } from '../../data-profile/number-text.ts'
import { Scroll } from '../../data-profile/page/scroll.tsx'
import type { RankingWindow, ReportModel } from '../document.ts'
import { biasText, kindNames, minutesText, worstText } from './names.ts'

interface Column {
  readonly title: string
  /** What is compared, the less the better; undefined where it is not known. */
  value(model: ReportModel): number | undefined
  text(model: ReportModel): string
}

const columns: readonly Column[] = [
  {
    title: 'ranked by',
    value: ({ selection }) => selection?.mean,
    text: ({ selection }) => {
      if (!selection) return '–'
      const { mean, deviation, rmse } = selection
      const spread = rmse.length > 1 ? ` ± ${minutesText(deviation, 3)}` : ''
      return `${minutesText(mean, 3)}${spread}`
    },
  },
  {
    title: 'RMSE',
    value: ({ judgement }) => judgement.measures.rmse,
    text: ({ judgement }) => minutesText(judgement.measures.rmse, 3),
  },
  {
    title: 'MAE',
    value: ({ judgement }) => judgement.measures.mae,
    text: ({ judgement }) => minutesText(judgement.measures.mae, 3),
  },
  {
    title: 'bias',
    value: ({ judgement }) => Math.abs(judgement.measures.bias),
    text: ({ judgement }) => biasText(judgement.measures.bias),
  },
  {
    title: 'worst slice, RMSE',
    value: ({ judgement }) => judgement.worst?.rmse,
    text: (model) => {
      const { worst } = model.judgement
      return worst ? `${worstText(model, worst)}, ${minutesText(worst.rmse)}` : '–'
    },
  },
  {
    title: 'training',
    value: ({ training_seconds }) => training_seconds,
    text: ({ training_seconds: seconds }) =>
      seconds === undefined ? '–' : `${valueText(seconds, 3)} s`,
  },
  {
    title: 'size',
    value: ({ model_bytes }) => model_bytes,
    text: ({ model_bytes: bytes }) => (bytes === undefined ? '–' : bytesText(bytes)),
  },
  {
    title: 'one prediction',
    value: ({ microseconds_per_prediction }) => microseconds_per_prediction,
    text: ({ microseconds_per_prediction: micros }) =>
      micros === undefined ? '–' : `${valueText(micros, 3)} µs`,
  },
]

/** A table, the best of each column in bold. */
export function Leaderboard({
  models,
  chosen,
}: {
  models: readonly ReportModel[]
  /** The model that is shown below. */
  chosen: ReportModel
}): JSX.Element {
  const shown = columns.filter(({ value }) => models.some((model) => value(model) !== undefined))
  const best = shown.map(({ value }) =>
    Math.min(...models.map((model) => value(model) ?? Number.POSITIVE_INFINITY)),
  )
  return (
    <Scroll label="Models side by side">
      <table>
        <thead>
          <tr>
            <th scope="col">model</th>
            <th scope="col" class="left">
              kind
            </th>
            {shown.map(({ title }) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <tr key={model.name} class={model === chosen ? 'chosen' : ''}>
              <th scope="row">{model.name}</th>
              <td class="left">{kindNames[model.kind]}</td>
              {shown.map(({ title, value, text }, k) => (
                <td key={title} class={value(model) === best[k] ? 'best' : ''}>
                  {text(model)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

/** How models do on the rides that ranked them, one column for each window. */
export function Windows({
  models,
  windows,
}: {
  models: readonly ReportModel[]
  windows: readonly RankingWindow[]
}): JSX.Element {
  return (
    <details>
      <summary>How they were ranked</summary>
      <p class="note">
        RMSE on rides before those above, which have chosen nothing; the mean ranks, and its spread
        is the standard deviation between the columns.
      </p>
      <Scroll label="RMSE on the rides that ranked">
        <table>
          <thead>
            <tr>
              <th scope="col">trained on</th>
              {windows.map(({ train }) => (
                <th key={train} scope="col">
                  {train}
                </th>
              ))}
              <th scope="col" />
              <th scope="col" />
            </tr>
            <tr>
              <th scope="col">measured on</th>
              {windows.map(({ validation }) => (
                <th key={validation} scope="col">
                  {validation}
                </th>
              ))}
              <th scope="col">mean</th>
              <th scope="col">spread</th>
            </tr>
          </thead>
          <tbody>
            {models.map(({ name, selection }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {windows.map(({ train }, k) => (
                  <td key={train}>{minutesText(selection?.rmse[k] ?? Number.NaN, 3)}</td>
                ))}
                <td>{minutesText(selection?.mean ?? Number.NaN, 3)}</td>
                <td>{windows.length > 1 ? minutesText(selection?.deviation ?? 0, 3) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  )
}
