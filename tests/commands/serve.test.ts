import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pc from 'picocolors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Io } from '../../src/commands/io.ts'
import { serveCommand } from '../../src/commands/serve.ts'
import { isRidecastError } from '../../src/errors.ts'
import { openRegistry } from '../../src/registry.ts'
import { hoursAndPassengers } from '../serve/small-model.ts'

let folder: string
let version: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-serve-command-'))
  const registry = openRegistry(join(folder, 'models'))
  ;({ version } = await registry.save('green-duration', hoursAndPassengers))
  await registry.promote('green-duration', version)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A process that only notes its end. */
class FakeProcess extends EventEmitter {
  readonly ended = new Promise<number>((done) => this.once('end', done))
  exit(code: number): void {
    this.emit('end', code)
  }
}

async function run(
  args: readonly string[],
  env: Io['env'] = {},
): Promise<{ said: string; handle: FakeProcess }> {
  let said = ''
  const io: Io = {
    out: () => {},
    err: (text) => {
      said += text
    },
    interactive: true,
    colors: pc.createColors(false),
    env,
    cwd: folder,
    now: () => new Date(),
  }
  const handle = new FakeProcess()
  await serveCommand(io, handle)
    .exitOverride()
    .parseAsync([...args], { from: 'user' })
  return { said, handle }
}

describe('ridecast serve on a terminal', () => {
  test('says where it is and gives a command to copy that works', async () => {
    const { said, handle } = await run(['--port', '0'])
    expect(said).toContain(`serving green-duration/${version} at http://127.0.0.1:`)
    const [, url = '', type = '', body = ''] =
      /curl (\S+) -H 'content-type: (\S+)' \\\n\s+-d '(\{.*\})'/.exec(said) ?? []
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    // 20 - 0 (vendor 1 is unseen) + 0.25 * 1 + 2.5 for the average hour
    expect(await answer.json()).toMatchObject({ duration: 22.75, model_version: version })
    handle.emit('SIGINT', 'SIGINT')
    expect(await handle.ended).toBe(0)
  })

  test('takes the folder of the registry relative to where it was called', async () => {
    const { handle } = await run(['--port', '0'], { RIDECAST_MODELS: './models' })
    handle.emit('SIGTERM', 'SIGTERM')
    expect(await handle.ended).toBe(0)
  })

  test('flags and variables that are wrong are named together', async () => {
    const wrong = run(['--port', 'http', '--log-level', 'loud'], { RIDECAST_HOST: 'two words' })
    await expect(wrong).rejects.toSatisfy((error) => isRidecastError(error, 'config_invalid'))
    await expect(wrong).rejects.toThrow(/RIDECAST_HOST.*--port.*--log-level/)
  })

  test('a model that is not there ends in the command that makes one', async () => {
    const wrong = run(['--port', '0', '--models', 'empty'])
    await expect(wrong).rejects.toSatisfy((error) => isRidecastError(error, 'model_not_found'))
    await expect(wrong).rejects.toThrow('npm run train -- 2021-01')
  })
})
