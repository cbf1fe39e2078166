// One run's ranking under one score, for whatever windows it is asked.

/** @typedef {{early: Span, late: Span}} TwoSpans */

/**
 * What a ranking is made of, as Python says.
 * @typedef {object} LiveSetup
 * @property {Source} source
 * @property {number} n_epochs
 * @property {LiveScore} score
 * @property {number} n_kept samples in the coreset
 * @property {number} n_classes
 */

/**
 * Where one sample ranks; `parts` is what each window gives.
 * @typedef {{sample: number, rank: number, score: number, parts: number[]}} Place
 */

/**
 * The ranking under some windows.
 * @typedef {object} LiveAnswer
 * @property {TwoSpans} windows
 * @property {number[]} top
 * @property {number[]} scores as the library gives them
 * @property {boolean} isSettled
 * @property {number} nEntering
 * @property {number} nLeaving
 * @property {number[]} entering a few of them, hardest first
 * @property {number[]} leaving
 * @property {number[]} sharesBefore samples of each class
 * @property {number[]} sharesAfter
 * @property {number[]} parts share of each window in the scores of all samples
 * @property {Place | null} focus where the focused sample ranks
 * @property {number} milliseconds
 */

const N_TOP = 100;
const N_THUMBNAILS = 6;
const MOST_DOUBTFUL = 4_000; // samples looked up one by one; more are left to the server

class LiveRanking {
  /**
   * @param {LiveSetup} setup
   * @param {Int32Array} labels
   * @param {Rows} rows
   */
  constructor(setup, labels, rows) {
    this.setup = setup;
    this.labels = labels;
    this.rows = rows;
    const n = setup.source.n_samples;
    this.sums = setup.score.windows.map(() => new WindowSums(n));
    this.scores = new Float64Array(n);
    this.counts = new Uint32Array(BUCKETS);
    this.isKept = new Uint8Array(n);
    this.base = new Uint8Array(n);
    this.baseKey = "";
    /** @type {number[]} */
    this.sharesBefore = [];
    /** @type {{exact: Exact, error: (score: number) => number}} */
    this.last = { exact: () => null, error: () => 0 };
    /** @type {Map<string, {values: Float64Array, total: number}>} */
    this.exactParts = new Map();
  }

  /**
   * @param {TwoSpans} windows
   * @returns {Span[]} the windows that the score reads
   */
  spans(windows) {
    return this.setup.score.windows.map((name) => windows[name]);
  }

  /**
   * Rank under these windows, whose rows are there and without gaps.
   * @param {TwoSpans} windows
   * @param {TwoSpans} base the coreset is compared with the one under these
   * @param {number | null} [focus]
   * @returns {LiveAnswer}
   */
  answer(windows, base, focus = null) {
    const started = performance.now();
    const isBaseSettled = this.rebase(base);
    const { ranking, parts } = this.rank(windows);
    const { sign, scores, labels, sharesBefore } = this;
    const about = { scores, labels, sharesBefore, nFew: N_THUMBNAILS };
    return {
      windows,
      top: ranking.top,
      scores: ranking.topScores.map((score) => sign * score),
      isSettled: ranking.isSettled && isBaseSettled,
      ...compare(this.base, this.isKept, about),
      sharesBefore,
      parts,
      focus: focus === null ? null : this.place(focus, windows),
      milliseconds: performance.now() - started,
    };
  }

  /**
   * Keep the coreset under these windows to compare with, if it is not kept already.
   * @param {TwoSpans} windows
   * @returns {boolean} whether rounding decided nothing
   */
  rebase(windows) {
    const key = JSON.stringify(this.spans(windows));
    if (key === this.baseKey) return true;
    const { ranking } = this.rank(windows);
    this.base.set(this.isKept);
    this.sharesBefore = Array(this.setup.n_classes).fill(0);
    for (let i = 0; i < this.base.length; i++) {
      if (this.base[i]) this.sharesBefore[this.labels[i]]++;
    }
    this.baseKey = ranking.isSettled ? key : "";
    return ranking.isSettled;
  }

  /**
   * @param {TwoSpans} windows
   * @returns {{ranking: Ranking, parts: number[]}}
   */
  rank(windows) {
    const spans = this.spans(windows);
    const { rounded, parts, totals } = this.rounded(spans);
    const sizes = { nTop: Math.min(N_TOP, this.scores.length), nKept: this.setup.n_kept };
    const exact = this.exactly(spans, totals);
    this.last = { exact, error: rounded.error };
    const ranking = rank(rounded, exact, sizes, this);
    if (!ranking.isSettled && totals !== null && ranking.doubtful.length <= MOST_DOUBTFUL) {
      this.rows.wantHistories(ranking.doubtful);
    }
    return { ranking, parts };
  }

  get sign() {
    return this.setup.score.direction === "harder" ? 1 : -1;
  }

  /**
   * Difficulty of all samples from the rounded rows; exact already where shares need totals.
   * @param {Span[]} spans
   * @returns {{rounded: Rounded, parts: number[], totals: number[] | null}}
   */
  rounded(spans) {
    const { score } = this.setup;
    if (score.aggregation === "l1" && this.rows.hasExact(spans)) return this.shared(spans);
    this.sums.forEach((sums, k) => {
      sums.moveTo(spans[k], (epoch) => /** @type {Uint16Array} */ (this.rows.rounded[epoch]));
    });
    const totals = score.quantity === "variance" ? this.addVariances(spans) : this.addMeans(spans);
    const all = totals.reduce((a, b) => a + b, 0);
    const parts = totals.map((total) => (all > 0 ? total / all : 0));
    return {
      rounded: { scores: this.scores, error: this.errorOf(totals) },
      parts,
      totals: score.aggregation === "l1" ? null : [],
    };
  }

