// The instrument: plot, ranking, card and coreset strip, which follow the windows together.

/**
 * The ranking as the server gives it.
 * @typedef {object} ServerRanking
 * @property {number[]} top
 * @property {number[]} ranks
 * @property {number[]} scores
 * @property {string[]} names
 * @property {number[]} labels
 * @property {(number | null)[][]} histories thinned; empty where the browser has the rows
 */

/**
 * What Python sends beyond the brush's data.
 * @typedef {object} BoardData
 * @property {ServerRanking} ranking
 * @property {string} problem why there is no ranking; empty if there is one
 * @property {LiveSetup | null} live null where rankings follow after the release only
 * @property {string} hint said below the ranking
 * @property {{kept: number, percent: number}} coreset
 * @property {number} n_samples
 * @property {string[]} class_names
 * @property {number} focus
 * @property {boolean} follows_hardest whether nobody has focused a sample
 * @property {number[]} selected
 * @property {boolean} has_images
 * @property {boolean} is_figure whether the lines are fixed, as in the paper
 * @property {number[]} movement
 * @property {{windows: WindowName[], is_variance: boolean}} score
 */

const N_HIGHLIGHTED = 10;
const SAY_PAUSE = 700; // ms without a change before it is said aloud
const FOCUS_PAUSE = 250;

