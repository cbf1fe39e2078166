// The windows over the plot: drag, keys, hover, and the conversation with Python.

const NAMES = ["early", "late"];
const GRIPS = ["first", "last"];
const SLACK = 4; // pixels a pointer may tremble in a click
const PICK = 12; // pixels between a click and the line it means
const KEY_PAUSE = 350; // ms without a key before the new windows are reported
const ARROWS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
const HINT =
  "Arrow keys move the window, Shift moves by 5. Ctrl + arrow moves its right edge, " +
  "Alt + arrow its left edge.";

class Brush {
  constructor(root) {
    this.root = root;
    this.revision = 0; // of the newest windows this side knows
    this.isUnsent = false; // moved by keys, not yet reported
    this.build();
    this.watch();
  }

  build() {
    this.title = html("div", "title");
    this.legend = html("ul", "legend");
    const head = html("div", "head");
    head.append(this.title, this.legend);
    this.plot = svg("svg", { class: "plot", role: "img" });
    this.cross = html("div", "cross");
    this.dot = html("div", "dot");
    this.tip = html("div", "tip");
    this.hint = html("div", "hint", HINT);
    this.hint.id = "hint";
    this.panes = Object.fromEntries(NAMES.map((name) => [name, this.buildWindow(name)]));
    this.stage = html("div", "stage");
    const windows = NAMES.map((name) => this.panes[name].node);
    this.stage.append(this.plot, ...windows, this.cross, this.dot, this.tip, this.hint);
    this.root.replaceChildren(head, this.stage);
  }

  buildWindow(name) {
    const node = html("div", `window ${name}`);
    const chip = html("span", "chip");
    const grips = GRIPS.map((edge) => html("i", `grip ${edge}`));
    node.append(html("div", "pane"), ...grips, chip);
    node.tabIndex = 0;
    const fixed = { role: "slider", "aria-label": `${name} window`, "aria-describedby": "hint" };
    for (const [key, value] of Object.entries(fixed)) node.setAttribute(key, value);
    return { node, chip, grips };
  }

  watch() {
    for (const name of NAMES) {
      const { node } = this.panes[name];
      node.addEventListener("pointerdown", (event) => this.grab(event, name));
      node.addEventListener("pointerup", (event) => this.release(event));
      node.addEventListener("pointercancel", () => this.abandon());
      node.addEventListener("lostpointercapture", () => this.abandon());
      node.addEventListener("keydown", (event) => this.press(event, name));
      node.addEventListener("blur", () => this.report());
    }
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    this.stage.addEventListener("pointerleave", () => this.hover(null));
    this.stage.addEventListener("click", (event) => this.pick(event));
    this.resizes = new ResizeObserver(() => this.draw());
    this.resizes.observe(this.stage);
  }

  destroy() {
    clearTimeout(this.timer);
    this.resizes.disconnect();
  }

  // --- what Python says -------------------------------------------------------------------

  update({ data, setStateValue, setTriggerValue }) {
    this.send = { setStateValue, setTriggerValue };
    // The scale must not change under the hand: data that arrives in a drag waits for its end.
    if (this.drag && data.instance === this.data.instance) this.waiting = data;
    else this.apply(data);
  }

  apply(data) {
    if (this.data?.instance !== data.instance) {
      this.drag = null;
      this.isUnsent = false;
      this.revision = 0;
      this.windows = null;
    }
    // A page drawn before our latest report still shows the windows from before it.
    const isStale = this.isUnsent || data.revision < this.revision;
    const fits = this.windows && this.windows.late[1] <= data.n_epochs;
    if (isStale && !fits) return;
    if (!isStale) {
      this.windows = { early: [...data.windows.early], late: [...data.windows.late] };
      this.agreed = this.windows;
      this.revision = data.revision;
    }
    this.data = data;
    this.draw();
  }

  /** Report the windows to Python, unless it knows them. */
  report() {
    clearTimeout(this.timer);
    this.isUnsent = false;
    if (!this.windows || sameWindows(this.windows, this.agreed)) return;
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
    this.hover(null);
    this.place();
  }

