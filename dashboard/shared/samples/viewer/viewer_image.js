// One image for a person to judge: its original at the size of the screen, through a window of
// grey values, or on request the few pixels that the network sees.

/**
 * What is shown; `original` is an address, empty where there is none.
 * @typedef {{network: string, original: string, alt: string}} ViewedImage
 */

/**
 * What the server says of an original: its size, its values, and the window it is shown through.
 * @typedef {object} OriginalFacts
 * @property {number} height
 * @property {number} width
 * @property {number} low
 * @property {number} high
 * @property {number} centre
 * @property {number} span
 * @property {boolean} is_wide whether it has more values than a screen shows
 */

/** @typedef {{centre: number, span: number}} GreySpan */
/** @typedef {{source: string, facts: OriginalFacts | null, trouble: string}} ReadOriginal */
/** @typedef {{title: string, min: number, max: number, step: number, value: number}} GreyControl */

const VIEWER_KEPT = 16; // originals that are not asked for again
const VIEWER_DRAG = 300; // pixels that move a control over half of its range
const VIEWER_LOST = "The original cannot be fetched: this is the image as the network sees it.";

/**
 * @param {string} original
 * @param {GreySpan | null} grey
 * @returns {string}
 */
function viewerAddress(original, grey) {
  return grey ? `${original}?centre=${grey.centre}&width=${grey.span}` : original;
}

/**
 * The two sliders of an image: level and width of wide values, else brightness and contrast.
 * @param {OriginalFacts} facts
 * @param {GreySpan} grey
 * @returns {[GreyControl, GreyControl]}
 */
function viewerControls(facts, grey) {
  if (!facts.is_wide) {
    const share = { min: -100, max: 100, step: 1 };
    const brightness = (127.5 - grey.centre) / 1.275;
    const contrast = 50 * Math.log2(255 / grey.span);
    return [
      { title: "Brightness", ...share, value: Math.round(brightness) },
      { title: "Contrast", ...share, value: Math.round(contrast) },
    ];
  }
  const range = Math.max(facts.high - facts.low, 1e-6);
  const step = range >= 50 ? 1 : range / 200;
  const [low, high] = [Math.min(facts.low, facts.centre), Math.max(facts.high, facts.centre)];
  const widest = Math.max(2 * range, facts.span);
  return [
    { title: "Level", min: low, max: high, step, value: grey.centre },
    { title: "Width", min: Math.min(step, facts.span), max: widest, step, value: grey.span },
  ];
}

/**
 * The window that the two sliders stand for.
 * @param {OriginalFacts} facts
 * @param {number} first level, or brightness
 * @param {number} second width, or contrast
 * @returns {GreySpan}
 */
function viewerSpan(facts, first, second) {
  if (facts.is_wide) return { centre: first, span: second };
  return { centre: 127.5 - 1.275 * first, span: 255 / 2 ** (second / 50) };
}

/**
 * Where a control is after it was dragged by some pixels.
 * @param {GreyControl} control
 * @param {number} pixels
 * @returns {number}
 */
function viewerDragged({ min, max, value }, pixels) {
  const moved = value + ((max - min) / 2) * (pixels / VIEWER_DRAG);
  return Math.min(Math.max(moved, min), max);
}

/** Originals that were read, the latest ones. */
class ViewerShelf {
  /** @param {(address: string) => Promise<Response>} [ask] */
  constructor(ask = (address) => fetch(address, { credentials: "same-origin" })) {
    this.ask = ask;
    /** @type {Map<string, ReadOriginal>} */
    this.kept = new Map();
    /** @type {Map<string, Promise<ReadOriginal>>} */
    this.asked = new Map();
  }

  /**
   * @param {string} address
   * @returns {Promise<ReadOriginal>}
   */
  read(address) {
    const known = this.kept.get(address);
    if (known) return Promise.resolve(known);
    const waiting = this.asked.get(address) ?? this.fetch(address);
    this.asked.set(address, waiting);
    return waiting;
  }

