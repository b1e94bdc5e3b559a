/**
 * A process of its own that obtains a month: `download-writer.ts <base URL> <folder>`. Prints
 * `note <text>`, `received <bytes>` and at the end `done <sha256> <downloaded>`.
 */

import { obtain, planSource } from '../../src/pipeline/source.ts'

const [baseUrl = '', cwd = ''] = process.argv.slice(2)
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const today = new Date('2024-05-17T12:00:00Z')
const plan = planSource('2021-01', { taxi: 'green', dataFolder: '.', cwd, today, baseUrl })
const { sha256, downloaded } = await obtain(plan, {
  note: (text) => say(`note ${text}`),
  progress: (received) => say(`received ${received}`),
})
say(`done ${sha256} ${downloaded}`)
