/**
 * The model card as one HTML page that needs nothing else: no script, no font, no address. Knows
 * nothing about what the sections say.
 */

import { Marked } from 'marked'
import type { LoadedModel } from '../loaded-model.ts'
import { comparison, countText, decimalText } from './card-evidence.ts'
import { metricsFacts } from './card-facts.ts'
import { cardFigures } from './card-figures.ts'
import { cardStyle } from './card-style.ts'
import { type CardFacts, cardSections, cardTitle } from './model-card.ts'

const marked = new Marked({
  // Escaped once already; what is left of raw HTML in a section is shown, never obeyed.
  renderer: { html: ({ text }) => escapeHtml(text) },
})

/** The card as a page. The same version and facts give the same bytes. */
export function cardPage(loaded: LoadedModel, facts: CardFacts = {}): string {
  const sections = cardSections(loaded, facts).map((section, i) => ({ ...section, id: `s${i}` }))
  const title = escapeHtml(cardTitle(loaded))
  const [summary, ...others] = sections
  const contents = others.map(({ id, title: text }) => {
    return `<li><a href="#${id}">${escapeHtml(text)}</a></li>`
  })
  const body = others.map(({ id, title: text, markdown }) => {
    const figures = text === 'Data' ? cardFigures(loaded.predictor.profile) : ''
    return `<section id="${id}"><h2>${escapeHtml(text)}</h2>${figures}${htmlOf(markdown)}</section>`
  })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · model card</title>
<style>${cardStyle}</style>
</head>
<body>
<header>
<p class="kind">Model card</p>
<h1>${title.replace('/', '<wbr><span class="version">/')}</span></h1>
${htmlOf(summary?.markdown ?? '')}
${tiles(loaded)}
</header>
<nav aria-label="Contents"><ol>${contents.join('')}</ol></nav>
<main>
${body.join('\n')}
</main>
</body>
</html>
`
}

function htmlOf(markdown: string): string {
  const html = marked.parse(markdown, { async: false })
  // A wide table scrolls by itself, not the page.
  return html
    .replaceAll('<table>', '<div class="wide"><table>')
    .replaceAll('</table>', '</table></div>')
    .replaceAll(/<code>(?=[0-9a-f]{64}<)/g, '<code class="hash">')
}

/** The figures that a reader looks for first. */
function tiles(loaded: LoadedModel): string {
  const { validation, baseline } = metricsFacts(loaded.documents)
  const { rides } = loaded.predictor.profile
  const shown: [string, string, string][] = []
  if (validation) {
    const { rmse, r2, bias } = validation
    shown.push(['validation RMSE', `${decimalText(rmse)} min`, ''])
    if (baseline) {
      const share = (100 * (rmse / baseline.rmse - 1)).toFixed(1).replace('-', '−')
      const said = comparison(rmse, baseline.rmse)
      shown.push(['against the mean', `${share.startsWith('−') ? '' : '+'}${share} %`, said])
    }
    if (typeof r2 === 'number') shown.push(['validation R²', decimalText(r2), ''])
    if (bias !== undefined) shown.push(['validation bias', `${signed(bias)} min`, ''])
  }
  shown.push(['training rides', countText(rides), ''])
  const items = shown.map(([label, value, said]) => {
    const hint = said === '' ? '' : ` title="${escapeHtml(said)}"`
    return `<div${hint}><dt>${label}</dt><dd>${value}</dd></div>`
  })
  return `<dl class="tiles">${items.join('')}</dl>`
}

function signed(value: number): string {
  const text = decimalText(value)
  return text.startsWith('-') ? text.replace('-', '−') : Number(text) === 0 ? text : `+${text}`
}

function escapeHtml(text: string): string {
  const marks: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replaceAll(/[&<>"]/g, (mark) => marks[mark] as string)
}
