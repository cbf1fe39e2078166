// The rows of a plane in the browser: fetched as they are needed, those near the windows first.

/** @typedef {{low: number, step: number}} Scale */

/**
 * Where the numbers of a run are found.
 * @typedef {object} Source
 * @property {string} url
 * @property {string} worker
 * @property {number} n_samples
 * @property {Record<string, Scale>} scales of each plane
 */

const GAP = 65_535;
const CHUNK_BYTES = 1_000_000;
const MOST_ROWS_AT_ONCE = 16;
const ROUNDED_BYTES = 84_000_000; // of 16-bit rows that are kept
const EXACT_BYTES = 64_000_000; // of float32 rows; larger planes settle sample by sample
const AT_ONCE = 3;

class Rows {
  /**
   * @param {Source} source
   * @param {string} plane
   * @param {number} nEpochs
   * @param {() => void} onNews
   */
  constructor(source, plane, nEpochs, onNews) {
    this.source = source;
    this.plane = plane;
    this.nEpochs = nEpochs;
    this.onNews = onNews;
    /** @type {(Uint16Array | undefined)[]} */
    this.rounded = [];
    /** @type {(Float32Array | undefined)[]} */
    this.exact = [];
    /** @type {number[]} */
    this.gaps = [];
    /** @type {Map<number, Float32Array>} */
    this.histories = new Map();
    /** @type {Set<string>} */
    this.inFlight = new Set();
    /** @type {Span[]} */
    this.spans = [];
    /** @type {string | null} */
    this.problem = null;
    this.bytes = 0;
  }

  get chunk() {
    const fitting = Math.floor(CHUNK_BYTES / (2 * this.source.n_samples));
    return Math.max(1, Math.min(MOST_ROWS_AT_ONCE, fitting));
  }

  get mostRounded() {
    return Math.max(2, Math.floor(ROUNDED_BYTES / (2 * this.source.n_samples)));
  }

  get mayHoldExact() {
    return this.source.n_samples * this.nEpochs * 4 <= EXACT_BYTES;
  }

  get isComplete() {
    for (let epoch = 1; epoch <= this.nEpochs; epoch++) if (!this.rounded[epoch]) return false;
    return true;
  }

  /** @param {Span[]} spans */
  hasRounded(spans) {
    return everyEpoch(spans, (epoch) => this.rounded[epoch] !== undefined);
  }

  /** @param {Span[]} spans */
  hasExact(spans) {
    return everyEpoch(spans, (epoch) => this.exact[epoch] !== undefined);
  }

  /**
   * Values that were not recorded in some windows.
   * @param {Span[]} spans
   * @returns {{span: Span, gaps: number} | null} the first window with gaps
   */
  gapsIn(spans) {
    for (const span of spans) {
      let gaps = 0;
      for (let epoch = span[0]; epoch <= span[1]; epoch++) gaps += this.gaps[epoch] ?? 0;
      if (gaps) return { span, gaps };
    }
    return null;
  }

  /**
   * Have the rows of these windows, and of what is near them, fetched.
   * @param {Span[]} spans
   */
  want(spans) {
    this.spans = spans;
    this.pump();
  }

  /** Start what is to be fetched next, a few requests at a time. */
  pump() {
    while (this.inFlight.size < AT_ONCE && !this.problem) {
      const next = this.next();
      if (!next) return;
      this.fetchRows(next.first, next.last, next.kind);
    }
  }

  /**
   * The chunk that is wanted most.
   * @returns {{first: number, last: number, kind: "u16" | "f32"} | null}
   */
  next() {
    const order = this.chunksByDistance();
    const room = Math.max(1, Math.floor(this.mostRounded / this.chunk));
    const near = order.slice(0, room);
    for (const [first, last] of near) {
      const isThere = everyEpoch([[first, last]], (epoch) => this.rounded[epoch] !== undefined);
      if (!isThere && !this.inFlight.has(`${first}u16`)) return { first, last, kind: "u16" };
    }
    if (!this.mayHoldExact) return null;
    for (const [first, last] of order) {
      const isThere = everyEpoch([[first, last]], (epoch) => this.exact[epoch] !== undefined);
      if (!isThere && !this.inFlight.has(`${first}f32`)) return { first, last, kind: "f32" };
    }
    return null;
  }

