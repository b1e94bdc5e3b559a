/**
 * What the subcommands of `ridecast models` have in common: their flags, which registry they mean,
 * and how a text becomes a part of a command line that is printed.
 */

import { Command } from 'commander'
import { RidecastError } from '../errors.ts'
import { championAlias, type Registry } from '../registry.ts'
import type { Io } from './io.ts'
import { registryOf, registryUriHelp } from './open-model.ts'

/** Flags of every subcommand. */
export interface Flags {
  readonly models: string
  readonly registryUri?: string
  readonly json?: true
}

/** Flags of a subcommand that moves an alias. */
export interface ChangeFlags extends Flags {
  readonly alias: string
  readonly reason?: string
}

/** How a reference is written, for help. */
export const references = 'name, name@alias, name/version or the path of a version'

/**
 * A subcommand with the flags of all.
 *
 * @param example what stands behind `ridecast models`
 */
export function verb(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .option('--models <dir>', 'folder of models', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .option('--json', 'print one line of JSON')
    .addHelpText('after', `\nExample:\n  ridecast models ${example}`)
}

/** The flag of a change that says why. */
export function withReason(command: Command): Command {
  return command.option('--reason <text>', 'why, for the record')
}

/** The flags of a subcommand that moves an alias. */
export function withAlias(command: Command): Command {
  return withReason(command.option('--alias <name>', 'the alias to move', championAlias))
}

/** The registry that flags and environment name; a server is said to be the one. */
export async function openFor(io: Io, flags: Flags): Promise<Registry> {
  const registry = await registryOf(io, flags.models, flags.registryUri)
  if (!flags.json && isServer(registry)) io.err(io.colors.dim(`registry ${registry.place}\n`))
  return registry
}

/** True for a registry that is not a folder. */
export function isServer({ place }: Registry): boolean {
  return /^https?:\/\//.test(place)
}

/** Where a registry is, as the person said it. */
export function placeOf(registry: Registry, flags: Flags): string {
  return isServer(registry) ? registry.place : flags.models
}

/** The flags that a printed command needs to mean the same registry, each after a space. */
export function placeFlags({ models, registryUri }: Flags): string {
  const folder = models === 'models' ? '' : ` --models ${quoted(models)}`
  return registryUri === undefined ? folder : `${folder} --registry-uri ${quoted(registryUri)}`
}

/** A text as one word for a shell. */
export function quoted(text: string): string {
  return /^[\w./@:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/**
 * Checks a reason: one line of at most 1,000 characters.
 *
 * @throws usage_invalid
 */
export function checkReason(reason = ''): string {
  if (/^\P{Cc}{0,1000}$/u.test(reason)) return reason
  throw new RidecastError(
    'usage_invalid',
    `reason must be one line of at most 1000 characters, found ${reason.length} characters` +
      `${/\p{Cc}/u.test(reason) ? ' with a line break or another control character' : ''}`,
  )
}

/**
 * Tags from texts such as `team=airport`.
 *
 * @throws usage_invalid
 */
export function tagsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
      if (name !== undefined && value !== undefined) return [name, value]
      throw new RidecastError(
        'usage_invalid',
        `tag ${JSON.stringify(pair)} must be a name, = and a value, such as team=airport`,
      )
    }),
  )
}

/** Collects a flag that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
