/**
 * A Trino on this machine: a coordinator and a worker on free ports of the loopback address, with
 * one catalog, `hive`, over a folder of files. `scripts/trino-parts.sh` installs the server.
 */

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, partsFolder, type ServerProcess, startServerProcess } from './parts.ts'

/** A running cluster. */
export interface TrinoCluster {
  /** Address of the coordinator. */
  readonly url: string
  /** The folder whose content tables can be declared over. */
  readonly folder: string
  /** Runs a query on the coordinator, past the engine that is tested; its rows. */
  query(sql: string): Promise<unknown[][]>
  /**
   * Declares a table in `hive.rides` over the Parquet files of a folder.
   *
   * @param folder below {@link folder}, made where it is not there
   * @param columns as SQL: `name type, ...`
   */
  table(name: string, folder: string, columns: string): Promise<void>
  /** Node ids of the nodes that are active now, in order. */
  activeNodes(): Promise<string[]>
  /** Ends the worker at once, as a power cut does. */
  killWorker(): Promise<void>
  /** Starts a worker again, and waits until the coordinator sees it. */
  startWorker(): Promise<void>
  /** Ends everything and removes the folder. */
  stop(): Promise<void>
}

/** Columns of the official green files of all years, as a table declares them. */
export const greenColumns = `
  vendorid bigint, lpep_pickup_datetime timestamp(6), lpep_dropoff_datetime timestamp(6),
  store_and_fwd_flag varchar, ratecodeid double, pulocationid bigint, dolocationid bigint,
  passenger_count double, trip_distance double, fare_amount double, extra double, mta_tax double,
  tip_amount double, tolls_amount double, ehail_fee double, improvement_surcharge double,
  total_amount double, payment_type double, trip_type double, congestion_surcharge double`

/** Columns of the official yellow files since 2011. */
export const yellowColumns = `
  vendorid bigint, tpep_pickup_datetime timestamp(6), tpep_dropoff_datetime timestamp(6),
  passenger_count double, trip_distance double, ratecodeid double, store_and_fwd_flag varchar,
  pulocationid bigint, dolocationid bigint, payment_type bigint, fare_amount double, extra double,
  mta_tax double, tip_amount double, tolls_amount double, improvement_surcharge double,
  total_amount double, congestion_surcharge double, airport_fee double, cbd_congestion_fee double`

/** Waits for something; the last reason it was not there, if it never is. */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  seconds = 90,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000
  let reason: unknown
  while (Date.now() < deadline) {
    try {
      const found = await attempt()
      if (found !== undefined) return found
      reason = undefined
    } catch (error) {
      reason = error
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${what}: not within ${seconds} s`, { cause: reason })
}

/** The path of something that `scripts/trino-parts.sh` installs. */
function installed(name: string): string {
  const path = join(partsFolder, 'trino', name)
  if (existsSync(path)) return path
  throw new Error(`${path} is not there: install it with bash scripts/trino-parts.sh`)
}

/** An answer of Trino's protocol. */
interface Page {
  readonly nextUri?: string
  readonly data?: unknown[][]
  readonly error?: { readonly message: string }
}

async function queryOn(url: string, sql: string): Promise<unknown[][]> {
  const rows: unknown[][] = []
  const headers = { 'X-Trino-User': 'tests' }
  const read = async (answer: Response): Promise<Page> => {
    if (!answer.ok) throw new Error(`${sql}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Page
  }
  let page = await read(await fetch(`${url}/v1/statement`, { method: 'POST', headers, body: sql }))
  for (;;) {
    if (page.error) throw new Error(`${sql}: ${page.error.message}`)
    rows.push(...(page.data ?? []))
    if (!page.nextUri) return rows
    page = await read(await fetch(page.nextUri, { headers }))
  }
}

/** Where one server of the cluster is configured. */
interface Node {
  readonly id: string
  readonly port: number
  readonly coordinator: string
}

