/** `ridecast data`: getting trip files, looking at them, and checking them. */

import { Command } from 'commander'
import { dataFetchCommand } from './data-fetch.ts'
import { dataRidesCommand } from './data-rides.ts'
import { dataVerifyCommand } from './data-verify.ts'
import type { Io } from './io.ts'

const examples = `
Examples:
  ridecast data fetch 2023-01..2023-04           download months ahead of time
  ridecast data verify                           are the downloads what they were?
`

/** The command. */
export function dataCommand(io: Io): Command {
  return new Command('data')
    .summary('download, check and profile trip files')
    .description('Download trip files, check them against their contract, and profile them.')
    .addCommand(dataFetchCommand(io))
    .addCommand(dataVerifyCommand(io))
    .addCommand(dataRidesCommand(io))
    .addHelpText('after', examples)
}