  /**
   * All chunks of epochs, those of the windows first.
   * @returns {Span[]}
   */
  chunksByDistance() {
    /** @type {{span: Span, distance: number}[]} */
    const chunks = [];
    for (let first = 1; first <= this.nEpochs; first += this.chunk) {
      /** @type {Span} */
      const span = [first, Math.min(first + this.chunk - 1, this.nEpochs)];
      const distance = Math.min(
        ...this.spans.map(([a, b]) => Math.max(0, a - span[1], span[0] - b)),
      );
      chunks.push({ span, distance });
    }
    return chunks.sort((a, b) => a.distance - b.distance).map(({ span }) => span);
  }

  /**
   * @param {number} first
   * @param {number} last
   * @param {"u16" | "f32"} kind
   */
  async fetchRows(first, last, kind) {
    const id = `${first}${kind}`;
    this.inFlight.add(id);
    const buffer = await this.get(`${this.plane}.${kind}?rows=${first}-${last}`);
    this.inFlight.delete(id);
    if (buffer) {
      for (let epoch = first; epoch <= last; epoch++) this.keep(epoch, epoch - first, buffer, kind);
      this.forgetFar();
    }
    this.onNews();
    this.pump();
  }

  /**
   * @param {number} epoch
   * @param {number} place
   * @param {ArrayBuffer} buffer
   * @param {"u16" | "f32"} kind
   */
  keep(epoch, place, buffer, kind) {
    const n = this.source.n_samples;
    if (kind === "f32") {
      this.exact[epoch] = new Float32Array(buffer, place * n * 4, n);
      return;
    }
    const row = new Uint16Array(buffer, place * n * 2, n);
    let gaps = 0;
    for (let i = 0; i < n; i++) if (row[i] === GAP) gaps++;
    this.rounded[epoch] = row;
    this.gaps[epoch] = gaps;
  }

  /** Let go of rows that lie farthest from the windows, where there are too many. */
  forgetFar() {
    const order = this.chunksByDistance();
    const room = Math.max(1, Math.floor(this.mostRounded / this.chunk));
    for (const [first, last] of order.slice(room)) {
      for (let epoch = first; epoch <= last; epoch++) this.rounded[epoch] = undefined;
    }
  }

  /**
   * Fetch whole histories of samples whose exact values decide something.
   * @param {number[]} samples
   */
  async wantHistories(samples) {
    const missing = samples.filter((sample) => !this.histories.has(sample)).slice(0, 1_000);
    if (!missing.length || this.inFlight.has("histories")) return;
    this.inFlight.add("histories");
    const query = `samples=${missing.join(",")}&epochs=${this.nEpochs}`;
    const buffer = await this.get(`${this.plane}/histories?${query}`);
    this.inFlight.delete("histories");
    if (!buffer) return;
    if (this.histories.size > 20_000) this.histories.clear();
    missing.forEach((sample, k) => {
      this.histories.set(sample, new Float32Array(buffer, k * this.nEpochs * 4, this.nEpochs));
    });
    this.onNews();
  }

  /**
   * A recorded value, if this side has it; `undefined` if not.
   * @param {number} epoch
   * @param {number} sample
   * @returns {number | undefined}
   */
  value(epoch, sample) {
    return this.exact[epoch]?.[sample] ?? this.histories.get(sample)?.[epoch - 1];
  }

  /**
   * The history of a sample, rounded; null if rows are missing.
   * @param {number} sample
   * @returns {Float32Array | null}
   */
  roundedHistory(sample) {
    const { low, step } = this.source.scales[this.plane];
    const history = new Float32Array(this.nEpochs);
    for (let epoch = 1; epoch <= this.nEpochs; epoch++) {
      const value = this.rounded[epoch]?.[sample];
      if (value === undefined) return null;
      history[epoch - 1] = value === GAP ? NaN : low + step * value;
    }
    return history;
  }

  /**
   * @param {string} path below the run's address
   * @returns {Promise<ArrayBuffer | null>}
   */
  async get(path) {
    try {
      const answer = await fetch(`${this.source.url}/${path}`);
      const type = answer.headers.get("content-type") ?? "";
      if (answer.ok && type === "application/octet-stream") {
        const buffer = await answer.arrayBuffer();
        this.bytes += buffer.byteLength;
        return buffer;
      }
      this.problem = answer.ok ? "the server has no numbers here." : await answer.text();
    } catch {
      this.problem = "the server does not answer.";
    }
    return null;
  }
}

/**
 * @param {Span[]} spans
 * @param {(epoch: number) => boolean} test
 * @returns {boolean}
 */
function everyEpoch(spans, test) {
  for (const [first, last] of spans) {
    for (let epoch = first; epoch <= last; epoch++) if (!test(epoch)) return false;
  }
  return true;
}
