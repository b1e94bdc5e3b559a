/** Runs one command of the command line in this process, as `cli.ts` would, with effects of its own. */

import type { Command } from 'commander'
import pc from 'picocolors'
import type { Io } from '../../src/commands/io.ts'

/** Where what a command prints goes. */
export type Writers = Pick<Io, 'out' | 'err'>

/** Runs a command to its end; throws what it throws. */
export async function runCommand(
  make: (io: Io) => Command,
  argv: readonly string[],
  cwd: string,
  { out, err }: Writers,
): Promise<void> {
  const io: Io = {
    out,
    err,
    interactive: false,
    colors: pc.createColors(false),
    env: {},
    cwd,
    now: () => new Date('2021-03-02T00:00:00Z'),
  }
  const command = make(io)
  for (const one of [command, ...command.commands]) {
    one.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err })
  }
  await command.parseAsync([...argv], { from: 'user' })
}

/** What a command prints to its output when it is run to its end; throws what it throws. */
export async function printedBy(
  make: (io: Io) => Command,
  argv: readonly string[],
  cwd: string,
): Promise<string> {
  let text = ''
  const out = (more: string): void => {
    text += more
  }
  await runCommand(make, argv, cwd, { out, err: () => {} })
  return text
}
