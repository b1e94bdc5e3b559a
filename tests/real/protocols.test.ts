/** Real clients of other servers' protocols: Triton's, MLflow's, pyarrow and curl's way of sending. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { zonesAndDistance } from '../serve/small-model.ts'
import { launchChromium } from './chromium.ts'
import { python } from './parts.ts'
import { type Served, served } from './served.ts'

let server: Served
beforeAll(async () => {
  server = await served(zonesAndDistance)
})
afterAll(() => server?.stop())

// 10 + 2 (from 43) - 0.5 (to 151) + 3 a mile
const durations = [16, 17.5]

test('tritonclient reads health and metadata, and infers in bytes and in JSON', () => {
  const answer = python(
    `
import json, sys
import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException
url, version = sys.argv[1:]
client = http.InferenceServerClient(url=url)
def infer(binary, version='', outputs=None, **more):
    def column(name, kind, values):
        tensor = http.InferInput(name, [2], kind)
        tensor.set_data_from_numpy(values, binary_data=binary)
        return tensor
    inputs = [
        column('PULocationID', 'INT64', np.array([43, 43], dtype=np.int64)),
        column('DOLocationID', 'INT32', np.array([151, 151], dtype=np.int32)),
        column('trip_distance', 'FP64', np.array([1.5, 2.0])),
        column('pickup_datetime', 'BYTES', np.array([b'2021-02-03T08:15', b''], dtype=np.object_)),
    ]
    return client.infer('green-duration', inputs, model_version=version, outputs=outputs, **more)
binary = infer(True, request_id='42')
plain = infer(False, version, [http.InferRequestedOutput('duration', binary_data=False)])
try:
    client.infer('green-duration', [http.InferInput('PULocationID', [1], 'INT64').set_data_from_numpy(np.array([999]))])
    fault = ''
except InferenceServerException as error:
    fault = str(error)
print(json.dumps({
    'live': client.is_server_live(),
    'ready': client.is_server_ready(),
    'model_ready': client.is_model_ready('green-duration'),
    'version_ready': client.is_model_ready('green-duration', version),
    'unknown_ready': client.is_model_ready('unknown'),
    'server': client.get_server_metadata()['name'],
    'inputs': [one['name'] for one in client.get_model_metadata('green-duration')['inputs']],
    'id': binary.get_response()['id'],
    'binary': binary.as_numpy('duration').tolist(),
    'ids': [one.decode() for one in binary.as_numpy('prediction_id')],
    'plain': plain.as_numpy('duration').tolist(),
    'fault': fault,
}))`,
    [`127.0.0.1:${server.port}`, server.version],
  ) as Record<string, unknown>
  expect(answer).toMatchObject({
    live: true,
    ready: true,
    model_ready: true,
    version_ready: true,
    unknown_ready: false,
    server: 'ridecast',
    inputs: ['PULocationID', 'DOLocationID', 'trip_distance', 'pickup_datetime'],
    id: '42',
    binary: durations,
    plain: durations,
  })
  expect(answer.ids).toEqual([expect.stringMatching(/^\d{8}-/), expect.stringMatching(/^\d{8}-/)])
  expect(answer.fault).toContain('PULocationID must be a taxi zone')
})

test("MLflow's scoring client gets predictions from data frames and arrays, and is told faults", () => {
  const answer = python(
    `
import json, sys
import pandas as pd, requests
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
client = ScoringServerClient('127.0.0.1', int(sys.argv[1]))
client.wait_server_ready()
frame = pd.DataFrame({'PULocationID': [43, 43], 'DOLocationID': [151, 151], 'trip_distance': [1.5, 2.0],
    'pickup_datetime': pd.to_datetime(['2021-02-03 08:15', '2021-02-03 09:15'])})
columns = {name: frame[name].tolist() for name in ['PULocationID', 'DOLocationID', 'trip_distance']}
arrays = requests.post(client.url_prefix + '/invocations', json={'inputs': columns}).json()
try:
    client.invoke(frame.drop(columns='PULocationID'))
    fault = ''
except Exception as error:
    fault = str(error)
predictions = client.invoke(frame).get_predictions()
print(json.dumps({
    'frame': predictions.iloc[:, 0].tolist(),
    'arrays': arrays['predictions'],
    'version': client.get_version(),
    'fault': fault,
}))`,
    [String(server.port)],
  ) as Record<string, unknown>
  expect(answer).toMatchObject({ frame: durations, arrays: durations })
  expect(answer.version).toMatch(/^\d+\.\d+\.\d+$/)
  expect(answer.fault).toMatch(/error code 400.*BAD_REQUEST.*row 0: PULocationID is missing/)
})

test('the same failures as MLflow: status and error code of its own scoring server', () => {
  const bodies = [
    '{"inputs": [1], "instances": [1]}',
    '[]',
    'oops',
    '{"dataframe_records": {"a": 1}}',
    '{"dataframe_split": {"columns": ["a"]}}',
    '{"instances": {"a": [1], "b": [1, 2]}}',
  ]
  const theirs = python(
    `
import json, sys
from mlflow.pyfunc.scoring_server import _parse_json_data
from mlflow.exceptions import MlflowException
class Metadata:
    def get_params_schema(self): return None
told = []
for body in json.loads(sys.argv[1]):
    try:
        _parse_json_data(body, Metadata(), None)
        told.append([200, ''])
    except MlflowException as error:
        told.append([error.get_http_status_code(), json.loads(error.serialize_as_json())['error_code']])
print(json.dumps(told))`,
    [JSON.stringify(bodies)],
  )
  return Promise.all(
    bodies.map(async (body) => {
      const headers = { 'Content-Type': 'application/json' }
      const answer = await fetch(`${server.url}/invocations`, { method: 'POST', headers, body })
      const { error_code } = (await answer.json()) as { error_code: string }
      return [answer.status, error_code]
    }),
  ).then((ours) => expect(ours).toEqual(theirs))
})

test('pyarrow writes a stream in several batches and reads the answers as one', () => {
  const answer = python(
    `
import json, sys, io
import numpy as np, pandas as pd, pyarrow as pa, requests
n = 10000
frame = pd.DataFrame({'PULocationID': np.full(n, 43), 'DOLocationID': np.full(n, 151),
    'trip_distance': np.arange(n) / 1000,
    'pickup_datetime': pd.Timestamp('2021-02-03 08:15') + pd.to_timedelta(np.arange(n), unit='min'),
    'note': pd.Categorical(np.where(np.arange(n) % 2, 'odd', 'even'))})
frame.loc[7, 'PULocationID'] = 300
# What is usual between the zones is assumed.
frame.loc[8, 'trip_distance'] = None
table = pa.Table.from_pandas(frame)
sink = io.BytesIO()
with pa.ipc.new_stream(sink, table.schema) as writer:
    for batch in table.to_batches(max_chunksize=3000):
        writer.write_batch(batch)
mime = 'application/vnd.apache.arrow.stream'
answer = requests.post(sys.argv[1] + '/predict/batch', data=sink.getvalue(), headers={'Content-Type': mime})
read = pa.ipc.open_stream(answer.content).read_all().to_pandas()
print(json.dumps({
    'type': answer.headers['content-type'],
    'rows': len(read),
    'wrong': read[read.error_code.notna()].row.tolist(),
    'assumed': bool(read.duration[8] > 0),
    'largest': float(np.nanmax(np.abs(read.duration - (11.5 + 3 * frame.trip_distance)))),
}))`,
    [server.url],
  )
  expect(answer).toEqual({
    type: 'application/vnd.apache.arrow.stream',
    rows: 10_000,
    wrong: [7],
    assumed: true,
    // Two doubles that were added up in another order.
    largest: expect.closeTo(0, 12),
  })
})

test('pandas writes CSV and reads the answers', () => {
  const answer = python(
    `
import json, sys, io
import pandas as pd, requests
frame = pd.DataFrame({'PULocationID': [43, None, 43], 'DOLocationID': [151] * 3, 'trip_distance': [1.5, 1, 2]})
answer = requests.post(sys.argv[1] + '/predict/batch', data=frame.to_csv(), headers={'Content-Type': 'text/csv'})
read = pd.read_csv(io.StringIO(answer.text))
print(json.dumps({'durations': read.duration.dropna().tolist(), 'codes': read.error_code.dropna().tolist()}))`,
    [server.url],
  )
  expect(answer).toEqual({ durations, codes: ['input_invalid'] })
})

test('Swagger UI at /docs shows the document and tries a request, from this server alone', async () => {
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    const addresses = new Set<string>()
    const faults: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) addresses.add(new URL(request.url()).origin)
    })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    await page.goto(`${server.url}/docs`)
    await page.locator('.opblock').first().waitFor()
    expect(await page.locator('.opblock').count()).toBeGreaterThan(20)
    const predict = page.locator('#operations-predictions-post_predict')
    await predict.locator('.opblock-summary-control').click()
    await predict.getByRole('button', { name: 'Try it out' }).click()
    await predict.getByRole('button', { name: 'Execute' }).click()
    // The example is a ride for the served model: 10 + 2 - 0.5 + 3 * 1.01.
    const answer = predict.locator('.live-responses-table').getByText('14.53').first()
    await answer.waitFor()
    expect([...addresses]).toEqual([server.url])
    expect(faults).toEqual([])
  } finally {
    await browser.close()
  }
})
