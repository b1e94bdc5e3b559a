import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RidecastError } from '../../../src/errors.ts'
import { openRegistry } from '../../../src/registry.ts'
import { longestCell, mostPoints } from '../../../src/tracking/ui/answers.ts'
import { type RunningPage, startRunsPage } from '../../../src/tracking/ui/server.ts'
import { documentsOf } from '../../documents-of-versions.ts'
import { curve, hostileReport, type MadeRuns, makeRuns, payload, png } from './made-runs.ts'

let folder: string
let made: MadeRuns
let page: RunningPage

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
  readonly json: () => never
}

/** Asks without the tidying that fetch does to addresses and headers. */
function ask(
  path: string,
  {
    method = 'GET',
    headers = {},
    of = page,
  }: { method?: string; headers?: object; of?: RunningPage } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(of.url)
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers: { ...headers } }, (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece) => pieces.push(piece))
      answer.on('end', () => {
        const bytes = Buffer.concat(pieces)
        const text = bytes.toString()
        const status = answer.statusCode ?? 0
        resolve({
          status,
          headers: answer.headers,
          bytes,
          text,
          json: () => JSON.parse(text) as never,
        })
      })
    })
    asked.on('error', reject)
    asked.end()
  })
}

const id = (key: string): string => made.ids[key] ?? ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ridecast-runs-page-'))
  made = await makeRuns(join(folder, 'runs'))
  const bundle = join(folder, 'bundle')
  await mkdir(bundle)
  await writeFile(join(bundle, 'index.html'), '<!doctype html><title>page</title>')
  await writeFile(join(bundle, 'main.js'), 'export {}')
  const registry = openRegistry(join(folder, 'models'))
  const { version } = await registry.save('green-duration', documentsOf(1))
  await registry.setAliasIfAbsent('green-duration', 'champion', version)
  page = await startRunsPage({ tracker: made.tracker, registry, place: 'here', port: 0, bundle })
})
afterAll(async () => {
  await page.stop()
  await rm(folder, { recursive: true, force: true })
})

describe('the list', () => {
  test('holds every run, newest first, and those that cannot be read with the reason', async () => {
    const { runs, more } = (await ask('/api/runs')).json() as {
      runs: { id: string; status: string; reason?: string }[]
      more: boolean
    }
    expect(more).toBe(false)
    const listed = await made.tracker.listRuns()
    expect(runs.map((run) => run.id)).toEqual(listed.map((run) => run.id))
    // 3 months, a sweep and its 6 trials, a failure, a hostile one, an unreadable one.
    expect(runs).toHaveLength(13)
    const unreadable = runs.find((run) => run.id === id('unreadable'))
    expect(unreadable).toEqual({
      id: id('unreadable'),
      status: 'unreadable',
      reason: expect.stringContaining('run.json is not JSON'),
    })
  })

  test('keeps parameters, tags and names as text, whatever they say', async () => {
    const answer = await ask('/api/runs')
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    const { runs } = answer.json() as { runs: Record<string, unknown>[] }
    expect(runs.find((run) => run.id === id('hostile'))).toMatchObject({
      name: `hostile ${payload}`,
      tags: { developer: payload },
      parameters: { constructor: 'x', taxi: '"><svg onload=1>' },
    })
  })

  test('gives metrics that JSON has no number for as text', async () => {
    const { runs } = (await ask('/api/runs')).json() as { runs: Record<string, unknown>[] }
    const trial = runs.find((run) => run.id === id('trial 0'))
    expect(trial).toMatchObject({ metrics: { broken: 'NaN' }, parent: id('sweep of l2') })
  })

  test('is cut at a limit, and says so', async () => {
    const { runs, more } = (await ask('/api/runs?limit=2')).json() as {
      runs: { id: string }[]
      more: boolean
    }
    expect(more).toBe(true)
    expect(runs.map((run) => run.id)).toEqual(
      (await made.tracker.listRuns()).slice(0, 2).map((run) => run.id),
    )
  })

  test.each(['0', 'x', '1e3', '-1', '9999999'])('refuses the limit %s', async (limit) => {
    const answer = await ask(`/api/runs?limit=${limit}`)
    expect([answer.status, answer.json()]).toEqual([
      400,
      { code: 'usage_invalid', message: expect.stringContaining('1 to 100000') },
    ])
  })

  test('is not sent again when nothing has changed', async () => {
    const first = await ask('/api/runs')
    const tag = first.headers.etag
    const again = await ask('/api/runs', { headers: { 'If-None-Match': tag } })
    expect([again.status, again.bytes.length]).toEqual([304, 0])
  })

  test('hands the filter to the store, and its complaint back', async () => {
    const asked: unknown[] = []
    const tracker = {
      ...made.tracker,
      listRuns: async (query: unknown) => {
        asked.push(query)
        throw new RidecastError('filter_invalid', 'filter is cut off: expected a value')
      },
    }
    const other = await startRunsPage({
      tracker,
      place: '',
      port: 0,
      bundle: join(folder, 'bundle'),
    })
    const answer = await ask('/api/runs?filter=metrics.rmse+%3C+', { of: other })
    await other.stop()
    expect(asked).toEqual([{ filter: 'metrics.rmse <', limit: 5001 }])
    expect([answer.status, answer.json()]).toEqual([
      400,
      { code: 'filter_invalid', message: 'filter is cut off: expected a value' },
    ])
  })

  test('cuts long values, which the page of the run has in full', async () => {
    const long = 'x'.repeat(5000)
    const run = await made.tracker.startRun({ experiment: 'long', tags: { note: long } })
    await run.finish('finished')
    const { runs } = (await ask('/api/runs')).json() as {
      runs: { id: string; tags: { note: string } }[]
    }
    const listed = runs.find((one) => one.id === run.id)
    expect(listed?.tags.note).toBe(`${'x'.repeat(longestCell - 1)}…`)
    expect((await ask(`/api/runs/${run.id}`)).json()).toMatchObject({ tags: { note: long } })
    await rm(run.location, { recursive: true })
  })
})

