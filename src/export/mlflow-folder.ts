/**
 * A model version as the folder that MLflow loads and serves with its onnx flavor, as MLflow 3.17
 * writes one itself. The version's own documents lie in it too, so that ridecast can take it back.
 * The same version and options give the same bytes. Knows nothing about where the folder goes.
 */

import { stringify } from 'yaml'
import type { LoadedModel } from '../loaded-model.ts'
import type { ModelFile } from '../model-file.ts'
import { type ExampleInput, exampleInputs } from './example-ride.ts'
import { type CardFacts, modelCard } from './model-card.ts'
import { onnxModel, onnxOutput } from './onnx.ts'
import type { NumberType } from './onnx-proto.ts'
import {
  condaText,
  pythonEnvironmentText,
  pythonPins,
  pythonVersion,
  requirementsText,
} from './python-environment.ts'
import { textFile, versionFiles } from './version-files.ts'

/** What a tracking server knows of a model beside the version; left out where there is none. */
export interface MlflowFolderOptions {
  /** The run that has made it. */
  readonly runId?: string | undefined
  /** The LoggedModel that it is. */
  readonly modelId?: string | undefined
  /** 32 hexadecimal digits. */
  readonly modelUuid?: string | undefined
  /** When the folder was made. */
  readonly createdAt?: Date | undefined
  /** What the model card is told beside the version. */
  readonly card?: CardFacts | undefined
}

const inputFile = 'input_example.json'
const servingFile = 'serving_input_example.json'
const packages = ['mlflow', 'numpy', 'onnx', 'onnxruntime', 'pandas'] as const

/**
 * The files of the folder.
 *
 * @throws export_unsupported when the model cannot be written as ONNX, artifact_corrupt when the
 *   documents are not those of the version
 */
export function mlflowFolder(
  loaded: LoadedModel,
  options: MlflowFolderOptions = {},
): readonly ModelFile[] {
  const { name, version, documents } = loaded
  const { model } = loaded.predictor
  const own = versionFiles(loaded)
  const inputs = exampleInputs(loaded)
  const example = {
    columns: inputs.map((input) => input.name),
    data: [inputs.map(({ value }) => value)],
  }
  const files: ModelFile[] = [
    {
      path: 'model.onnx',
      content: onnxModel(model, { name, version, lineage: documents.lineage }),
    },
    textFile(inputFile, `${JSON.stringify(example)}\n`),
    textFile(servingFile, `${JSON.stringify({ dataframe_split: example }, null, 2)}\n`),
    textFile('requirements.txt', requirementsText(packages)),
    textFile('conda.yaml', condaText(packages)),
    textFile('python_env.yaml', pythonEnvironmentText()),
    textFile('README.md', modelCard(loaded, options.card)),
    ...own.files,
  ]
  const bytes = files.reduce((sum, { content }) => sum + content.length, 0)
  const metadata = { name, version, lineage_sha256: own.lineageSha256 }
  return [textFile('MLmodel', descriptionText(inputs, metadata, bytes, options)), ...files]
}

/** The file that MLflow reads first: keys in the order of the alphabet, as it writes them. */
function descriptionText(
  inputs: readonly ExampleInput[],
  metadata: Readonly<Record<string, string>>,
  bytes: number,
  { runId, modelId, modelUuid, createdAt }: MlflowFolderOptions,
): string {
  const document = {
    flavors: {
      onnx: {
        code: null,
        data: 'model.onnx',
        onnx_session_options: null,
        onnx_version: pythonPins.onnx,
        // Doubles and table look-ups: there is nothing here that a GPU would do faster.
        providers: ['CPUExecutionProvider'],
      },
      python_function: {
        data: 'model.onnx',
        env: { conda: 'conda.yaml', virtualenv: 'python_env.yaml' },
        loader_module: 'mlflow.onnx',
        python_version: pythonVersion,
      },
    },
    is_signature_from_type_hint: false,
    metadata,
    mlflow_version: pythonPins.mlflow,
    model_id: modelId ?? null,
    model_size_bytes: bytes,
    ...(modelUuid !== undefined && { model_uuid: modelUuid }),
    prompts: null,
    ...(runId !== undefined && { run_id: runId }),
    saved_input_example_info: {
      artifact_path: inputFile,
      pandas_orient: 'split',
      serving_input_path: servingFile,
      type: 'dataframe',
    },
    signature: signatureOf(inputs),
    type_hint_from_example: false,
    ...(createdAt !== undefined && { utc_time_created: timeText(createdAt) }),
  }
  // MLflow reads YAML 1.1, where more texts look like numbers, times and commands than one thinks of.
  return stringify(document, {
    version: '1.1',
    directives: false,
    lineWidth: 0,
    defaultStringType: 'QUOTE_SINGLE',
    defaultKeyType: 'PLAIN',
  })
}

/**
 * Types of inputs and output, as JSON in text. Every column is required, those too whose values may be
 * missing: what stands behind it feeds the graph all columns, or fails. A single column is said to be
 * a tensor: MLflow makes a matrix of a lone column of a data frame, and the graph takes none.
 */
function signatureOf(inputs: readonly ExampleInput[]): Record<string, string | null> {
  const column = (name: string, type: NumberType): string => {
    const start = `{"name": ${JSON.stringify(name)}, `
    if (inputs.length > 1) {
      return `${start}"type": "${type === 'int64' ? 'long' : 'double'}", "required": true}`
    }
    const dtype = type === 'int64' ? 'int64' : 'float64'
    return `${start}"type": "tensor", "tensor-spec": {"dtype": "${dtype}", "shape": [-1]}}`
  }
  return {
    inputs: `[${inputs.map(({ name, type }) => column(name, type)).join(', ')}]`,
    outputs: `[${column(onnxOutput, 'double')}]`,
    params: null,
  }
}

/** As Python writes a time in UTC, with microseconds. */
function timeText(time: Date): string {
  return `${time.toISOString().replace('T', ' ').slice(0, -1)}000`
}