  /**
   * @param {string} address
   * @returns {Promise<ReadOriginal>}
   */
  async fetch(address) {
    const read = await this.fetched(address).catch(() => ({
      source: "",
      facts: null,
      trouble: VIEWER_LOST,
    }));
    this.asked.delete(address);
    if (!read.trouble) this.keep(address, read);
    return read;
  }

  /**
   * @param {string} address
   * @returns {Promise<ReadOriginal>}
   */
  async fetched(address) {
    const response = await this.ask(address);
    if (!response.ok) {
      const trouble = response.status === 404 ? await response.text() : VIEWER_LOST;
      return { source: "", facts: null, trouble };
    }
    const facts = JSON.parse(response.headers.get("Lens-Original") ?? "null");
    return { source: URL.createObjectURL(await response.blob()), facts, trouble: "" };
  }

  /**
   * @param {string} address
   * @param {ReadOriginal} read
   */
  keep(address, read) {
    this.kept.set(address, read);
    for (const [old, { source }] of this.kept) {
      if (this.kept.size <= VIEWER_KEPT) return;
      URL.revokeObjectURL(source);
      this.kept.delete(old);
    }
  }
}

class ViewerImage {
  /** @type {Record<"root" | "stage" | "words" | "tools" | "note", HTMLElement>} */
  parts;
  /** @type {HTMLImageElement} */
  image;
  /** @type {Record<"network" | "reset", HTMLButtonElement>} */
  buttons;
  /** @type {{label: HTMLElement, title: HTMLElement, input: HTMLInputElement}[]} */
  sliders;

  /**
   * @param {string} [key] that shows what the network sees
   * @param {ViewerShelf} [shelf]
   */
  constructor(key = "", shelf = new ViewerShelf()) {
    this.key = key;
    this.shelf = shelf;
    /** @type {ViewedImage | null} */
    this.viewed = null;
    /** @type {ReadOriginal | null} */
    this.read = null;
    /** @type {GreySpan | null} */
    this.grey = null; // null: as the file says
    this.asNetwork = false;
    this.isAsking = false;
    this.build();
  }

  build() {
    const [root, stage, words, tools, note] = ["viewer", "stage", "words", "tools", "note"].map(
      (className) => Object.assign(document.createElement("div"), { className }),
    );
    this.parts = { root, stage, words, tools, note };
    this.image = Object.assign(document.createElement("img"), { draggable: false });
    stage.append(this.image, words);
    this.sliders = [this.slider(), this.slider()];
    this.buttons = {
      network: this.button("As the network sees it", () => this.toggle()),
      reset: this.button("Reset", () => this.see(null)),
    };
    if (this.key) {
      const key = Object.assign(document.createElement("kbd"), { textContent: this.key });
      this.buttons.network.append(" ", key);
    }
    tools.append(...this.sliders.map(({ label }) => label), ...Object.values(this.buttons));
    note.setAttribute("role", "status");
    root.append(stage, tools, note);
    stage.addEventListener("pointerdown", (event) => this.drag(event));
    stage.addEventListener("dblclick", () => this.read?.facts && this.see(null));
  }

