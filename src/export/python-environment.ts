/**
 * What a Python needs to be installed so that an export runs in it: exact versions, those that the
 * tests against real programs run with. Knows nothing about models.
 */

import { stringify } from 'yaml'

/** The Python that exports were run with. */
export const pythonVersion = '3.11.7'

/** Packages of Python by name, each at the version that exports were run with. */
export const pythonPins = {
  mlflow: '3.17.2',
  numpy: '2.4.6',
  onnx: '1.23.2',
  onnxruntime: '1.31.1',
  pandas: '3.1.1',
  'scikit-learn': '1.9.1',
} as const

/** The name of a pinned package. */
export type PinnedPackage = keyof typeof pythonPins

const buildTools = ['pip==26.3', 'setuptools==65.5.0', 'wheel']

const pinned = (names: readonly PinnedPackage[]): string[] =>
  names.map((name) => `${name}==${pythonPins[name]}`)

/** `requirements.txt`, as pip reads it. */
export function requirementsText(names: readonly PinnedPackage[]): string {
  return `${pinned(names).join('\n')}\n`
}

/** `conda.yaml`, as MLflow and conda read it. */
export function condaText(names: readonly PinnedPackage[]): string {
  return stringify({
    channels: ['conda-forge'],
    dependencies: [`python=${pythonVersion}`, 'pip<=26.3', { pip: pinned(names) }],
    name: 'mlflow-env',
  })
}

/** `python_env.yaml`, from which MLflow makes a virtual environment. */
export function pythonEnvironmentText(): string {
  return stringify({
    python: pythonVersion,
    build_dependencies: buildTools,
    dependencies: ['-r requirements.txt'],
  })
}
