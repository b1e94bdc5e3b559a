/** Flags of commands that can have trees grown by other people's libraries, and what they open. */

import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import type { TreeTrainer } from '../pipeline/fit-trees.ts'
import type { Recipe } from '../recipe-schema.ts'
import type { Io } from './io.ts'

/** Folder of trainers that are installed. */
export const defaultTrainers = 'data/trainers'

/** Flags of {@link trainerOptions}. */
export interface TrainerFlags {
  trainer: 'own' | 'xgboost'
  trainers: string
}

/** Adds the flags of {@link TrainerFlags} to a command. */
export function trainerOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--trainer <name>', 'who grows trees; xgboost is the real one, once installed')
        .choices(['own', 'xgboost'])
        .default('own'),
    )
    .option('--trainers <dir>', 'folder of ridecast trainer install', defaultTrainers)
}

/**
 * The trainer of the flags, undefined for our own.
 *
 * @throws usage_invalid where the recipe has no trees, trainer_missing, trainer_mismatch
 */
export async function trainerOf(
  io: Io,
  { trainer, trainers }: TrainerFlags,
  recipe: Recipe,
): Promise<TreeTrainer | undefined> {
  if (trainer === 'own') return undefined
  const grown = [recipe, ...(recipe.members ?? [])].some(({ model }) => {
    return model === 'trees' || model === 'forest'
  })
  if (!grown) {
    throw new RidecastError(
      'usage_invalid',
      `--trainer ${trainer} grows trees, and recipe ${recipe.name} has none: take one such as --recipe trees`,
    )
  }
  const { xgboostTrainer } = await import('../pipeline/xgboost/trainer.ts')
  return xgboostTrainer(resolve(io.cwd, trainers), { note: (text) => io.err(`${text}\n`) })
}
