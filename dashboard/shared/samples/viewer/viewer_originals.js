// Originals as the server answers with them, and the window of grey values they are seen through.

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