  /** Put the windows where they belong; all that happens during a drag. */
  place() {
    for (const name of NAMES) {
      const { node, chip } = this.panes[name];
      const [first, last] = this.windows[name];
      node.style.left = `${this.g.start(first)}px`;
      node.style.width = `${(last - first + 1) * this.g.perEpoch}px`;
      chip.textContent = `${name} ${first === last ? first : `${first}–${last}`}`;
      const length = last - first + 1;
      const said = `epochs ${first} to ${last}, ${length} ${length === 1 ? "epoch" : "epochs"}`;
      const values = { valuemin: 1, valuemax: this.data.n_epochs, valuenow: first, valuetext: said };
      for (const [key, value] of Object.entries(values)) node.setAttribute(`aria-${key}`, value);
    }
    this.placeChips();
    this.placeGrips();
  }

  /** Centre each label over its window; keep both in sight and apart. */
  placeChips() {
    const [early, late] = NAMES.map((name) => {
      const { chip } = this.panes[name];
      const [first, last] = this.windows[name];
      const width = chip.offsetWidth;
      const middle = (this.g.start(first) + this.g.start(last + 1)) / 2;
      const left = clamp(middle - width / 2, this.g.left, this.g.right - width);
      return { chip, width, left, from: this.g.start(first) };
    });
    const overlap = early.left + early.width + 6 - late.left;
    if (overlap > 0) {
      const given = clamp(overlap / 2, 0, early.left - this.g.left);
      early.left -= given;
      late.left = Math.min(late.left + overlap - given, this.g.right - late.width);
      early.left = Math.min(early.left, late.left - 6 - early.width);
    }
    for (const { chip, left, from } of [early, late]) chip.style.left = `${left - from}px`;
  }

  /** Grips reach outwards as far as the neighbour allows, and leave the middle for moving. */
  placeGrips() {
    const { early, late } = this.windows;
    const gap = (late[0] - early[1] - 1) * this.g.perEpoch;
    for (const name of NAMES) {
      const [first, last] = this.windows[name];
      const inside = Math.min(9, ((last - first + 1) * this.g.perEpoch) / 3);
      GRIPS.forEach((edge, i) => {
        const faces = (name === "early") === (edge === "last");
        const outside = faces ? Math.min(9, gap / 2) : 9;
        const { style } = this.panes[name].grips[i];
        style.setProperty("--outside", `${outside}px`);
        style.setProperty("--inside", `${inside}px`);
      });
    }
  }

  // --- pointer ----------------------------------------------------------------------------

  grab(event, name) {
    if (event.button !== 0 || this.drag || !this.g) return;
    const edge = GRIPS.findIndex((grip) => event.target.classList.contains(grip));
    this.drag = { name, edge, id: event.pointerId, x: event.clientX, base: this.windows };
    const { node } = this.panes[name];
    node.setPointerCapture(event.pointerId);
    node.classList.add("held");
    node.focus({ preventScroll: true });
    this.hover(null);
  }

  move(event) {
    if (!this.drag) {
      this.hover(event);
      return;
    }
    if (event.pointerId !== this.drag.id) return;
    const { name, edge, x, base } = this.drag;
    const pixels = event.clientX - x;
    this.drag.isMoved ||= Math.abs(pixels) >= SLACK;
    if (this.drag.isMoved) this.shift(base, name, edge, Math.round(pixels / this.g.perEpoch));
  }

  shift(base, name, edge, step) {
    const { n_epochs: n, lock_length: isLocked } = this.data;
    this.windows =
      edge < 0
        ? moveWindow(base, name, step, n)
        : resizeWindow(base, name, edge, base[name][edge] + step, n, isLocked);
    this.place();
  }

  release(event) {
    if (event.pointerId !== this.drag?.id) return;
    this.suppressClick = this.drag.isMoved;
    this.letGo();
    this.report();
    this.applyWaiting();
  }

  /** Escape, or the system took the pointer away: as if it had not been touched. */
  abandon() {
    if (!this.drag) return;
    this.windows = this.drag.base;
    this.suppressClick = true;
    this.letGo();
    this.place();
    this.applyWaiting();
  }

  letGo() {
    this.panes[this.drag.name].node.classList.remove("held");
    this.drag = null;
  }

  applyWaiting() {
    const data = this.waiting;
    this.waiting = null;
    if (data) this.apply(data);
  }

  // --- keys -------------------------------------------------------------------------------

