/** Where this ridecast lies and which version it is. */

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import manifest from '../package.json' with { type: 'json' }

/** The version of this ridecast, as `package.json` states it. */
export const version: string = manifest.version

/**
 * The folder that holds `package.json`, `recipes/` and `dist/`, from sources and from a bundle alike.
 * The image for serving has no recipes, but the pages of the server.
 */
export function packageFolder(): string {
  const marks = ['recipes', join('dist', 'page')]
  let folder = import.meta.dirname
  while (!marks.some((mark) => existsSync(join(folder, mark))) && dirname(folder) !== folder) {
    folder = dirname(folder)
  }
  return folder
}
