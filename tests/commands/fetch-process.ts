/** A process of its own that runs `ridecast data fetch` with its arguments, as on a terminal. */

import pc from 'picocolors'
import { dataFetchCommand } from '../../src/commands/data-fetch.ts'
import { isRidecastError } from '../../src/errors.ts'

const io = {
  out: (text: string) => process.stdout.write(text),
  err: (text: string) => process.stderr.write(text),
  interactive: true,
  colors: pc.createColors(false),
  env: {},
  cwd: process.cwd(),
  now: () => new Date(),
}
try {
  await dataFetchCommand(io).parseAsync(process.argv.slice(2), { from: 'user' })
} catch (error) {
  if (!isRidecastError(error)) throw error
  io.err(`error ${error.message} [${error.code}]\n`)
  process.exitCode = 1
}