class Board {
  /** @type {BrushData & BoardData} */
  data;
  /** @type {LiveAnswer | null} */
  answer = null; // the newest one
  /** @type {Windows | null} */
  base = null; // where the latest drag began
  /** @type {Map<number, number>} */
  before = new Map(); // rank of samples then
  /** @type {number | undefined} */
  frame;
  /** @type {number | undefined} */
  sayTimer;
  /** @type {number | undefined} */
  focusTimer;
  /** @type {number | null} */
  focus = null;
  follows = true; // whether the focus is on the hardest sample, whichever that is
  /** @type {Map<number, Fact>} */
  told = new Map(); // facts that came with the server's ranking

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    const brushRoot = /** @type {HTMLElement} */ (root.querySelector(".brush"));
    this.brush = new Brush(brushRoot);
    this.brush.onPlace = (windows) => this.follow(windows);
    addTools(this.brush);
    this.ranking = new RankingList({
      onFocus: (sample) => this.setFocus(sample),
      onTick: (sample, isOn) => this.send("ticked", { sample, is_on: isOn }),
    });
    this.card = new SampleCard((step) => this.ranking.step(step));
    this.strip = new CoresetStrip((sample) => this.setFocus(sample));
    this.movement = new MovementStrip(() => this.send("suggested", Date.now()));
    this.state = html("div", "state");
    this.said = html("div", "said");
    this.said.setAttribute("aria-live", "polite");
    const [left, right] = [html("div", "left"), html("div", "right")];
    left.append(brushRoot, this.movement.node, this.strip.node);
    right.append(this.card.node, this.ranking.node, this.state, this.said);
    root.replaceChildren(left, right);
    this.link = new Link({
      onAnswer: (answer) => this.take(answer),
      onWaiting: () => this.tellState("Reading epochs…"),
      onGaps: (gaps) => this.tellGaps(gaps),
      onProblem: (text) => this.tellState(`Rankings follow when you let go: ${text}`),
      onFacts: () => this.redraw(),
    });
  }

  destroy() {
    clearTimeout(this.sayTimer);
    clearTimeout(this.focusTimer);
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.brush.destroy();
    this.ranking.resizes.disconnect();
    this.link.close();
  }

  // --- what Python says ---------------------------------------------------------------------

  /** @param {BrushComponent & {data: BrushData & BoardData}} component */
  update(component) {
    const { data } = component;
    const isOther = this.data?.instance !== data.instance;
    this.data = data;
    if (isOther) this.forget();
    if (this.focusTimer === undefined) {
      this.focus = data.focus;
      this.follows = data.follows_hardest;
    }
    this.told = toldFacts(data.ranking);
    this.sender = component;
    const isNew = data.live !== null && this.link.open(data.live);
    if (isNew) this.answer = null;
    this.brush.update(component);
    this.ranking.select(this.focus, data.selected);
    if (isNew || this.isServed()) this.ask(this.brush.windows);
    if (this.isServed()) this.showServed();
    else this.redraw();
  }

  /** Another run in the same place. */
  forget() {
    this.answer = null;
    this.base = null;
    this.before = new Map();
    this.focus = null;
  }

  /** Whether the server's ranking is about the windows on screen. */
  isServed() {
    return (
      !this.brush.drag && !this.brush.isUnsent && sameWindows(this.brush.windows, this.data.windows)
    );
  }

  /** The server's word: its order is shown, whatever was computed here. */
  showServed() {
    const { ranking, problem } = this.data;
    this.root.dataset.agreed = this.isAgreed() ? "true" : "";
    this.tellState(problem || this.data.hint);
    this.showRanking(ranking.top, ranking.scores, ranking.ranks);
    this.showAround();
  }

  /** Whether the newest answer of this side is what the server says. */
  isAgreed() {
    const { answer, data } = this;
    return (
      answer !== null &&
      sameWindows(/** @type {Windows} */ (answer.windows), data.windows) &&
      answer.top.length === data.ranking.top.length &&
      answer.top.every((sample, k) => sample === data.ranking.top[k])
    );
  }

  // --- windows that move --------------------------------------------------------------------

  /** @param {Windows} windows */
  follow(windows) {
    const { brush } = this;
    if (!this.data || !brush.g) return;
    this.movement.draw(this.data.movement, brush.g);
    const isMoving = Boolean(brush.drag?.isMoved) || brush.isUnsent;
    if (isMoving && !this.isMoving) this.begin();
    this.isMoving = isMoving;
    if (isMoving) this.ask(windows);
    // While a live answer is under way it will say what the windows see.
    if (!isMoving || !this.data.live) this.tellMovement();
  }

  /** A drag begins: what moves is told against this moment. */
  begin() {
    this.base = this.brush.drag?.base ?? this.brush.agreed;
    const top = this.data.ranking.top;
    this.before = new Map(top.map((sample, k) => [sample, k + 1]));
    this.root.dataset.agreed = "";
  }

  /** @param {Windows} windows */
  ask(windows) {
    if (!this.data.live) return;
    this.base ??= this.data.windows;
    const { n_epochs: n } = this.data.live;
    if (windows.late[1] > n || this.base.late[1] > n) return;
    this.link.ask({ windows, base: this.base, focus: this.follows ? null : this.focus });
  }

  /** @param {LiveAnswer} answer */
  take(answer) {
    this.answer = answer;
    if (this.follows && answer.top.length) this.focus = answer.top[0];
    this.link.lookUp(this.wanted(answer));
    this.redraw();
  }

  /** Draw once in the next frame. */
  redraw() {
    if (this.frame !== undefined) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = undefined;
      this.draw();
    });
  }

  draw() {
    const { answer } = this;
    if (!this.data) return;
    if (this.isServed()) {
      this.showServed();
      return;
    }
    if (!answer) return;
    this.tellState(answer.isSettled ? "" : "Near-ties are being settled…");
    this.showRanking(answer.top, answer.scores);
    this.showAround();
  }

  /**
   * @param {number[]} top
   * @param {number[]} scores
   * @param {number[]} [ranks]
   */
  showRanking(top, scores, ranks) {
    const look = this.look();
    this.ranking.focus = this.focus;
    this.ranking.show({ top, scores, ranks, before: this.before }, look);
    const { answer } = this;
    if (answer) {
      this.root.dataset.windows = JSON.stringify(answer.windows);
      this.root.dataset.settled = String(answer.isSettled);
      this.root.dataset.milliseconds = answer.milliseconds.toFixed(2);
    }
    this.highlight(top);
  }

  /** Card, coreset strip and shares. */
  showAround() {
    const { answer, focus, data } = this;
    const look = this.look();
    if (focus !== null) {
      const place = answer?.focus?.sample === focus ? answer.focus : this.listedPlace(focus);
      const score = {
        nSamples: data.n_samples,
        windows: data.score.windows,
        isVariance: data.score.is_variance,
      };
      this.card.show(focus, look, place, score);
    }
    if (answer) this.strip.show(answer, data.coreset, look);
    this.tellMovement();
    this.sayLater();
  }

  /**
   * Where a sample ranks that is in the list.
   * @param {number} sample
   */
  listedPlace(sample) {
    const { ranking } = this.data;
    const { top, scores } = this.isServed() ? ranking : (this.answer ?? ranking);
    const at = top.indexOf(sample);
    if (at < 0) return null;
    const rank = this.isServed() ? ranking.ranks[at] : at + 1;
    return { rank, score: scores[at], parts: [] };
  }

  /**
   * The first lines of the plot are those that rank first now; pinned ones stay.
   * @param {number[]} top
   */
  highlight(top) {
    if (!this.brush.g || !this.data.live || this.data.is_figure) return;
    const pinned = this.brush.data.lines.filter((line) => line.is_pinned);
    const known = new Map(this.brush.data.lines.map((line) => [line.index, line]));
    const free = top
      .slice(0, N_HIGHLIGHTED)
      .filter((i) => !pinned.some((line) => line.index === i));
    const lines = free.flatMap((index) => {
      const line = known.get(index) ?? lineOf(index, this.factOf(index));
      return line ? [line] : [];
    });
    const before = this.brush.data.lines;
    const wanted = [...lines, ...pinned];
    const isSame =
      before.length === wanted.length && wanted.every((line) => before.some((b) => b === line));
    if (!isSame) this.brush.highlight(wanted);
  }

  // --- words --------------------------------------------------------------------------------

  /** @param {string} text */
  tellState(text) {
    if (this.state.textContent !== text) this.state.textContent = text;
  }

  /** @param {Gaps} gaps */
  tellGaps({ span, gaps, plane }) {
    const where = `epochs ${span[0]}-${span[1]}`;
    this.tellState(`${plane} has ${gaps} gaps in ${where}. Choose a window without gaps.`);
    this.ranking.show({ top: [], scores: [], before: new Map() }, this.look());
    this.answer = null;
    this.strip.clear();
  }

  tellMovement() {
    const { answer, data } = this;
    const names = data.score.windows;
    const isCurrent =
      answer !== null && sameWindows(/** @type {any} */ (answer.windows), this.brush.windows);
    const parts = isCurrent ? answer.parts : [];
    this.movement.tell(names, this.brush.windows, data.movement, parts);
    for (const name of WINDOW_NAMES) {
      const k = names.indexOf(name);
      const { node } = this.brush.panes.parts[name];
      node.classList.toggle("unused", k < 0);
      if (k < 0) this.brush.panes.tell(name, "not used", false);
      else if (names.length < 2) this.brush.panes.tell(name, "", false);
      else if (isCurrent) this.brush.panes.tell(name, percentText(parts[k]), parts[k] < LITTLE);
    }
  }

  /** Say what has changed to those who do not see it, once it rests. */
  sayLater() {
    clearTimeout(this.sayTimer);
    this.sayTimer = setTimeout(() => {
      const { answer } = this;
      if (!answer) return;
      const { early, late } = answer.windows;
      const hardest = this.factOf(answer.top[0])?.name ?? answer.top[0];
      const text =
        `Early ${early.join(" to ")}, late ${late.join(" to ")}: hardest is ${hardest}; ` +
        `${answer.nEntering} enter and ${answer.nLeaving} leave the coreset.`;
      if (this.said.textContent !== text) this.said.textContent = text;
    }, SAY_PAUSE);
  }

  // --- samples ------------------------------------------------------------------------------

  /** @param {number} sample */
  setFocus(sample) {
    if (sample === this.focus) return;
    this.focus = sample;
    this.follows = false;
    this.ranking.select(sample, this.data.selected);
    this.link.lookUp([sample]);
    this.ask(this.brush.windows);
    this.redraw();
    clearTimeout(this.focusTimer);
    this.focusTimer = setTimeout(() => {
      this.focusTimer = undefined;
      this.send("focused", sample);
    }, FOCUS_PAUSE);
  }

  /** @param {number} sample */
  factOf(sample) {
    return this.link.facts.get(sample) ?? this.told.get(sample);
  }

  /** @returns {Look} */
  look() {
    const { data } = this;
    const url = data.live && data.has_images ? data.live.source.url : "";
    return {
      factOf: (sample) => this.factOf(sample),
      pictureOf: (sample) => (url ? `${url}/thumbnails/${sample}.png` : ""),
      classNames: data.class_names,
      largest: data.y_max,
    };
  }

  /**
   * Samples of an answer that are, or will be, on screen.
   * @param {LiveAnswer} answer
   */
  wanted({ top, entering, leaving }) {
    return [...top, ...entering, ...leaving, ...(this.focus === null ? [] : [this.focus])];
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  send(name, value) {
    this.sender?.setTriggerValue(name, value);
  }
}

/**
 * What the server says of the samples it ranks first.
 * @param {ServerRanking} ranking
 * @returns {Map<number, Fact>}
 */
function toldFacts({ top, names, labels, histories }) {
  return new Map(
    top.map((sample, k) => {
      const history = histories[k] && Float32Array.from(histories[k], (value) => value ?? NaN);
      return [sample, { name: names[k], label: labels[k], history: history ?? null }];
    }),
  );
}

/**
 * @param {number} index
 * @param {Fact | undefined} fact
 * @returns {Line | null}
 */
function lineOf(index, fact) {
  if (!fact?.history) return null;
  const values = Array.from(fact.history, (value) => (Number.isNaN(value) ? null : value));
  return { index, label: fact.name, values, colour: null, is_pinned: false };
}
