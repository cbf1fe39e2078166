// The worker: opens a run, answers for windows as fast as it can, and looks samples up.

/**
 * What the page asks.
 * @typedef {{kind: "open", setup: LiveSetup}
 *   | {kind: "rank", ask: number, windows: TwoSpans, base: TwoSpans, focus?: number | null}
 *   | {kind: "facts", samples: number[]}} Asked
 */

class LiveWorker {
  /** @type {LiveSetup | null} */
  setup = null;
  /** @type {LiveRanking | null} */
  ranking = null;
  /** @type {Rows} */
  rows;
  /** @type {Int32Array | null} */
  labels = null;
  /** @type {Extract<Asked, {kind: "rank"}> | null} */
  open = null; // asked and not yet answered for good
  /** @type {Map<number, string>} */
  names = new Map();

  /** @param {(message: object, transfer?: Transferable[]) => void} post */
  constructor(post) {
    this.post = post;
  }

  /** @param {Asked} asked */
  take(asked) {
    if (asked.kind === "open") this.start(asked.setup);
    else if (asked.kind === "facts") this.look(asked.samples);
    else {
      this.open = asked;
      this.answer();
    }
  }

  /** @param {LiveSetup} setup */
  start(setup) {
    const before = this.setup;
    const isSameRun = before?.source.url === setup.source.url;
    this.setup = setup;
    this.open = null;
    if (!isSameRun) {
      this.labels = null;
      this.names.clear();
      this.fetchLabels(setup);
    }
    const { plane } = setup.score;
    if (!isSameRun || this.rows.plane !== plane || this.rows.problem) {
      this.rows = new Rows(setup.source, plane, setup.n_epochs, () => this.answer());
    } else if (this.rows.nEpochs !== setup.n_epochs) {
      this.rows.nEpochs = setup.n_epochs;
      this.rows.histories.clear(); // they end too early
    }
    this.ranking = null;
  }

  /** @param {LiveSetup} setup */
  async fetchLabels(setup) {
    const loader = new Rows(setup.source, "", 0, () => undefined);
    const buffer = await loader.get("labels");
    if (this.setup?.source.url !== setup.source.url) return;
    if (buffer) this.labels = new Int32Array(buffer);
    else this.rows.problem = loader.problem;
    this.answer();
  }

  /** Answer what is open, as far as the numbers are there. */
  answer() {
    const { open, setup, labels } = this;
    if (!open || !setup) return;
    const { ask } = open;
    if (this.rows.problem) {
      this.post({ kind: "problem", ask, text: this.rows.problem });
      this.open = null;
      return;
    }
    const spans = [open.windows, open.base].flatMap((windows) =>
      setup.score.windows.map((name) => windows[name]),
    );
    if (!sameSpans(spans, this.rows.spans)) this.rows.want(spans);
    if (!labels || !this.rows.hasRounded(spans)) {
      this.post({ kind: "waiting", ask });
      return;
    }
    const gaps = this.rows.gapsIn(spans);
    if (gaps) {
      this.open = null;
      this.post({ kind: "gaps", ask, plane: setup.score.plane, ...gaps });
      return;
    }
    this.ranking ??= new LiveRanking(setup, labels, this.rows);
    const answer = this.ranking.answer(open.windows, open.base, open.focus);
    const isPlaced = answer.focus !== null || (open.focus ?? null) === null;
    if (answer.isSettled && isPlaced) this.open = null;
    this.post({ kind: "ranking", ask, ...answer });
  }

  /**
   * Look samples up: history of the error, id, class.
   * @param {number[]} samples
   */
  async look(samples) {
    const { setup, rows } = this;
    if (!setup) return;
    const isHere = rows.plane === "error_norm" && rows.isComplete;
    const error = isHere
      ? rows
      : new Rows(setup.source, "error_norm", setup.n_epochs, () => undefined);
    const unnamed = samples.filter((sample) => !this.names.has(sample));
    await Promise.all([
      isHere ? undefined : error.wantHistories(samples),
      this.fetchNames(setup.source, unnamed),
    ]);
    const histories = samples.map((sample) =>
      isHere ? error.roundedHistory(sample) : (error.histories.get(sample) ?? null),
    );
    this.post({
      kind: "facts",
      url: setup.source.url,
      nEpochs: setup.n_epochs,
      samples,
      histories,
      names: samples.map((sample) => this.names.get(sample) ?? String(sample)),
      labels: samples.map((sample) => this.labels?.[sample] ?? -1),
    });
  }

  /**
   * @param {Source} source
   * @param {number[]} samples
   */
  async fetchNames(source, samples) {
    if (!samples.length) return;
    try {
      const answer = await fetch(`${source.url}/names?samples=${samples.join(",")}`);
      if (!answer.ok) return;
      const names = /** @type {string[]} */ (await answer.json());
      names.forEach((name, k) => this.names.set(samples[k], name));
    } catch {
      // Their numbers stand in for them.
    }
  }
}

/**
 * @param {Span[]} one
 * @param {Span[]} other
 * @returns {boolean}
 */
function sameSpans(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

if (typeof DedicatedWorkerGlobalScope !== "undefined") {
  const worker = new LiveWorker((message, transfer) => self.postMessage(message, { transfer }));
  self.onmessage = ({ data }) => worker.take(data);
}
