// The numbers ridecast is held to, beside what was measured: ratios of contenders of one run.
// A number that was not measured is said to be so; none is assumed.

/** Least, middle and largest of some numbers. */
export function spread(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = sorted.length >> 1
  const median = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
  return { n: sorted.length, min: sorted[0], median, max: sorted.at(-1) }
}

const unmeasured = { measured: 'not measured' }
const wall = ({ seconds }) => seconds
const memory = ({ peakMb }) => peakMb
const sums = ({ output }) => output.seconds.sum
const query = ({ output }) => output.seconds.query
const solving = ({ output }) => output.seconds.solve
const residual = ({ output }) => output.residual
const trees = ({ output }) => output.seconds
/** LightGBM, before and after ours. */
const lightgbm = ({ output }) => spread(output.lightgbm.map(({ seconds }) => seconds)).median

/**
 * The rows of the table.
 *
 * @param samples by contender: `{ seconds, peakMb, output }` per round
 * @returns rows `{ what, held, measured, reached }`; reached is undefined where nothing was measured
 */
export function heldTo(samples) {
  /** A ratio of medians, and of the rounds that both contenders have. */
  function ratio(top, topOf, bottom, bottomOf) {
    const [above, below] = [samples[top], samples[bottom]]
    if (!above?.length || !below?.length) return undefined
    const rounds = Math.min(above.length, below.length)
    const each = Array.from({ length: rounds }, (_, i) => topOf(above[i]) / bottomOf(below[i]))
    const { min, max } = spread(each)
    return {
      value: spread(above.map(topOf)).median / spread(below.map(bottomOf)).median,
      min,
      max,
    }
  }
  const text = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1))
  function row(what, held, limit, measured) {
    if (measured === undefined) return { what, held, ...unmeasured }
    const { value, min, max } = measured
    const reached = limit.least === undefined ? value <= limit.most : value >= limit.least
    return { what, held, measured: `${text(value)} (${text(min)} to ${text(max)})`, reached }
  }
  const faster = (peer, factor) =>
    row(
      `plain, cold, whole process, engine duckdb: ${peer} pipeline's time over ours`,
      `at least ${factor}`,
      { least: factor },
      ratio(peer, wall, 'plain-duckdb', wall),
    )
  const sumsAlone = (engine, factor) =>
    row(
      `its sums alone, engine ${engine}: over DuckDB's grouped sums`,
      `at most ${factor}`,
      { most: factor },
      ratio(`sums-${engine}`, sums, 'group', query),
    )
  /** What is left of a process when what starting costs is taken away. */
  function within(name, what, seconds) {
    const [all, starts] = [samples[name], samples.start]
    if (!all?.length || !starts?.length) return row(what, `under ${seconds} s`, {})
    const start = spread(starts.map(wall)).median
    const { min, median, max } = spread(all.map((sample) => wall(sample) - start))
    return row(what, `under ${seconds} s`, { most: seconds }, { value: median, min, max })
  }
  /** What was measured as it is. */
  function value(name, what, held, most, of, words = text) {
    const all = samples[name]
    if (!all?.length) return { what, held, ...unmeasured }
    const { min, median, max } = spread(all.map(of))
    const measured = `${words(median)} (${words(min)} to ${words(max)})`
    return { what, held, measured, reached: median <= most }
  }
  const growth = (recipe, engine) =>
    row(
      `memory, ${recipe}, engine ${engine}: peak at ten times the rows over the peak`,
      'at most 1.2',
      { most: 1.2 },
      ratio(`${recipe}-${engine}-10x`, memory, `${recipe}-${engine}-1x`, memory),
    )
  return [
    faster('classic', 40),
    row(
      "plain, cold, engine duckdb: our peak memory over the classic pipeline's",
      'at most 0.1',
      { most: 0.1 },
      ratio('plain-duckdb', memory, 'classic', memory),
    ),
    faster('expert', 4),
    sumsAlone('duckdb', 1.3),
    sumsAlone('arrow', 4),
    within('plain-cached', 'a cached month again: whole process less its start', 0.3),
    within('plain-years', 'plain, 24 cached months: whole process less its start', 1),
    within('pairs-years', 'pairs, 24 cached months: whole process less its start', 1),
    within(
      'strengths',
      '200 ridge strengths of standard, two cached months: whole process less its start',
      2,
    ),
    growth('plain', 'duckdb'),
    growth('pairs', 'duckdb'),
    growth('plain', 'arrow'),
    growth('pairs', 'arrow'),
    row(
      'linear, one month: its sums over those of plain',
      'at most 5',
      { most: 5 },
      ratio('linear-sums', sums, 'plain-sums', sums),
    ),
    value(
      'linear-sums',
      'linear, one month: seconds of one solve to a relative residual of 1e-8',
      'at most 10',
      10,
      solving,
    ),
    value(
      'linear-sums',
      'linear, one month: relative residual that it leaves, |b - Ax| / |b|',
      'at most 1e-8',
      1e-8,
      residual,
      (one) => one.toExponential(1),
    ),
    row(
      'boosted trees: time over that of LightGBM',
      'at most 2',
      { most: 2 },
      ratio('trees', trees, 'trees', lightgbm),
    ),
  ]
}

/** One in words. */
export const verdict = ({ reached }) =>
  reached === undefined ? '' : reached ? 'reached' : 'not reached'
