/** `ridecast trainer` and `train --trainer`, as far as they go without the library. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { trainCommand } from '../../src/commands/train.ts'
import { trainerCommand } from '../../src/commands/trainer.ts'
import { printedBy } from './run-command.ts'

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ridecast-trainer-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

const said = (make: Parameters<typeof printedBy>[0], ...argv: string[]): Promise<string> =>
  printedBy(make, argv, cwd)

describe('ridecast trainer', () => {
  test('lists what there is, and how to get what is not', async () => {
    const text = await said(trainerCommand, 'list')
    expect(text).toMatch(/own +part of ridecast/)
    expect(text).toMatch(/xgboost +3\.2\.0 +ridecast trainer install xgboost/)
    expect(JSON.parse(await said(trainerCommand, 'list', '--json'))).toEqual({
      trainers: [
        { name: 'own', version: null, path: null, installed: true },
        { name: 'xgboost', version: '3.2.0', path: null, installed: false },
      ],
    })
  })

  test('does not install a file that is not the pinned wheel', async () => {
    writeFileSync(join(cwd, 'bad.whl'), 'no wheel')
    await expect(
      said(trainerCommand, 'install', 'xgboost', '--from', 'bad.whl'),
    ).rejects.toMatchObject({ code: 'trainer_mismatch' })
  })
})

describe('train --trainer xgboost', () => {
  test('before it is installed says how to', async () => {
    const failure = said(trainCommand, '2021-01', '--recipe', 'trees', '--trainer', 'xgboost')
    await expect(failure).rejects.toMatchObject({ code: 'trainer_missing' })
    await expect(failure).rejects.toThrow(/ridecast trainer install xgboost/)
  })

  test('of a recipe without trees is refused', async () => {
    await expect(
      said(trainCommand, '2021-01', '--recipe', 'plain', '--trainer', 'xgboost'),
    ).rejects.toMatchObject({ code: 'usage_invalid' })
  })
})
