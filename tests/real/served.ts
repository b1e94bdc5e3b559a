/** The server as a process of its own, over a small model, for programs that are its clients. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Documents } from '../../src/artifact.ts'
import { openRegistry } from '../../src/registry.ts'
import { freePort, startServerProcess } from './parts.ts'

/** A server that answers. */
export interface Served {
  readonly url: string
  readonly port: number
  /** The version that it serves, of the model `green-duration`. */
  readonly version: string
  /** What it printed so far: its log. */
  said(): string
  stop(): Promise<void>
}

/** Starts the server over a model. */
export async function served(
  documents: Documents,
  settings: Record<string, string> = {},
): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'ridecast-served-'))
  const registry = openRegistry(join(folder, 'models'))
  const { version } = await registry.save('green-duration', documents)
  await registry.promote('green-duration', version)
  const port = await freePort()
  const root = resolve(import.meta.dirname, '../..')
  const server = await startServerProcess(
    process.execPath,
    ['--import', 'tsx', join(root, 'src/serve-main.ts')],
    {
      url: `http://127.0.0.1:${port}`,
      health: '/health/ready',
      env: {
        RIDECAST_PORT: String(port),
        RIDECAST_MODELS: join(folder, 'models'),
        RIDECAST_STATE: join(folder, 'state'),
        ...settings,
      },
    },
  )
  return {
    url: server.url,
    port,
    version,
    said: server.said,
    async stop() {
      await server.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
