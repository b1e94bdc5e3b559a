/** What is delivered for running ridecast agrees with the server, the image and the settings. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { configVariables, readConfig } from '../src/config.ts'
import { root } from './command-line.ts'
import { type Listening, listening } from './serve/listening.ts'
import { zonesAndDistance } from './serve/small-model.ts'

const folder = join(root, 'deploy')
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
// biome-ignore lint/suspicious/noExplicitAny: files of other programs, by their own formats
type Document = any
const documents = (path: string): Document[] =>
  parseAllDocuments(read(path)).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]
    return document.toJS()
  })
const yaml = (path: string): Document => documents(path)[0]

const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')
const port = readConfig({}).port
const compose = yaml('compose.yaml')
const deployment = yaml('kubernetes/base/server/deployment.yaml')
const training = yaml('kubernetes/base/training.yaml')

test('every YAML file here can be read', () => {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.ya?ml$/.test(path),
  )
  expect(paths.length).toBeGreaterThan(12)
  for (const path of paths) expect(documents(path).length).toBeGreaterThan(0)
})

describe('metrics', () => {
  let app: Listening
  let text: string
  beforeAll(async () => {
    app = await listening(zonesAndDistance)
    const ride = (zone: number) =>
      fetch(`${app.url}/predict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ PULocationID: zone, DOLocationID: 151, trip_distance: 1.5 }),
      })
    const answer = await ride(43)
    // Zone 2 is not in the model: a warning.
    await ride(2)
    await ride(999)
    await fetch(`${app.url}/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        prediction_id: answer.headers.get('ridecast-prediction-id'),
        duration: 20,
      }),
    })
    app.service.metrics.reloaded('refused')
    text = await (await fetch(`${app.url}/metrics`)).text()
  })
  afterAll(() => app.close())

  /** Names of series in an expression, and the labels beside them. */
  function seriesOf(expression: string): { name: string; labels: string[] }[] {
    const pattern = /\b((?:ridecast|nodejs|process)_[a-z0-9_]+)(?:\{([^}]*)\})?/g
    return [...expression.matchAll(pattern)].map(([, name = '', labels = '']) => {
      return {
        name,
        labels: [...labels.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, l = '']) => l),
      }
    })
  }

  const ruleExpressions = yaml('prometheus/ridecast.rules.yml').groups.flatMap(
    ({ rules }: Document) => rules.map(({ expr }: Document) => expr as string),
  ) as string[]
  const dashboard = JSON.parse(read('grafana/ridecast.json'))
  const dashboardExpressions = [
    ...dashboard.panels.flatMap(({ targets }: Document) =>
      targets.map(({ expr }: Document) => expr),
    ),
    ...dashboard.templating.list.map(({ definition }: Document) => definition),
  ] as string[]

  test.each([
    ['rules', ruleExpressions],
    ['dashboard', dashboardExpressions],
  ])('what the %s look at is in /metrics, with its labels', (_what, expressions) => {
    const found = expressions.flatMap(seriesOf)
    expect(found.length).toBeGreaterThan(15)
    // Prometheus adds these by itself.
    const added = ['job', 'instance']
    const absent = found.filter(({ name, labels }) => {
      const declared = text.includes(`# TYPE ${name.replace(/_(bucket|sum|count)$/, '')} `)
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`))
      if (lines.length === 0) {
        // Without labels, or one that only a trial brings: declared is all that can be asked.
        return !declared && !text.includes(`\n${name} `)
      }
      const own = labels.filter((label) => !added.includes(label))
      return !own.every((label) => lines.some((line) => line.includes(`${label}="`)))
    })
    expect(absent).toEqual([])
  })

  test('every metric of ridecast is on the dashboard', () => {
    const own = [...text.matchAll(/^# TYPE (ridecast_\w+) /gm)].map(([, name = '']) => name)
    expect(own.length).toBeGreaterThan(10)
    const shown = dashboardExpressions.join('\n')
    expect(own.filter((name) => !shown.includes(name))).toEqual([])
  })

  test('panels have titles, lie beside each other and none on another', () => {
    const cells = new Set<string>()
    for (const { title, gridPos } of dashboard.panels) {
      expect(title).not.toBe('')
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        expect(cells).not.toContain(`${x} ${gridPos.y}`)
        cells.add(`${x} ${gridPos.y}`)
      }
    }
  })

  test('the dashboard and its data source are where Grafana is told to look', () => {
    const [source] = yaml('grafana/provisioning/datasources/prometheus.yml').datasources
    for (const { datasource } of dashboard.panels) expect(datasource.uid).toBe(source.uid)
    const [provider] = yaml('grafana/provisioning/dashboards/ridecast.yml').providers
    const mounts = compose.services.grafana.volumes as string[]
    expect(mounts).toContain(`./grafana/ridecast.json:${provider.options.path}/ridecast.json:ro`)
    expect(source.url).toBe('http://prometheus:9090')
    expect(Object.keys(compose.services)).toContain('prometheus')
  })
})