  /**
   * @param {string} title
   * @param {() => void} act
   */
  button(title, act) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.textContent = title;
    button.addEventListener("click", act);
    return button;
  }

  slider() {
    const label = document.createElement("label");
    const title = document.createElement("span");
    const input = Object.assign(document.createElement("input"), { type: "range" });
    input.addEventListener("input", () => {
      const values = this.sliders.map((each) => Number(each.input.value));
      if (this.read?.facts) this.see(viewerSpan(this.read.facts, values[0], values[1]));
    });
    label.append(title, input);
    return { label, title, input };
  }

  /**
   * Show an image; another one begins with the window of its own file.
   * @param {ViewedImage | null} viewed
   * @param {string} [words] what stands there instead of an image
   */
  show(viewed, words = "") {
    this.parts.words.textContent = words;
    const isSame =
      viewed?.network === this.viewed?.network && viewed?.original === this.viewed?.original;
    this.viewed = viewed;
    if (isSame && viewed) {
      this.image.alt = viewed.alt;
      return;
    }
    this.grey = null;
    this.read = null;
    if (viewed?.original) this.ask();
    this.draw();
  }

  /**
   * Read originals before they are needed.
   * @param {string[]} addresses
   */
  expect(addresses) {
    if (!this.asNetwork) addresses.filter(Boolean).forEach((each) => void this.shelf.read(each));
  }

  get root() {
    return this.parts.root;
  }

  toggle() {
    this.asNetwork = !this.asNetwork;
    this.draw();
  }

  /**
   * See the original through another window; null for its own.
   * @param {GreySpan | null} grey
   */
  see(grey) {
    this.grey = grey;
    this.drawTools();
    this.ask();
  }

  /** Ask for what shall be seen; while one answer is awaited, only the latest wish counts. */
  async ask() {
    if (this.isAsking || !this.viewed?.original) return;
    this.isAsking = true;
    const address = viewerAddress(this.viewed.original, this.grey);
    const original = this.viewed.original;
    const read = await this.shelf.read(address);
    this.isAsking = false;
    if (this.viewed?.original === original) {
      this.read = read;
      this.draw();
    }
    if (this.viewed?.original && viewerAddress(this.viewed.original, this.grey) !== address) {
      await this.ask();
    }
  }

  draw() {
    const { viewed, read } = this;
    const isWaiting = !!viewed?.original && !read && !this.asNetwork;
    const source = this.asNetwork || read?.trouble || !viewed?.original ? viewed?.network : "";
    const shown = source || read?.source || "";
    if (shown) this.image.src = shown;
    this.image.alt = viewed?.alt ?? "";
    this.image.hidden = !shown;
    this.image.classList.toggle("is-network", !!source);
    this.parts.stage.classList.toggle("is-waiting", isWaiting);
    this.parts.note.textContent = read?.trouble && !this.asNetwork ? read.trouble : "";
    this.drawTools();
  }

  drawTools() {
    const { viewed, read } = this;
    const facts = this.asNetwork ? null : (read?.facts ?? null);
    this.parts.tools.hidden = !viewed?.original || !!read?.trouble;
    this.buttons.network.setAttribute("aria-pressed", String(this.asNetwork));
    this.buttons.reset.hidden = !facts || !this.grey;
    this.parts.stage.classList.toggle("has-window", !!facts);
    this.parts.stage.title = facts
      ? `${facts.width} × ${facts.height} pixels. Drag sideways or up and down for the window; ` +
        "double-click for the file's own."
      : "";
    const controls = facts ? viewerControls(facts, this.grey ?? facts) : [];
    this.sliders.forEach(({ label, title, input }, number) => {
      label.hidden = !controls[number];
      if (!controls[number]) return;
      const { title: name, min, max, step, value } = controls[number];
      Object.assign(input, { min: String(min), max: String(max), step: String(step) });
      input.value = String(value);
      title.textContent = `${name} ${Number(value.toPrecision(4))}`;
    });
  }

  /**
   * Drag on the image: sideways the width or contrast, upwards the level or brightness.
   * @param {PointerEvent} event
   */
  drag(event) {
    const facts = this.read?.facts;
    if (!facts || this.asNetwork || event.pointerType !== "mouse" || event.button !== 0) return;
    const [first, second] = viewerControls(facts, this.grey ?? facts);
    const move = (/** @type {PointerEvent} */ now) => {
      const right = viewerDragged(second, now.clientX - event.clientX);
      const up = viewerDragged(first, event.clientY - now.clientY);
      this.see(viewerSpan(facts, up, right));
    };
    this.parts.stage.setPointerCapture(event.pointerId);
    this.parts.stage.addEventListener("pointermove", move);
    const stop = () => this.parts.stage.removeEventListener("pointermove", move);
    this.parts.stage.addEventListener("lostpointercapture", stop, { once: true });
  }
}
