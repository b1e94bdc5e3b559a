import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findCommit } from '../../src/tracking/commit.ts'

describe('the commit of a folder', () => {
  let folder: string
  const git = (...args: string[]): string => {
    const who = [
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@example.org',
      '-c',
      'commit.gpgsign=false',
    ]
    return execFileSync('git', [...who, ...args], { cwd: folder, encoding: 'utf8' }).trim()
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ridecast-commit-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('is none without a repository', async () => {
    expect(await findCommit(folder)).toBeNull()
    expect(await findCommit(join(folder, 'missing'))).toBeNull()
  })

  it('is none before the first commit', async () => {
    git('init', '--quiet')
    expect(await findCommit(folder)).toBeNull()
  })

  it('is the full hash, with a mark when tracked files differ from it', async () => {
    git('init', '--quiet')
    await writeFile(join(folder, 'a.txt'), '1')
    git('add', 'a.txt')
    git('commit', '--quiet', '--no-verify', '--message', 'first')
    git('tag', 'v1', '--annotate', '--message', 'a tag that must not get into the hash')
    const hash = git('rev-parse', 'HEAD')
    expect(hash).toMatch(/^[0-9a-f]{40}$/)
    expect(await findCommit(folder)).toEqual({ hash, modified: false })
    await writeFile(join(folder, 'untracked.txt'), '')
    expect(await findCommit(folder)).toEqual({ hash, modified: false })
    await writeFile(join(folder, 'a.txt'), '2')
    expect(await findCommit(folder)).toEqual({ hash, modified: true })
  })
})
