/**
 * The Parquet decoder, made safe to use: a damaged file is an error that names it, never a crash
 * and never a hang. Knows nothing about what the columns of a file mean.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { ParquetFile } from 'parquet-wasm'
import { messageOf, RidecastError } from '../errors.ts'

/** An open file. */
export interface Decoder {
  /**
   * Runs one step on the file.
   *
   * @throws source_truncated in place of whatever the step throws
   */
  run<T>(step: (file: ParquetFile) => T | Promise<T>): Promise<T>
  /** Lets go of the file and of the memory behind it. */
  close(): void
}

/**
 * Opens a local Parquet file; its footer is read, nothing else.
 *
 * @throws source_truncated
 */
export async function openDecoder(path: string): Promise<Decoder> {
  let descriptor: number | undefined
  const closeFile = (): void => {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }
  try {
    const file = await decoded(path, async () => {
      descriptor = openSync(path, 'r')
      const whole = new FilePart(descriptor, 0, fstatSync(descriptor).size)
      // The decoder asks for no more of a Blob than what a part has.
      return ParquetFile.fromFile(whole as unknown as Blob)
    })
    return {
      run: (step) => decoded(path, async () => step(file)),
      close() {
        // A panic leaves the file borrowed for good; its memory is lost then, the error is not.
        try {
          file.free()
        } catch {}
        closeFile()
      },
    }
  } catch (error) {
    closeFile()
    throw error
  }
}

/** The error of a file that is not what its frame says. */
export function damaged(path: string, reason: string, cause?: unknown): RidecastError {
  const text = `${path} is a damaged Parquet file (${reason}): download it again`
  return new RidecastError('source_truncated', text, { cause })
}

/**
 * Bytes of a file in the form of a Blob. Node's own Blobs of files read in small pieces and join
 * them: decoding then takes half as long again.
 */
class FilePart {
  readonly size: number
  private readonly descriptor: number
  private readonly from: number

  constructor(descriptor: number, from: number, to: number) {
    this.descriptor = descriptor
    this.from = from
    this.size = to - from
  }

  slice(from: number, to: number): FilePart {
    return new FilePart(this.descriptor, this.from + from, this.from + to)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(this.size)
    for (let at = 0; at < bytes.length; ) {
      const read = readSync(this.descriptor, bytes, at, bytes.length - at, this.from + at)
      if (read === 0) throw new Error('it ends before its footer says')
      at += read
    }
    return bytes.buffer
  }
}

let turn: Promise<unknown> = Promise.resolve()

/** Runs one step of the decoder; steps wait for each other, so that a panic has one cause. */
async function decoded<T>(path: string, step: () => Promise<T>): Promise<T> {
  const result = turn.then(() => surviving(step))
  // Only the end counts: holding on to the result would keep a row group in memory.
  const over = (): void => {}
  turn = result.then(over, over)
  try {
    return await result
  } catch (error) {
    throw damaged(path, messageOf(error), error)
  }
}

/**
 * Runs a step of the decoder and rejects when it panics. The decoder goes on in microtasks: a
 * panic over damaged bytes would come out of one of those, where it ends the process, and the
 * step would never settle. So the tasks queued meanwhile are watched.
 */
async function surviving<T>(step: () => Promise<T>): Promise<T> {
  const queue = globalThis.queueMicrotask
  try {
    return await new Promise<T>((resolve, reject) => {
      globalThis.queueMicrotask = (task) => {
        queue(() => {
          try {
            task()
          } catch (error) {
            // Only WebAssembly traps have this name.
            if (!(error instanceof Error) || error.name !== 'RuntimeError') throw error
            reject(new Error('its pages cannot be decoded', { cause: error }))
          }
        })
      }
      step().then(resolve, reject)
    })
  } finally {
    globalThis.queueMicrotask = queue
  }
}
