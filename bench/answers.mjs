// Whether all that was measured gave the same answer: a fast wrong one counts for nothing.

/** Largest relative difference from the exact validation RMSE that is rounding and no fault. */
const tolerance = 1e-6

const far = (a, b) => Math.abs(a - b) / Math.abs(b)

/**
 * Compares the answers of a run.
 *
 * @param all the contenders
 * @param samples by contender, as measured
 * @param exact what the reference printed, or undefined without Python
 * @returns `{ faults, notes }`: sentences; a fault makes the bench fail
 */
export function compareAnswers(all, samples, exact) {
  const outputs = (name) => (samples[name] ?? []).map(({ output }) => output)
  const faults = []
  const notes = []
  const models = new Map()
  for (const { name, answer } of all.filter((one) => one.answer !== undefined)) {
    for (const { model_version } of outputs(name)) {
      if (!models.has(answer)) models.set(answer, new Map())
      models.get(answer).set(model_version, name)
    }
  }
  for (const [answer, versions] of models) {
    if (versions.size === 1) continue
    const each = [...versions].map(([version, name]) => `${name} made ${version}`)
    faults.push(`${answer}: expected one model, ${each.join(', ')}`)
  }
  const plain = ['plain-duckdb', 'plain-arrow', 'plain-cached'].flatMap(outputs)
  if (exact === undefined || plain.length === 0) {
    notes.push('No exact reference was computed: answers are compared among our engines only.')
    return { faults, notes }
  }
  for (const [part, ours, theirs] of [
    ['validation', plain[0].validation.rmse, exact.rmse],
    ['training', plain[0].train.rmse, exact.rmse_train],
  ]) {
    const difference = far(ours, theirs)
    const said = `${part} RMSE ${ours} here, ${theirs} by the exact solution in Python: relative difference ${difference.toExponential(1)}`
    if (difference > tolerance) faults.push(said)
    else notes.push(`${said}.`)
  }
  for (const name of ['expert', 'classic']) {
    const [output] = outputs(name)
    if (output === undefined) continue
    if (output.kept !== plain[0].kept) {
      faults.push(`${name} keeps ${output.kept} rides, ridecast ${plain[0].kept}`)
    }
    notes.push(
      `Python, ${name}: validation RMSE ${output.rmse}, ${(100 * far(output.rmse, exact.rmse)).toFixed(3)} % from the exact one: scikit-learn stops its sparse least squares early.`,
    )
  }
  return { faults, notes }
}
