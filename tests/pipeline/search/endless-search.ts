/** A process that searches on Branin and hangs in a trial, to be killed: folder, trials that end. */

import { runSearch } from '../../../src/pipeline/search/search.ts'
import { tpeSampler } from '../../../src/pipeline/search/tpe-sampler.ts'
import { branin } from './functions.ts'

const [folder = '', ends] = process.argv.slice(2)
const alive = setInterval(() => {}, 1000)
await runSearch({
  space: branin.space,
  sampler: tpeSampler(),
  trials: 12,
  seed: 1,
  title: 'Branin',
  fingerprint: 'abc',
  folder,
  objective: async (point, { number, report }) => {
    if (number < Number(ends)) return branin.at(point)
    report(0, 1)
    return new Promise<never>(() => {})
  },
})
clearInterval(alive)
