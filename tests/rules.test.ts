/** Rules of the repository that no compiler holds: structure, names, versions, documents. */

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../src/errors.ts'

const root = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .map((path) => join('src', path))
  .filter((path) => /\.tsx?$/.test(path))
  .sort()

/** True for the sources of a page: bundled for browsers, so that what they import is bundled too. */
const isPage = (path: string): boolean => path.split('/').includes('page')

/** Every module that a file imports, as a path from the root or a package name. */
function importsOf(path: string): string[] {
  const pattern = /(?<!\.)(?:from|import)\s*\(?\s*'([^'\s]+)'/g
  return [...read(path).matchAll(pattern)].map(([, name = '']) => {
    return name.startsWith('.') ? relative(root, resolve(root, dirname(path), name)) : name
  })
}

/** `pipeline` for src/pipeline/x.ts, undefined for a leaf of src. */
function folderOf(path: string): string | undefined {
  const parts = path.split('/')
  return parts[0] === 'src' && parts.length > 2 ? parts[1] : undefined
}

const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>

/** What a person or the image starts. */
const entries = ['src/cli.ts', 'src/serve-main.ts']

describe('imports', () => {
  const edges = sources.flatMap((from) => importsOf(from).map((to) => ({ from, to })))
  const local = edges.filter(({ to }) => to.startsWith('src/'))

  test('there are imports to look at, so that an empty list cannot pass', () => {
    expect(local.length).toBeGreaterThan(100)
  })

  test('leaves of src import no folder, except the entries', () => {
    const bad = local.filter(({ from, to }) => {
      return !entries.includes(from) && folderOf(from) === undefined && folderOf(to) !== undefined
    })
    expect(bad).toEqual([])
  })

  test('folders do not import each other; only commands/ may', () => {
    const bad = local.filter(({ from, to }) => {
      const [own, other] = [folderOf(from), folderOf(to)]
      return own !== undefined && own !== 'commands' && other !== undefined && own !== other
    })
    expect(bad).toEqual([])
  })

  test('nothing imports commands/ but src/cli.ts and commands/ itself', () => {
    const bad = local.filter(({ from, to }) => {
      return folderOf(to) === 'commands' && folderOf(from) !== 'commands' && from !== 'src/cli.ts'
    })
    expect(bad).toEqual([])
  })

  test.each([
    ['parquet-wasm', 'pipeline'],
    ['apache-arrow', 'pipeline', 'serve'],
    ['@duckdb/node-bindings', 'pipeline'],
    ['ml-regression-multivariate-linear', 'pipeline'],
    ['express', 'serve', 'tracking/ui'],
    [
      'preact',
      'tracking/ui/page',
      'serve/page',
      'pipeline/data-profile/page',
      'pipeline/report/page',
    ],
    ['@observablehq/plot', 'pipeline/data-profile/page', 'pipeline/report/page'],
    ['topojson-client', 'pipeline/data-profile/page', 'serve/page'],
    ['chart.js', 'tracking/ui/page'],
  ])('%s appears in %s/ only', (name, ...folders) => {
    const users = edges.filter(({ to }) => to === name).map(({ from }) => from)
    const stray = users.filter((from) => !folders.some((one) => from.startsWith(`src/${one}/`)))
    expect(users.length).toBeGreaterThan(0)
    expect(stray).toEqual([])
  })

  const packagesOf = (some: typeof edges): string[] => {
    const packages = some
      .map(({ to }) => to)
      .filter((to) => !to.startsWith('src/') && !to.startsWith('node:') && !to.endsWith('.json'))
      // `preact/hooks` is a part of `preact`, `@scope/name/part` of `@scope/name`.
      .map((to) => /^(?:@[^/]+\/)?[^/]+/.exec(to)?.[0] ?? to)
    return [...new Set(packages)].sort()
  }

  test('every package that src imports is a dependency, and every dependency is imported', () => {
    const packages = packagesOf(edges.filter(({ from }) => !isPage(from)))
    const all = { ...manifest.dependencies, ...manifest.optionalDependencies }
    expect(packages).toEqual(Object.keys(all).sort())
  })

  test('packages of pages are bundled, so that they are needed for development only', () => {
    const packages = packagesOf(edges.filter(({ from }) => isPage(from)))
    expect(packages.length).toBeGreaterThan(1)
    expect(packages.filter((name) => !(name in (manifest.devDependencies ?? {})))).toEqual([])
  })
})

