// The live ranking: as many rows as samples, each always in its place; only what differs is drawn.

const ROW = 36; // pixels
const SPARK = { width: 84, height: 24 };
const SPARE_ROWS = 2; // beyond those in sight

/**
 * A row of the list.
 * @typedef {object} RowParts
 * @property {HTMLLIElement} node
 * @property {HTMLInputElement} tick
 * @property {HTMLButtonElement} pick
 * @property {HTMLElement} rank
 * @property {HTMLElement} change
 * @property {HTMLImageElement} image
 * @property {HTMLElement} name
 * @property {HTMLElement} label
 * @property {SVGPathElement} spark
 * @property {HTMLElement} value
 * @property {number} sample
 * @property {number} score
 * @property {boolean} isFilled whether picture, name and curve are those of the sample
 */

/**
 * What the ranking shows.
 * @typedef {object} Ranked
 * @property {number[]} top
 * @property {number[]} scores
 * @property {number[]} [ranks] by default 1, 2, 3 ...
 * @property {Map<number, number>} before rank of samples when the drag began; empty outside one
 */

/**
 * What a sample looks like in the list.
 * @typedef {object} Look
 * @property {(sample: number) => Fact | undefined} factOf
 * @property {(sample: number) => string} pictureOf address; empty if there is none
 * @property {string[]} classNames
 * @property {number} largest end of the curves' axis
 */

class RankingList {
  /** @param {{onFocus: (sample: number) => void, onTick: (sample: number, isOn: boolean) => void}} on */
  constructor(on) {
    this.on = on;
    this.title = html("div", "ranking-title");
    this.list = html("ol", "ranking");
    this.list.addEventListener("scroll", () => this.see());
    this.seen = { top: 0, height: 10 * ROW }; // asking for it each time would cost a layout
    this.resizes = new ResizeObserver(() => this.see());
    this.resizes.observe(this.list);
    this.list.addEventListener("keydown", (event) => this.press(event));
    this.node = html("section", "ranking-box");
    this.node.append(this.title, this.list);
    /** @type {RowParts[]} */
    this.rows = [];
    /** @type {Set<number>} */
    this.ticked = new Set();
    /** @type {number | null} */
    this.focus = null;
    /** @type {Look | null} */
    this.look = null;
    /** @type {Map<number, number>} */
    this.before = new Map();
  }

  /**
   * @param {Ranked} ranked
   * @param {Look} look
   */
  show({ top, scores, ranks, before }, look) {
    this.look = look;
    while (this.rows.length < top.length) this.rows.push(this.build());
    while (this.rows.length > top.length) this.rows.pop()?.node.remove();
    this.before = before;
    this.rows.forEach((row, k) => {
      const sample = top[k];
      const rank = ranks?.[k] ?? k + 1;
      row.score = scores[k];
      if (row.sample !== sample) {
        row.sample = sample;
        row.isFilled = false;
        row.node.dataset.index = String(sample);
        // Rows out of sight have a name, too, for those who do not scroll by sight.
        write(row.name, `sample ${sample}`);
        row.tick.setAttribute("aria-label", `select sample ${sample}`);
      }
      if (row.node.dataset.rank !== String(rank)) row.node.dataset.rank = String(rank);
    });
    this.fill();
  }

  /** @returns {RowParts} */
  build() {
    const node = html("li", "rank-row");
    node.dataset.testid = "ranking-row";
    const tick = html("input", "tick");
    tick.type = "checkbox";
    const pick = html("button", "pick");
    pick.type = "button";
    const image = html("img", "thumb");
    image.alt = "";
    const [rank, change, name] = [html("b", "rank"), html("span", "change"), html("span", "name")];
    const [label, value] = [html("span", "label"), html("span", "value")];
    const words = html("span", "words");
    words.append(name, label);
    const chart = svg("svg", { class: "spark", ...SPARK, "aria-hidden": "true" });
    const spark = svg("path");
    chart.append(spark);
    pick.append(rank, change, image, words, chart, value);
    node.append(tick, pick);
    this.list.append(node);
    const row = { node, tick, pick, rank, change, image, name, label, spark, value };
    /** @type {RowParts} */
    const parts = { ...row, sample: -1, score: NaN, isFilled: false };
    tick.addEventListener("change", () => this.on.onTick(parts.sample, tick.checked));
    pick.addEventListener("click", () => this.on.onFocus(parts.sample));
    return parts;
  }

  /** Samples whose rows are in sight, or nearly. */
  inSight() {
    const first = Math.max(0, Math.floor(this.seen.top / ROW) - SPARE_ROWS);
    const count = Math.ceil(this.seen.height / ROW) + 2 * SPARE_ROWS;
    return this.rows.slice(first, first + count);
  }