  /**
   * Fill the scores with variances of the rounded rows; returns the windows' totals.
   * @param {Span[]} spans
   * @returns {number[]}
   */
  addVariances(spans) {
    const { step } = this.rows.source.scales[this.setup.score.plane];
    const { scores } = this;
    const isShared = this.setup.score.aggregation === "l1";
    return this.sums.map(({ sum, squares }, k) => {
      const n = spans[k][1] - spans[k][0] + 1;
      const scale = (step / n) ** 2;
      const isFirst = k === 0;
      let weight = scale;
      if (isShared) {
        let shared = 0;
        for (let i = 0; i < scores.length; i++) shared += n * squares[i] - sum[i] * sum[i];
        weight = shared > 0 ? 1 / (2 * shared) : 0;
      }
      let total = 0;
      for (let i = 0; i < scores.length; i++) {
        const spread = n * squares[i] - sum[i] * sum[i];
        total += spread;
        scores[i] = isFirst ? weight * spread : scores[i] + weight * spread;
      }
      return total * scale;
    });
  }

  /**
   * Fill the scores with means of the rounded rows, turned so that higher = harder.
   * @param {Span[]} spans
   * @returns {number[]} totals of the windows
   */
  addMeans(spans) {
    const { low, step } = this.rows.source.scales[this.setup.score.plane];
    const { scores, sign } = this;
    scores.fill(0);
    return this.sums.map(({ sum }, k) => {
      const scale = step / (spans[k][1] - spans[k][0] + 1);
      let total = 0;
      for (let i = 0; i < scores.length; i++) {
        const mean = low + scale * sum[i];
        total += mean;
        scores[i] += sign * mean;
      }
      return Math.max(total, 0);
    });
  }

  /**
   * How far rounding to 16 bits may move a score. A value moves by half a step at most, so a
   * standard deviation does too.
   * @param {number[]} totals
   * @returns {(score: number) => number}
   */
  errorOf(totals) {
    const { plane, quantity, windows, aggregation } = this.setup.score;
    // The server rounds in float32: a little more than half a step.
    const half = (this.rows.source.scales[plane].step / 2) * 1.02;
    const count = windows.length;
    if (quantity === "mean") return () => count * half;
    const own = (/** @type {number} */ score) =>
      half * (2 * Math.sqrt(count * Math.max(score, 0)) + count * half) + 1e-12 * Math.abs(score);
    if (aggregation === "sum") return own;
    const least = Math.min(...totals.filter((total) => total > 0));
    return (score) => own(score * 2 * least) / (2 * least);
  }

  /**
   * Shares of exact totals, as the library's l1 takes them: everything from float32 rows.
   * @param {Span[]} spans
   * @returns {{rounded: Rounded, parts: number[], totals: number[]}}
   */
  shared(spans) {
    const found = spans.map((span) => this.exactPart(span));
    const totals = found.map(({ total }) => total);
    const [first, second] = found.map(({ values }) => values);
    const [a, b] = totals;
    for (let i = 0; i < this.scores.length; i++) {
      const one = (a > 0 ? first[i] / a : first[i]) / 2;
      this.scores[i] = one + (b > 0 ? second[i] / b : second[i]) / 2;
    }
    const all = a + b;
    const parts = totals.map((total) => (all > 0 ? total / all : 0));
    return { rounded: { scores: this.scores, error: () => 0 }, parts, totals };
  }

  /**
   * Exact variances in a window; those of a window that stays are kept.
   * @param {Span} span
   * @returns {{values: Float64Array, total: number}}
   */
  exactPart(span) {
    const key = span.join("-");
    const known = this.exactParts.get(key);
    if (known) return known;
    const values = exactVariances(span, this.rows.exact, this.scores.length);
    const part = { values, total: pairwiseSum(values) };
    if (this.exactParts.size > 3) this.exactParts.clear();
    this.exactParts.set(key, part);
    return part;
  }

  /**
   * The exact difficulty of single samples, from float32 rows or histories.
   * @param {Span[]} spans
   * @param {number[] | null} totals
   * @returns {Exact}
   */
  exactly(spans, totals) {
    if (totals === null) return () => null;
    const { rows, sign } = this;
    const { score } = this.setup;
    const hasRows = rows.hasExact(spans);
    /** @type {ValueOf} */
    const valueOf = (epoch, sample) => /** @type {number} */ (rows.value(epoch, sample));
    return (sample) => {
      if (!hasRows && !rows.histories.has(sample)) return null;
      return sign * exactScore(score, spans, sample, valueOf, totals);
    };
  }

  /**
   * Where a sample ranks under the windows that were ranked last; null if that is in doubt.
   * @param {number} sample
   * @param {TwoSpans} windows
   * @returns {Place | null}
   */
  place(sample, windows) {
    const { scores, last } = this;
    const exact = last.exact(sample);
    if (exact === null) {
      this.rows.wantHistories([sample]);
      return null;
    }
    const cut = cutAt(scores[sample], last.error);
    let rank = 1;
    for (let i = 0; i < scores.length; i++) {
      if (scores[i] > cut.high) rank++;
      else if (scores[i] >= cut.low && i !== sample) {
        const other = last.exact(i) ?? scores[i];
        if (other > exact || (other === exact && i < sample)) rank++;
      }
    }
    const spans = this.spans(windows);
    const plain = { ...this.setup.score, aggregation: /** @type {"sum"} */ ("sum") };
    const valueOf = (/** @type {number} */ epoch, /** @type {number} */ i) =>
      /** @type {number} */ (this.rows.value(epoch, i));
    const parts = spans.map((span) => exactScore(plain, [span], sample, valueOf, []));
    return { sample, rank, score: this.sign * exact, parts };
  }
}
