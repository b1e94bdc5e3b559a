/**
 * `ridecast data profile`: what is in a month, as a page to read and as JSON; two months side by
 * side. Knows nothing about how anything is counted or drawn.
 */

import { resolve } from 'node:path'
import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import type { CountedMonth } from '../pipeline/data-profile/count-month.ts'
import type { DataProfile } from '../pipeline/data-profile/document.ts'
import type { Taxi } from '../ride.ts'
import { type DataFlags, dataOptions, sourcesOptionsOf } from './data-flags.ts'
import { interruptible } from './interrupt.ts'
import { type Io, printJson } from './io.ts'
import { type OpenPage, openOption, openPage, writePage } from './page-file.ts'
import { downloadText, progressLines } from './progress-lines.ts'

interface Flags extends DataFlags {
  readonly out?: string
  readonly json?: true
  readonly open: 'yes' | 'no'
}

const help = `
Examples:
  ridecast data profile 2021-01                    profile-green-2021-01.html in this folder
  ridecast data profile 2021-01,2021-02            both side by side: what moved, and how far
  ridecast data profile ./rides.parquet --taxi yellow --out rides.html
  ridecast data profile 2021-01 --json > profile.json

The page is one file: it opens without a network and can be sent by mail. All rows are counted;
what is estimated says so.
`

/**
 * The command.
 *
 * @param open how a page is shown with --open yes
 */
export function dataProfileCommand(io: Io, open: OpenPage = openPage): Command {
  const command = new Command('profile')
    .summary('what is in a month, as a page and as JSON')
    .description('Count everything in a month of rides, or in two side by side, and write a page.')
    .argument('<months...>', 'one month or two (2021-01, 2021-01..2021-02), files or addresses')
  return dataOptions(command)
    .option('--out <file>', 'the page to write (default: profile-<fleet>-<month>.html)')
    .option('--json', 'print the document on standard output; no page unless --out says where')
    .addOption(openOption('no'))
    .addHelpText('after', help)
    .action((months: string[], flags: Flags) => profile(io, months, flags, open))
}

async function profile(
  io: Io,
  months: readonly string[],
  flags: Flags,
  open: OpenPage,
): Promise<void> {
  const counted = await countAll(io, months, flags)
  const { profileOf } = await import('../pipeline/data-profile/profile-of.ts')
  const document = profileOf(counted)
  if (flags.json) printJson(io, document)
  if (flags.json && flags.out === undefined) return
  const path = resolve(io.cwd, flags.out ?? defaultName(counted))
  const { pageAssets, profilePage } = await import('../pipeline/data-profile/profile-page.ts')
  await writePage(path, profilePage(document, await pageAssets()))
  if (!flags.json) printFindings(io, document)
  const said = `${io.colors.bold(path)}\n`
  if (flags.json) io.err(said)
  else io.out(said)
  if (flags.open === 'yes') await open(io, path)
}

async function countAll(io: Io, months: readonly string[], flags: Flags): Promise<CountedMonth[]> {
  const { planSources } = await import('../pipeline/sources.ts')
  const { obtain } = await import('../pipeline/source.ts')
  const { s3Fetch } = await import('../pipeline/s3.ts')
  const { countMonth } = await import('../pipeline/data-profile/count-month.ts')
  const plans = planSources(months, sourcesOptionsOf(io, flags))
  if (plans.length > 2) {
    throw new RidecastError(
      'usage_invalid',
      `a profile shows one month or two side by side, found ${plans.length}: name fewer, or one after the other`,
    )
  }
  const lines = progressLines(io)
  const counted: CountedMonth[] = []
  try {
    for (const { plan, taxi } of plans) {
      const source = await interruptible((signal) =>
        obtain(plan, {
          fetch: s3Fetch(io.env),
          now: io.now,
          signal,
          note: lines.note,
          progress: (received, total) => lines.show(plan.label, downloadText(received, total)),
        }),
      )
      const show = (done: number, total: number): void =>
        lines.show(plan.label, rowsText(done, total))
      counted.push(await countMonth(source, taxi, show))
    }
  } finally {
    lines.close()
  }
  return counted
}

const rowsText = (done: number, total: number): string =>
  `${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows`

/** `profile-green-2021-01.html`, `profile-green-2021-01-2021-02.html`, or after a file's name. */
function defaultName(counted: readonly CountedMonth[]): string {
  const of = ({ month, file }: CountedMonth): string =>
    month ?? file.replace(/\.parquet$/i, '').replace(/[^\w.-]+/g, '_')
  const fleets = new Set(counted.map(({ taxi }): Taxi => taxi))
  if (fleets.size === 1) return `profile-${[...fleets].join()}-${counted.map(of).join('-')}.html`
  return `profile-${counted.map((one) => `${one.taxi}-${of(one)}`).join('-')}.html`
}

/** What stands at the top of the page, for people who stay in the terminal. */
function printFindings(io: Io, { months, comparison }: DataProfile): void {
  for (const { label, rows, findings } of months) {
    io.out(`${io.colors.bold(label)}: ${rows.toLocaleString('en-US')} rides\n`)
    for (const { text } of findings) io.out(`  ${text}\n`)
  }
  if (comparison) {
    io.out(`${io.colors.bold('what changed')}\n`)
    for (const text of comparison.findings) io.out(`  ${text}\n`)
  }
}
