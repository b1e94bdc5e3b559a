/**
 * Exported folders in the programs they are for: MLflow loads and serves them, scikit-learn is
 * rebuilt from them, Chromium shows the card. Every ride of a month is held against ours.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Documents } from '../../src/artifact.ts'
import { exportCommand } from '../../src/commands/models-export.ts'
import { cardPage } from '../../src/export/card-page.ts'
import { pythonPins, pythonVersion } from '../../src/export/python-environment.ts'
import { compileFeatures } from '../../src/features.ts'
import { loadedModel } from '../../src/loaded-model.ts'
import type { Model } from '../../src/model.ts'
import { readRides } from '../../src/pipeline/rides.ts'
import { train } from '../../src/pipeline/train.ts'
import { checkRecipe, parseRecipe } from '../../src/recipe.ts'
import type { Recipe } from '../../src/recipe-schema.ts'
import { openRegistry } from '../../src/registry.ts'
import { parseWallClock, type RideBatch } from '../../src/ride.ts'
import { root } from '../command-line.ts'
import { runCommand } from '../commands/run-command.ts'
import { withTexts } from '../export/exported-models.ts'
import { joinedBatches, linearOf, rideBatch } from '../random-rides.ts'
import { opposed, zonesAndDistance } from '../serve/small-model.ts'
import {
  chromiumPath,
  freePort,
  python,
  pythonEnvironment,
  pythonProgram,
  type ServerProcess,
  startServerProcess,
} from './parts.ts'

const recipes = ['plain', 'pairs', 'standard', 'trees', 'wood', 'sum'] as const
type Name = (typeof recipes)[number] | 'lone'

const shipped = (name: string): Recipe =>
  parseRecipe(readFileSync(join(root, `recipes/${name}.yaml`), 'utf8'), name)

/** Of trees fewer than shipped; a forest and an ensemble of theirs. */
function recipeOf(name: (typeof recipes)[number]): Recipe {
  if (name === 'plain' || name === 'pairs' || name === 'standard') return shipped(name)
  const trees = { ...shipped('trees'), trees: { ...shipped('trees').trees, rounds: 50 } }
  if (name === 'trees') return trees
  if (name === 'wood') return { ...trees, name, model: 'forest' }
  return checkRecipe({ name, model: 'ensemble', members: [shipped('standard'), trees] }, name)
}

/** Columns of rides; null is missing. */
type Columns = Record<string, (number | null)[]>

let folder: string
const models = new Map<Name, Model>()
const documents = new Map<Name, Documents>()
/** Every ride of February 2021. */
let february: RideBatch

const at = (...parts: string[]): string => join(folder, ...parts)
const model = (name: Name): Model => models.get(name) as Model

async function exportAs(name: Name, format: string, out: string): Promise<string> {
  const silent = { out: () => {}, err: () => {} }
  const args = [`green-${name}`, '--format', format, '--out', out]
  await runCommand(exportCommand, args, folder, silent)
  return at(out)
}

/** Minutes by ride as `ridecast predict` answers: the model's number, at least the shortest ride. */
function ours(name: Name, rides: RideBatch): number[] {
  const minimum = model(name).recipe.target.min
  return Array.from({ length: rides.length }, (_, i) =>
    Math.max(minimum, model(name).predict(rides, i)),
  )
}

function columnsOf(name: Name, rides: RideBatch): Columns {
  const nullable = (values: Float64Array): (number | null)[] =>
    Array.from(values, (value) => (Number.isFinite(value) ? value : null))
  return Object.fromEntries(
    model(name).features.inputs.map((input) => {
      const values = input === 'pickup_datetime' ? rides.pickup : rides.columns[input]
      return [input, nullable(values as Float64Array)]
    }),
  )
}

const recordsOf = (columns: Columns): Record<string, number | null>[] => {
  const names = Object.keys(columns)
  return (columns[names[0] as string] ?? []).map((_, i) =>
    Object.fromEntries(names.map((name) => [name, columns[name]?.[i] ?? null])),
  )
}

