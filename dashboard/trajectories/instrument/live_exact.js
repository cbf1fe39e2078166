// Scores as the library computes them, in the same order of the same float64 operations, from
// the float32 values that were recorded: equal to the last bit, so that ties are ties.

/** @typedef {"variance" | "mean"} Quantity */
/** @typedef {(epoch: number, sample: number) => number} ValueOf recorded value; NaN is a gap */

/**
 * What is computed of a run.
 * @typedef {object} LiveScore
 * @property {string} plane
 * @property {Quantity} quantity
 * @property {("early" | "late")[]} windows
 * @property {"sum" | "l1"} aggregation
 * @property {"harder" | "easier"} direction what a higher value means
 */

/**
 * Mean over a window of epochs.
 * @param {Span} span
 * @param {number} sample
 * @param {ValueOf} valueOf
 * @returns {number}
 */
function exactMean([first, last], sample, valueOf) {
  let sum = 0;
  for (let epoch = first; epoch <= last; epoch++) sum += valueOf(epoch, sample);
  return sum / (last - first + 1);
}

/**
 * Population variance over a window of epochs.
 * @param {Span} span
 * @param {number} sample
 * @param {ValueOf} valueOf
 * @returns {number}
 */
function exactVariance(span, sample, valueOf) {
  const mean = exactMean(span, sample, valueOf);
  let sum = 0;
  for (let epoch = span[0]; epoch <= span[1]; epoch++) {
    const off = valueOf(epoch, sample) - mean;
    sum += off * off;
  }
  return sum / (span[1] - span[0] + 1);
}

/**
 * Score of one sample; `totals` of the windows' variances where they are shared out (l1).
 * @param {LiveScore} score
 * @param {Span[]} spans
 * @param {number} sample
 * @param {ValueOf} valueOf
 * @param {number[]} totals
 * @returns {number}
 */
function exactScore(score, spans, sample, valueOf, totals) {
  const quantity = score.quantity === "variance" ? exactVariance : exactMean;
  const parts = spans.map((span) => quantity(span, sample, valueOf));
  if (score.aggregation === "l1") {
    parts.forEach((part, k) => (parts[k] = (totals[k] > 0 ? part / totals[k] : part) / 2));
  }
  return parts.length === 2 ? parts[0] + parts[1] : parts[0];
}

/**
 * Sum as NumPy adds up a float64 array: in pairs of blocks of at most 128 numbers.
 * @param {Float64Array} values
 * @param {number} [start]
 * @param {number} [n]
 * @returns {number}
 */
function pairwiseSum(values, start = 0, n = values.length) {
  if (n < 8) {
    let sum = n ? -0 : 0;
    for (let i = 0; i < n; i++) sum += values[start + i];
    return sum;
  }
  if (n > 128) {
    const half = Math.floor(n / 2) - (Math.floor(n / 2) % 8);
    return pairwiseSum(values, start, half) + pairwiseSum(values, start + half, n - half);
  }
  const r = values.slice(start, start + 8);
  let i = 8;
  for (; i < n - (n % 8); i += 8) for (let k = 0; k < 8; k++) r[k] += values[start + i + k];
  let sum = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
  for (; i < n; i++) sum += values[start + i];
  return sum;
}

/**
 * Population variance of all samples over a window, row by row as the library adds them up.
 * @param {Span} span
 * @param {(Float32Array | undefined)[]} rows by epoch; those of the window are there
 * @param {number} nSamples
 * @returns {Float64Array}
 */
function exactVariances([first, last], rows, nSamples) {
  const n = last - first + 1;
  const means = new Float64Array(nSamples);
  const variances = new Float64Array(nSamples);
  for (let epoch = first; epoch <= last; epoch++) {
    const row = /** @type {Float32Array} */ (rows[epoch]);
    for (let i = 0; i < nSamples; i++) means[i] += row[i];
  }
  for (let i = 0; i < nSamples; i++) means[i] /= n;
  for (let epoch = first; epoch <= last; epoch++) {
    const row = /** @type {Float32Array} */ (rows[epoch]);
    for (let i = 0; i < nSamples; i++) {
      const off = row[i] - means[i];
      variances[i] += off * off;
    }
  }
  for (let i = 0; i < nSamples; i++) variances[i] /= n;
  return variances;
}
