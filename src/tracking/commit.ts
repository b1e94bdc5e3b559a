/**
 * The commit of the sources in a folder, asked of git. Knows nothing about runs.
 */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { SourceCommit } from './tracker.ts'

const run = promisify(execFile)

// One call for both: the hash, and `-dirty` after it when a tracked file was changed.
// Without optional locks nothing is written, so a read-only clone will do.
const describeArguments = ['--no-optional-locks', 'describe', '--always', '--dirty', '--abbrev=64']

/**
 * The commit that is checked out in a folder, and whether tracked files differ from it.
 *
 * @returns null where there is no commit to be had: no repository, no commit in it yet, or
 * no git on this machine
 */
export async function findCommit(folder: string): Promise<SourceCommit | null> {
  try {
    // Tags are excluded: they would turn the hash into a description.
    const { stdout } = await run('git', [...describeArguments, '--exclude=*'], {
      cwd: folder,
      timeout: 10_000,
      windowsHide: true,
    })
    const match = /^([0-9a-f]{40,64})(-dirty)?$/.exec(stdout.trim())
    return match ? { hash: match[1] as string, modified: match[2] !== undefined } : null
  } catch {
    return null
  }
}