/** The largest difference, as a share of the expected number or of a minute where that is less. */
function largestDifference(found: readonly number[], expected: readonly number[]): number {
  expect(found).toHaveLength(expected.length)
  return found.reduce((most, value, i) => {
    const wanted = expected[i] as number
    // NaN must not pass as no difference.
    const difference = Math.abs(value - wanted) / Math.max(1, Math.abs(wanted))
    return difference <= most ? most : difference
  }, 0)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ridecast-packaging-'))
  const registry = openRegistry(at('models'))
  const keep = async (name: Name, made: Documents): Promise<void> => {
    const { version } = await registry.save(`green-${name}`, made)
    await registry.setAliasIfAbsent(`green-${name}`, 'champion', version, { reason: 'test' })
    models.set(name, loadedModel(name, version, made).predictor.model)
    documents.set(name, made)
  }
  for (const name of recipes) {
    const { model, metrics, profile, lineage } = await train({
      sources: ['2021-01'],
      taxis: undefined,
      dataFolder: 'data',
      cwd: root,
      today: new Date('2024-05-17T12:00:00Z'),
      validate: undefined,
      recipe: recipeOf(name),
      comparison: undefined,
      engine: 'arrow',
      solver: 'auto',
      residuals: false,
    })
    await keep(name, { model: model.toJSON(), metrics, profile, lineage })
  }
  // 10 and 3 a mile.
  const lone = { ...(opposed.model as object), intercept: 10, coefficients: [0, 3] }
  await keep('lone', { ...opposed, model: lone })
  const batches: RideBatch[] = []
  const path = join(root, 'data/green_tripdata_2021-02.parquet')
  const required = ['PULocationID', 'DOLocationID', 'trip_distance'] as const
  const optional = ['VendorID', 'RatecodeID', 'trip_type', 'passenger_count'] as const
  for await (const batch of readRides(path, 'green', { required, optional })) {
    batches.push(batch)
  }
  february = joinedBatches(batches)
  // The number of rows that data/README.md states.
  expect(february.length).toBe(64_572)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Rides between zones that were not in training, and to one that was. */
const unseen = rideBatch([
  { PULocationID: 999, DOLocationID: 998, trip_distance: 2.5, pickup: 1_612_000_000_000_000 },
  { PULocationID: 74, DOLocationID: 60_000, trip_distance: 0, pickup: 1_612_000_000_000_000 },
])

describe('the pinned versions', () => {
  it('are those that these tests run with', () => {
    const installed = python(
      `
import importlib.metadata as m, json, platform, sys
print(json.dumps([platform.python_version(), {n: m.version(n) for n in json.loads(sys.argv[1])}]))
`,
      [JSON.stringify(Object.keys(pythonPins))],
    )
    expect(installed).toEqual([pythonVersion, pythonPins])
  })
})

describe('the folder for MLflow', () => {
  it.each(recipes)('of %s answers with our numbers for every ride of a month', async (name) => {
    const path = await exportAs(name, 'mlflow', `pyfunc-${name}`)
    for (const [what, rides] of Object.entries({ february, unseen })) {
      const file = at(`${name}-${what}.json`)
      writeFileSync(file, JSON.stringify(columnsOf(name, rides)))
      const found = python(
        `
import json, sys, mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
doubles = [c.name for c in model.metadata.get_input_schema().inputs if c.type.name == "double"]
rides = pd.DataFrame(json.load(open(sys.argv[2]))).astype({name: "float64" for name in doubles})
print(json.dumps(model.predict(rides)["duration"].tolist()))
`,
        [path, file],
      ) as number[]
      // Several threads add trees up in another order, and round otherwise.
      const most = model(name).kind === 'linear' ? 1e-6 : 1e-5
      expect(largestDifference(found, ours(name, rides))).toBeLessThan(most)
    }
    // What need not be known is known of some of them, and missing in others.
    const rates = february.columns.RatecodeID as Float64Array
    expect(new Set(rates.map((id) => (Number.isNaN(id) ? 1 : 0)))).toEqual(new Set([0, 1]))
  })

  it('describes itself as MLflow does when it saves the same model', async () => {
    const path = await exportAs('standard', 'mlflow', 'described')
    const [mine, theirs] = python(
      `
import json, re, sys, tempfile, os, mlflow, onnx, yaml
from mlflow.models import Model
path = sys.argv[1]
# What MLflow writes of these is the machine's own.
own = lambda text: re.sub(r"(python: |python_version: |python=|pip[<=]+|setuptools==)[^ \\n]+", r"\\1", text)
known = Model.load(path)
with tempfile.TemporaryDirectory() as saved:
    example = known.load_input_example(path)
    mlflow.onnx.save_model(onnx.load(f"{path}/model.onnx"), f"{saved}/m", signature=known.signature,
        input_example=example, onnx_execution_providers=["CPUExecutionProvider"],
        metadata=known.metadata)
    both = []
    for folder in (path, f"{saved}/m"):
        read = lambda name: open(os.path.join(folder, name)).read()
        model = yaml.safe_load(own(read("MLmodel")))
        for volatile in ("model_uuid", "utc_time_created", "model_size_bytes"):
            model.pop(volatile, None)
        for key in ("inputs", "outputs"):
            model["signature"][key] = json.loads(model["signature"][key])
        environment = [yaml.safe_load(own(read(f))) for f in ("conda.yaml", "python_env.yaml")]
        examples = [json.loads(read(f)) for f in ("input_example.json", "serving_input_example.json")]
        both.append([model, environment, examples, read("requirements.txt").split()])
    print(json.dumps(both))
`,
      [path],
    ) as [unknown, unknown]
    expect(mine).toEqual(theirs)
  })

  it('of a model with one input takes a data frame and an array', async () => {
    const path = await exportAs('lone', 'mlflow', 'pyfunc-lone')
    const found = python(
      `
import json, sys, mlflow, numpy as np, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
given = [0.0, 1.5]
print(json.dumps([model.predict(rides)["duration"].tolist() for rides in (
    pd.DataFrame({"trip_distance": given}), {"trip_distance": np.array(given)})]))
`,
      [path],
    )
    // 10 and 3 a mile.
    expect(found).toEqual([
      [10, 14.5],
      [10, 14.5],
    ])
  })
})

describe('the code in a model card', () => {
  it('runs, and gives the answer that ridecast gives for that ride', async () => {
    const path = await exportAs('standard', 'mlflow', 'from-card')
    const card = readFileSync(join(path, 'README.md'), 'utf8')
    const blocks = [...card.matchAll(/```python\n([\s\S]*?)\n```/g)].map(([, block = '']) => block)
    expect(blocks).toHaveLength(2)
    const script = blocks
      .join('\n')
      .replace('"FOLDER"', JSON.stringify(path))
      .replace('"model.onnx"', JSON.stringify(join(path, 'model.onnx')))
      .replace('model.predict(', 'one = model.predict(')
      .replace('session.run(', 'two = session.run(')
    const answer = 'import json\nprint(json.dumps([one["duration"][0], two[0][0]]))'
    const [, request = ''] = /-d '(.*)'/.exec(card) ?? []
    const { pickup_datetime, ...ride } = JSON.parse(request) as Record<string, number | string>
    const pickup = parseWallClock(String(pickup_datetime))
    const [expected = Number.NaN] = ours('standard', rideBatch([{ ...ride, pickup }]))
    const found = python(`${script}\n${answer}`) as number[]
    expect(largestDifference(found, [expected, expected])).toBeLessThan(1e-6)
    const [, time = ''] = /`(pd\.Timestamp.*)`/.exec(card) ?? []
    expect(python(`import json, pandas as pd\nprint(json.dumps(${time}))`)).toBe(pickup)
  })
})

describe('mlflow models serve', () => {
  let server: ServerProcess
  let lone: ServerProcess
  let trees: ServerProcess
  const start = async (name: Name): Promise<ServerProcess> => {
    const path = await exportAs(name, 'mlflow', `served-${name}`)
    const port = await freePort()
    const args = ['models', 'serve', '-m', path, '--env-manager', 'local']
    return startServerProcess(
      pythonProgram('mlflow'),
      [...args, '--host', '127.0.0.1', '--port', String(port)],
      { url: `http://127.0.0.1:${port}`, health: '/health' },
    )
  }
  beforeAll(async () => {
    server = await start('standard')
    lone = await start('lone')
    trees = await start('trees')
  })
  afterAll(async () => {
    await server?.kill()
    await lone?.kill()
    await trees?.kill()
  })

  const post = async (to: ServerProcess, body: unknown): Promise<[number, unknown]> => {
    const response = await fetch(`${to.url}/invocations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return [response.status, await response.json()]
  }

  /** A thousand rides of the month, whole miles among them. */
  const some = (): RideBatch => {
    const part = (values: Float64Array | undefined): Float64Array =>
      (values as Float64Array).slice(0, 1000)
    const { pickup, dropoff, columns } = february
    const distances = part(columns.trip_distance)
    for (let i = 0; i < 10; i++) distances[i] = i
    return {
      length: 1000,
      pickup: part(pickup),
      dropoff: part(dropoff),
      columns: {
        PULocationID: part(columns.PULocationID),
        DOLocationID: part(columns.DOLocationID),
        trip_distance: distances,
      },
    }
  }

  it('answers with our numbers however the rides are written', async () => {
    const rides = some()
    const columns = columnsOf('standard', rides)
    const records = recordsOf(columns)
    const bodies = {
      dataframe_split: {
        columns: Object.keys(columns),
        data: records.map((r) => Object.values(r)),
      },
      dataframe_records: records,
      inputs: columns,
    }
    for (const [form, body] of Object.entries(bodies)) {
      const [status, answer] = await post(server, { [form]: body })
      expect([form, status]).toEqual([form, 200])
      const { predictions } = answer as { predictions: { duration: number }[] }
      const found = predictions.map(({ duration }) => duration)
      expect(largestDifference(found, ours('standard', rides))).toBeLessThan(1e-6)
    }
  })

  it('answers the ride that stands beside the model', async () => {
    const example = JSON.parse(
      readFileSync(at('served-standard/serving_input_example.json'), 'utf8'),
    ) as unknown
    expect((await post(server, example))[0]).toBe(200)
  })

  it('answers for trees, and takes null for what is not known of a ride', async () => {
    const rides = some()
    const all = { ...february.columns, ...rides.columns }
    const columns = Object.fromEntries(
      Object.entries(all).map(([name, values]) => [name, values.slice(0, rides.length)]),
    )
    const vendors = columns.VendorID as Float64Array
    vendors.fill(Number.NaN, 0, 5)
    const few = { ...rides, columns }
    const records = recordsOf(columnsOf('trees', few))
    expect(records.filter(({ VendorID }) => VendorID === null).length).toBeGreaterThan(4)
    for (const chosen of [records, records.slice(0, 1)]) {
      const [status, answer] = await post(trees, { dataframe_records: chosen })
      expect([status, answer]).toEqual([200, expect.anything()])
      const { predictions } = answer as { predictions: { duration: number }[] }
      const found = predictions.map(({ duration }) => duration)
      const expected = ours('trees', few).slice(0, chosen.length)
      expect(largestDifference(found, expected)).toBeLessThan(1e-5)
    }
  })

  it('takes a distance that is a whole number', async () => {
    const ride = { PULocationID: 74, DOLocationID: 75, pickup_datetime: 1_609_929_000_000_000 }
    const answers = []
    for (const trip_distance of [3, 3.0000001]) {
      const [status, answer] = await post(server, {
        dataframe_records: [{ ...ride, trip_distance }],
      })
      expect(status).toBe(200)
      answers.push((answer as { predictions: { duration: number }[] }).predictions[0]?.duration)
    }
    expect(answers[0]).toBeCloseTo(answers[1] as number, 3)
  })

  it('says which field a ride lacks', async () => {
    const [status, answer] = await post(server, {
      dataframe_records: [{ PULocationID: 74, DOLocationID: 75, pickup_datetime: 0 }],
    })
    expect(status).toBe(400)
    expect(JSON.stringify(answer)).toContain("Model is missing inputs ['trip_distance']")
  })

  it('answers for a model with one input too', async () => {
    const columns = { trip_distance: [0, 1.5] }
    const bodies = [
      { dataframe_split: { columns: ['trip_distance'], data: [[0], [1.5]] } },
      { dataframe_records: [{ trip_distance: 0 }, { trip_distance: 1.5 }] },
      { inputs: columns },
    ]
    for (const body of bodies) {
      // 10 and 3 a mile.
      expect(await post(lone, body)).toEqual([200, { predictions: { duration: [10, 14.5] } }])
    }
  })
})

describe('the file for XGBoost', () => {
  it.each(['trees', 'wood'] as const)(
    'of %s gives our numbers to the bit, with codes made of the levels in it',
    async (name) => {
      const path = await exportAs(name, 'xgboost', `${name}.json`)
      const { categorical, numeric } = compileFeatures(model(name).recipe)
      const rides = february
      const every = Array.from({ length: rides.length }, (_, i) => i)
      const columns = Object.fromEntries([
        ...categorical.map((term) => {
          const texts = every.map((i) => {
            const code = term.code(rides, i)
            return code < 0 ? null : term.text(code)
          })
          return [term.name, texts]
        }),
        ...numeric.map((term) => {
          const values = every.map((i) => term.value(rides, i))
          return [term.name, values.map((value) => (Number.isNaN(value) ? null : value))]
        }),
      ])
      writeFileSync(at('features.json'), JSON.stringify(columns))
      const [found, attributes] = python(
        `
import json, sys, numpy as np, xgboost as xgb
model = xgb.Booster(model_file=sys.argv[1])
levels = json.loads(model.attr("ridecast_levels"))
columns = json.load(open(sys.argv[2]))
codes = {name: {level: k for k, level in enumerate(texts)} for name, texts in levels.items()}
values = np.array([
    [codes[name].get(v, np.nan) for v in columns[name]] if name in codes
    else [np.nan if v is None else v for v in columns[name]]
    for name in model.feature_names], dtype=np.float64).T
rides = xgb.DMatrix(values, feature_names=model.feature_names, feature_types=model.feature_types)
minutes = np.maximum(model.predict(rides), float(model.attr("ridecast_shortest")))
print(json.dumps([minutes.astype(float).tolist(), model.attributes()]))
`,
        [path, at('features.json')],
      ) as [number[], Record<string, string>]
      expect(found).toEqual(ours(name, rides))
      expect(attributes).toMatchObject({ ridecast_name: `green-${name}` })
      expect(JSON.parse(attributes.ridecast_recipe ?? '')).toEqual(model(name).recipe)
    },
  )
})

describe('the folder for scikit-learn', () => {
  const rebuild = (path: string, ...args: string[]): string =>
    execFileSync(pythonProgram('python'), ['-W', 'error', join(path, 'rebuild.py'), ...args], {
      encoding: 'utf8',
      env: { ...pythonEnvironment(), PYTHONWARNINGS: '' } as NodeJS.ProcessEnv,
      maxBuffer: 64 * 1024 * 1024,
    })

  it.each(['plain', 'pairs'] as const)(
    'of %s gives our numbers for every ride of a month, from JSON and from CSV',
    async (name) => {
      const path = await exportAs(name, 'sklearn', `sklearn-${name}`)
      for (const [what, rides] of Object.entries({ february, unseen })) {
        const records = recordsOf(columnsOf(name, rides))
        const [json, csv] = [at(`${name}-${what}-rides.json`), at(`${name}-${what}-rides.csv`)]
        writeFileSync(json, JSON.stringify(records))
        const lines = [Object.keys(records[0] ?? {}), ...records.map((r) => Object.values(r))]
        writeFileSync(csv, lines.map((line) => `${line.join(',')}\r\n`).join(''))
        const expected = ours(name, rides)
        const fromJson = JSON.parse(rebuild(path, json)) as number[]
        expect(largestDifference(fromJson, expected)).toBeLessThan(1e-12)
        expect(rebuild(path, csv).trimEnd().split('\n').map(Number)).toEqual(fromJson)
      }
    },
  )

  it('is the pair of scikit-learn itself, fitted', async () => {
    const path = await exportAs('plain', 'sklearn', 'sklearn-pair')
    const [columns, minutes, names] = python(
      `
import json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from rebuild import load
from sklearn.utils.validation import check_is_fitted
vectorizer, regression, *_ = load()
check_is_fitted(vectorizer)
check_is_fitted(regression)
rows = vectorizer.transform([{"PULocationID": "74", "DOLocationID": "75", "trip_distance": 1.3}])
print(json.dumps([rows.shape[1], regression.predict(rows)[0], list(vectorizer.get_feature_names_out())]))
`,
      [path],
    ) as [number, number, string[]]
    const { vectorizer } = linearOf(model('plain')).toJSON()
    expect([columns, names]).toEqual([507, vectorizer.feature_names])
    const ride = rideBatch([{ PULocationID: 74, DOLocationID: 75, trip_distance: 1.3 }])
    expect(minutes).toBeCloseTo(model('plain').predict(ride, 0), 12)
  })

  it('takes one ride, missing values and ids written as decimals, and says what a ride lacks', async () => {
    const path = await exportAs('plain', 'sklearn', 'sklearn-odd')
    const ask = (rides: unknown): number[] => {
      writeFileSync(at('odd.json'), JSON.stringify(rides))
      return JSON.parse(rebuild(path, at('odd.json'))) as number[]
    }
    const ride = { PULocationID: 74, DOLocationID: 75, trip_distance: 1.3 }
    const [alone] = ask(ride)
    expect(ask([{ ...ride, PULocationID: '74.0' }])).toEqual([alone])
    expect(ask([])).toEqual([])
    const odd = [
      { DOLocationID: 75, trip_distance: 1.3 },
      { PULocationID: 74, DOLocationID: 75 },
      { PULocationID: 74.5, DOLocationID: -1, trip_distance: 1.3 },
    ]
    const missing = { PULocationID: null, DOLocationID: null, trip_distance: null }
    const found = ask(odd.map((one) => ({ ...missing, ...one })))
    expect(largestDifference(found, ours('plain', rideBatch(odd)))).toBeLessThan(1e-12)
    writeFileSync(at('odd.csv'), 'PULocationID,DOLocationID\n74,75\n')
    const { status, stderr } = spawnSync(
      pythonProgram('python'),
      [join(path, 'rebuild.py'), at('odd.csv')],
      { encoding: 'utf8' },
    )
    expect([status, stderr]).toEqual([
      1,
      'error: ride 0 has no trip_distance: give null where it is not known\n',
    ])
  })
})

describe('the page of a model card', () => {
  let browser: Browser
  beforeAll(async () => {
    const quiet = [
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ]
    browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', ...quiet],
    })
  })
  afterAll(() => browser?.close())

  const hostile = '<img src=x onerror="document.title=1"><script>document.title=2</script>'

  it.each([
    ['standard', 1280, 'light'],
    ['standard', 390, 'dark'],
    ['hostile', 390, 'light'],
    ['hostile', 1280, 'dark'],
  ] as const)(
    'of %s fits %d pixels, asks for nothing and runs nothing',
    async (name, width, colorScheme) => {
      const made =
        name === 'hostile'
          ? withTexts(zonesAndDistance, hostile.repeat(9), `${hostile}${'long'.repeat(50)}.parquet`)
          : (documents.get(name) as Documents)
      const registry = openRegistry(at('cards'))
      const { version } = await registry.save(name, made)
      writeFileSync(at('card.html'), cardPage(loadedModel(name, version, made)))
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme })
      const asked: string[] = []
      const faults: string[] = []
      page.on('request', (request) => asked.push(request.url()))
      page.on('pageerror', (error) => faults.push(String(error)))
      page.on('console', (message) => faults.push(message.text()))
      await page.goto(`file://${at('card.html')}`)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
      expect(await page.title()).toBe(`${name}/${version} · model card`)
      expect(await page.locator('img, script').count()).toBe(0)
      expect(await page.locator('svg rect').count()).toBeGreaterThan(168)
      const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor')
      expect(ground).toBe(colorScheme === 'dark' ? 'rgb(20, 22, 26)' : 'rgb(251, 250, 247)')
      expect(asked).toEqual([`file://${at('card.html')}`])
      expect(faults).toEqual([])
      await page.close()
    },
  )
})
