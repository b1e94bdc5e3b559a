/**
 * Numeric terms as ONNX operations on doubles, to the bit what `features.ts` computes: the same
 * steps in the same order, then the same rounding. Missing values are NaN on the way, and every
 * comparison with one is false, so each step is a choice that keeps what it does not choose.
 * Knows nothing about categories.
 */

import { type NumericTerm, transformScale } from '../features.ts'
import { isColumn } from '../measures.ts'
import type { Step } from '../recipe-schema.ts'
import type { OnnxGraph } from './onnx-graph.ts'
import { measure } from './onnx-measures.ts'
import { tensor } from './onnx-proto.ts'
import type { OnnxRide } from './onnx-ride.ts'

/**
 * The value of a numeric term and where it is a finite number; elsewhere the term is missing.
 *
 * @param name of what is written: that of the term, and before it what tells it from others
 * @returns names of a double and of a truth value
 */
function finiteValue(
  ride: OnnxRide,
  { of, steps }: NumericTerm,
  name: string,
): { value: string; finite: string } {
  const { graph } = ride
  let value = measure(ride, of)
  for (const step of steps) value = stepValue(graph, value, step, name)
  if (steps.length > 0 || !isColumn(of)) value = rounded(graph, value, name)
  const size = graph.add('Abs', `${name}/size`, [value])
  const largest = graph.double(Number.MAX_VALUE)
  return { value, finite: graph.add('LessOrEqual', `${name}/is_finite`, [size, largest]) }
}

/** The value of a numeric term, a double; NaN where it is missing or not finite. */
export function numericValue(ride: OnnxRide, term: NumericTerm, name: string): string {
  const { graph } = ride
  const { value, finite } = finiteValue(ride, term, name)
  return graph.add('Where', `${name}/value`, [finite, value, graph.double(Number.NaN)])
}

/** The minutes of a numeric term: its value times a slope, 0 where it is missing or not finite. */
export function numericMinutes(
  ride: OnnxRide,
  term: NumericTerm,
  name: string,
  slope: number,
): string {
  const { graph } = ride
  const { value, finite } = finiteValue(ride, term, name)
  const own = graph.named(tensor(`${name}/slope`, 'double', [], [slope]))
  // The slope is chosen by ride, too: ONNX Runtime 1.31 drops a product with a constant that is 1
  // in single precision, and a difference to one that is 0.
  const factors = [value, own].map((factor, k) =>
    graph.add('Where', `${name}/${k === 0 ? 'value' : 'factor'}`, [
      finite,
      factor,
      graph.double(0),
    ]),
  )
  return graph.add('Mul', `${name}/minutes`, factors)
}

/** The nearest multiple of 2^-20, halves up. Round takes halves to the even neighbour instead. */
function rounded(graph: OnnxGraph, value: string, term: string): string {
  const units = graph.add('Mul', `${term}/units`, [value, graph.double(transformScale)])
  const raised = graph.add('Add', `${term}/units_and_half`, [units, graph.double(0.5)])
  const whole = graph.add('Floor', `${term}/whole_units`, [raised])
  return graph.add('Div', `${term}/rounded`, [whole, graph.double(transformScale)])
}

function stepValue(graph: OnnxGraph, x: string, step: Step, term: string): string {
  if (step === 'log1p') return log1p(graph, x, term)
  if (step === 'sqrt') return graph.add('Sqrt', `${term}/sqrt`, [x])
  /** One value where x compares so with a bound, another where it does not. */
  const choose = (name: string, op: string, bound: number, then: string, otherwise: string) => {
    const holds = graph.add(op, `${term}/${name}_test`, [x, graph.double(bound)])
    return graph.add('Where', `${term}/${name}`, [holds, then, otherwise])
  }
  /** 0 and 1 say nothing of a missing value: it stays one. */
  const unlessMissing = (name: string, value: string) => {
    const missing = graph.add('IsNaN', `${term}/${name}_missing`, [x])
    return graph.add('Where', `${term}/${name}`, [missing, x, value])
  }
  const number = (value: number) => graph.double(value)
  if (step === 'is_zero') {
    return unlessMissing('is_zero', choose('zero', 'Equal', 0, number(1), number(0)))
  }
  if ('clip' in step) {
    const [low, high] = step.clip
    const below = choose('clip_high', 'Greater', high, number(high), x)
    return choose('clip', 'Less', low, number(low), below)
  }
  if ('hinge' in step) {
    // Not x - hinge and then a choice: see the slope.
    const whole = choose('before_hinge', 'Less', step.hinge, number(0), x)
    const part = choose('up_to_hinge', 'Less', step.hinge, number(0), number(step.hinge))
    return graph.add('Sub', `${term}/hinge`, [whole, part])
  }
  const [low, high] = 'between' in step ? step.between : step.is_between
  const kept = 'between' in step ? x : number(1)
  const below = choose('at_most', 'Greater', high, number(0), kept)
  const inside = choose('inside', 'Less', low, number(0), below)
  return 'between' in step ? inside : unlessMissing('is_inside', inside)
}

/**
 * log(1 + x), as exact for a tiny x as Math.log1p: ONNX has the logarithm only, and 1 + x loses
 * digits of x. What was added is (1 + x) - 1, so the logarithm is scaled by x over that.
 */
function log1p(graph: OnnxGraph, x: string, term: string): string {
  const one = graph.double(1)
  const grown = graph.add('Add', `${term}/grown`, [x, one])
  const added = graph.add('Sub', `${term}/added`, [grown, one])
  const log = graph.add('Log', `${term}/log`, [grown])
  const ratio = graph.add('Div', `${term}/lost_digits`, [x, added])
  const scaled = graph.add('Mul', `${term}/scaled_log`, [log, ratio])
  // Infinity too: there the ratio is not a number.
  const exact = graph.add('Equal', `${term}/nothing_lost`, [added, x])
  const corrected = graph.add('Where', `${term}/corrected_log`, [exact, log, scaled])
  const tiny = graph.add('Equal', `${term}/all_lost`, [grown, one])
  return graph.add('Where', `${term}/log1p`, [tiny, x, corrected])
}