describe('one run', () => {
  test('comes with its curves, datasets and files', async () => {
    const run = (await ask(`/api/runs/${id('trial 2')}`)).json() as {
      curves: Record<
        string,
        { total: number; steps: number[]; values: unknown[]; seconds: number[] }
      >
    }
    expect(run).toMatchObject({ name: 'trial 2', user: 'ann', source: 'ridecast train 2021-01' })
    const loss = run.curves.loss
    const points = curve('loss', 12, 4.4, 120)
    expect(loss?.values).toEqual(points.map((point) => point.value))
    expect(loss?.steps).toEqual(points.map((point) => point.step))
    // Half a second from one point to the next.
    expect((loss?.seconds[119] ?? 0) - (loss?.seconds[0] ?? 0)).toBe(59.5)
    expect(run.curves.broken?.values).toEqual(['NaN'])
  })

  test('has its long curves thinned out, and says how long they are', async () => {
    const run = await made.tracker.startRun({ experiment: 'long', tags: {} })
    await run.logPoints(curve('loss', 9, 1, 10_000))
    await run.finish('finished')
    const { curves } = (await ask(`/api/runs/${run.id}`)).json() as {
      curves: { loss: { total: number; steps: number[] } }
    }
    expect(curves.loss.total).toBe(10_000)
    expect(curves.loss.steps.length).toBeLessThanOrEqual(mostPoints)
    expect([curves.loss.steps[0], curves.loss.steps.at(-1)]).toEqual([0, 9999])
    await rm(run.location, { recursive: true })
  })

  test.each([
    ['20210301T080000-000000', 404, 'run_not_found'],
    ['..%2f..%2fetc', 404, 'run_not_found'],
    ['%3Cscript%3E', 404, 'run_not_found'],
  ])('of the id %s is answered with %i', async (unknown, status, code) => {
    const answer = await ask(`/api/runs/${unknown}`)
    expect([answer.status, (answer.json() as { code: string }).code]).toEqual([status, code])
  })

  test('that cannot be read is answered with why', async () => {
    const answer = await ask(`/api/runs/${id('unreadable')}`)
    expect(answer.status).toBe(422)
    expect(answer.json()).toMatchObject({ code: 'run_corrupt' })
  })
})