  /** Another part of the list is in sight. */
  see() {
    this.seen = { top: this.list.scrollTop, height: this.list.clientHeight || 10 * ROW };
    this.fill();
  }

  /** Give the rows in sight what is seen of them; the others get it when they are scrolled to. */
  fill() {
    if (!this.look) return;
    const { factOf, pictureOf, classNames, largest } = this.look;
    for (const row of this.inSight()) {
      const rank = Number(row.node.dataset.rank);
      write(row.rank, String(rank));
      write(row.value, row.score.toFixed(4));
      markChange(row.change, this.before, row.sample, rank);
      this.mark(row);
      if (row.isFilled) continue;
      const fact = factOf(row.sample);
      write(row.name, fact?.name ?? "…");
      write(row.label, fact ? (classNames[fact.label] ?? "") : "");
      const curve = fact?.history ? sparkPath(fact.history, largest) : "";
      row.spark.setAttribute("d", curve);
      const picture = pictureOf(row.sample);
      row.image.hidden = !picture;
      if (picture && row.image.getAttribute("src") !== picture) row.image.src = picture;
      row.tick.setAttribute("aria-label", `select ${fact?.name ?? row.sample}`);
      row.isFilled = Boolean(fact?.history);
    }
  }

  /** @param {RowParts} row */
  mark(row) {
    const isFocus = row.sample === this.focus;
    const isTicked = this.ticked.has(row.sample);
    if (row.tick.checked !== isTicked) row.tick.checked = isTicked;
    if (row.node.classList.contains("focus") !== isFocus) {
      row.node.classList.toggle("focus", isFocus);
    }
    const tab = isFocus || (this.focus === null && row === this.rows[0]) ? 0 : -1;
    if (row.pick.tabIndex !== tab) row.pick.tabIndex = tab;
    const current = String(isFocus);
    if (row.pick.getAttribute("aria-current") !== current) {
      row.pick.setAttribute("aria-current", current);
    }
  }

  /** @param {number | null} focus @param {number[]} ticked */
  select(focus, ticked) {
    this.focus = focus;
    this.ticked = new Set(ticked);
    for (const row of this.inSight()) this.mark(row);
    const isThere = this.rows.some((row) => row.sample === focus);
    if (!isThere && this.rows[0]) this.rows[0].pick.tabIndex = 0;
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = this.rows.findIndex((row) => row.pick === this.focused());
    this.go(at < 0 ? 0 : at + step);
  }

  /** The element with the keyboard's focus, also inside of a shadow root. */
  focused() {
    return /** @type {Document | ShadowRoot} */ (this.list.getRootNode()).activeElement;
  }

  /**
   * Focus the sample `step` ranks further.
   * @param {number} step
   */
  step(step) {
    const at = this.rows.findIndex((row) => row.sample === this.focus);
    this.go(at < 0 ? 0 : at + step);
  }

  /** @param {number} place */
  go(place) {
    const row = this.rows[clamp(place, 0, this.rows.length - 1)];
    if (!row) return;
    row.pick.tabIndex = 0;
    row.pick.focus({ preventScroll: true });
    row.node.scrollIntoView({ block: "nearest" });
    this.on.onFocus(row.sample);
  }
}

/**
 * @param {Element} node
 * @param {string} text
 */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * How many ranks a sample has moved since the drag began.
 * @param {HTMLElement} node
 * @param {Map<number, number>} before
 * @param {number} sample
 * @param {number} rank
 */
function markChange(node, before, sample, rank) {
  const from = before.get(sample);
  const up = from === undefined ? 0 : from - rank;
  let text = "";
  if (before.size && from === undefined) text = "new";
  else if (up) text = up > 0 ? `▲${up}` : `▼${-up}`;
  if (node.textContent !== text) node.textContent = text;
  node.classList.toggle("up", up > 0 || text === "new");
}

/**
 * A history as the path of a small curve; a gap breaks it.
 * @param {Float32Array} history
 * @param {number} largest
 * @param {{width: number, height: number}} [size]
 * @returns {string}
 */
function sparkPath(history, largest, { width, height } = SPARK) {
  const points = Math.min(history.length, width / 2);
  let [path, isOpen] = ["", false];
  for (let k = 0; k < points; k++) {
    const at = points > 1 ? Math.round((k * (history.length - 1)) / (points - 1)) : 0;
    const value = history[at];
    if (Number.isNaN(value)) {
      isOpen = false;
      continue;
    }
    const x = points > 1 ? (k * width) / (points - 1) : 0;
    const y = height - 1 - (Math.min(value, largest) / largest) * (height - 2);
    path += `${isOpen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    isOpen = true;
  }
  return path;
}
