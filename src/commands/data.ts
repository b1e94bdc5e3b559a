/** `ridecast data`: getting trip files, looking at them, and checking them. */

import { Command } from 'commander'
import { dataCheckCommand } from './data-check.ts'
import { dataContractCommand } from './data-contract.ts'
import { dataFetchCommand } from './data-fetch.ts'
import { dataProfileCommand } from './data-profile.ts'
import { dataQuarantineCommand } from './data-quarantine.ts'
import { dataRidesCommand } from './data-rides.ts'
import { dataVerifyCommand } from './data-verify.ts'
import type { Io } from './io.ts'

const examples = `
Examples:
  ridecast data check 2023-01..2023-03           hold months to their contract
  ridecast data profile 2021-01 2021-02          a page about two months, side by side
  ridecast data fetch 2023-01..2023-04           download months ahead of time
  ridecast data verify                           are the downloads what they were?
`

/** The command. */
export function dataCommand(io: Io): Command {
  return new Command('data')
    .summary('download, check and profile trip files')
    .description('Download trip files, check them against their contract, and profile them.')
    .addCommand(dataCheckCommand(io))
    .addCommand(dataContractCommand(io))
    .addCommand(dataQuarantineCommand(io))
    .addCommand(dataProfileCommand(io))
    .addCommand(dataRidesCommand(io))
    .addCommand(dataFetchCommand(io))
    .addCommand(dataVerifyCommand(io))
    .addHelpText('after', examples)
}
