// What the bench prints and writes: one content as a table for the terminal and as a document.

import Table from 'cli-table3'
import { spread, verdict } from './held.mjs'

const header = [
  'what',
  'n',
  'min s',
  'median s',
  'max s',
  'peak MB',
  'by its own stages (median s)',
]

function rowOf({ name, title, missing }, samples) {
  const all = samples[name] ?? []
  if (all.length === 0) return [title, '0', '', '', '', '', `not measured: ${missing}`]
  const { n, min, median, max } = spread(all.map(({ seconds }) => seconds))
  const peak = Math.round(spread(all.map(({ peakMb }) => peakMb)).median)
  return [title, n, ...[min, median, max].map((one) => one.toFixed(2)), peak, stagesOf(all)].map(
    String,
  )
}

/** Medians of the stages that take any time. */
function stagesOf(all) {
  const stages = Object.keys(all[0].output.seconds ?? {})
  return stages
    .map((stage) => [stage, spread(all.map(({ output }) => output.seconds[stage] ?? 0)).median])
    .filter(([, seconds]) => seconds >= 0.001)
    .map(([stage, seconds]) => `${stage} ${seconds.toFixed(2)}`)
    .join(', ')
}

/** Header and rows of the contenders. */
export const measuredTable = (all, samples) => [header, ...all.map((one) => rowOf(one, samples))]

/** Header and rows of the numbers held to. */
export const heldTable = (rows) => [
  ['what', 'held to', 'measured (rounds)', ''],
  ...rows.map((row) => [row.what, row.held, row.measured, verdict(row)]),
]

/** A table as text. */
export function printed([head, ...rows]) {
  const table = new Table({ head, style: { head: [], border: [] }, wordWrap: true })
  table.push(...rows)
  return table.toString()
}

function markdown([head, ...rows]) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The document. */
export function documentOf({ facts, tables, notes }) {
  const { measured, held } = tables
  return `# Benchmarks

Written by \`npm run bench\`: do not edit. Whole processes, from start to end, one after another in
turns, files in the page cache, ridecast as it is installed (bundled, cache and registry empty
unless said otherwise). Two months of ${facts.rows} yellow-like rows each are made by
\`bench/generate.mjs\`: schema, zone frequencies, missing values and outliers of the real files in
19 columns, ${facts.bytes} MB a month, row groups of ${facts.rowGroup} rows, Zstandard.

- date: ${facts.date}
- machine: ${facts.machine}
- versions: ${facts.versions}
- rounds: ${facts.rounds}
- load of the machine when it began: ${facts.load}

## Measured

Seconds of the whole process; peak of resident memory, median of the rounds.

${markdown(measured)}

"DuckDB alone" runs in the same kind of process (Node.js, \`@duckdb/node-api\`), over both files one
after the other; its sums by pair are sums of doubles, in plain SQL, where ridecast's are exact
integers. "Its sums alone" compares the time that such a process takes from opening the database to
the last group (\`query\`) with the time that \`bench/sums.mjs\` takes from opening the engine to the
last sum of the recipe over both files (\`sum\`): no hash, no contract, no profile of the model. In a
training, stage \`sum\` makes the sums of the model's profile and of the data contract as well; hashes
of the files (\`source\`, \`split\`) and the verdict of the contract (\`check\`) are other stages.

## Held to

Ratios of medians, in brackets the least and largest of the rounds. Seconds are those of the whole
process less the median of \`ridecast --version\`, so with everything that is loaded, written and
registered.

${markdown(held)}

## The same answer

${notes.map((note) => `- ${note}`).join('\n')}

Serving is measured by \`npm run bench:serve\`.
`
}
