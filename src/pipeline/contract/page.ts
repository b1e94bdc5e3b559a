/**
 * The findings of a check as one HTML page that needs nothing else: no script, no font, no
 * address. Knows nothing about how they were found.
 */

import { type MeasureName, measures } from '../../contract.ts'
import { type Anomaly, anomalyCodes, countText, type Severity, shareText } from './anomaly.ts'
import type { Inspection } from './inspect.ts'
import { pageStyle } from './page-style.ts'

/** The page. The same findings give the same bytes. */
export function checkPage(files: readonly Inspection[]): string {
  const refused = files.filter((file) => worst(file) === 'error').length
  const title =
    refused === 0
      ? `${counted(files.length, 'trip file')} checked: all passed`
      : `${refused} of ${counted(files.length, 'trip file')} refused`
  const links = files.map((file, k) => {
    return `<li><a class="${worst(file) ?? ''}" href="#f${k}">${escaped(file.label)}</a></li>`
  })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${escaped(title)}</h1>
<p class="soft">Trip files held to the data contract of their fleet. Errors refuse a file, warnings are worth a look.</p>
</header>
${files.length > 1 ? `<nav aria-label="Files"><ul>${links.join('')}</ul></nav>` : ''}
<main>
${files.map(section).join('\n')}
</main>
<footer>Shares are of rows. Medians are interpolated between fixed edges.</footer>
</body>
</html>
`
}

function worst({ anomalies }: Inspection): Severity | undefined {
  if (anomalies.some(({ severity }) => severity === 'error')) return 'error'
  return anomalies.length > 0 ? 'warn' : undefined
}

function section(file: Inspection, k: number): string {
  const { anomalies, label } = file
  const errors = anomalies.filter(({ severity }) => severity === 'error').length
  const warnings = anomalies.length - errors
  const pills = [
    errors > 0 ? pill('error', counted(errors, 'error')) : pill('good', 'passed'),
    warnings > 0 ? pill('warn', counted(warnings, 'warning')) : '',
  ]
  const list = anomalies.length > 0 ? `<ol>${anomalies.map(finding).join('')}</ol>` : ''
  return `<section id="f${k}">
<div class="head"><h2>${escaped(label)}</h2>${pills.join('')}</div>
<p class="facts">${escaped(facts(file))}</p>
${list}
${measured(file)}
</section>`
}

function facts({ footer, kept, path }: Inspection): string {
  if (!footer) return path
  const share = kept === undefined ? '' : shareText(kept / Math.max(1, footer.rows))
  const texts = [
    `${countText(footer.rows)} rides`,
    counted(footer.columns.length, 'column'),
    share === '' ? '' : `${share} kept by the plain recipe`,
    footer.writer ? `written by ${footer.writer}` : '',
  ]
  return texts.filter((text) => text !== '').join(' · ')
}

function finding(anomaly: Anomaly): string {
  const { code, severity, column, message, found, expected, examples, allowed } = anomaly
  const meaning = Object.hasOwn(anomalyCodes, code)
    ? anomalyCodes[code as keyof typeof anomalyCodes]
    : ''
  const named = column === undefined ? '' : `<strong>${escaped(column)}</strong>`
  const some = examples.length > 0 ? ` · for example ${escaped(examples.join(', '))}` : ''
  return `<li class="found ${severity}"><div class="what"><span class="pill">${
    allowed ? 'allowed' : severity
  }</span>${named}<code title="${escaped(meaning)}">${escaped(code)}</code></div>
<p>${escaped(capitalised(message))}.</p>
<p class="band">Found ${escaped(found)} · expected ${escaped(expected)}${some}</p></li>`
}

const shares = ['outside_month', 'unreadable_times', 'backwards', 'over_three_hours', 'kept']

function measured({ measures: values }: Inspection): string {
  const rows = Object.entries(values).flatMap(([name, value]) => {
    if (Number.isNaN(value)) return []
    const isShare = [...shares, 'duplicates', 'neighbour_ratio'].includes(name)
    const text = isShare ? shareText(value) : countText(Number(value.toPrecision(6)))
    const meaning = measures[name as MeasureName]
    return `<tr><td><code>${name}</code></td><td class="number">${text}</td><td class="soft">${escaped(meaning)}</td></tr>`
  })
  if (rows.length === 0) return ''
  return `<details><summary>What was measured</summary><div class="wide"><table>
<thead><tr><th>measure</th><th>value</th><th>meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></details>`
}

function pill(kind: string, text: string): string {
  return `<span class="pill ${kind}">${escaped(text)}</span>`
}

function counted(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function escaped(text: string): string {
  const marks: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replaceAll(/[&<>"]/g, (mark) => marks[mark] as string)
}
