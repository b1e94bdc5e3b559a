/** The flags that choose an engine, and those of the engine that has a server of its own. */

import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import { type EngineChoice, engineChoices } from '../pipeline/engines/engine.ts'
import type { EngineSettings } from '../pipeline/engines/engines.ts'
import { type TrinoFlags, trinoSettings } from '../pipeline/engines/trino-settings.ts'
import type { Io } from './io.ts'

/** What the flags of {@link engineOptions} hold. */
export interface EngineFlags extends TrinoFlags {
  engine: EngineChoice
}

/** The flags of Trino, in the order of the help. */
const trinoOptions: readonly (readonly [flag: string, help: string])[] = [
  ['--trino-address <url>', 'Trino coordinator (default: TRINO_ADDRESS)'],
  ['--trino-catalog <name>', 'its catalog (default: TRINO_CATALOG, else hive)'],
  ['--trino-schema <name>', 'its schema (default: TRINO_SCHEMA, else default)'],
  ['--trino-table <name>', 'table of a fleet (default: TRINO_TABLE, else {fleet})'],
  ['--trino-user <name>', 'user; TRINO_PASSWORD or TRINO_TOKEN sign in (default: TRINO_USER)'],
  ['--trino-ca <file>', 'PEM file of the authorities to trust (default: TRINO_CA)'],
  ['--trino-insecure', 'accept any certificate of the coordinator'],
  ['--trino-deadline <seconds>', 'time for one file (default: TRINO_DEADLINE, else 300)'],
]

/** Adds `--engine` and the flags of Trino. Secrets come by environment only. */
export function engineOptions(command: Command): Command {
  command.addOption(
    new Option(
      '--engine <name>',
      'what reads and sums the rides; auto: duckdb where it is installed, else arrow',
    )
      .choices(engineChoices)
      .default('auto'),
  )
  for (const [flag, help] of trinoOptions) command.option(flag, help)
  return command
}

/**
 * What the chosen engine needs to know, from flags and environment.
 *
 * @throws usage_invalid for a flag of an engine that was not chosen, config_invalid
 */
export function engineSettingsOf(io: Io, flags: EngineFlags): EngineSettings {
  if (flags.engine === 'trino') {
    const ca = flags.trinoCa === undefined ? {} : { trinoCa: resolve(io.cwd, flags.trinoCa) }
    const note = (text: string): void => io.err(`note: ${text}\n`)
    return { trino: trinoSettings({ ...flags, ...ca }, io.env, note) }
  }
  const stray = Object.keys(flags).find((name) => name.startsWith('trino'))
  if (stray === undefined) return {}
  const flag = stray.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new RidecastError(
    'usage_invalid',
    `--${flag} is for the engine trino, found --engine ${flags.engine}: add --engine trino`,
  )
}