/** Writes the configuration of a node into its own folder; the folder of its settings. */
function configure(root: string, { id, port, coordinator }: Node): string {
  const etc = join(root, id, 'etc')
  mkdirSync(join(etc, 'catalog'), { recursive: true })
  const settings = (name: string, lines: readonly string[]): void =>
    writeFileSync(join(etc, name), `${lines.join('\n')}\n`)
  settings('node.properties', [
    'node.environment=test',
    `node.id=${id}`,
    `node.data-dir=${join(root, id, 'data')}`,
    'node.bind-ip=127.0.0.1',
    'node.internal-address=127.0.0.1',
  ])
  settings('config.properties', [
    `coordinator=${id === 'coordinator'}`,
    ...(id === 'coordinator' ? ['node-scheduler.include-coordinator=true'] : []),
    `http-server.http.port=${port}`,
    `discovery.uri=${coordinator}`,
    'query.max-memory=300MB',
    'query.max-memory-per-node=200MB',
    'memory.heap-headroom-per-node=200MB',
    // A worker that is gone fails its queries after this; the default is a minute.
    'query.remote-task.max-error-duration=10s',
  ])
  settings('jvm.config', [
    ...['-server', '-Xmx1G', '-XX:+UseG1GC', '-XX:ReservedCodeCacheSize=256M'],
    // Up and warm sooner; what is summed here is too little for the best code to pay.
    '-XX:TieredStopAtLevel=1',
    ...['-Djdk.attach.allowAttachSelf=true', '--enable-native-access=ALL-UNNAMED'],
    ...['--sun-misc-unsafe-memory-access=allow', '-Dfile.encoding=UTF-8'],
  ])
  settings('log.properties', ['io.trino=WARN', 'io.airlift=WARN'])
  settings('catalog/hive.properties', [
    'connector.name=hive',
    'hive.metastore=file',
    'hive.metastore.catalog.dir=local:///metastore',
    'hive.non-managed-table-writes-enabled=true',
    'fs.native-local.enabled=true',
    `local.location=${join(root, 'files')}`,
    'hive.parquet.use-column-names=true',
    'hive.timestamp-precision=MICROSECONDS',
    'hive.parquet.time-zone=UTC',
  ])
  return etc
}

/** Starts the cluster and waits until both nodes are active. */
export async function startTrino(): Promise<TrinoCluster> {
  const root = mkdtempSync(join(tmpdir(), 'ridecast-trino-'))
  const folder = join(root, 'files')
  mkdirSync(folder)
  const coordinatorPort = await freePort()
  const url = `http://127.0.0.1:${coordinatorPort}`
  const start = async (id: string, port: number): Promise<ServerProcess> => {
    const etc = configure(root, { id, port, coordinator: url })
    return startServerProcess(installed('server-476/bin/launcher'), ['run', '--etc-dir', etc], {
      url: `http://127.0.0.1:${port}`,
      health: '/v1/info',
      // A zone with daylight saving: times in trip files have none, and stay as they are.
      env: { JAVA_HOME: installed('java'), TZ: 'America/New_York' },
    })
  }
  const activeNodes = async (): Promise<string[]> => {
    const nodes = await queryOn(
      url,
      "SELECT node_id FROM system.runtime.nodes WHERE state = 'active' ORDER BY 1",
    )
    return nodes.map(([id]) => String(id))
  }
  const both = async (): Promise<true | undefined> =>
    (await activeNodes()).length === 2 ? true : undefined
  let worker: ServerProcess | undefined
  const startWorker = async (): Promise<void> => {
    worker = await start('worker', await freePort())
    await eventually('two active nodes', both)
  }
  const [coordinator] = await Promise.all([start('coordinator', coordinatorPort), startWorker()])
  await queryOn(url, 'CREATE SCHEMA hive.rides')
  return {
    url,
    folder,
    query: (sql) => queryOn(url, sql),
    async table(name, below, columns) {
      mkdirSync(join(folder, below), { recursive: true })
      await queryOn(
        url,
        `CREATE TABLE hive.rides.${name} (${columns})
         WITH (external_location = 'local:///${below}', format = 'PARQUET')`,
      )
    },
    activeNodes,
    async killWorker() {
      await worker?.kill()
    },
    startWorker,
    async stop() {
      await Promise.all([coordinator.kill(), worker?.kill()])
      rmSync(root, { recursive: true, force: true })
    },
  }
}
