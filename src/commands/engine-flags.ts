/** The flags that choose an engine. */

import { type Command, Option } from 'commander'
import { type EngineChoice, engineChoices } from '../pipeline/engines/engine.ts'
import type { EngineSettings } from '../pipeline/engines/engines.ts'
import type { Io } from './io.ts'

/** What the flags hold. */
export interface EngineFlags {
  engine: EngineChoice
}

/** Adds `--engine`. */
export function engineOptions(command: Command): Command {
  return command.addOption(
    new Option('--engine <name>', 'what reads and sums the rides')
      .choices(engineChoices)
      .default('auto'),
  )
}

/** What engines need to know. */
export function engineSettingsOf(_io: Io, _flags: EngineFlags): EngineSettings {
  return {}
}
