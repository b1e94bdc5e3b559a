/**
 * The report from top to bottom: leaderboard where there are several models, then one model at a
 * time. Knows nothing about how charts are drawn.
 */

import type { JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { countText, shareText, valueText } from '../../data-profile/number-text.ts'
import type { ReportDocument, ReportModel } from '../document.ts'
import { BiasMaps } from './bias-maps.tsx'
import { hasImportance, Importance } from './importance.tsx'
import { Intervals } from './intervals.tsx'
import { Leaderboard, Windows } from './leaderboard.tsx'
import { hasLearning, Learning } from './learning.tsx'
import { Leverage } from './leverage.tsx'
import { Minutes } from './minutes.tsx'
import { biasText, kindNames, minutesText, worstText } from './names.ts'
import { Residuals } from './residuals.tsx'
import { Section } from './section.tsx'
import { Slices } from './slices.tsx'

/** The page. */
export function Report({ report }: { report: ReportDocument }): JSX.Element {
  const { models, rides, windows = [] } = report
  const [at, setAt] = useState(0)
  const model = models[at] as ReportModel
  const others = useMemo(() => models.filter((one) => one !== model), [models, model])
  const isOne = models.length === 1
  return (
    <>
      <header class="top">
        <p class="kicker">Model report</p>
        <h1>
          {isOne ? model.name : `${models.length} models`} <span class="quiet">on {rides}</span>
        </h1>
        <nav aria-label="Sections">
          {sectionsOf(model, isOne).map(([id, title]) => (
            <a key={id} href={`#${id}`}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main>
        {!isOne && (
          <Section
            id="leaderboard"
            title="Side by side"
            note={
              <>
                Measured on the same rides, minutes; the best of each column in bold.
                {windows.length > 0 && (
                  <>
                    {' '}
                    Ahead is <b>{models[0]?.name}</b>, by its errors on rides before these.
                  </>
                )}
              </>
            }
          >
            <Leaderboard models={models} chosen={model} />
            {windows.length > 0 && <Windows models={models} windows={windows} />}
            <fieldset class="choice which">
              <legend>Shown below</legend>
              {models.map(({ name }, k) => (
                <label key={name}>
                  <input type="radio" name="model" checked={k === at} onChange={() => setAt(k)} />
                  {name}
                </label>
              ))}
            </fieldset>
          </Section>
        )}
        <Headline model={model} />
        <OneModel model={model} others={others} />
      </main>
      <footer>
        <p>
          Errors are predicted − actual, in minutes: a positive bias is too long. This page asks
          nothing of any server; its numbers are in it as JSON.
        </p>
        <p>Zones: NYC Taxi &amp; Limousine Commission.</p>
      </footer>
    </>
  )
}

function sectionsOf(model: ReportModel, isOne: boolean): (readonly [string, string])[] {
  const { judgement } = model
  return [
    ...(isOne ? [] : [['leaderboard', 'Side by side'] as const]),
    ['minutes', 'Minutes'],
    ['residuals', 'Residuals'],
    ['slices', 'Slices'],
    ...(judgement.zones.length > 0 ? [['zones', 'Zones'] as const] : []),
    ...(judgement.intervals ? [['intervals', 'Intervals'] as const] : []),
    ...(hasImportance(model) ? [['importance', 'Inputs'] as const] : []),
    ...(hasLearning(model) ? [['learning', 'More data'] as const] : []),
  ]
}

function OneModel({
  model,
  others,
}: {
  model: ReportModel
  others: readonly ReportModel[]
}): JSX.Element {
  const { judgement } = model
  return (
    <>
      <Section id="minutes" title="Predicted and actual minutes">
        <Minutes judgement={judgement} />
      </Section>
      <Section id="residuals" title="Residuals">
        <Residuals judgement={judgement} />
        {model.leverage && <Leverage leverage={model.leverage} />}
      </Section>
      <Section
        id="slices"
        title="Where it is better and worse"
        note={
          <>
            Pale bars rest on fewer than {countText(judgement.minimum_support)} rides and do not
            count.
            {others.length > 0 &&
              ` The orange ticks are ${others.map(({ name }) => name).join(', ')}.`}
          </>
        }
      >
        <Slices model={model} others={others} />
      </Section>
      {judgement.zones.length > 0 && (
        <Section id="zones" title="Bias by zone">
          <BiasMaps zones={judgement.zones} />
        </Section>
      )}
      {judgement.intervals && (
        <Section
          id="intervals"
          title="Intervals"
          note={
            model.calibrated_on &&
            `Made of the errors on ${model.calibrated_on}, and counted on the rides of this report${model.known === 'calibrated' ? ', some of which are the same: they hold here by their making' : ''}.`
          }
        >
          <Intervals intervals={judgement.intervals} />
        </Section>
      )}
      {hasImportance(model) && (
        <Section id="importance" title="What it rests on">
          <Importance model={model} />
        </Section>
      )}
      {hasLearning(model) && (
        <Section id="learning" title="What more months buy">
          <Learning model={model} others={others} />
        </Section>
      )}
    </>
  )
}

function Headline({ model }: { model: ReportModel }): JSX.Element {
  const { measures, worst, minimum_support } = model.judgement
  const { n, rmse, mae, bias, r2, quantiles } = measures
  const about = [
    `${kindNames[model.kind]}${model.recipe ? `, recipe ${model.recipe}` : ''}`,
    ...(model.version ? [`version ${model.version}`] : []),
    ...(model.trained_on ? [`trained on ${model.trained_on}`] : []),
  ]
  const facts: readonly (readonly [string, string])[] = [
    ['RMSE, minutes', minutesText(rmse, 3)],
    ['mean absolute error', minutesText(mae, 3)],
    ['bias', biasText(bias)],
    ['of the variance explained', r2 === null ? '–' : shareText(r2)],
    [
      'error of nine rides in ten',
      [quantiles['0.05'], quantiles['0.95']]
        .map((value) => biasText(value ?? Number.NaN, 1))
        .join(' to '),
    ],
    ['rides', countText(n)],
  ]
  return (
    <section aria-label={`${model.name} in short`}>
      <p class="about">
        <b>{model.name}</b> <span class="quiet">{about.join(' · ')}</span>
      </p>
      <dl class="headline">
        {facts.map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="worst">
        {worst
          ? `Worst slice: ${worstText(model, worst)}, RMSE ${minutesText(worst.rmse)} over ${countText(worst.n)} rides, ${valueText(worst.ratio, 3)} times that of all rides.`
          : `No slice has ${countText(minimum_support)} rides.`}
      </p>
      {model.known === 'trained' && (
        <p class="note">It was trained on some of these rides, which flatters.</p>
      )}
    </section>
  )
}
