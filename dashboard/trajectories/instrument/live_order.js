// Who ranks first, and who is in the coreset: thresholds by a histogram, ties by index. Rounded
// scores only decide where they can; the samples near a threshold are settled on exact ones.

const BUCKETS = 65_536;

/**
 * Rounded difficulty of all samples, and how far rounding may have moved it.
 * @typedef {object} Rounded
 * @property {Float64Array} scores higher = harder
 * @property {(score: number) => number} error largest distance from the exact one, not falling
 */

/** @typedef {(sample: number) => number | null} Exact exact difficulty; null if not known here */

/**
 * Who is in, and who could not be told.
 * @typedef {object} Cut
 * @property {number} low samples below are out
 * @property {number} high samples above are in
 * @property {number[]} near samples between, in the order of their index
 * @property {number} nIn samples above
 */

/**
 * The k-th largest of some numbers for one or two k, exactly: a histogram finds its bucket, sorting the rest.
 * @param {Float64Array} scores
 * @param {Uint32Array} counts of each bucket; scratch
 * @param {number[]} ks ascending, from 1
 * @returns {number[]}
 */
function largest(scores, counts, ks) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] < low) low = scores[i];
    if (scores[i] > high) high = scores[i];
  }
  if (!(high > low)) return ks.map(() => high);
  const scale = (BUCKETS - 1) / (high - low);
  counts.fill(0);
  for (let i = 0; i < scores.length; i++) counts[((scores[i] - low) * scale) | 0]++;
  /** @type {Map<number, number[]>} */
  const members = new Map();
  /** @type {[bucket: number, above: number][]} */
  const found = [];
  let [bucket, above] = [BUCKETS - 1, 0];
  for (const k of ks) {
    while (above + counts[bucket] < k) above += counts[bucket--];
    found.push([bucket, above]);
    members.set(bucket, []);
  }
  const [first, last] = [found[0][0], found[found.length - 1][0]];
  for (let i = 0; i < scores.length; i++) {
    const at = ((scores[i] - low) * scale) | 0;
    if (at === first || at === last) members.get(at)?.push(scores[i]);
  }
  for (const values of members.values()) values.sort((a, b) => b - a);
  return ks.map((k, j) => {
    const values = /** @type {number[]} */ (members.get(found[j][0]));
    return values[k - 1 - found[j][1]];
  });
}

/**
 * Where the k-th largest rounded score leaves no doubt.
 * @param {number} score the k-th largest
 * @param {(score: number) => number} error
 * @returns {Cut}
 */
function cutAt(score, error) {
  const own = error(score);
  let high = score + 2 * own;
  // error() does not fall: what lies above must be told by its own, larger one.
  for (let round = 0; round < 3; round++) high = score + own + error(high);
  return { low: score - 2 * own, high, near: [], nIn: 0 };
}

/**
 * Samples by exact difficulty, hardest first, ties by index.
 * @param {number[]} samples in the order of their index
 * @param {Exact} exact
 * @returns {{samples: number[], scores: number[]} | null} null if one of them is not known
 */
function settled(samples, exact) {
  /** @type {{sample: number, score: number}[]} */
  const known = [];
  for (const sample of samples) {
    const score = exact(sample);
    if (score === null) return null;
    known.push({ sample, score });
  }
  known.sort((a, b) => b.score - a.score || a.sample - b.sample);
  return { samples: known.map((k) => k.sample), scores: known.map((k) => k.score) };
}

/**
 * The same by rounded difficulty, where no exact one is known yet.
 * @param {number[]} samples
 * @param {Float64Array} scores
 * @returns {{samples: number[], scores: number[]}}
 */
function provisional(samples, scores) {
  const order = [...samples].sort((a, b) => scores[b] - scores[a] || a - b);
  return { samples: order, scores: order.map((sample) => scores[sample]) };
}

/**
 * Hardest samples and coreset under one score.
 * @typedef {object} Ranking
 * @property {number[]} top hardest first
 * @property {number[]} topScores
 * @property {boolean} isSettled whether rounding decided nothing
 * @property {number[]} doubtful samples whose exact scores would settle it
 */

/**
 * Rank the hardest samples and mark the coreset.
 * @param {Rounded} rounded
 * @param {Exact} exact
 * @param {{nTop: number, nKept: number}} sizes
 * @param {{counts: Uint32Array, isKept: Uint8Array}} room `isKept` is filled
 * @returns {Ranking}
 */
function rank({ scores, error }, exact, { nTop, nKept }, { counts, isKept }) {
  const ks = nTop <= nKept ? [nTop, nKept] : [nKept, nTop];
  const found = largest(scores, counts, ks);
  const top = cutAt(found[nTop <= nKept ? 0 : 1], error);
  const keep = cutAt(found[nTop <= nKept ? 1 : 0], error);
  /** @type {number[]} */
  const candidates = [];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i];
    if (score >= top.low) candidates.push(i);
    isKept[i] = 0;
    if (score > keep.high) {
      isKept[i] = 1;
      keep.nIn++;
    } else if (score >= keep.low) keep.near.push(i);
  }
  const first = settled(candidates, exact);
  const isAllKept = keep.nIn + keep.near.length === nKept;
  const near = isAllKept ? { samples: keep.near } : settled(keep.near, exact);
  for (const sample of (near ?? provisional(keep.near, scores)).samples.slice(
    0,
    nKept - keep.nIn,
  )) {
    isKept[sample] = 1;
  }
  const shown = first ?? provisional(candidates, scores);
  const doubtful = [...(first ? [] : candidates), ...(near ? [] : keep.near)];
  return {
    top: shown.samples.slice(0, nTop),
    topScores: shown.scores.slice(0, nTop),
    isSettled: first !== null && near !== null,
    doubtful,
  };
}

/**
 * What has moved between two coresets.
 * @typedef {object} Change
 * @property {number} nEntering
 * @property {number} nLeaving
 * @property {number[]} entering the few hardest of them
 * @property {number[]} leaving
 * @property {number[]} sharesAfter samples of each class
 */

/**
 * Compare two coresets in one pass, without listing what may be half of a million samples.
 * @param {Uint8Array} before
 * @param {Uint8Array} after
 * @param {{scores: Float64Array, labels: Int32Array, sharesBefore: number[], nFew: number}} about
 * @returns {Change}
 */
function compare(before, after, { scores, labels, sharesBefore, nFew }) {
  /** @type {Change} */
  const found = {
    nEntering: 0,
    nLeaving: 0,
    entering: [],
    leaving: [],
    sharesAfter: [...sharesBefore],
  };
  for (let i = 0; i < after.length; i++) {
    if (after[i] === before[i]) continue;
    if (after[i]) {
      found.nEntering++;
      found.sharesAfter[labels[i]]++;
      keepHardest(found.entering, i, scores, nFew);
    } else {
      found.nLeaving++;
      found.sharesAfter[labels[i]]--;
      keepHardest(found.leaving, i, scores, nFew);
    }
  }
  return found;
}

/**
 * Keep a sample if it is among the hardest so far; those with lower indices came before.
 * @param {number[]} few hardest first
 * @param {number} sample
 * @param {Float64Array} scores
 * @param {number} most
 */
function keepHardest(few, sample, scores, most) {
  if (few.length === most && scores[sample] <= scores[few[most - 1]]) return;
  let at = few.length;
  while (at > 0 && scores[few[at - 1]] < scores[sample]) at--;
  few.splice(at, 0, sample);
  if (few.length > most) few.pop();
}
