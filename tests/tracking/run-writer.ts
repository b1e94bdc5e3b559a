/**
 * A process of its own that writes runs: `run-writer.ts <folder> <mode> <count>`.
 * `steps`: one run with count steps of a metric, then its end. `open`: the same without an end,
 * then waits to be killed. `same-ids`: count runs whose ids two processes both try to take.
 * Prints the id of every run it has started, and `ready` when it waits.
 */

import { fileEffects, fileTracker } from '../../src/tracking/files.ts'

const [folder = '', mode = '', count = '1'] = process.argv.slice(2)
const own = String(process.pid)

if (mode === 'same-ids') {
  let next = 0
  const effects = {
    ...fileEffects,
    now: () => new Date('2021-03-01T08:15:00Z'),
    suffix: () => (next++).toString(16).padStart(6, '0'),
  }
  for (let i = 0; i < Number(count); i++) {
    // Begin from the first suffix each time, so that both processes meet at every one.
    next = 0
    const run = await fileTracker(folder, effects).startRun({ experiment: own, tags: { own } })
    await run.finish('finished')
    process.stdout.write(`${run.id}\n`)
  }
} else {
  const run = await fileTracker(folder).startRun({ experiment: 'processes', tags: { own } })
  process.stdout.write(`${run.id}\n`)
  await run.logParameters({ own })
  for (let step = 0; step < Number(count); step++) {
    await run.logMetrics({ own: process.pid }, { step })
    await run.setTags({ step: String(step) })
    await run.logArtifact(`steps/${step % 10}.txt`, own)
  }
  if (mode === 'steps') await run.finish('finished')
  else {
    process.stdout.write('ready\n')
    setInterval(() => {}, 60_000)
  }
}