describe('models and place', () => {
  test('come with the versions and what points to them', async () => {
    const { models } = (await ask('/api/models')).json() as {
      models: { name: string; versions: { version: string; created: string }[]; aliases: object }[]
    }
    const [model] = models
    expect(models).toHaveLength(1)
    expect(model?.name).toBe('green-duration')
    expect(model?.aliases).toEqual({ champion: model?.versions[0]?.version })
    expect(new Date(model?.versions[0]?.created ?? '').getTime()).toBeGreaterThan(0)
    expect((await ask('/api/about')).json()).toMatchObject({ place: 'here' })
  })

  test('are null without a registry', async () => {
    const other = await startRunsPage({
      ...made,
      place: '',
      port: 0,
      bundle: join(folder, 'bundle'),
    })
    const answer = await ask('/api/models', { of: other })
    await other.stop()
    expect(answer.json()).toEqual({ models: null })
  })
})

describe('artifacts', () => {
  const path = (name: string): string =>
    `/artifacts/${[id('hostile'), ...name.split('/')].map(encodeURIComponent).join('/')}`

  test.each([
    ['report.html', 'text/html; charset=utf-8', hostileReport],
    ['plots/pixels.png', 'image/png', png],
    ['recipe.yaml', 'text/plain; charset=utf-8', 'name: plain\nl2: 0.5\n'],
    ['model.bin', 'application/octet-stream', Buffer.from([0, 1, 2, 255, 0])],
  ])('%s come byte by byte, in a sandbox, and are not guessed at', async (name, type, content) => {
    const { status, headers, bytes } = await ask(path(name))
    expect(status).toBe(200)
    expect(bytes).toEqual(Buffer.from(content))
    expect(headers['content-type']).toBe(type)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['content-security-policy']).toMatch(/^sandbox; default-src 'none';/)
    expect(headers['content-security-policy']).not.toContain('allow')
  })

  test('with odd names are found, and keep their name as a download', async () => {
    const answer = await ask(`${path("plots/it's & 100% 1.svg")}?download`)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-disposition']).toBe(`attachment; filename="it's & 100% 1.svg"`)
  })

  test('are handed over in part when that is asked for', async () => {
    const answer = await ask(path('log.txt'), { headers: { Range: 'bytes=0-9' } })
    // 19 bytes a line, 60,000 lines.
    expect([answer.status, answer.text, answer.headers['content-range']]).toEqual([
      206,
      'line of a ',
      'bytes 0-9/1140000',
    ])
    expect((await ask(path('log.txt'))).bytes).toHaveLength(1_140_000)
  })

  test.each([
    'nothing.txt',
    '../run.json',
    '..%2Frun.json',
    '..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd',
    '%2Fetc%2Fpasswd',
    'plots%5C..%5C..%5Crun.json',
    'plots%00.png',
    '.',
  ])('%s leads nowhere', async (name) => {
    const answer = await ask(`/artifacts/${id('hostile')}/${name}`)
    expect([400, 404]).toContain(answer.status)
    expect(answer.json()).toMatchObject({ code: expect.stringMatching(/^run_/) })
    expect(answer.text).not.toContain('root:')
  })

  test('that are links out of the run are refused', async () => {
    const runs = await readdir(join(folder, 'runs'))
    expect(runs).toContain(id('hostile'))
    const link = join(folder, 'runs', id('hostile'), 'artifacts', 'link.txt')
    await symlink('/etc/passwd', link)
    const answer = await ask(path('link.txt'))
    await rm(link)
    expect([answer.status, (answer.json() as { code: string }).code]).toEqual([
      400,
      'run_write_refused',
    ])
  })

  test('that are too large stay where they are', async () => {
    let read = 0
    const tracker = {
      ...made.tracker,
      getRun: async (run: string) => {
        const artifacts = [{ path: 'huge.bin', bytes: 3e9 }]
        return { ...(await made.tracker.getRun(run)), artifacts }
      },
      readArtifact: async () => {
        read++
        return new Uint8Array()
      },
    }
    const other = await startRunsPage({
      tracker,
      place: '',
      port: 0,
      bundle: join(folder, 'bundle'),
    })
    const answer = await ask(`/artifacts/${id('hostile')}/huge.bin`, { of: other })
    await other.stop()
    expect(read).toBe(0)
    expect([answer.status, answer.json()]).toEqual([
      413,
      { code: 'artifact_too_large', message: expect.stringContaining(id('hostile')) },
    ])
  })
})

