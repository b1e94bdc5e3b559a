/**
 * What judging a model says, as plain JSON: minutes throughout, errors are prediction - actual.
 * Knows nothing about how it is measured or shown.
 */

import type { InputName } from '../../ride.ts'
import type { Histogram } from '../data-profile/document.ts'

/** A model judged on one set of rides. */
export interface Judgement {
  readonly format: 'ridecast-judgement'
  readonly version: 1
  readonly measures: JudgedMeasures
  /** Slices of fewer rides are told, but do not count for gaps and for {@link worst}. */
  readonly minimum_support: number
  readonly slices: readonly SliceFamily[]
  /** Of all slices with enough rides the one with the highest RMSE; null where none has enough. */
  readonly worst: WorstSlice | null
  /** The bins of minutes that {@link density} and {@link fitted} share, from 0. */
  readonly axis: MinutesAxis
  readonly predicted: Histogram
  readonly actual: Histogram
  /**
   * Rides by predicted and actual minutes, (bins x bins), one row for each bin of the prediction;
   * the outermost bins take what lies beyond the axis.
   */
  readonly density: readonly number[]
  /** Residuals by predicted minutes, bins without rides left out. */
  readonly fitted: readonly FittedBin[]
  /** Residuals against those of a normal distribution, ascending. */
  readonly qq: readonly QuantilePoint[]
  /** Zones where a ride begins or ends; empty where the files have none. */
  readonly zones: readonly ZoneBias[]
  /** Some rides, drawn so that each is as likely as any other. */
  readonly sample: RideSample
  /** Null for a model without intervals. */
  readonly intervals: readonly IntervalCoverage[] | null
}

/** Measures of all rides. */
export interface JudgedMeasures extends ErrorMeasures {
  /** Mean squared error, minutes^2. */
  readonly mse: number
  /** Share of the variance explained; null where all rides took the same time. */
  readonly r2: number | null
  /** By level, as `0.05`: the residual that this share of the rides stays below, to 0.01 minutes. */
  readonly quantiles: Readonly<Record<string, number>>
}

/** Bins of one width from 0 minutes. */
export interface MinutesAxis {
  /** Minutes. */
  readonly width: number
  readonly bins: number
}

/** Measures of some rides. */
export interface ErrorMeasures {
  readonly n: number
  readonly rmse: number
  readonly mae: number
  readonly bias: number
}

/** Rides that have something in common. */
export interface RideSlice extends ErrorMeasures {
  readonly name: string
}

/** What rides are sliced by. */
export type FamilyKey =
  | 'pickup_borough'
  | 'pickup_service'
  | 'hour'
  | 'weekday'
  | 'distance'
  | 'airport'
  | 'predicted'

/** Slices that every ride is in one of. */
export interface SliceFamily {
  readonly key: FamilyKey
  /** For people. */
  readonly title: string
  /** In their natural order, those without rides left out. */
  readonly slices: readonly RideSlice[]
  /** The highest RMSE less the lowest, of slices with enough rides; null for fewer than two. */
  readonly gap: number | null
}

/** The slice that a gate asks for. */
export interface WorstSlice extends RideSlice {
  readonly family: FamilyKey
  /** Its RMSE over that of all rides. */
  readonly ratio: number
}

/** Rides of about the same prediction. */
export interface FittedBin {
  /** Minutes, included. */
  readonly from: number
  /** Minutes, not included. */
  readonly to: number
  readonly n: number
  /** Mean residual. */
  readonly mean: number
  /** Residuals at {@link fittedLevels}, to a tenth of the axis's width. */
  readonly quantiles: readonly number[]
  /** The root of |residual / RMSE of all rides| at {@link spreadLevels}. */
  readonly spread: readonly number[]
}

/** The probabilities of {@link FittedBin.quantiles}. */
export const fittedLevels = [0.05, 0.25, 0.5, 0.75, 0.95] as const

/** The probabilities of {@link FittedBin.spread}. */
export const spreadLevels = [0.25, 0.5, 0.75] as const

/** A point of the normal quantile plot. */
export interface QuantilePoint {
  /** Share of the rides below. */
  readonly p: number
  /** Standard deviations from the mean where a normal distribution has that share below. */
  readonly z: number
  /** Minutes, to 0.01. */
  readonly residual: number
}

/** Errors of the rides that begin and that end in a zone. */
export interface ZoneBias {
  readonly id: number
  readonly pickups: number
  /** Null where no ride begins. */
  readonly pickup_bias: number | null
  readonly dropoffs: number
  /** Null where no ride ends. */
  readonly dropoff_bias: number | null
}

/** Columns of one length. */
export interface RideSample {
  readonly seed: number
  readonly predicted: readonly number[]
  readonly actual: readonly number[]
  /** Miles; null where they are not known. */
  readonly distance: readonly (number | null)[]
  /** Hour of the day of the pickup. */
  readonly hour: readonly number[]
}

/** How often the actual minutes lie in an interval, and how wide it is. */
export interface CoverageMeasures {
  readonly n: number
  /** Share of the rides inside, bounds included. */
  readonly coverage: number
  /** Mean width, minutes. */
  readonly width: number
}

/** Intervals of one nominal coverage. */
export interface IntervalCoverage extends CoverageMeasures {
  /** The share that is asked for. */
  readonly nominal: number
  /** By minutes of the prediction, those without rides left out. */
  readonly slices: readonly (CoverageMeasures & { readonly name: string })[]
}

/** The nominal coverages that are measured. */
export const coverageLevels = [0.5, 0.8, 0.9, 0.95] as const

/** How much a model needs an input. */
export interface InputImportance {
  readonly input: InputName
  /** Minutes that the RMSE rises by when the input is shuffled among the rides; mean of the repeats. */
  readonly rise: number
  /** Standard deviation of the repeats, divided by n - 1; 0 for one. */
  readonly deviation: number
}

/** What can be set: an input, or a part of the time of the pickup that leaves the rest as it is. */
export type SettableInput = InputName | 'hour' | 'weekday'

/** The mean prediction where an input has a value. */
export interface DependencePoint {
  /** In the input's unit; an hour from 0, a weekday from Monday, 0. */
  readonly value: number
  /** Mean of the predictions. */
  readonly minutes: number
}

/** What a model predicts on average as an input is set. */
export interface PartialDependence {
  readonly input: SettableInput
  readonly points: readonly DependencePoint[]
}

/** Rides of a linear fit by how much they decide it; columns of one length, a ride each. */
export interface LeveragePoints {
  /** Rides that were fitted. */
  readonly fitted: number
  /** Coefficients that the fit has in effect: over {@link fitted} it is the mean leverage. */
  readonly coefficients: number
  /** Fitted rides that were looked at. */
  readonly sampled: number
  /** Of those, rides that decide their own prediction: leverage 1, no residual to show. */
  readonly decided: number
  /** Weight of a ride in its own prediction, 0 to 1. */
  readonly leverage: readonly number[]
  /** Predicted - actual, over the standard deviation that it has at this leverage. */
  readonly residual: readonly number[]
  /** Cook's distance: how far all predictions would move without the ride. */
  readonly influence: readonly number[]
}

/** Why something is not shown: the rest of a sentence. */
export interface Unavailable {
  readonly unavailable: string
}

/** How good a recipe is with so much data. */
export interface LearningPoint {
  /** Months that were trained on. */
  readonly months: number
  /** On the rides of the judgement, minutes. */
  readonly rmse: number
}