describe('names and effects', () => {
  test('files are in kebab-case and none is called utils, helpers, common or types', () => {
    const bad = sources.filter((path) => {
      const name = basename(path).replace(/\.tsx?$/, '')
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || /^(utils?|helpers?|common|types)$/.test(name)
    })
    expect(bad).toEqual([])
  })

  test('process.env and process.argv are read in entry files only', () => {
    const users = sources.filter((path) => /process\.(env|argv)\b/.test(read(path)))
    expect(users.filter((path) => !entries.includes(path))).toEqual([])
  })

  test('every file opens with a comment that says what it does', () => {
    expect(sources.filter((path) => !read(path).startsWith('/**'))).toEqual([])
  })

  test('no file is longer than 340 lines', () => {
    const long = sources.filter((path) => read(path).split('\n').length > 340)
    expect(long).toEqual([])
  })

  test('tests run in a zone that is not UTC and has daylight saving', () => {
    const offsets = [0, 6].map((month) => new Date(2021, month, 1).getTimezoneOffset())
    expect(offsets[0]).not.toBe(0)
    expect(offsets[0]).not.toBe(offsets[1])
  })
})

describe('errors', () => {
  const catalogue = [...read('docs/errors.md').matchAll(/^\| `([a-z_]+)` \|/gm)].map(
    ([, code]) => code,
  )

  test('docs/errors.md lists every code, each once, and no other', () => {
    expect([...catalogue].sort()).toEqual(Object.keys(errorCodes).sort())
  })

  test('every code is used outside the list', () => {
    const text = sources
      .filter((path) => path !== 'src/errors.ts')
      .map(read)
      .join('\n')
    const unused = Object.keys(errorCodes).filter((code) => !text.includes(`'${code}'`))
    expect(unused).toEqual([])
  })

  test('messages end without a full stop', () => {
    const bad = sources.flatMap((path) => {
      return [
        ...read(path).matchAll(/RidecastError\(\s*'[a-z_]+',\s*[`']([^`']*)\.[`']\s*[,)]/g),
      ].map(([text]) => `${path}: ${text}`)
    })
    expect(bad).toEqual([])
  })
})

describe('packaging', () => {
  test('versions are exact', () => {
    const { dependencies = {}, devDependencies = {} } = manifest
    const all = { ...dependencies, ...devDependencies, ...(manifest.optionalDependencies ?? {}) }
    expect(
      Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-r\.\d+)?$/.test(version)),
    ).toEqual([])
  })

  test('package-lock.json names no address', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"')
  })

  test('every verb of the command line is an npm script, and the README shows it', () => {
    const verbs = [...read('src/cli.ts').matchAll(/(\w+)Command\(io\)/g)].map(
      ([, verb = '']) => verb,
    )
    expect(verbs.length).toBeGreaterThan(5)
    const readme = read('README.md')
    for (const verb of verbs) {
      expect(manifest.scripts).toHaveProperty(verb, `node bin/ridecast.mjs ${verb}`)
      expect(readme).toContain(`ridecast ${verb}`)
    }
  })

  test('every dependency has its reason in the README', () => {
    const readme = read('README.md')
    const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = manifest
    const all = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
    expect(all.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
  })

  test('links in documents point to files that are there', () => {
    const documents = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
      cwd: root,
      encoding: 'utf8',
    })
    const files = new Set(
      execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
        cwd: root,
        encoding: 'utf8',
      })
        .split('\n')
        .flatMap((path) => {
          const parts = path.split('/')
          return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
        }),
    )
    const broken = documents
      .split('\n')
      .filter(Boolean)
      .flatMap((path) => {
        return [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
          .map(([, link = '']) => relative(root, resolve(root, dirname(path), link)))
          .filter((link) => link !== '' && !files.has(link))
          .map((link) => `${path} -> ${link}`)
      })
    expect(broken).toEqual([])
  })
})
