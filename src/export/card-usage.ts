/** How a version is loaded and asked, as sections of its model card. */

import type { LoadedModel } from '../loaded-model.ts'
import { isName } from '../model-reference.ts'
import { formatWallClock } from '../ride.ts'
import { exampleInputs } from './example-ride.ts'
import { codeBlock } from './markdown.ts'

/** The section on how to load and ask it, with a ride that the model knows. */
export function usageText(loaded: LoadedModel): string {
  const { name, version } = loaded
  const inputs = exampleInputs(loaded)
  const reference = isName(name) ? `${name}/${version}` : `PATH/${version}`
  const request = inputs.map(({ name: input, value }) => {
    const said = input === 'pickup_datetime' ? formatWallClock(value) : value
    return `${JSON.stringify(input)}: ${JSON.stringify(said)}`
  })
  const columns = inputs.map(({ name: input, type, value }) => {
    return `    ${JSON.stringify(input)}: [${type === 'double' ? withPoint(value) : value}],`
  })
  const feeds = inputs.map(({ name: input, type, value }) => {
    const dtype = type === 'double' ? 'float64' : 'int64'
    return `    ${JSON.stringify(input)}: np.array([${value}], dtype=np.${dtype}),`
  })
  const time = inputs.find(({ name: input }) => input === 'pickup_datetime')
  return [
    'In ridecast, which assumes a missing distance or pickup time from the training rides and says so:',
    codeBlock('sh', [
      `ridecast serve --model ${reference}`,
      `curl -s localhost:9696/predict -H 'content-type: application/json' \\`,
      `  -d '{${request.join(', ')}}'`,
    ]),
    'In MLflow, from the folder of `ridecast models export --format mlflow`:',
    codeBlock('python', [
      'import mlflow, pandas as pd',
      '',
      'model = mlflow.pyfunc.load_model("FOLDER")',
      'model.predict(pd.DataFrame({',
      ...columns,
      '}))',
    ]),
    ...(time
      ? [
          'The time of the pickup is microseconds since 1970 on the local clock: ' +
            `\`pd.Timestamp("${formatWallClock(time.value)}").value // 1000\`.`,
        ]
      : []),
    'In ONNX Runtime, from the file of `ridecast models export --format onnx`:',
    codeBlock('python', [
      'import numpy as np, onnxruntime',
      '',
      'session = onnxruntime.InferenceSession("model.onnx")',
      'session.run(["duration"], {',
      ...feeds,
      '})',
    ]),
  ].join('\n\n')
}

/** A number that Python and pandas take for a float. */
function withPoint(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
