/**
 * Reads Thrift's compact protocol into plain values: fields by their number. Knows nothing about
 * what the fields mean.
 */

/** A value: integers as bigint, text and binary as bytes, lists and structures nested. */
export type ThriftValue = bigint | boolean | number | Uint8Array | readonly ThriftValue[] | Struct

/** A structure: its fields by number. */
export type Struct = ReadonlyMap<number, ThriftValue>

/** Structures that are nested deeper are no footers. */
const deepest = 32

/**
 * Reads one structure.
 *
 * @throws RangeError when the bytes end before it does, or are something else
 */
export function readStruct(bytes: Uint8Array): Struct {
  return new Reader(bytes).struct(0)
}

class Reader {
  private at = 0
  private readonly bytes: Uint8Array
  private readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  struct(depth: number): Struct {
    if (depth > deepest) throw new RangeError('structures are nested too deep')
    const fields = new Map<number, ThriftValue>()
    let id = 0
    for (let head = this.byte(); head !== 0; head = this.byte()) {
      const delta = head >> 4
      id = delta === 0 ? Number(this.zigzag()) : id + delta
      fields.set(id, this.value(head & 15, depth))
    }
    return fields
  }

  private value(type: number, depth: number): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return type === 1
      case 3:
        return BigInt(this.byte())
      case 4:
      case 5:
      case 6:
        return this.zigzag()
      case 7:
        return this.view.getFloat64(this.take(8), true)
      case 8: {
        const length = Number(this.varint())
        const from = this.take(length)
        return this.bytes.subarray(from, from + length)
      }
      case 9:
      case 10:
        return this.list(depth + 1)
      case 12:
        return this.struct(depth + 1)
      default:
        throw new RangeError(`a field has the unknown type ${type}`)
    }
  }

  private list(depth: number): ThriftValue[] {
    if (depth > deepest) throw new RangeError('lists are nested too deep')
    const head = this.byte()
    const size = head >> 4 === 15 ? Number(this.varint()) : head >> 4
    const type = head & 15
    const items: ThriftValue[] = []
    // Each item takes a byte at least: a size from damaged bytes ends with them.
    for (let k = 0; k < size; k++) {
      items.push(type === 1 || type === 2 ? this.byte() === 1 : this.value(type, depth))
    }
    return items
  }

  private byte(): number {
    return this.view.getUint8(this.take(1))
  }

  private take(length: number): number {
    const from = this.at
    if (!(length >= 0) || from + length > this.bytes.length) {
      throw new RangeError('it ends too early')
    }
    this.at += length
    return from
  }

  private varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw new RangeError('a number is too long')
  }

  private zigzag(): bigint {
    const value = this.varint()
    return (value >> 1n) ^ -(value & 1n)
  }
}
