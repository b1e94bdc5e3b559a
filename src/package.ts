/** Where this ridecast lies and which version it is. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import manifest from '../package.json' with { type: 'json' }

/** The version of this ridecast, as `package.json` states it. */
export const version: string = manifest.version

/** The folder that holds `package.json` and `recipes/`, from sources and from a bundle alike. */
export function packageFolder(): string {
  let folder = import.meta.dirname
  while (!existsSync(join(folder, 'recipes')) && dirname(folder) !== folder)
    folder = dirname(folder)
  return folder
}
