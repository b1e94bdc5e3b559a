/**
 * A process of its own that registers a version: `mlflow-registry-writer.ts <server> <cache> <name> <id>`.
 * Says that it is ready, waits for a line, and prints what came of it.
 */

import { createInterface } from 'node:readline'
import { mlflowFolder } from '../../src/export/mlflow-folder.ts'
import { openRegistry } from '../../src/registry.ts'
import { mlflowRegistry } from '../../src/tracking/mlflow/registry.ts'
import { modelOf } from '../registry-documents.ts'
import { clientOf } from './mlflow-store.ts'

const [url = '', cache = '', name = '', id = ''] = process.argv.slice(2)
const client = clientOf(url)
const registry = mlflowRegistry(client, { cache: openRegistry(cache), pack: mlflowFolder })
process.stdout.write('ready\n')
for await (const _ of createInterface({ input: process.stdin })) break
const { version, created } = await registry.save(name, modelOf(Number(id)))
process.stdout.write(`${JSON.stringify({ version, created })}\n`)
await client.close()
