/**
 * An alias as a log of numbered entries, one file each; the highest is where the alias points.
 * A change creates the next number, which the file system grants to one process only: changes are
 * serialized without a lock, so that no crash can leave one behind. Knows nothing about models.
 */

import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder, temporaryPrefix } from './artifact.ts'
import { RidecastError } from './errors.ts'

const entrySchema = z.object({
  sequence: z.int().positive(),
  version: z.string(),
  /** Where the alias pointed before; null for the first entry. */
  previous: z.string().nullable(),
  kind: z.enum(['first', 'promote', 'rollback']),
  at: z.string(),
  reason: z.string(),
})

/** One change of an alias. */
export type AliasEntry = z.output<typeof entrySchema>

/** What a change decides, given the entries so far, oldest first; undefined leaves all as it is. */
export type Decide = (
  entries: readonly AliasEntry[],
) => Pick<AliasEntry, 'version' | 'kind' | 'reason'> | undefined

const fileOf = (sequence: number): string => `${String(sequence).padStart(8, '0')}.json`

/** How often a change is tried against others before it gives up. */
const attempts = 100

/** The entries of an alias, oldest first; empty when the folder is not there. */
export async function readAlias(folder: string): Promise<AliasEntry[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const entries: AliasEntry[] = []
  for (const name of names.filter((file) => /^\d{8}\.json$/.test(file)).sort()) {
    const entry = parseEntry(await readFile(join(folder, name), 'utf8'))
    // Only a disk that lost a flushed write leaves such a file; its number stays taken.
    if (entry) entries.push(entry)
  }
  return entries
}

function parseEntry(text: string): AliasEntry | undefined {
  try {
    return entrySchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

async function lastNumber(folder: string): Promise<number> {
  const names = await readdir(folder)
  return Math.max(0, ...names.flatMap((file) => Number(/^(\d{8})\.json$/.exec(file)?.[1] ?? 0)))
}

/**
 * Changes an alias: reads, decides, and creates the next entry; again from the start when another
 * process was first.
 *
 * @returns the entry that holds now, and whether this call made it
 * @throws registry_busy after many lost races; what `decide` throws
 */
export async function changeAlias(
  folder: string,
  decide: Decide,
  now: () => Date,
): Promise<{ entry: AliasEntry | undefined; changed: boolean }> {
  await mkdir(folder, { recursive: true })
  for (let attempt = 0; attempt < attempts; attempt++) {
    const sequence = (await lastNumber(folder)) + 1
    const entries = await readAlias(folder)
    const last = entries.at(-1)
    // An entry that came between the two reads makes the decision stale: look again.
    if (last && last.sequence >= sequence) continue
    const decision = decide(entries)
    if (!decision) return { entry: last, changed: false }
    const entry: AliasEntry = {
      sequence,
      version: decision.version,
      previous: last?.version ?? null,
      kind: decision.kind,
      at: now().toISOString(),
      reason: decision.reason,
    }
    if (await create(folder, fileOf(sequence), `${JSON.stringify(entry, null, 2)}\n`)) {
      return { entry, changed: true }
    }
  }
  throw new RidecastError(
    'registry_busy',
    `alias ${folder} was changed by others ${attempts} times while it was to be changed: try again`,
  )
}

/** Creates a file with its content in one step; false when the name is taken. */
async function create(folder: string, name: string, text: string): Promise<boolean> {
  const temporary = join(
    folder,
    `${temporaryPrefix}${process.pid}-${randomBytes(6).toString('hex')}`,
  )
  const file = await open(temporary, 'wx')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(temporary, join(folder, name))
    await syncFolder(folder)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code === 'EEXIST') return false
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error
    // A file system without hard links: the name is claimed first. A crash between claim and
    // content leaves an entry that says nothing, which readers pass over.
    return await claim(join(folder, name), text)
  } finally {
    await rm(temporary, { force: true })
  }
}

async function claim(path: string, text: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
