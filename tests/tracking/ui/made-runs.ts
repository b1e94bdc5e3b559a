/** Runs for tests of the page: a sweep, failures, hostile records, artifacts of every kind. */

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileTracker } from '../../../src/tracking/files.ts'
import type { NamedPoint, RunHandle, RunStart, Tracker } from '../../../src/tracking/tracker.ts'

/** Markup that would run in a page that took it for its own. */
export const payload = `<img src=x onerror="window.hacked='tag'"><script>window.hacked='script'</script>`

/** A report that tries to reach the page around it, to leave, and to load from elsewhere. */
export const hostileReport = `<!doctype html><meta http-equiv="refresh" content="0;url=/api/about">
<h1 id="seen">Report</h1><p style="color: rgb(1, 2, 3)">styled</p>
<script>
  try { parent.document.title = 'hacked' } catch {}
  try { parent.hacked = 'frame' } catch {}
  try { top.location = '/hacked' } catch {}
  document.getElementById('seen').textContent = 'script ran'
  fetch('/api/runs').then((answer) => answer.text()).then((text) => parent.postMessage(text, '*'))
</script>
<img src="http://evil.invalid/pixel.png"><img src=x onerror="parent.hacked='image'">
<form action="http://evil.invalid/"><button id="send">send</button></form>
<a id="leave" href="http://evil.invalid/" target="_top">leave</a>`

/** A picture of 2 by 2 pixels. */
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==',
  'base64',
)

const green = (month: string, context: 'training' | 'validation', rows: number) => ({
  name: `green ${month}`,
  source: `/data/green_tripdata_${month}.parquet`,
  digest: `sha256:${month.replaceAll(/\D/g, '').padEnd(64, 'b8e2c9496c5eada0')}`,
  context,
  rows,
})

/** A clock that goes on by itself, so that runs have an order. */
function minutes(): () => Date {
  let minute = 0
  return () => new Date(Date.UTC(2021, 2, 1, 8, 0) + minute++ * 60_000)
}

/** Points of a curve that falls from `from` towards `to`. */
export function curve(name: string, from: number, to: number, steps: number): NamedPoint[] {
  return Array.from({ length: steps }, (_, step) => ({
    name,
    step,
    value: to + (from - to) * Math.exp((-4 * step) / steps) + 0.02 * Math.sin(step * 1.7),
    time: new Date(Date.UTC(2021, 2, 1, 9) + step * 500).toISOString(),
  }))
}

/** What a test needs to know of the runs that were made. */
export interface MadeRuns {
  readonly tracker: Tracker
  /** Ids by a short name. */
  readonly ids: Readonly<Record<string, string>>
}

/** Makes the runs in a folder. */
export async function makeRuns(folder: string): Promise<MadeRuns> {
  const tracker = fileTracker(folder)
  const clock = minutes()
  const ids: Record<string, string> = {}
  const start = async (key: string, more: Partial<RunStart> = {}): Promise<RunHandle> => {
    const run = await tracker.startRun({
      experiment: 'green-duration',
      name: key,
      tags: { developer: 'me' },
      commit: { hash: '068b700ca7e9f2ec11b90474a694322e804b9f3e', modified: true },
      user: 'ann',
      source: 'ridecast train 2021-01',
      startedAt: clock(),
      ...more,
    })
    ids[key] = run.id
    return run
  }

  for (const [i, rmse] of [9.775258694528304, 6.122, 5.82217830954286].entries()) {
    const run = await start(`month-${i + 1}`)
    await run.logParameters({ recipe: i === 0 ? 'plain' : 'standard', l2: [0, 1, 10][i] ?? 0 })
    await run.logParameters({ taxi: 'green', train_months: `2021-0${i + 1}` })
    await run.logMetrics({
      'validation.rmse': rmse,
      'train.rmse': rmse - 1.1,
      'train.n': 73_908 + i,
      'solve.residual': 1.5016113499841705e-30,
    })
    await run.logDataset(green(`2021-0${i + 1}`, 'training', 76_518))
    await run.logDataset(green(`2021-0${i + 2}`, 'validation', 64_572))
    if (i === 2) await run.logModel({ name: 'green-duration', version: 'baa854c0711e', path: '/m' })
    await run.finish('finished', { at: new Date(Date.UTC(2021, 2, 1, 9) + i * 1000) })
  }

  const sweep = await start('sweep of l2', { experiment: 'sweeps' })
  await sweep.logParameters({ trials: 6 })
  for (let trial = 0; trial < 6; trial++) {
    const run = await start(`trial ${trial}`, { experiment: 'sweeps', parent: sweep.id })
    await run.logParameters({ l2: 10 ** (trial - 2), recipe: 'standard' })
    await run.logPoints(curve('loss', 12, 4 + trial / 5, 120))
    await run.logPoints(curve('validation.rmse', 14, 5 + (trial - 3) ** 2 / 9, 60))
    await run.logPoints([
      { name: 'broken', step: 0, value: Number.NaN, time: clock().toISOString() },
    ])
    await run.finish('finished', { at: clock() })
  }
  await sweep.finish('finished', { at: clock() })

  const failed = await start('no data')
  await failed.finish('failed', { error: 'month 2030-01 lies in the future', at: clock() })

  const hostile = await start(`hostile ${payload}`, { tags: { developer: payload } })
  ids.hostile = hostile.id
  await hostile.logParameters({ recipe: payload, constructor: 'x', taxi: '"><svg onload=1>' })
  await hostile.logArtifact('report.html', hostileReport)
  await hostile.logArtifact(
    "plots/it's & 100% 1.svg",
    `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><script>window.hacked='svg'</script><rect width="40" height="20" fill="teal"/></svg>`,
  )
  await hostile.logArtifact('plots/pixels.png', png)
  await hostile.logArtifact(
    'metrics.json',
    '{"exact": 1.0, "big": 12345678901234567890, "list": [], "deep": {"a": [1, "x,y:{"]}}',
  )
  await hostile.logArtifact('recipe.yaml', 'name: plain\nl2: 0.5\n')
  await hostile.logArtifact('table.csv', 'zone,rides,"mean, min"\n43,120,5.5\n"a ""b""",7,6.25\n')
  await hostile.logArtifact('notes.md', `# Notes\n\n${payload}\n`)
  await hostile.logArtifact('log.txt', 'line of a long log\n'.repeat(60_000))
  await hostile.logArtifact('model.bin', new Uint8Array([0, 1, 2, 255, 0]))
  await hostile.logArtifact('empty.txt', '')
  await hostile.finish('finished', { at: clock() })

  const unreadable = join(folder, '20210301T235959-ffffff')
  await mkdir(unreadable)
  await writeFile(join(unreadable, 'run.json'), '{ "format": 1, ')
  ids.unreadable = '20210301T235959-ffffff'
  return { tracker, ids }
}
