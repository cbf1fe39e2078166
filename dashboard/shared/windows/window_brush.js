// The hand on the windows - drag, keys, click - and the conversation with Python.

/** @typedef {(name: string, value: unknown) => void} BrushReport */
/** @typedef {{setStateValue: BrushReport, setTriggerValue: BrushReport}} Send */
/** @typedef {Send & {data: BrushData, parentElement: HTMLElement}} BrushComponent */

/**
 * A window in the hand.
 * @typedef {object} Drag
 * @property {WindowName} name
 * @property {number} edge 0 = first, 1 = last, -1 = the whole window
 * @property {number} id of the pointer
 * @property {number} x where the pointer went down
 * @property {Windows} base the windows before
 * @property {boolean} isMoved
 */

const SLACK = 4; // pixels a pointer may tremble in a click
const PICK = 12; // pixels between a click and the line it means
const KEY_PAUSE = 350; // ms without a key before the new windows are reported
/** @type {Record<string, number>} */
const ARROWS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

class Brush {
  /** @type {HTMLElement} */
  title;
  /** @type {HTMLElement} */
  legend;
  /** @type {HTMLElement} */
  tools; // for buttons of what is drawn around the plot
  /** @type {SVGSVGElement} */
  plot;
  /** @type {Panes} */
  panes;
  /** @type {HTMLElement} */
  stage;
  /** @type {Tip} */
  tip;
  /** @type {ResizeObserver} */
  resizes;
  /** @type {BrushData} */
  data;
  /** @type {Windows} */
  windows;
  /** @type {Windows} */
  agreed; // what Python knows
  /** @type {Send} */
  send;
  /** @type {Geometry} */
  g;
  /** @type {Map<number, SVGPathElement>} */
  paths;
  /** @type {Drag | null} */
  drag;
  /** @type {BrushData | null} */
  waiting; // came during a drag
  /** @type {boolean} */
  suppressClick;
  /** @type {number | undefined} */
  timer;
  /** @type {(windows: Windows) => void} */
  onPlace = () => undefined; // for what follows the windows while they move

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.revision = 0; // of the newest windows this side knows
    this.isUnsent = false; // moved by keys, not yet reported
    this.isLog = false; // a matter of this screen, nothing else follows from it
    this.build();
    this.watch();
  }

  build() {
    this.title = html("div", "title");
    this.legend = html("ul", "legend");
    const head = html("div", "head");
    this.tools = html("div", "tools");
    head.append(this.title, this.legend, this.tools);
    this.plot = svg("svg", { class: "plot", role: "img" });
    this.panes = new Panes();
    this.stage = html("div", "stage");
    this.stage.append(this.plot, ...this.panes.nodes, this.panes.hint, this.panes.help);
    this.tip = new Tip(this.stage);
    this.root.replaceChildren(head, this.stage);
  }

  watch() {
    for (const name of WINDOW_NAMES) {
      const { node } = this.panes.parts[name];
      node.addEventListener("pointerdown", (event) => this.grab(event, name));
      node.addEventListener("pointerup", (event) => this.release(event));
      node.addEventListener("pointercancel", () => this.abandon());
      node.addEventListener("lostpointercapture", () => this.abandon());
      node.addEventListener("keydown", (event) => this.press(event, name));
      node.addEventListener("blur", () => this.report());
    }
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    this.stage.addEventListener("pointerleave", () => this.tip.hide());
    this.stage.addEventListener("click", (event) => this.pick(event));
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(this.stage);
  }

  destroy() {
    clearTimeout(this.timer);
    this.resizes.disconnect();
  }

  // --- what Python says -------------------------------------------------------------------

  /** @param {BrushComponent} component */
  update({ data, setStateValue, setTriggerValue }) {
    this.send = { setStateValue, setTriggerValue };
    // The scale must not change under the hand: data that arrives in a drag waits for its end.
    if (this.drag && data.instance === this.data.instance) this.waiting = data;
    else this.apply(data);
  }

  /** @param {BrushData} data */
  apply(data) {
    if (this.data?.instance !== data.instance) this.forget();
    // A page drawn before our latest report still shows the windows from before it.
    const isStale = this.isUnsent || data.revision < this.revision;
    if (isStale && this.windows.late[1] > data.n_epochs) return;
    if (!isStale) {
      this.windows = { early: [...data.windows.early], late: [...data.windows.late] };
      this.agreed = this.windows;
      this.revision = data.revision;
    }
    this.data = { ...data, is_log: this.isLog };
    this.draw();
  }

  /** @param {boolean} isLog */
  scale(isLog) {
    this.isLog = isLog;
    if (!this.data) return;
    this.data = { ...this.data, is_log: isLog };
    this.draw();
  }

  /** Another chart in the same place: nothing of the former one counts. */
  forget() {
    clearTimeout(this.timer);
    if (this.drag) this.letGo(this.drag);
    this.waiting = null;
    this.isUnsent = false;
    this.revision = 0;
  }

  /** Tell Python the windows, unless it knows them or the hand is still on one. */
  report() {
    if (this.drag || !this.windows) return;
    clearTimeout(this.timer);
    this.isUnsent = false;
    if (sameWindows(this.windows, this.agreed)) return;
    this.agreed = this.windows;
    // The clock keeps revisions growing when the component is mounted anew.
    this.revision = Math.max(this.revision + 1, Date.now());
    this.send.setStateValue("windows", { ...this.windows, revision: this.revision });
  }

  // --- drawing ----------------------------------------------------------------------------

  draw() {
    const width = this.stage.clientWidth;
    if (!this.data || !width) return;
    this.stage.style.height = `${this.data.height}px`;
    this.root.classList.toggle("dark", isDark(this.root));
    this.title.textContent = this.data.title;
    drawLegend(this.legend, this.data);
    this.g = geometry(this.data, width);
    this.paths = drawPlot(this.plot, this.data, this.g);
    this.tip.hide();
    this.place();
  }

  place() {
    this.panes.place(this.windows, this.g, this.data.n_epochs);
    this.onPlace(this.windows);
  }

  /**
   * Highlight other lines without drawing anything else anew.
   * @param {Line[]} lines
   */
  highlight(lines) {
    this.data = { ...this.data, lines };
    const [first] = this.paths.values();
    const parent = first?.parentNode ?? this.plot.querySelector("g");
    if (!parent) return;
    const kept = new Map(lines.map((line) => [line.index, this.paths.get(line.index)]));
    for (const [index, path] of this.paths) if (!kept.get(index)) path.remove();
    this.paths = drawLines(/** @type {SVGElement} */ (parent), lines, this.g, kept);
  }

  // --- pointer ----------------------------------------------------------------------------

  /**
   * @param {PointerEvent} event
   * @param {WindowName} name
   */
  grab(event, name) {
    if (event.button !== 0 || this.drag || !this.g) return;
    this.suppressClick = false;
    const target = /** @type {Element} */ (event.target);
    const edge = GRIPS.findIndex((grip) => target.classList.contains(grip));
    this.drag = {
      name,
      edge,
      id: event.pointerId,
      x: event.clientX,
      base: this.windows,
      isMoved: false,
    };
    const { node } = this.panes.parts[name];
    node.setPointerCapture(event.pointerId);
    node.classList.add("held", edge < 0 ? "moving" : "sizing");
    this.tip.hide();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.drag) {
      this.read(event);
      return;
    }
    if (event.pointerId !== this.drag.id) return;
    const { name, edge, x, base } = this.drag;
    const pixels = event.clientX - x;
    this.drag.isMoved ||= Math.abs(pixels) >= SLACK;
    if (this.drag.isMoved) this.shift(base, name, edge, Math.round(pixels / this.g.perEpoch));
  }

  /**
   * Move a window, or one of its edges (0 = first, 1 = last), as far as the rules allow.
   * @param {Windows} base
   * @param {WindowName} name
   * @param {number} edge
   * @param {number} step
   */
  shift(base, name, edge, step) {
    const { n_epochs: n, lock_length: isLocked } = this.data;
    this.windows =
      edge < 0
        ? moveWindow(base, name, step, n)
        : resizeWindow(base, name, edge, base[name][edge] + step, n, isLocked);
    this.place();
  }

  /** @param {PointerEvent} event */
  release(event) {
    if (event.pointerId !== this.drag?.id) return;
    this.suppressClick = this.drag.isMoved;
    this.letGo(this.drag);
    this.report();
    this.applyWaiting();
  }

  /** Escape, or the system took the pointer away: as if it had not been touched. */
  abandon() {
    if (!this.drag) return;
    this.windows = this.drag.base;
    this.suppressClick = true;
    this.letGo(this.drag);
    this.place();
    this.applyWaiting();
  }

  /** @param {Drag} drag */
  letGo(drag) {
    this.panes.parts[drag.name].node.classList.remove("held", "moving", "sizing");
    this.drag = null;
  }

  applyWaiting() {
    const data = this.waiting;
    this.waiting = null;
    if (data) this.apply(data);
  }

  // --- keys -------------------------------------------------------------------------------

  /**
   * @param {KeyboardEvent} event
   * @param {WindowName} name
   */
  press(event, name) {
    if (event.key === "Escape") this.abandon();
    const step = (ARROWS[event.key] ?? 0) * (event.shiftKey ? 5 : 1);
    if (!step || this.drag || !this.g || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.isUnsent = true;
    this.shift(this.windows, name, event.ctrlKey ? 1 : event.altKey ? 0 : -1, step);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.report(), KEY_PAUSE);
  }

  // --- values and samples -----------------------------------------------------------------

  /**
   * Pointer position in the plot, or null outside.
   * @param {MouseEvent} event
   * @returns {Spot | null}
   */
  spot(event) {
    if (!this.g) return null;
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { left, right, top, bottom } = this.g;
    return x >= left && x <= right && y >= top && y <= bottom ? { x, y } : null;
  }

  /**
   * The highlighted line that a click at `spot` means, if any.
   * @param {Spot | null} spot
   * @returns {Line | null}
   */
  aimed(spot) {
    const nearest = spot && nearestLine(this.data, spot.x, spot.y, this.g);
    return nearest && nearest.distance <= PICK ? nearest.line : null;
  }

  /** @param {MouseEvent} event */
  read(event) {
    const spot = this.spot(event);
    this.stage.classList.toggle("aimed", Boolean(this.aimed(spot)));
    if (spot) this.tip.show(spot, this.g, this.data, this.paths);
    else this.tip.hide();
  }

  /** @param {MouseEvent} event */
  pick(event) {
    const line = this.suppressClick ? null : this.aimed(this.spot(event));
    this.suppressClick = false;
    if (line) this.send.setTriggerValue("picked", line.index);
  }
}

/**
 * Whether the theme's background is dark.
 * @param {Element} root
 * @returns {boolean}
 */
function isDark(root) {
  const rgb = getComputedStyle(root)
    .backgroundColor.match(/[\d.]+/g)
    ?.map(Number);
  return rgb !== undefined && 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2] < 128;
}
