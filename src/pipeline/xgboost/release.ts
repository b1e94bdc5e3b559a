/** The release of XGBoost that is used: which wheels, and their hashes. Knows nothing about how. */

import { RidecastError } from '../../errors.ts'

/** Version of the library: others give other trees. */
export const xgboostVersion = '3.2.0'

/** Name and version as models record them. */
export const xgboostLibrary = `xgboost ${xgboostVersion}`

/** Name of the project on the Python package index: the build without CUDA. */
export const xgboostProject = 'xgboost-cpu'

/** A wheel that was published. */
export interface Wheel {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** BLAKE2b of 256 bits, which the publisher's address is made from. */
  readonly blake2b: string
}

const wheel = (platform: string, bytes: number, sha256: string, blake2b: string): Wheel => ({
  file: `xgboost_cpu-${xgboostVersion}-py3-none-${platform}.whl`,
  bytes,
  sha256,
  blake2b,
})

/** By system, architecture and C library of Node. */
const wheels: Readonly<Record<string, Wheel>> = {
  'linux x64 glibc': wheel(
    'manylinux_2_28_x86_64',
    5_595_924,
    '9c10b1653e1a689bf4094a328144cf3633c9be0e5217a76fbdc2fde6abcb2950',
    'ba1dc05e982a2220e1a208f5ca8792265cefb43e860e8796bff3245cc94fc2ce',
  ),
  'linux arm64 glibc': wheel(
    'manylinux_2_28_aarch64',
    5_213_428,
    '896b9e2bc52ec0921edf92ddd1cebedf47032e94992b7aca0293524d380ce6e9',
    '163db996f80a52e6a4f7c5ed1851bfc1f4e8dae2dc7670ef8b0ca283b3006e3b',
  ),
}

/** What Node runs on, as wheels are named by here. */
export function thisPlatform(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const libc = header.glibcVersionRuntime ? ' glibc' : ''
  return `${process.platform} ${process.arch}${libc}`
}

/**
 * The wheel for a platform.
 *
 * @throws trainer_missing where there is none
 */
export function wheelFor(platform: string = thisPlatform()): Wheel {
  const found = wheels[platform]
  if (found) return found
  throw new RidecastError(
    'trainer_missing',
    `XGBoost cannot be installed on ${platform}: expected one of ${Object.keys(wheels).join(', ')}; train without --trainer`,
  )
}

/** The publisher's own address of a wheel. */
export function publishedAt({ file, blake2b }: Wheel): string {
  const path = [blake2b.slice(0, 2), blake2b.slice(2, 4), blake2b.slice(4), file]
  return `https://files.pythonhosted.org/packages/${path.join('/')}`
}
