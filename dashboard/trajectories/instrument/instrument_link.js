// The page's end of the worker: one question under way, the newest one waiting.

/**
 * What is known of a sample for showing it.
 * @typedef {object} Fact
 * @property {string} name
 * @property {number} label
 * @property {Float32Array | null} history of its error
 */

/** @typedef {{windows: Windows, base: Windows, focus: number | null}} Question */
/** @typedef {{span: Span, gaps: number, plane: string}} Gaps */

/**
 * What the instrument does with the worker's news.
 * @typedef {object} LinkListener
 * @property {(answer: LiveAnswer) => void} onAnswer
 * @property {() => void} onWaiting
 * @property {(gaps: Gaps) => void} onGaps
 * @property {(text: string) => void} onProblem
 * @property {() => void} onFacts
 */

class Link {
  /** @param {LinkListener} listener */
  constructor(listener) {
    this.listener = listener;
    /** @type {Worker | null} */
    this.worker = null;
    this.setup = "";
    this.url = "";
    this.number = 0; // of the newest question that was sent
    this.isBusy = false;
    /** @type {Question | null} */
    this.next = null;
    /** @type {Map<number, Fact>} */
    this.facts = new Map();
    /** @type {Set<number>} */
    this.asked = new Set();
    this.nEpochs = 0;
  }

  /**
   * Work on this run and score from now on; does nothing if it does so already.
   * @param {LiveSetup} setup
   * @returns {boolean} whether anything is new
   */
  open(setup) {
    const text = JSON.stringify(setup);
    if (text === this.setup) return false;
    const { url, worker } = setup.source;
    if (this.url !== url || this.nEpochs !== setup.n_epochs) {
      this.facts.clear();
      this.asked.clear();
    }
    [this.setup, this.url, this.nEpochs] = [text, url, setup.n_epochs];
    this.worker ??= this.start(worker);
    this.isBusy = false;
    this.next = null;
    this.worker.postMessage({ kind: "open", setup });
    return true;
  }

  /**
   * @param {string} address
   * @returns {Worker}
   */
  start(address) {
    const worker = new Worker(address);
    worker.onmessage = ({ data }) => this.hear(data);
    worker.onerror = () => this.listener.onProblem("the script for it could not be loaded.");
    return worker;
  }

  close() {
    this.worker?.terminate();
    this.worker = null;
    this.setup = "";
  }

  /** @param {Question} question */
  ask(question) {
    if (!this.worker) return;
    if (this.isBusy) {
      this.next = question;
      return;
    }
    this.isBusy = true;
    this.next = null;
    this.number += 1;
    this.worker.postMessage({ kind: "rank", ask: this.number, ...question });
  }

  /**
   * Have samples looked up that nobody asked for yet.
   * @param {number[]} samples
   */
  lookUp(samples) {
    const unknown = samples.filter((sample) => !this.asked.has(sample));
    if (!this.worker || !unknown.length) return;
    for (const sample of unknown) this.asked.add(sample);
    this.worker.postMessage({ kind: "facts", samples: unknown });
  }

  /** @param {any} news */
  hear(news) {
    if (news.kind === "facts") {
      if (news.url !== this.url || news.nEpochs !== this.nEpochs) return;
      news.samples.forEach((/** @type {number} */ sample, /** @type {number} */ k) =>
        this.facts.set(sample, {
          name: news.names[k],
          label: news.labels[k],
          history: news.histories[k],
        }),
      );
      this.listener.onFacts();
      return;
    }
    if (news.ask !== this.number) return;
    this.isBusy = false;
    if (news.kind === "ranking") this.listener.onAnswer(news);
    else if (news.kind === "waiting") this.listener.onWaiting();
    else if (news.kind === "gaps") this.listener.onGaps(news);
    else this.listener.onProblem(news.text);
    if (this.next) this.ask(this.next);
  }
}