  press(event, name) {
    if (event.key === "Escape" && this.drag) this.abandon();
    const step = (ARROWS[event.key] ?? 0) * (event.shiftKey ? 5 : 1);
    if (!step || this.drag || !this.g || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const edge = event.ctrlKey ? 1 : event.altKey ? 0 : -1;
    this.isUnsent = true;
    this.shift(this.windows, name, edge, step);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.report(), KEY_PAUSE);
  }

  // --- reading values ---------------------------------------------------------------------

  /** Pointer position in the plot, or null outside. */
  spot(event) {
    if (!event || !this.g) return null;
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { left, right, top, bottom } = this.g;
    return x >= left && x <= right && y >= top && y <= bottom ? { x, y } : null;
  }

  hover(event) {
    const spot = this.spot(event);
    this.hot?.classList.remove("hot");
    this.stage.classList.toggle("reading", Boolean(spot));
    if (!spot) return;
    const { g, data } = this;
    const epoch = g.epochAt(spot.x);
    const nearest = nearestLine(data, g.x(epoch), spot.y, g);
    const aimed = nearestLine(data, spot.x, spot.y, g);
    this.hot = nearest && this.paths.get(nearest.line.index);
    this.hot?.classList.add("hot");
    this.stage.classList.toggle("aimed", Boolean(aimed && aimed.distance <= PICK));
    this.cross.style.transform = `translateX(${g.x(epoch)}px)`;
    this.cross.style.top = `${g.top}px`;
    this.cross.style.height = `${g.bottom - g.top}px`;
    this.placeDot(nearest, epoch);
    this.fillTip(epoch, nearest?.line);
    this.placeTip(spot, g.x(epoch));
  }

  placeDot(nearest, epoch) {
    this.dot.hidden = !nearest;
    if (!nearest) return;
    const y = this.g.y(nearest.line.values[epoch - 1]);
    this.dot.style.transform = `translate(${this.g.x(epoch)}px, ${y}px)`;
    this.dot.style.setProperty("--line", nearest.line.colour ?? "var(--neutral)");
  }

  fillTip(epoch, line) {
    const row = (kind, name, value) => {
      const node = html("div", "row");
      const swatch = html("i", `swatch ${kind}`);
      if (kind === "sample" && line.colour) swatch.style.setProperty("--line", line.colour);
      const shown = value === null || value === undefined ? "no value" : value.toFixed(3);
      node.append(swatch, html("span", "name", name), html("b", "", shown));
      return node;
    };
    const rows = [html("div", "epoch", `epoch ${epoch}`)];
    rows.push(row("median", "median", this.data.bands.q50[epoch - 1]));
    if (line) rows.push(row("sample", line.label, line.values[epoch - 1]));
    this.tip.replaceChildren(...rows);
  }

  placeTip(spot, x) {
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const isRight = x + 14 + width <= this.g.width;
    const left = isRight ? x + 14 : Math.max(0, x - 14 - width);
    const top = clamp(spot.y - height - 12, this.g.top + 4, this.g.bottom - height - 4);
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }

  pick(event) {
    const isDragEnd = this.suppressClick;
    this.suppressClick = false;
    const spot = isDragEnd ? null : this.spot(event);
    const nearest = spot && nearestLine(this.data, spot.x, spot.y, this.g);
    if (nearest && nearest.distance <= PICK) {
      this.send.setTriggerValue("picked", nearest.line.index);
    }
  }
}

/** Whether the theme's background is dark; the colour may be written in any CSS form. */
function isDark(root) {
  const rgb = getComputedStyle(root).backgroundColor.match(/[\d.]+/g)?.map(Number);
  return Boolean(rgb) && 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2] < 128;
}

const brushes = new WeakMap();

/** Called by Streamlit at every change of data or theme, always with the same parent element. */
export default function mount(component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".brush");
  if (!root || !data) return undefined;
  let brush = brushes.get(parentElement);
  if (brush?.root !== root) {
    brush?.destroy();
    brush = new Brush(root);
    brushes.set(parentElement, brush);
  }
  brush.update(component);
  // A call overtaken by a newer one is cleaned up although the element lives on.
  return () => {
    if (root.isConnected) return;
    brush.destroy();
    brushes.delete(parentElement);
  };
}
