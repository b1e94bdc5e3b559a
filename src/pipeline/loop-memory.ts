/**
 * Memory that loops of WebAssembly reach, and the arrays in it. Knows nothing about what the loops
 * do.
 */

import {
  pageBytes,
  type WasmFunction,
  wasmExports,
  wasmMemory,
  wasmModule,
} from '../wasm-assembler.ts'

/** Pages to begin with, and as far as addresses reach. */
const fewestPages = 64
const mostPages = 65_535

/** Modules by name, each put together once. */
const modules = new Map<string, Uint8Array<ArrayBuffer>>()

/** Arrays side by side; none is ever given back. */
export class LoopMemory {
  private readonly memory = wasmMemory(fewestPages, mostPages)
  private used = 0

  /** Numbers, all zero. */
  ints(length: number): Int32Array {
    const at = this.room(length * Int32Array.BYTES_PER_ELEMENT)
    return new Int32Array(this.memory.buffer, at, length)
  }

  /** Numbers from 0 to 65,535, all zero. */
  halves(length: number): Uint16Array {
    const at = this.room(length * Uint16Array.BYTES_PER_ELEMENT)
    return new Uint16Array(this.memory.buffer, at, length)
  }

  /** Values, all zero. */
  doubles(length: number): Float64Array {
    const at = this.room(length * Float64Array.BYTES_PER_ELEMENT)
    return new Float64Array(this.memory.buffer, at, length)
  }

  /**
   * Loops over arrays of this memory, which take their addresses.
   *
   * @param name the same for the same functions
   */
  loops(name: string, functions: () => readonly WasmFunction[]): object {
    const module = modules.get(name) ?? wasmModule(functions(), mostPages)
    modules.set(name, module)
    return wasmExports(module, this.memory)
  }

  private room(bytes: number): number {
    const at = this.used
    // Whole doubles, so that every array begins at one.
    this.used += Math.ceil(bytes / 8) * 8
    const missing = this.used - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.max(fewestPages, Math.ceil(missing / pageBytes)))
    return at
  }
}
