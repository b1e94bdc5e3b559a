/**
 * A graph of ONNX operations as it grows: nodes with names that people can read, constants each
 * once. A node has one output, which bears its name. Knows nothing about models of rides.
 */

import { type Attribute, type GraphNode, type Tensor, tensor } from './onnx-proto.ts'

/** The operators of machine learning stand apart from those of tensors. */
export const mlDomain = 'ai.onnx.ml'

/** Attributes and domain of a node. */
export interface NodeOptions {
  /** Default none. */
  readonly attributes?: readonly Attribute[]
  /** Default that of tensors. */
  readonly domain?: string
}

/** Nodes in the order in which they are computed, and the constants that they read. */
export class OnnxGraph {
  /** In order: a node reads inputs, constants and outputs of earlier nodes only. */
  readonly nodes: GraphNode[] = []
  private readonly tensors = new Map<string, Tensor>()
  private readonly names: Set<string>

  /** @param taken names of the graph's inputs and outputs */
  constructor(taken: Iterable<string>) {
    this.names = new Set(taken)
  }

  /** The constants, in the order of their first use. */
  get constants(): readonly Tensor[] {
    return [...this.tensors.values()]
  }

  /**
   * Adds an operation.
   *
   * @param name wanted for its output; a number follows where it is taken
   * @returns the name of its output
   */
  add(
    opType: string,
    name: string,
    input: readonly string[],
    { attributes = [], domain = '' }: NodeOptions = {},
  ): string {
    const output = this.free(name)
    this.append(opType, output, input, { attributes, domain })
    return output
  }

  /** Adds the operation whose output is an output of the graph. */
  finish(opType: string, output: string, input: readonly string[]): void {
    this.append(opType, output, input, {})
  }

  /** A scalar double; the same value has the same name. */
  double(value: number): string {
    return this.constant(tensor(`${value}:double`, 'double', [], [value]))
  }

  /** A scalar 64-bit integer; the same value has the same name. */
  int(value: number | bigint): string {
    return this.constant(tensor(`${value}:int64`, 'int64', [], [value]))
  }

  /** A list of one axis, as operations want it that work along axes. */
  axis(index: number): string {
    return this.constant(tensor(`axis_${index}`, 'int64', [1], [index]))
  }

  /** A constant with a name of its own. */
  named(given: Tensor): string {
    return this.constant({ ...given, name: this.free(given.name) })
  }

  private append(
    opType: string,
    output: string,
    input: readonly string[],
    { attributes = [], domain = '' }: NodeOptions,
  ): void {
    this.nodes.push({
      input,
      output: [output],
      name: output,
      opType,
      attribute: attributes,
      domain,
    })
  }

  private constant(given: Tensor): string {
    if (!this.tensors.has(given.name)) this.tensors.set(given.name, given)
    return given.name
  }

  private free(wanted: string): string {
    let name = wanted
    for (let n = 2; this.names.has(name); n++) name = `${wanted}_${n}`
    this.names.add(name)
    return name
  }
}
