/** A real Prometheus over the built server, and promtool over the files that are delivered for it. */

import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { root } from '../command-line.ts'
import { askOn, oneConnection, rideOf, startBuilt, until } from './built-server.ts'
import { freePort, prometheusProgram, type ServerProcess, startServerProcess } from './parts.ts'

const files = join(root, 'deploy/prometheus')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-prometheus-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs promtool to its end. */
function promtool(args: string[], input = ''): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const child = execFile(prometheusProgram('promtool'), args, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr })
    })
    child.stdin?.end(input)
  })
}

describe('promtool', () => {
  const rules = join(files, 'ridecast.rules.yml')

  test('finds nothing wrong with the configuration and the rules', async () => {
    expect(await promtool(['check', 'config', join(files, 'prometheus.yml')])).toMatchObject({
      code: 0,
    })
    expect(await promtool(['check', 'rules', rules])).toMatchObject({ code: 0 })
  })

  test('sees every alert fire when it should and stay quiet when it should', async () => {
    const { code, said } = await promtool(['test', 'rules', join(files, 'ridecast.test.yml')])
    expect(said).toContain('SUCCESS')
    expect(code).toBe(0)
    const { groups } = parse(readFileSync(rules, 'utf8')) as {
      groups: { rules: { alert?: string }[] }[]
    }
    const alerts = groups.flatMap((group) => group.rules).flatMap(({ alert }) => alert ?? [])
    expect(alerts.length).toBeGreaterThan(10)
    const { tests } = parse(readFileSync(join(files, 'ridecast.test.yml'), 'utf8')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
    }
    const tested = tests.flatMap((one) => one.alert_rule_test)
    const fired = tested.filter(({ exp_alerts: expected }) => expected.length > 0)
    const quiet = tested.filter(({ exp_alerts: expected }) => expected.length === 0)
    for (const some of [fired, quiet]) {
      const names = new Set(some.map(({ alertname }) => alertname))
      expect(alerts.filter((alert) => !names.has(alert))).toEqual([])
    }
  })

  test('fails where a rule is broken or its threshold is another, so that it can fail', async () => {
    const text = readFileSync(rules, 'utf8')
    const broken = join(folder, 'broken.yml')
    writeFileSync(broken, text.replace('up{job="ridecast"} == 0', 'up{job="ridecast" == 0'))
    expect((await promtool(['check', 'rules', broken])).code).not.toBe(0)
    // 2 % of faults are no alert any more.
    writeFileSync(join(folder, 'ridecast.rules.yml'), text.replaceAll('> 0.01', '> 0.5'))
    const tests = readFileSync(join(files, 'ridecast.test.yml'))
    writeFileSync(join(folder, 'ridecast.test.yml'), tests)
    const { code, said } = await promtool(['test', 'rules', join(folder, 'ridecast.test.yml')])
    expect(code).not.toBe(0)
    expect(said).toContain('RidecastErrors')
  })
})

describe('Prometheus', () => {
  const ending: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).reverse()) await end()
  })

  /** Prometheus with the delivered configuration, but for addresses, paces and folders. */
  async function prometheusOver(port: number): Promise<ServerProcess> {
    const config = parse(readFileSync(join(files, 'prometheus.yml'), 'utf8')) as {
      global: Record<string, string>
      rule_files: string[]
      scrape_configs: { static_configs: { targets: string[] }[] }[]
    }
    config.global = { scrape_interval: '1s', evaluation_interval: '1s' }
    config.rule_files = config.rule_files.map((file) => join(files, file))
    const [target] = config.scrape_configs[0]?.static_configs ?? []
    if (target) target.targets = [`127.0.0.1:${port}`]
    const own = mkdtempSync(join(folder, 'run-'))
    writeFileSync(join(own, 'prometheus.yml'), stringify(config))
    const at = await freePort()
    const process = await startServerProcess(
      prometheusProgram('prometheus'),
      [
        `--config.file=${join(own, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(own, 'data')}`,
        `--web.listen-address=127.0.0.1:${at}`,
      ],
      { url: `http://127.0.0.1:${at}`, health: '/-/ready' },
    )
    ending.push(() => process.kill())
    return process
  }

  async function query(url: string, expression: string): Promise<number | undefined> {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)
    const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } }
    const [first] = data.result
    return first && Number(first.value[1])
  }

  test.each(['1', '2'])(
    'counts what was sent to the built server with %s worker(s)',
    async (workers) => {
      const server = await startBuilt({ RIDECAST_WORKERS: workers })
      ending.push(() => server.close())
      const prometheus = await prometheusOver(server.port)
      // 8 connections, so that every worker gets some.
      const clients = Array.from({ length: 8 }, oneConnection)
      await Promise.all(
        clients.map(async (agent) => {
          for (let i = 0; i < 25; i++) await askOn(agent, server.url, '/predict', rideOf(1.5))
          for (let i = 0; i < 5; i++) await askOn(agent, server.url, '/predict', {})
          agent.destroy()
        }),
      )
      const told = async (expression: string, expected: number): Promise<void> => {
        await until(async () => {
          return (await query(prometheus.url, expression)) === expected || undefined
        })
        expect(await query(prometheus.url, expression)).toBe(expected)
      }
      const seconds = 'ridecast_http_request_duration_seconds_count{route="/predict"'
      // By hand: 8 times 25 and 8 times 5.
      await told(`sum(${seconds}, status="200"})`, 200)
      await told(`sum(${seconds}, status="422"})`, 40)
      await told('sum(ridecast_prediction_minutes_count)', 200)
      // 10 + 2 - 0.5 + 3 * 1.5 = 16 minutes each.
      await told('sum(ridecast_prediction_minutes_sum)', 3200)
      await told('up{job="ridecast"}', 1)
      await told('sum(ridecast_model_share{arm="champion"})', 1)
      expect(await query(prometheus.url, 'count(ALERTS{alertstate="firing"})')).toBeUndefined()
      const text = await (await fetch(`${server.url}/metrics`)).text()
      const { said } = await promtool(['check', 'metrics'], text)
      // It tells of style too: two of ours by intent (rides are told in minutes), others of Node's.
      const own = said.split('\n').filter((line) => line && !line.startsWith('nodejs_'))
      expect(own).toEqual(own.filter((line) => /_minutes use base unit "seconds"/.test(line)))
      expect((await promtool(['check', 'metrics'], `${text}{`)).code).toBe(1)
      expect(await server.stop()).toBe(0)
    },
  )

  test('says that a server is down within its next scrapes', async () => {
    const server = await startBuilt()
    ending.push(() => server.close())
    const prometheus = await prometheusOver(server.port)
    const up = (): Promise<number | undefined> => query(prometheus.url, 'up{job="ridecast"}')
    await until(async () => (await up()) === 1 || undefined)
    await server.stop()
    await until(async () => (await up()) === 0 || undefined)
    const alert = 'ALERTS{alertname="RidecastDown", alertstate="pending"}'
    await until(async () => (await query(prometheus.url, alert)) === 1 || undefined)
  })
})
