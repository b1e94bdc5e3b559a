/**
 * What a report page shows: one model or several, judged on the same rides. Plain JSON; knows nothing
 * about how it is measured or drawn.
 */

import type {
  InputImportance,
  Judgement,
  LearningPoint,
  LeveragePoints,
  PartialDependence,
  Unavailable,
} from '../judge/judgement.ts'

/** A report. */
export interface ReportDocument {
  readonly format: 'ridecast-report'
  readonly version: 1
  /** The rides that all models were judged on, for people: `green 2021-02`. */
  readonly rides: string
  /** What models are ranked by, in the order of {@link RankingShown.rmse}. */
  readonly windows?: readonly RankingWindow[]
  /** At least one, in the order of the leaderboard; names differ. */
  readonly models: readonly ReportModel[]
}

/** A model of a report; what is absent is not shown. */
export interface ReportModel {
  /** What it is called here: `green-duration`, or the recipe. */
  readonly name: string
  /** Version in the registry. */
  readonly version?: string
  readonly kind: 'linear' | 'trees' | 'forest' | 'ensemble'
  /** Name of its recipe. */
  readonly recipe?: string
  /** Rides that it was trained on, for people: `green 2021-01`. */
  readonly trained_on?: string
  readonly judgement: Judgement
  /** On rides before those reported. */
  readonly selection?: RankingShown
  /** Rides whose errors the intervals of the judgement are made of, for people. */
  readonly calibrated_on?: string
  /** Whether it has seen some of the rides of the report, in training or for its intervals. */
  readonly known?: 'trained' | 'calibrated'
  readonly training_seconds?: number
  /** Bytes of its `model.json`. */
  readonly model_bytes?: number
  readonly microseconds_per_prediction?: number
  /** By shuffled inputs, the most needed first. */
  readonly importance?: readonly InputImportance[]
  /** By what splits on a term did in training, the most telling first. */
  readonly terms?: readonly TermShare[]
  /** One chart each. */
  readonly dependence?: readonly PartialDependence[]
  /** Of a linear model: fitted rides by their weight, or why that is not known. */
  readonly leverage?: LeveragePoints | Unavailable
  /** The same recipe on more months, ascending; or why that is not known. */
  readonly learning_curve?: readonly LearningPoint[] | Unavailable
}

/** A training that models are ranked by, for people. */
export interface RankingWindow {
  readonly train: string
  readonly validation: string
}

/** RMSE by window, minutes. */
export interface RankingShown {
  readonly mean: number
  /** Between windows, divided by their number less 1; 0 for one. */
  readonly deviation: number
  readonly rmse: readonly number[]
}

/** What a term did in training. */
export interface TermShare {
  readonly term: string
  /** Share of what all terms lower the squared error by, 0 to 1. */
  readonly share: number
}
