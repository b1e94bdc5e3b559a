import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exportCommand } from '../../src/commands/models-export.ts'
import { openRegistry } from '../../src/registry.ts'
import { hoursAndPassengers, zonesAndDistance } from '../serve/small-model.ts'
import { runCommand } from './run-command.ts'

const name = 'green-duration'
let folder: string
let version: string
let out: string
let err: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-export-command-'))
  const registry = openRegistry(join(folder, 'models'))
  version = (await registry.save(name, zonesAndDistance)).version
  await registry.setAliasIfAbsent(name, 'champion', version, { reason: 'the first' })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Runs `ridecast models export ...`; what it printed is then in `out` and `err`. */
async function models(...argv: string[]): Promise<void> {
  out = ''
  err = ''
  await runCommand(exportCommand, argv, folder, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
}

const json = (): Record<string, unknown> => {
  expect(out).toMatch(/^\{.*\}\n$/)
  return JSON.parse(out) as Record<string, unknown>
}
const at = (path: string): string => join(folder, path)
const others = async (): Promise<string[]> =>
  (await readdir(folder)).filter((found) => found !== 'models')

describe('ridecast models export', () => {
  it.each([
    ['mlflow', '-mlflow', 'mlflow models serve -m PATH --env-manager local --port 5001'],
    ['sklearn', '-sklearn', 'python PATH/rebuild.py rides.csv'],
    ['onnx', '.onnx', 'PATH'],
  ])('writes %s under a name of its own and says what to run next', async (format, end, next) => {
    await models(name, '--format', format)
    const path = at(`${name}-${version}${end}`)
    expect(await others()).toEqual([`${name}-${version}${end}`])
    expect(out).toContain(`${name}/${version} as ${format}: ${path} (`)
    expect(out.split('next: ')[1]?.endsWith(`${next.replace('PATH', path)}\n`)).toBe(true)
    expect(err).toBe('')
  })

  it('writes the card as a page or as Markdown, by the name of the file', async () => {
    await models(`${name}/${version}`, '--format', 'card')
    expect(await readFile(at(`${name}-${version}.html`), 'utf8')).toMatch(/^<!doctype html>/)
    await models(`${name}@champion`, '--format', 'card', '--out', 'cards/one.md')
    expect(await readFile(at('cards/one.md'), 'utf8')).toMatch(`# ${name}/${version}\n`)
    await expect(models(name, '--format', 'card', '--out', 'card.pdf')).rejects.toMatchObject({
      code: 'usage_invalid',
      message: 'file of a card must end in .html or .md, found "card.pdf"',
    })
  })

  it('tells machines the same', async () => {
    await models(name, '--format', 'sklearn', '--out', 'o', '--json')
    const { files, ...rest } = json()
    const sizes = files as { path: string; bytes: number }[]
    expect(sizes.map(({ path }) => path)).toEqual(await filesIn('o'))
    expect(rest).toEqual({
      name,
      version,
      format: 'sklearn',
      path: at('o'),
      bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
      next: `python ${at('o/rebuild.py')} rides.csv`,
    })
  })

  it('quotes a path for the shell', async () => {
    await models(name, '--format', 'mlflow', '--out', "it's here", '--json')
    expect(json().next).toContain(`-m '${folder}/it'\\''s here' --env`)
  })

  it('replaces an earlier export only when asked to', async () => {
    const args = [name, '--format', 'mlflow', '--out', 'o']
    await models(...args)
    await writeFile(at('o/README.md'), 'mine')
    await expect(models(...args)).rejects.toMatchObject({
      code: 'usage_invalid',
      message: `${at('o')} is there already: give another --out, or --force to replace it`,
    })
    expect(await readFile(at('o/README.md'), 'utf8')).toBe('mine')
    await models(...args, '--force')
    expect(await readFile(at('o/README.md'), 'utf8')).not.toBe('mine')
    expect(await others()).toEqual(['o'])
    await writeFile(at('o/notes.txt'), 'mine')
    await expect(models(...args, '--force')).rejects.toMatchObject({
      message: expect.stringContaining('holds "notes.txt"'),
    })
  })

  it('leaves nothing behind when the format cannot hold the model', async () => {
    const registry = openRegistry(at('models'))
    await registry.save('other', hoursAndPassengers)
    const { version: id } = await registry.save('other', hoursAndPassengers)
    await expect(models(`other/${id}`, '--format', 'sklearn')).rejects.toMatchObject({
      code: 'export_unsupported',
    })
    expect(await others()).toEqual([])
  })

  it('exports nothing that is not whole, and nothing that is not there', async () => {
    await writeFile(at(`models/${name}/${version}/profile.json`), '{}')
    await expect(models(name, '--format', 'onnx')).rejects.toMatchObject({
      code: 'artifact_corrupt',
    })
    await expect(models('nobody', '--format', 'onnx')).rejects.toMatchObject({
      code: 'model_not_found',
    })
    expect(await others()).toEqual([])
  })

  it('wants a format, one of those it knows', async () => {
    await expect(models(name)).rejects.toThrow(/--format <name>' not specified/)
    await expect(models(name, '--format', 'pickle')).rejects.toThrow(
      /Allowed choices are mlflow, onnx, sklearn, card/,
    )
  })
})

async function filesIn(path: string): Promise<string[]> {
  const order = ['model.json', 'rebuild.py', 'requirements.txt', 'README.md']
  return (await readdir(at(path))).sort((a, b) => order.indexOf(a) - order.indexOf(b))
}
