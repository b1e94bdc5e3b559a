/** Watches folders where the system can tell of changes. Knows nothing about what is in them. */

import { existsSync, type FSWatcher, watch } from 'node:fs'

/**
 * Calls when something changes in a folder. It keeps no process alive.
 *
 * @returns the watcher, to be closed; nothing where the folder is not there or cannot be watched, as on
 *   network file systems: others must be polled in any case
 */
export function watched(folder: string, changed: () => void): FSWatcher[] {
  if (!existsSync(folder)) return []
  try {
    const watcher = watch(folder, { persistent: false }, changed)
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}