describe('ports, folders and settings', () => {
  test('the port is the same for the server, the image, compose, Prometheus and Kubernetes', () => {
    expect(dockerfile).toContain(`EXPOSE ${port}\n`)
    expect(compose.services.ridecast.ports).toEqual([`127.0.0.1:${port}:${port}`])
    const [job] = yaml('prometheus/prometheus.yml').scrape_configs
    expect(job.static_configs[0].targets).toEqual([`ridecast:${port}`])
    const { template } = deployment.spec
    const [container] = template.spec.containers
    expect(container.ports).toEqual([{ name: 'http', containerPort: port }])
    expect(template.metadata.annotations['prometheus.io/port']).toBe(String(port))
    expect(yaml('kubernetes/base/service.yaml').spec.ports[0].port).toBe(port)
    for (const kind of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
      expect(container[kind].httpGet.port).toBe('http')
    }
  })

  test('what is mounted is what the image keeps, and root is read-only', () => {
    const stages = dockerfile.split(/^FROM /m)
    const volumesOf = (stage: string): string[] => {
      const text = stages.find((one) => one.includes(` AS ${stage}\n`)) ?? ''
      return JSON.parse(/^VOLUME (.*)$/m.exec(text)?.[1] ?? '[]') as string[]
    }
    const mounts = (container: Document): string[] =>
      container.volumeMounts.map(({ mountPath }: Document) => mountPath)
    const [server] = deployment.spec.template.spec.containers
    const [trainer] = training.spec.jobTemplate.spec.template.spec.containers
    expect(mounts(server)).toEqual(volumesOf('serve'))
    expect(
      mounts(trainer)
        .filter((path) => path !== '/tmp')
        .sort(),
    ).toEqual(volumesOf('train').sort())
    expect(compose.services.ridecast.volumes).toEqual(
      volumesOf('serve').map((path) => `../${path.split('/').at(-1)}:${path}`),
    )
    expect(compose.services.ridecast.read_only).toBe(true)
    for (const { securityContext } of [server, trainer]) {
      expect(securityContext.readOnlyRootFilesystem).toBe(true)
    }
    for (const { spec } of [deployment.spec.template, training.spec.jobTemplate.spec.template]) {
      expect(spec.securityContext.runAsNonRoot).toBe(true)
      expect(spec.enableServiceLinks).toBe(false)
    }
  })

  test('settings are those of the server, and fit the time that a pod has to end', () => {
    const { configMapGenerator } = yaml('kubernetes/base/server/kustomization.yaml')
    const given = Object.fromEntries(
      configMapGenerator[0].literals.map((literal: string) => literal.split('=')),
    )
    const { spec } = deployment.spec.template
    const names = [
      ...Object.keys(given),
      ...spec.containers[0].env.map(({ name }: Document) => name),
    ]
    expect(names.filter((name) => !configVariables.includes(name))).toEqual([])
    const { shutdownSeconds } = readConfig(given)
    const pause = Number(spec.containers[0].lifecycle.preStop.exec.command[1])
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(shutdownSeconds + pause)
    const grace = Number.parseInt(compose.services.ridecast.stop_grace_period, 10)
    expect(grace).toBeGreaterThan(readConfig({}).shutdownSeconds)
  })

  test('probes ask what the server answers', async () => {
    const app = await listening(zonesAndDistance)
    try {
      const [container] = deployment.spec.template.spec.containers
      for (const kind of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
        const { status } = await fetch(`${app.url}${container[kind].httpGet.path}`)
        expect(status).toBe(200)
      }
    } finally {
      await app.close()
    }
  })

  test('files that compose mounts and builds are there', () => {
    const { build } = compose.services.ridecast
    expect(resolve(folder, build.context)).toBe(root)
    expect(dockerfile).toContain(` AS ${build.target}\n`)
    const mounts = Object.values(compose.services as Record<string, Document>).flatMap(
      ({ volumes }) => volumes as string[],
    )
    const own = mounts.filter((mount) => mount.startsWith('./')).map((m) => m.split(':')[0])
    expect(own.length).toBe(3)
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    for (const path of own) expect(names).toContain(path?.slice(2))
  })
})
