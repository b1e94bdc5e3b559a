import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readVersion } from '../../src/artifact.ts'
import { mlflowFolder } from '../../src/export/mlflow-folder.ts'
import { writeFolder } from '../../src/export/write-folder.ts'
import type { ModelFile } from '../../src/model-file.ts'
import { hoursAndPassengers, opposed, zonesAndDistance } from '../serve/small-model.ts'
import { type Kept, keep } from './exported-models.ts'
import { both, documentsWith, fitted, grown, wood } from './fitted-models.ts'

let kept: Kept
afterEach(() => kept?.remove())

function text(files: readonly ModelFile[], path: string): string {
  const file = files.find((one) => one.path === path)
  if (!file) throw new Error(`${path} is not among ${files.map((one) => one.path).join(', ')}`)
  return Buffer.from(file.content).toString('utf8')
}

// MLflow reads with YAML 1.1, where more texts are numbers and times.
const description = (files: readonly ModelFile[]): Record<string, unknown> =>
  parse(text(files, 'MLmodel'), { version: '1.1' }) as Record<string, unknown>

describe('the folder for MLflow', () => {
  it('holds what MLflow looks for, the card and the version', async () => {
    kept = await keep(zonesAndDistance)
    expect(mlflowFolder(kept.loaded).map(({ path }) => path)).toEqual([
      'MLmodel',
      'model.onnx',
      'input_example.json',
      'serving_input_example.json',
      'requirements.txt',
      'conda.yaml',
      'python_env.yaml',
      'README.md',
      'ridecast/lineage.json',
      'ridecast/metrics.json',
      'ridecast/model.json',
      'ridecast/profile.json',
      'ridecast/SHA256SUMS',
    ])
  })

  it('is the same to the byte each time it is made', async () => {
    kept = await keep(zonesAndDistance)
    expect(mlflowFolder(kept.loaded)).toEqual(mlflowFolder(kept.loaded))
  })

  it('gives the version back: ridecast reads and verifies it from the copied folder', async () => {
    kept = await keep(zonesAndDistance)
    const folder = await mkdtemp(join(tmpdir(), 'ridecast-mlflow-folder-'))
    try {
      await writeFolder(join(folder, 'exported'), mlflowFolder(kept.loaded))
      const back = join(folder, kept.loaded.version)
      await cp(join(folder, 'exported/ridecast'), back, { recursive: true })
      expect((await readVersion(back)).documents).toEqual((await readVersion(kept.path)).documents)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('refuses documents that are not those of the version', async () => {
    kept = await keep(zonesAndDistance)
    const other = { ...kept.loaded, documents: { ...kept.loaded.documents, metrics: {} } }
    expect(() => mlflowFolder(other)).toThrow(/are those of version [0-9a-f]{12}/)
  })

  it('says the types of inputs and output, every input required', async () => {
    kept = await keep(zonesAndDistance)
    const { signature } = description(mlflowFolder(kept.loaded)) as {
      signature: { inputs: string; outputs: string; params: null }
    }
    // The types by hand: ids are whole numbers, a distance is not.
    expect(JSON.parse(signature.inputs)).toEqual([
      { name: 'PULocationID', type: 'long', required: true },
      { name: 'DOLocationID', type: 'long', required: true },
      { name: 'trip_distance', type: 'double', required: true },
    ])
    expect(JSON.parse(signature.outputs)).toEqual([
      { name: 'duration', type: 'double', required: true },
    ])
    expect(signature.params).toBeNull()
  })

  it('says that a lone input is a tensor of one dimension', async () => {
    kept = await keep(opposed)
    const { signature } = description(mlflowFolder(kept.loaded)) as {
      signature: { inputs: string }
    }
    expect(JSON.parse(signature.inputs)).toEqual([
      { name: 'trip_distance', type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1] } },
    ])
  })

  it('shows a ride that the model knows: the most frequent pair with its distance', async () => {
    kept = await keep(zonesAndDistance)
    const files = mlflowFolder(kept.loaded)
    // The profile's only pair is 43 to 151, 1.25 miles apart.
    const example = {
      columns: ['PULocationID', 'DOLocationID', 'trip_distance'],
      data: [[43, 151, 1.25]],
    }
    expect(JSON.parse(text(files, 'input_example.json'))).toEqual(example)
    expect(JSON.parse(text(files, 'serving_input_example.json'))).toEqual({
      dataframe_split: example,
    })
  })

  it('fills other inputs of the example with what the model knows', async () => {
    kept = await keep(hoursAndPassengers)
    const example = JSON.parse(text(mlflowFolder(kept.loaded), 'input_example.json')) as {
      columns: string[]
      data: number[][]
    }
    const ride = Object.fromEntries(example.columns.map((name, i) => [name, example.data[0]?.[i]]))
    // 2021-01-04 is a Monday, the busiest hour of the profile is Monday 8:00: its middle.
    const time = Date.UTC(2021, 0, 4, 8, 30) * 1000
    expect(ride).toEqual({ pickup_datetime: time, VendorID: 2, passenger_count: 1 })
  })

  it('names the version and its lineage as text, whatever their digits look like', async () => {
    kept = await keep(zonesAndDistance)
    const { name, version } = kept.loaded
    const found = description(mlflowFolder(kept.loaded))
    expect(found.metadata).toEqual({
      name,
      version,
      lineage_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    const uuid = '12345678901234567890123456789012'
    const run = '0123456789e10'
    const options = { modelUuid: uuid, runId: run, createdAt: new Date('2021-03-02T04:05:06.789Z') }
    expect(description(mlflowFolder(kept.loaded, options))).toMatchObject({
      model_uuid: uuid,
      run_id: run,
      model_id: null,
      utc_time_created: '2021-03-02 04:05:06.789000',
    })
    expect(found).not.toHaveProperty('model_uuid')
    expect(found).not.toHaveProperty('run_id')
    expect(found).not.toHaveProperty('utc_time_created')
  })

  it('counts the bytes of all files but the one that says so', async () => {
    kept = await keep(zonesAndDistance)
    const files = mlflowFolder(kept.loaded)
    const bytes = files.slice(1).reduce((sum, { content }) => sum + content.length, 0)
    expect(description(files).model_size_bytes).toBe(bytes)
  })

  it.each([grown, wood, both])(
    'is made of $name too, with a ride that it knows',
    async (recipe) => {
      kept = await keep(documentsWith(await fitted(recipe), zonesAndDistance))
      const files = mlflowFolder(kept.loaded)
      const { signature } = description(files) as { signature: { inputs: string } }
      const inputs = JSON.parse(signature.inputs) as { name: string; type: string }[]
      expect(Object.fromEntries(inputs.map(({ name, type }) => [name, type]))).toEqual({
        PULocationID: 'long',
        DOLocationID: 'long',
        pickup_datetime: 'long',
        trip_distance: 'double',
        // A double, so that it can be missing: the columns must be there all the same.
        VendorID: 'double',
        RatecodeID: 'double',
        passenger_count: 'double',
      })
      expect(inputs).toEqual(inputs.map((input) => ({ ...input, required: true })))
      const example = JSON.parse(text(files, 'input_example.json')) as {
        columns: string[]
        data: number[][]
      }
      const ride = Object.fromEntries(
        example.columns.map((name, i) => [name, example.data[0]?.[i]]),
      )
      expect(ride).toMatchObject({ PULocationID: 43, DOLocationID: 151, trip_distance: 1.25 })
      // Ids that the rides of fitted-models.ts hold: 0 is the least of the odd ones among them.
      expect([ride.VendorID, ride.RatecodeID]).toEqual([0, 0])
    },
  )
})
