// The hand on the map - pan, zoom, lasso, box, click, keys - and the conversation with Python.

/** @typedef {"replace" | "add" | "remove"} Mode */
/** @typedef {Partial<Record<"all" | "selected", HTMLImageElement>>} Pictures */

/**
 * What Streamlit calls the map with.
 * @typedef {object} MapComponent
 * @property {MapData} data
 * @property {HTMLElement} parentElement
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */

/**
 * A pointer that is down.
 * @typedef {object} Hand
 * @property {number} id
 * @property {Corner} from
 * @property {Corner} at
 * @property {boolean} isPan
 * @property {boolean} isMoved
 */

/**
 * An area that is being drawn, or was drawn and is reported.
 * @typedef {object} Shape
 * @property {"lasso" | "box"} kind
 * @property {Corner[]} corners in map coordinates
 * @property {Corner} [last] pixel of the latest corner
 * @property {boolean} [isDone]
 */

const AIM = 12; // pixels between the pointer and the sample it means
const TREMBLE = 4; // pixels a pointer may move in a click
const CORNER = 3; // pixels between two corners of a lasso
const MOST_CORNERS = 1000;
const UNANSWERED = 4000; // ms after which a drawn shape goes although nothing changed
const KEY_STEP = 60; // pixels an arrow key moves the map
/** @type {Record<string, Corner>} */
const ARROWS = {
  ArrowLeft: [1, 0],
  ArrowRight: [-1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};
/** @type {Record<string, Tool>} */
const TOOL_KEYS = { l: "lasso", b: "box", m: "pan" };
const HELP =
  "Arrow keys move the map, plus and minus zoom, 0 shows all of it. Enter selects the sample " +
  "at the cross in the middle, V all samples in view; with Shift they are added, with Alt " +
  "taken out. L, B and M choose lasso, box and moving; Escape drops a shape or the selection.";

class SampleMap {
  /** @type {HTMLElement} */
  legend;
  /** @type {HTMLElement} */
  stage;
  /** @type {HTMLCanvasElement} */
  base;
  /** @type {HTMLCanvasElement} */
  dots;
  /** @type {HTMLCanvasElement} */
  top;
  /** @type {HTMLCanvasElement[]} */
  canvases;
  /** @type {Raster} */
  raster;
  /** @type {HTMLElement} */
  surface;
  /** @type {HTMLElement} */
  help;
  /** @type {HTMLElement} */
  said;
  /** @type {HTMLElement} */
  count;
  /** @type {Bar} */
  bar;
  /** @type {Note} */
  note;
  /** @type {ResizeObserver} */
  resizes;
  /** @type {MapData} */
  data;
  /** @type {View} */
  view;
  /** @type {Points} */
  points;
  /** @type {Palette} */
  palette;
  /** @type {Pictures} */
  pictures;
  /** @type {Rgb} */
  paper;
  /** @type {Rgb} */
  ink;
  /** @type {number} */
  ratio; // device pixels of a CSS pixel
  /** @type {MapComponent["setTriggerValue"]} */
  send;
  /** @type {number | null} */
  frame;
  /** @type {number | undefined} */
  timer;
  /** @type {number | null} */
  held; // category that alone keeps its colour
  /** @type {number | null} */
  pointed;
  /** @type {Hand | null} */
  hand;
  /** @type {Shape | null} */
  shape;
  /** @type {number | undefined} */
  aimed;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Tool} */
    this.tool = "lasso";
    this.held = this.pointed = null;
    this.build();
    this.watch();
  }

  build() {
    this.legend = html("div", "head");
    this.stage = html("div", "stage");
    this.canvases = ["base", "points", "top"].map((name) => html("canvas", name));
    [this.base, this.dots, this.top] = this.canvases;
    this.raster = new Raster(this.dots);
    this.surface = html("div", "surface");
    this.surface.tabIndex = 0;
    this.surface.setAttribute("role", "application");
    this.surface.setAttribute("aria-roledescription", "map of samples");
    this.help = html("div", "unseen", HELP);
    this.help.id = "map-help";
    this.surface.setAttribute("aria-describedby", this.help.id);
    this.said = html("div", "unseen");
    this.said.setAttribute("aria-live", "polite");
    this.count = html("div", "chosen");
    this.bar = new Bar({
      onTool: (tool) => this.setTool(tool),
      onAction: (action) => this.act(action),
    });
    this.stage.append(...this.canvases, this.surface, this.bar.node, this.count);
    this.note = new Note(this.stage);
    this.root.replaceChildren(this.legend, this.stage, this.help, this.said);
    this.setTool(this.tool);
  }

  watch() {
    /**
     * @template {keyof HTMLElementEventMap} Name
     * @param {Name} name
     * @param {(event: HTMLElementEventMap[Name]) => void} act
     * @param {AddEventListenerOptions} [options]
     */
    const on = (name, act, options) => this.surface.addEventListener(name, act, options);
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", () => this.drop());
    on("pointerleave", () => this.leave());
    on("contextmenu", (event) => event.preventDefault());
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("dblclick", () => this.act("fit"));
    on("keydown", (event) => this.key(event));
    on("focus", () => this.paint());
    on("blur", () => this.paint());
    this.resizes = new ResizeObserver(() => this.paint());
    this.resizes.observe(this.stage);
  }

  destroy() {
    clearTimeout(this.timer);
    if (this.frame) cancelAnimationFrame(this.frame);
    this.resizes.disconnect();
    this.note.hide();
  }

  // --- what Python says -------------------------------------------------------------------

  /** @param {MapComponent} component */
  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    const old = this.data;
    const isOther = old?.instance !== data.instance;
    const isMoved = isOther || String(old.bounds) !== String(data.bounds);
    this.data = data;
    if (isOther) this.held = this.pointed = null;
    if (isMoved) this.view = new View(data.bounds);
    const isNewSet = isOther || old.x !== data.x || old.y !== data.y || old.index !== data.index;
    if (isNewSet || old.labels !== data.labels) this.points = new Points(data);
    this.points.setColour(data.colour);
    this.points.setSelected(data.selected);
    if (old?.selected !== data.selected || isNewSet) {
      this.shape = this.shape?.isDone ? null : this.shape;
    }
    if (old?.colour.title !== data.colour.title) this.held = this.pointed = null;
    this.pictures = this.loaded(data.density);
    this.surface.setAttribute("aria-label", data.alt);
    // On a low screen the whole map still fits under the heading.
    this.stage.style.height = `min(${data.height}px, max(360px, 100vh - 310px))`;
    this.dress();
    this.paint();
  }

  /** Colours of the theme; they can change without new data. */
  dress() {
    const style = getComputedStyle(this.root);
    this.paper = channels(style.backgroundColor);
    this.ink = channels(style.color);
    this.palette = new Palette(this.data.colour, this.paper);
    drawLegend(this.legend, this.data.colour, {
      held: this.held,
      onPoint: (code) => this.point(code),
      onHold: (code) => this.hold(code),
    });
    const { n_selected: chosen, n_samples: all, n } = this.data;
    const shown =
      n < all ? `${n.toLocaleString("en")} of ${all.toLocaleString("en")} drawn as points` : "";
    const text = chosen ? `${chosen.toLocaleString("en")} selected` : "";
    const { length } = this.data.rings;
    const ringed = length ? `${length.toLocaleString("en")} ringed` : "";
    this.count.textContent = [text, ringed, shown].filter(Boolean).join(" · ");
    if (this.said.dataset.count !== String(chosen)) {
      this.said.textContent = text || "Nothing selected";
    }
    this.said.dataset.count = String(chosen);
  }

  /**
   * The density images of the data, those already there kept.
   * @param {MapData["density"]} density
   * @returns {Pictures}
   */
  loaded(density) {
    /** @type {Pictures} */
    const images = {};
    for (const name of /** @type {const} */ (["all", "selected"])) {
      const source = density?.[name];
      if (!source) continue;
      const before = this.pictures?.[name];
      const image = before?.src === source ? before : new Image();
      images[name] = image;
      if (image === before) continue;
      image.onload = () => this.paint();
      image.src = source;
    }
    return images;
  }

  /** @param {number | null} code */
  point(code) {
    this.pointed = code;
    this.paint();
  }

  /** @param {number} code */
  hold(code) {
    this.held = this.held === code ? null : code;
    this.pointed = null;
    this.dress();
    this.paint();
    [...this.legend.querySelectorAll("button")].find((b) => b.ariaPressed === "true")?.focus();
  }

  // --- drawing ----------------------------------------------------------------------------

  paint() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const [width, height] = [this.stage.clientWidth, this.stage.clientHeight];
    if (!this.data || !width || !height) return;
    this.view.resize(width, height);
    this.ratio = Math.min(2, window.devicePixelRatio || 1);
    const [across, down] = [width, height].map((side) => Math.round(side * this.ratio));
    this.drawDensity([across, down]);
    this.drawPoints([across, down]);
    this.drawTop([across, down]);
  }

  /**
   * Radius of a point in CSS pixels: smaller where there are many, larger when near.
   * @returns {number}
   */
  get radius() {
    const base = within(7.4 - 1.15 * Math.log10(this.data.n_samples + 1), 1.9, 4.6);
    const near = Math.log2(Math.max(1, this.view.scale / this.view.wholeScale));
    return Math.min(7, base * (1 + 0.16 * near));
  }

  /** @param {Corner} size */
  drawDensity([width, height]) {
    const ctx = context(this.base);
    this.base.width = width;
    this.base.height = height;
    if (!this.data.density) return;
    const [x0, y0, x1, y1] = this.data.density.bounds;
    const [left, top] = this.view.pixel(x0, y1);
    const [right, bottom] = this.view.pixel(x1, y0);
    const { ratio } = this;
    const [x, y] = [left * ratio, top * ratio];
    const [w, h] = [(right - left) * ratio, (bottom - top) * ratio];
    ctx.imageSmoothingEnabled = this.view.scale < this.view.wholeScale * 3;
    /** @param {HTMLImageElement} [image] */
    const paint = (image) =>
      image?.complete && image.naturalWidth && ctx.drawImage(image, x, y, w, h);
    ctx.globalAlpha = this.data.n_selected ? 0.4 : 1;
    paint(this.pictures.all);
    ctx.globalAlpha = 1;
    paint(this.pictures.selected);
  }

  /** @param {Corner} size */
  drawPoints([width, height]) {
    const radius = this.radius * this.ratio;
    this.raster.clear(width, height, Math.ceil(radius * 2) + 8);
    const sprites = this.spriteSets(radius);
    const { order, codes, isSelected } = this.points;
    const only = this.pointed ?? this.held;
    for (const point of order) {
      if (isSelected[point]) continue;
      const slot = this.palette.slot(codes[point]);
      const isDim = this.data.n_selected > 0 || (only !== null && only !== slot);
      this.stamp(point, isDim ? sprites.dim(slot) : sprites.plain(slot));
    }
    for (let point = 0; point < this.points.n; point++) {
      if (isSelected[point]) this.stamp(point, sprites.ringed(this.palette.slot(codes[point])));
    }
    this.raster.show();
  }

  /**
   * Three looks of every mark, each made at most once a frame.
   * @param {number} radius
   * @returns {Record<"plain" | "dim" | "ringed", (slot: number) => Sprite>}
   */
  spriteSets(radius) {
    const paper = css(this.paper);
    const halo = radius >= 2.4 * this.ratio ? 0.7 * this.ratio : 0;
    /** @param {(mark: Mark) => Partial<InkedMark> & Omit<InkedMark, "radius">} change */
    const look = (change) => {
      /** @type {Sprite[]} */
      const made = [];
      /** @param {number} slot */
      return (slot) =>
        (made[slot + 1] ??= this.raster.sprite({ radius, ...change(this.palette.mark(slot)) }));
    };
    return {
      plain: look(({ shape, colour }) => ({
        shape,
        colour: css(colour),
        edge: halo,
        edgeColour: paper,
      })),
      dim: look(({ shape, colour }) => ({
        shape,
        colour: css(mixed(colour, this.paper, 0.68)),
        edge: 0,
        edgeColour: paper,
      })),
      ringed: look(({ shape, colour }) => ({
        shape,
        radius: radius * 1.25,
        colour: css(colour),
        edge: this.ratio * (radius < 2.6 * this.ratio ? 0.7 : 1),
        edgeColour: css(this.ink),
      })),
    };
  }

  /**
   * @param {number} point
   * @param {Sprite} sprite
   */
  stamp(point, sprite) {
    const [x, y] = this.view.fromSteps(this.points.x[point], this.points.y[point]);
    this.raster.stamp(sprite, Math.round(x * this.ratio), Math.round(y * this.ratio));
  }

  /**
   * What lies on top: rings, medoids, the shape in the hand, the sample under the pointer, the cross.
   * @param {Corner} [size]
   */
  drawTop([width, height] = [this.top.width, this.top.height]) {
    const ctx = context(this.top);
    this.top.width = width;
    this.top.height = height;
    ctx.scale(this.ratio, this.ratio);
    this.data.rings.forEach(([point]) => this.drawRing(ctx, point));
    this.data.medoids.forEach((medoid) => this.drawMedoid(ctx, medoid));
    if (this.aimed !== undefined) this.drawAim(ctx, this.aimed);
    if (this.shape) this.drawShape(ctx, this.shape);
    const page = /** @type {Document | ShadowRoot} */ (this.root.getRootNode());
    if (page.activeElement === this.surface && !this.shape) this.drawCross(ctx);
  }

  /**
   * A mark on top of all others, in a dark ring with a light one around it.
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} point
   */
  drawRing(ctx, point) {
    const [x, y] = this.view.fromSteps(this.points.x[point], this.points.y[point]);
    /** @type {[radius: number, colour: Rgb][]} */
    const circles = [
      [this.radius + 4.2, this.paper],
      [this.radius + 2.6, this.ink],
    ];
    for (const [radius, hue] of circles) {
      ctx.beginPath();
      ctx.arc(x, y, radius, 0, 2 * Math.PI);
      ctx.lineWidth = 1.6;
      ctx.strokeStyle = css(hue);
      ctx.stroke();
    }
    const { shape, colour } = this.palette.mark(this.palette.slot(this.points.codes[point]));
    ctx.save();
    ctx.translate(x, y);
    trace(ctx, shape, this.radius);
    ctx.fillStyle = css(colour);
    ctx.fill();
    ctx.restore();
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Medoid} medoid
   */
  drawMedoid(ctx, { x, y, code }) {
    const { shape, colour } = this.palette.mark(this.palette.slot(code));
    const radius = this.radius + 3.2;
    ctx.save();
    ctx.translate(...this.view.fromSteps(x, y));
    ctx.lineJoin = "round";
    trace(ctx, shape, radius);
    /** @type {[width: number, colour: Rgb][]} */
    const rings = [
      [6.5, this.ink],
      [3.5, this.paper],
    ];
    for (const [width, hue] of rings) {
      ctx.lineWidth = width;
      ctx.strokeStyle = css(hue);
      ctx.stroke();
    }
    ctx.fillStyle = css(colour);
    ctx.fill();
    ctx.restore();
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {number} point
   */
  drawAim(ctx, point) {
    const [x, y] = this.view.fromSteps(this.points.x[point], this.points.y[point]);
    ctx.beginPath();
    ctx.arc(x, y, this.radius + 4.5, 0, 2 * Math.PI);
    ctx.lineWidth = 2;
    ctx.strokeStyle = css(this.ink);
    ctx.stroke();
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Shape} shape
   */
  drawShape(ctx, { kind, corners }) {
    const pixels = corners.map(([x, y]) => this.view.pixel(x, y));
    ctx.beginPath();
    if (kind === "box") {
      const [[x0, y0], [x1, y1]] = [pixels[0], pixels[pixels.length - 1]];
      ctx.rect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
    } else {
      pixels.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
      ctx.closePath();
    }
    ctx.fillStyle = `rgb(${this.ink.join(" ")} / 0.1)`;
    ctx.fill();
    ctx.lineWidth = 3.5;
    ctx.strokeStyle = css(this.paper);
    ctx.stroke();
    ctx.lineWidth = 1.5;
    ctx.setLineDash([6, 4]);
    ctx.strokeStyle = css(this.ink);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  /**
   * Where Enter selects, for those who use keys.
   * @param {CanvasRenderingContext2D} ctx
   */
  drawCross(ctx) {
    if (!this.surface.matches(":focus-visible")) return;
    const [x, y] = [this.view.width / 2, this.view.height / 2];
    ctx.lineWidth = 1.5;
    ctx.strokeStyle = css(this.ink);
    ctx.beginPath();
    for (const [dx, dy] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      ctx.moveTo(x + 4 * dx, y + 4 * dy);
      ctx.lineTo(x + 12 * dx, y + 12 * dy);
    }
    ctx.stroke();
  }

  // --- pointer ----------------------------------------------------------------------------

  /**
   * The pixel of an event; the stage itself would count from outside of its border.
   * @param {MouseEvent} event
   * @returns {Corner}
   */
  spot(event) {
    const box = this.surface.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /**
   * What a shape or click does to the selection.
   * @param {MouseEvent | KeyboardEvent} event
   * @returns {Mode}
   */
  mode(event) {
    return event.shiftKey ? "add" : event.altKey ? "remove" : "replace";
  }

  /** @param {Tool} tool */
  setTool(tool) {
    this.tool = tool;
    this.bar.press(tool);
    this.surface.dataset.tool = tool;
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (!this.data || this.hand || event.button === 2) return;
    const isPan = this.tool === "pan" || event.button === 1;
    const at = this.spot(event);
    this.hand = { id: event.pointerId, from: at, at, isPan, isMoved: false };
    this.surface.setPointerCapture(event.pointerId);
    this.note.hide();
    event.preventDefault();
    this.surface.focus({ preventScroll: true, focusVisible: false });
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.spot(event);
    if (!this.hand) {
      this.look(at);
      return;
    }
    if (event.pointerId !== this.hand.id) return;
    const { from, at: before, isPan } = this.hand;
    this.hand.at = at;
    if (Math.hypot(at[0] - from[0], at[1] - from[1]) >= TREMBLE) this.hand.isMoved = true;
    if (!this.hand.isMoved) return;
    if (isPan) {
      this.view.pan(at[0] - before[0], at[1] - before[1]);
      this.paint();
    } else this.stretch(from, at);
  }

  /**
   * Let the shape in the hand follow the pointer.
   * @param {Corner} from
   * @param {Corner} at
   */
  stretch(from, at) {
    const corner = this.view.place(...at);
    if (!this.shape || this.shape.isDone) {
      const kind = this.tool === "box" ? "box" : "lasso";
      this.shape = { kind, corners: [this.view.place(...from)], last: from };
    }
    const { kind, corners, last = from } = this.shape;
    if (kind === "box") this.shape.corners = [corners[0], corner];
    else if (Math.hypot(at[0] - last[0], at[1] - last[1]) >= CORNER) {
      corners.push(corner);
      this.shape.last = at;
    }
    this.drawTop();
  }

  /** @param {PointerEvent} event */
  release(event) {
    if (event.pointerId !== this.hand?.id) return;
    const { isPan, isMoved, at } = this.hand;
    this.hand = null;
    if (isPan && isMoved) return;
    if (isMoved && this.shape) this.finish(this.shape, this.mode(event));
    else this.pick(this.aim(at), this.mode(event));
  }

  /**
   * @param {Shape} shape
   * @param {Mode} mode
   */
  finish(shape, mode) {
    const { kind } = shape;
    let { corners } = shape;
    if (corners.length < (kind === "box" ? 2 : 3)) {
      this.drop();
      return;
    }
    const every = Math.ceil(corners.length / MOST_CORNERS);
    if (kind === "lasso") corners = corners.filter((_, i) => i % every === 0);
    shape.isDone = true;
    this.tell("shape", { kind, corners, mode });
  }

  /**
   * @param {number | undefined} point
   * @param {Mode} mode
   */
  pick(point, mode) {
    this.drop();
    if (point !== undefined) this.tell("picked", { index: this.points.sample(point), mode });
  }

  /**
   * Report, and do not let a drawn shape stay if nothing comes of it.
   * @param {"shape" | "picked" | "cleared"} name
   * @param {unknown} what
   */
  tell(name, what) {
    this.send(name, what);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.forget(), UNANSWERED);
  }

  /** A shape that was reported goes; one that is being drawn by now stays. */
  forget() {
    if (!this.shape?.isDone) return;
    this.shape = null;
    if (this.ratio) this.drawTop();
  }

  drop() {
    this.hand = this.shape = null;
    if (this.data && this.ratio) this.drawTop();
  }

  leave() {
    if (this.hand) return;
    this.aimed = undefined;
    this.note.hide();
    if (this.ratio) this.drawTop();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 30 : 1;
    this.view.zoom(1.0018 ** within(-event.deltaY * unit, -400, 400), ...this.spot(event));
    this.note.hide();
    this.aimed = undefined;
    this.paint();
  }

  // --- samples ----------------------------------------------------------------------------

  /**
   * The drawn sample nearest to a pixel, undefined if none is near; medoids go first.
   * @param {Corner} at
   * @param {number} [reach]
   * @returns {number | undefined}
   */
  aim(at, reach = AIM) {
    return this.points.nearest(at, this.data.medoids, this.view.steps, reach);
  }

  /** @param {Corner} at */
  look(at) {
    const point = this.data && this.ratio ? this.aim(at) : undefined;
    this.surface.classList.toggle("aimed", point !== undefined);
    if (point === undefined) this.note.hide();
    else this.describe(point, at);
    if (point === this.aimed) return;
    this.aimed = point;
    if (this.ratio) this.drawTop();
  }

  /**
   * @param {number} point
   * @param {Corner} at
   */
  describe(point, at) {
    const { data, points } = this;
    const sample = points.sample(point);
    const lines = [`class: ${data.class_names[points.labels[point]]}`];
    const value = this.palette.words(points.codes[point]);
    if (data.colour.title !== "Class") lines.push(`${data.colour.title}: ${value}`);
    const medoid = data.medoids.find((each) => each.index === sample);
    if (medoid) lines.push(medoid.text);
    const ring = data.rings.find(([each]) => each === point);
    if (ring) lines.push(ring[1]);
    this.note.show(sample, lines, at, this.stage, data.previews);
  }

  // --- keys and buttons -------------------------------------------------------------------

  /**
   * @param {Action} action
   * @param {Mode} [mode]
   */
  act(action, mode = "replace") {
    if (!this.data || !this.ratio) return;
    if (action === "in") this.view.zoom(1.5);
    if (action === "out") this.view.zoom(1 / 1.5);
    if (action === "fit") this.view.fit();
    if (action === "view") this.selectView(mode);
    this.paint();
  }

  /** @param {Mode} mode */
  selectView(mode) {
    const { width, height } = this.view;
    const corners = [this.view.place(0, 0), this.view.place(width, height)];
    this.shape = { kind: "box", corners, isDone: true };
    this.tell("shape", { kind: "box", corners, mode });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || !this.data) return;
    if (this.handled(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean}
   */
  handled(event) {
    const { key } = event;
    const letter = key.toLowerCase();
    const arrow = ARROWS[key];
    if (arrow) {
      const step = KEY_STEP * (event.shiftKey ? 4 : 1);
      this.view.pan(arrow[0] * step, arrow[1] * step);
      this.paint();
    } else if (key === "+" || key === "=") this.act("in");
    else if (key === "-") this.act("out");
    else if (key === "0") this.act("fit");
    else if (letter === "v") this.act("view", this.mode(event));
    else if (TOOL_KEYS[letter]) this.setTool(TOOL_KEYS[letter]);
    else if (key === "Enter" || key === " ") this.pickMiddle(event);
    else if (key === "Escape") this.escape();
    else return false;
    return true;
  }

  /** @param {KeyboardEvent} event */
  pickMiddle(event) {
    /** @type {Corner} */
    const middle = [this.view.width / 2, this.view.height / 2];
    this.pick(this.aim(middle, Math.max(...middle)), this.mode(event));
  }

  /** Drop the shape in the hand; without one, the selection. */
  escape() {
    const isDrawing = Boolean(this.hand || this.shape);
    this.drop();
    if (!isDrawing && this.data.n_selected) this.tell("cleared", true);
  }
}

/** @type {WeakMap<Element, SampleMap>} */
const maps = new WeakMap();

/**
 * Called by Streamlit at every change of data or theme, always with the same parent element.
 * @param {MapComponent} component
 * @returns {(() => void) | undefined}
 */
export default function mount(component) {
  const { parentElement, data } = component;
  const root = /** @type {HTMLElement | null} */ (parentElement.querySelector(".map"));
  if (!root || !data) return undefined;
  const before = maps.get(parentElement);
  if (before?.root !== root) before?.destroy();
  const map = before?.root === root ? before : new SampleMap(root);
  maps.set(parentElement, map);
  map.update(component);
  // A call overtaken by a newer one is cleaned up although the element lives on.
  return () => {
    if (root.isConnected) return;
    map.destroy();
    maps.delete(parentElement);
  };
}
