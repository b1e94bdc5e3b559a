/**
 * `ridecast models export`: a version for programs that know nothing of ridecast. Knows where it is
 * written and what to run next; what is in it is the matter of `export/`.
 */

import { existsSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { RidecastError } from '../errors.ts'
import type { LoadedModel } from '../loaded-model.ts'
import type { ModelFile } from '../model-file.ts'
import { type Io, printJson } from './io.ts'
import { openModel, registryUriHelp } from './open-model.ts'

/** The formats, with what each is. */
const formats = {
  mlflow: 'folder that MLflow loads and serves',
  onnx: 'one file for ONNX Runtime',
  sklearn: 'folder with JSON and a script for scikit-learn (plain and pairs)',
  card: 'the model card, .html or .md',
  xgboost: 'one JSON file for XGBoost (trees and forests)',
} as const

type Format = keyof typeof formats

interface Flags {
  readonly format: Format
  readonly models: string
  readonly registryUri?: string
  readonly out?: string
  readonly force?: true
  readonly json?: true
}

/** What is written, and what to run then. */
interface Exported {
  /** A folder's files, or the bytes of one file. */
  readonly content: readonly ModelFile[] | Uint8Array
  /** A command for the shell; null where there is none to name. */
  readonly next: string | null
}

const help = `
Formats:
${Object.entries(formats)
  .map(([name, what]) => `  ${name.padEnd(8)} ${what}`)
  .join('\n')}

Examples:
  ridecast models export green-duration --format mlflow
  ridecast models export green-duration@champion --format onnx --out model.onnx
  ridecast models export green-duration/3f9c2a71 --format sklearn --out rebuilt
  ridecast models export green-trees --format xgboost --out trees.json
  ridecast models export green-duration --format card --out card.md --force

What is there already is replaced only with --force, and only if an export of that format wrote it.`

/** The subcommand `export` of `ridecast models`. */
export function exportCommand(io: Io): Command {
  return new Command('export')
    .summary('write a version for MLflow, ONNX Runtime, XGBoost or scikit-learn, or its model card')
    .description(
      'Write a model version, verified first, for programs that know nothing of ridecast.',
    )
    .argument('<reference>', 'name, name@alias, name/version or the path of a version')
    .addOption(
      new Option('--format <name>', 'what to write')
        .choices(Object.keys(formats))
        .makeOptionMandatory(),
    )
    .option('--out <path>', 'folder or file (default: named after model, version and format)')
    .option('--force', 'replace an earlier export')
    .option('--models <dir>', 'folder of models', 'models')
    .option('--registry-uri <uri>', registryUriHelp)
    .option('--json', 'print one line of JSON')
    .addHelpText('after', help)
    .action((reference: string, flags: Flags) => exportVersion(io, reference, flags))
}

async function exportVersion(io: Io, reference: string, flags: Flags): Promise<void> {
  const { writeFileWhole, writeFolder } = await import('../export/write-folder.ts')
  const loaded = await openModel(io, flags.models, reference, flags.registryUri)
  const { name, version } = loaded
  const path = resolve(io.cwd, flags.out ?? defaultName(loaded, flags.format))
  // Asked before the work, too: the answer is the same, only sooner.
  if (!flags.force) refuseExisting(path)
  const { content, next } = await exported(loaded, flags.format, path)
  if (content instanceof Uint8Array) await writeFileWhole(path, content, flags)
  else await writeFolder(path, content, flags)
  const files = content instanceof Uint8Array ? [{ path: basename(path), content }] : content
  const written = files.map((file) => ({ path: file.path, bytes: file.content.length }))
  const bytes = written.reduce((sum, file) => sum + file.bytes, 0)
  if (flags.json) {
    printJson(io, { name, version, format: flags.format, path, bytes, files: written, next })
    return
  }
  io.out(`${name}/${version} as ${flags.format}: ${io.colors.bold(path)} (${sizeText(bytes)})\n`)
  if (!(content instanceof Uint8Array)) {
    for (const file of written) io.out(`  ${file.path.padEnd(28)} ${sizeText(file.bytes)}\n`)
  }
  if (next !== null) io.out(`next: ${next}\n`)
}

async function exported(loaded: LoadedModel, format: Format, path: string): Promise<Exported> {
  const at = quoted(path)
  if (format === 'mlflow') {
    const { mlflowFolder } = await import('../export/mlflow-folder.ts')
    const next = `mlflow models serve -m ${at} --env-manager local --port 5001`
    return { content: mlflowFolder(loaded), next }
  }
  if (format === 'sklearn') {
    const { sklearnFolder } = await import('../export/sklearn.ts')
    return {
      content: sklearnFolder(loaded),
      next: `python ${quoted(`${path}/rebuild.py`)} rides.csv`,
    }
  }
  if (format === 'onnx') {
    const { onnxModel } = await import('../export/onnx.ts')
    const { name, version, documents } = loaded
    const about = { name, version, lineage: documents.lineage }
    const next = `python -c 'import onnxruntime, sys; print(*onnxruntime.InferenceSession(sys.argv[1]).get_inputs(), sep="\\n")' ${at}`
    return { content: onnxModel(loaded.predictor.model, about), next }
  }
  if (format === 'xgboost') {
    const { xgboostFile } = await import('../export/xgboost.ts')
    const next = `python -c 'import sys, xgboost; print(xgboost.Booster(model_file=sys.argv[1]).attributes())' ${at}`
    return { content: xgboostFile(loaded), next }
  }
  return { content: Buffer.from(await cardText(loaded, path)), next: null }
}

async function cardText(loaded: LoadedModel, path: string): Promise<string> {
  const kind = extname(path).toLowerCase()
  if (kind === '.html') return (await import('../export/card-page.ts')).cardPage(loaded)
  if (kind === '.md') return (await import('../export/model-card.ts')).modelCard(loaded)
  throw new RidecastError(
    'usage_invalid',
    `file of a card must end in .html or .md, found ${JSON.stringify(basename(path))}`,
  )
}

function defaultName({ name, version }: LoadedModel, format: Format): string {
  const endings = {
    mlflow: '-mlflow',
    onnx: '.onnx',
    xgboost: '.json',
    sklearn: '-sklearn',
    card: '.html',
  }
  // A name from elsewhere may have a separator in it.
  return `${name.replaceAll(/[^\w.-]/g, '_')}-${version}${endings[format]}`
}

function refuseExisting(path: string): void {
  if (!existsSync(path)) return
  throw new RidecastError(
    'usage_invalid',
    `${path} is there already: give another --out, or --force to replace it`,
  )
}

function sizeText(bytes: number): string {
  return bytes < 10_000 ? `${bytes} bytes` : `${(bytes / 1000).toFixed(1)} kB`
}

function quoted(text: string): string {
  return /^[\w./@:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