describe('safety', () => {
  test.each([
    'evil.example',
    'evil.example:9697',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'user@127.0.0.1',
    '[::1',
  ])('the foreign host "%s" gets nothing', async (host) => {
    for (const path of [
      '/',
      '/api/runs',
      `/artifacts/${id('hostile')}/report.html`,
      '/assets/main.js',
    ]) {
      const answer = await ask(path, { headers: { Host: host } })
      expect([answer.status, answer.json()]).toEqual([
        403,
        { code: 'host_refused', message: expect.any(String) },
      ])
    }
  })

  test.each(['localhost', 'LOCALHOST:80', '127.0.0.1:1', '[::1]:9697', '192.168.1.7'])(
    'the own host %s is answered',
    async (host) => {
      expect((await ask('/api/about', { headers: { Host: host } })).status).toBe(200)
    },
  )

  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('%s is refused', async (method) => {
    const answer = await ask('/api/runs', { method })
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD'])
    expect(answer.json()).toMatchObject({ code: 'method_not_allowed' })
  })

  test('HEAD answers as GET does, without a body', async () => {
    const answer = await ask('/api/about', { method: 'HEAD' })
    expect([answer.status, answer.bytes.length]).toEqual([200, 0])
  })

  test('the page comes with a policy that allows its own files and nothing inline', async () => {
    for (const path of ['/', '/scatter', '/compare?run=a', `/runs/${id('hostile')}`]) {
      const { status, headers, text } = await ask(path)
      expect([status, text]).toEqual([200, '<!doctype html><title>page</title>'])
      const policy = headers['content-security-policy']
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      expect(headers['referrer-policy']).toBe('no-referrer')
      expect(headers['cross-origin-resource-policy']).toBe('same-origin')
      expect(headers).not.toHaveProperty('access-control-allow-origin')
      expect(headers).not.toHaveProperty('x-powered-by')
    }
  })

  test.each([
    ['/nothing', 404, 'route_unknown'],
    ['/assets/nothing.js', 404, 'route_unknown'],
    ['/assets/..%2f..%2fpackage.json', 404, 'route_unknown'],
    ['/runs/%E0%A4%A', 400, 'request_malformed'],
    ['/artifacts/x/%E0%A4%A', 400, 'request_malformed'],
  ])('%s is answered with %i and a code', async (path, status, code) => {
    const answer = await ask(path)
    expect([answer.status, (answer.json() as { code: string }).code]).toEqual([status, code])
  })
})

describe('the server', () => {
  test('listens on the loopback address unless told otherwise', () => {
    expect(page.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  test('says when a port is taken', async () => {
    const port = Number(new URL(page.url).port)
    const again = startRunsPage({ ...made, place: '', port, bundle: join(folder, 'bundle') })
    await expect(again).rejects.toMatchObject({ code: 'server_port_busy' })
  })

  test('says when a host is not of this machine', async () => {
    const options = {
      ...made,
      place: '',
      port: 0,
      host: '203.0.113.7',
      bundle: join(folder, 'bundle'),
    }
    await expect(startRunsPage(options)).rejects.toMatchObject({ code: 'config_invalid' })
  })

  test('says when the page was not built', async () => {
    const unbuilt = startRunsPage({ ...made, place: '', port: 0, bundle: join(folder, 'none') })
    await expect(unbuilt).rejects.toThrow('make it with npm run build')
  })

  test('stops while a client keeps its connection open', async () => {
    const other = await startRunsPage({
      ...made,
      place: '',
      port: 0,
      bundle: join(folder, 'bundle'),
    })
    await (await fetch(`${other.url}/api/about`)).json()
    await other.stop()
    await expect(fetch(`${other.url}/api/about`)).rejects.toThrow()
  })
})
