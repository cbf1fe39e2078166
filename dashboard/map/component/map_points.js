// Points as pixels: decoded once, stamped from small sprites into one picture. Thousands of
// canvas calls a frame would be too slow without a graphics card; copying pixels is not.

/** @typedef {number[]} Rgb red, green and blue, 0 to 255 */
/** @typedef {[x: number, y: number]} Corner */
/** @typedef {{shape: string, colour: Rgb}} Mark */

/**
 * A mark as it is drawn: radius and edge in device pixels, colours as CSS names them.
 * @typedef {{shape: string, colour: string, radius: number, edge: number, edgeColour: string}} InkedMark
 */

/**
 * Pixels of a mark, at offsets from its middle in the picture's array.
 * @typedef {{half: number, offsets: Int32Array, pixels: Uint32Array}} Sprite
 */

/**
 * Colour by category.
 * @typedef {object} Categories
 * @property {"category"} kind
 * @property {string} title
 * @property {string[]} names
 * @property {number[]} counts samples of every category
 * @property {[colour: string, shape: string][]} marks
 * @property {string} none colour of samples without category
 * @property {string} codes category of every point, as bytes in base64
 */

/**
 * Colour by number.
 * @typedef {object} Numbers
 * @property {"number"} kind
 * @property {string} title
 * @property {string} hint
 * @property {boolean} is_whole
 * @property {number} low
 * @property {number} high
 * @property {string[]} ramp
 * @property {string} none colour of samples without value
 * @property {string} codes place between low and high of every point, as bytes in base64
 */

/** @typedef {Categories | Numbers} Colouring */
/** @typedef {[x0: number, y0: number, x1: number, y1: number]} Bounds */
/** @typedef {{index: number, x: number, y: number, text: string, code: number}} Medoid */

/**
 * Everything Python sends; x, y, labels, index and selected are bytes in base64.
 * @typedef {object} MapData
 * @property {string} instance
 * @property {string} alt
 * @property {number} height
 * @property {string} previews who has the images
 * @property {number} n points
 * @property {number} n_samples
 * @property {number} n_selected
 * @property {string} x
 * @property {string} y
 * @property {string} labels
 * @property {string | null} index sample of every point; null if all are drawn
 * @property {string} selected
 * @property {string[]} class_names
 * @property {Colouring} colour
 * @property {Bounds} bounds
 * @property {Medoid[]} medoids
 * @property {[point: number, text: string][]} rings
 * @property {{bounds: Bounds, all: string, selected: string | null} | null} density
 */

const NONE = 65535; // code of a sample without category or value
const LEVELS = 64; // steps of the colour ramp that are told apart on screen

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
function bytes(text) {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

/**
 * @param {string} text
 * @returns {Uint16Array}
 */
const words = (text) => new Uint16Array(bytes(text).buffer);

/**
 * What draws on a canvas; every browser has it.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [options]
 * @returns {CanvasRenderingContext2D}
 */
function context(canvas, options) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", options));
}

/**
 * @param {string} colour
 * @returns {Rgb}
 */
function channels(colour) {
  if (colour.startsWith("#")) {
    return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  }
  return (colour.match(/[\d.]+/g) ?? ["0", "0", "0"]).slice(0, 3).map(Number);
}

/**
 * @param {Rgb} rgb
 * @returns {string}
 */
const css = ([r, g, b]) => `rgb(${Math.round(r)} ${Math.round(g)} ${Math.round(b)})`;

/**
 * @param {Rgb} one
 * @param {Rgb} other
 * @param {number} share
 * @returns {Rgb}
 */
const mixed = (one, other, share) => one.map((value, i) => value + (other[i] - value) * share);

/**
 * Colour of the ramp at `share` of its length.
 * @param {string[]} ramp
 * @param {number} share
 * @returns {Rgb}
 */
function rampColour(ramp, share) {
  const at = share * (ramp.length - 1);
  const low = Math.min(Math.floor(at), ramp.length - 2);
  return mixed(channels(ramp[low]), channels(ramp[low + 1]), at - low);
}

/**
 * A shape around the origin; all have about the same area for the same radius.
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} shape
 * @param {number} r
 */
function trace(ctx, shape, r) {
  /** @param {...Corner} corners */
  const polygon = (...corners) => {
    corners.forEach(([x, y], i) => (i ? ctx.lineTo(x * r, y * r) : ctx.moveTo(x * r, y * r)));
    ctx.closePath();
  };
  ctx.beginPath();
  if (shape === "square") polygon([-0.88, -0.88], [0.88, -0.88], [0.88, 0.88], [-0.88, 0.88]);
  else if (shape === "triangle") polygon([0, -1.25], [1.15, 0.8], [-1.15, 0.8]);
  else if (shape === "wedge") polygon([0, 1.25], [1.15, -0.8], [-1.15, -0.8]);
  else if (shape === "diamond") polygon([0, -1.3], [1.1, 0], [0, 1.3], [-1.1, 0]);
  else if (shape === "plus" || shape === "cross") {
    const [a, b] = [0.42, 1.3];
    /** @type {Corner[]} */
    const arms = [
      [a, -b],
      [a, -a],
      [b, -a],
      [b, a],
      [a, a],
      [a, b],
    ];
    const k = Math.SQRT1_2;
    /** @type {(corner: Corner) => Corner} */
    const turn = shape === "plus" ? (corner) => corner : ([x, y]) => [(x - y) * k, (x + y) * k];
    /** @type {(corner: Corner) => Corner} */
    const opposite = ([x, y]) => [-x, -y];
    polygon(...[...arms, ...arms.map(opposite)].map(turn));
  } else ctx.arc(0, 0, r, 0, 2 * Math.PI);
}

/**
 * Pixels of one mark: offset, colour and whether it hides what lies under it.
 * @param {InkedMark} mark
 * @param {number} stride
 * @returns {Sprite}
 */
function makeSprite({ shape, colour, radius, edge, edgeColour }, stride) {
  const half = Math.ceil(radius * 1.4 + edge + 1);
  const size = 2 * half + 1;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const ctx = context(canvas, { willReadFrequently: true });
  ctx.translate(half + 0.5, half + 0.5);
  ctx.lineJoin = "round";
  trace(ctx, shape, radius);
  if (edge) {
    ctx.strokeStyle = edgeColour;
    ctx.lineWidth = 2 * edge;
    ctx.stroke();
  }
  ctx.fillStyle = colour;
  ctx.fill();
  const pixels = new Uint32Array(ctx.getImageData(0, 0, size, size).data.buffer);
  const used = [...pixels.keys()].filter((at) => pixels[at] >>> 24 > 8);
  return {
    half,
    offsets: Int32Array.from(
      used,
      (at) => (Math.floor(at / size) - half) * stride + (at % size) - half,
    ),
    pixels: Uint32Array.from(used, (at) => pixels[at]),
  };
}

/**
 * `over` laid on `under`, both as little-endian RGBA.
 * @param {number} under
 * @param {number} over
 * @returns {number}
 */
function blend(under, over) {
  const alpha = (over >>> 24) / 255;
  if (!(under >>> 24)) return over;
  /** @param {number} shift */
  const mix = (shift) => {
    const [u, o] = [(under >>> shift) & 255, (over >>> shift) & 255];
    return Math.round(u + (o - u) * alpha) << shift;
  };
  const opaque = Math.max(under >>> 24, over >>> 24);
  return (mix(0) | mix(8) | mix(16) | (opaque << 24)) >>> 0;
}

/** A picture that sprites are stamped into. */
class Raster {
  /** @type {number} */
  width; // in device pixels, like all here
  /** @type {number} */
  height;
  /** @type {number} */
  margin;
  /** @type {number} */
  stride; // pixels from one row to the next
  /** @type {ImageData} */
  image;
  /** @type {Uint32Array} */
  pixels;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.ctx = context(canvas);
    /** @type {Map<string, Sprite>} */
    this.sprites = new Map();
  }

  /**
   * Clear, in device pixels; the margin lets marks at the border stick out.
   * @param {number} width
   * @param {number} height
   * @param {number} margin
   */
  clear(width, height, margin) {
    const stride = width + 2 * margin;
    if (this.width !== width || this.height !== height || this.margin !== margin) {
      Object.assign(this, { width, height, margin, stride });
      this.canvas.width = width;
      this.canvas.height = height;
      this.image = new ImageData(stride, height + 2 * margin);
      this.pixels = new Uint32Array(this.image.data.buffer);
      this.sprites.clear();
    }
    this.pixels.fill(0);
  }

  /**
   * @param {InkedMark} mark
   * @returns {Sprite}
   */
  sprite(mark) {
    const name = `${mark.shape} ${mark.colour} ${mark.radius} ${mark.edge} ${mark.edgeColour}`;
    let sprite = this.sprites.get(name);
    if (!sprite) {
      if (this.sprites.size > 2000) this.sprites.clear();
      sprite = makeSprite(mark, this.stride);
      this.sprites.set(name, sprite);
    }
    return sprite;
  }

  /**
   * Stamp a mark at a device pixel; outside the picture it is left out.
   * @param {Sprite} sprite
   * @param {number} x
   * @param {number} y
   */
  stamp({ half, offsets, pixels: marks }, x, y) {
    const { pixels, stride, margin } = this;
    const [column, row] = [x + margin, y + margin];
    if (column < half || row < half || column >= stride - half) return;
    if (row >= this.height + 2 * margin - half) return;
    const at = row * stride + column;
    for (let i = 0; i < offsets.length; i++) {
      const mark = marks[i];
      const spot = at + offsets[i];
      pixels[spot] = mark >>> 24 === 255 ? mark : blend(pixels[spot], mark);
    }
  }

  show() {
    this.ctx.putImageData(this.image, -this.margin, -this.margin);
  }
}

/** What Python sent about the points, in typed arrays. */
class Points {
  /** @type {Uint16Array} */
  codes;
  /** @type {Uint32Array} */
  order; // in which they are drawn
  /** @type {Uint8Array} */
  isSelected;

  /** @param {MapData} data */
  constructor(data) {
    this.n = data.n;
    this.x = words(data.x);
    this.y = words(data.y);
    this.labels = words(data.labels);
    this.samples = data.index === null ? null : new Uint32Array(bytes(data.index).buffer);
    /** @type {Map<number, number> | null} */
    this.placeOf = null;
  }

  /**
   * @param {number} point
   * @returns {number}
   */
  sample(point) {
    return this.samples ? this.samples[point] : point;
  }

  /**
   * Place of a sample among the points, -1 if it is not drawn.
   * @param {number} sample
   * @returns {number}
   */
  point(sample) {
    if (!this.samples) return sample < this.n ? sample : -1;
    this.placeOf ??= new Map(Array.from(this.samples, (each, place) => [each, place]));
    return this.placeOf.get(sample) ?? -1;
  }

  /**
   * The point nearest to a pixel, undefined if none is within reach; medoids go first.
   * @param {Corner} at
   * @param {Medoid[]} medoids
   * @param {Steps} steps
   * @param {number} reach
   * @returns {number | undefined}
   */
  nearest([px, py], medoids, { ax, bx, ay, by }, reach) {
    const { n, x, y } = this;
    let nearest;
    let least = reach * reach;
    for (const medoid of medoids) {
      const distance = (ax * medoid.x + bx - px) ** 2 + (ay * medoid.y + by - py) ** 2;
      const point = this.point(medoid.index);
      if (distance < 64 && distance < least && point >= 0) [least, nearest] = [distance, point];
    }
    if (nearest !== undefined) return nearest;
    for (let point = 0; point < n; point++) {
      const dx = ax * x[point] + bx - px;
      const dy = ay * y[point] + by - py;
      const distance = dx * dx + dy * dy;
      if (distance < least) [least, nearest] = [distance, point];
    }
    return nearest;
  }

  /** @param {Colouring} colour */
  setColour(colour) {
    this.codes = words(colour.codes);
    this.order = colour.kind === "number" ? this.byLevel() : this.shuffled();
  }

  /** @param {string} text */
  setSelected(text) {
    const bits = bytes(text);
    this.isSelected = Uint8Array.from({ length: this.n }, (_, i) => (bits[i >> 3] >> (i & 7)) & 1);
  }

  /**
   * Each point once in an even mix: no class lies on top only because it comes last.
   * @returns {Uint32Array}
   */
  shuffled() {
    const order = new Uint32Array(this.n);
    let step = Math.max(1, Math.round(this.n * 0.618));
    /** @type {(a: number, b: number) => number} */
    const divides = (a, b) => (b ? divides(b, a % b) : a);
    while (divides(step, this.n) > 1) step++;
    for (let i = 0, at = 0; i < this.n; i++, at = (at + step) % this.n) order[i] = at;
    return order;
  }

  /**
   * High values last, so that they lie on top; samples without value first.
   * @returns {Uint32Array}
   */
  byLevel() {
    /** @param {number} code */
    const rank = (code) => (code === NONE ? 0 : 1 + (code >> 10));
    const starts = new Uint32Array(LEVELS + 2);
    for (const code of this.codes) starts[rank(code) + 1]++;
    for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
    const order = new Uint32Array(this.n);
    for (let i = 0; i < this.n; i++) order[starts[rank(this.codes[i])]++] = i;
    return order;
  }
}

/** Colour and shape of every code. */
class Palette {
  /**
   * @param {Colouring} colour
   * @param {Rgb} paper
   */
  constructor(colour, paper) {
    this.colour = colour;
    this.isNumber = colour.kind === "number";
    this.paper = paper;
    this.none = { shape: "circle", colour: channels(colour.none) };
    /** @type {Mark[]} */
    this.marks =
      colour.kind === "number"
        ? Array.from({ length: LEVELS }, (_, i) => ({
            shape: "circle",
            colour: rampColour(colour.ramp, i / (LEVELS - 1)),
          }))
        : colour.marks.map(([hue, shape]) => ({ shape, colour: channels(hue) }));
  }

  /**
   * @param {number} code
   * @returns {number}
   */
  slot(code) {
    if (code === NONE) return -1;
    return this.isNumber ? code >> 10 : code;
  }

  /**
   * @param {number} slot
   * @returns {Mark}
   */
  mark(slot) {
    return slot < 0 ? this.none : this.marks[slot];
  }

  /**
   * The value or category of a point in words.
   * @param {number} code
   * @returns {string}
   */
  words(code) {
    const { colour } = this;
    if (code === NONE) return this.isNumber ? "no value" : "none";
    if (colour.kind === "category") return colour.names[code];
    const value = colour.low + (code / (NONE - 1)) * (colour.high - colour.low);
    const beyond = code === 0 ? "≤ " : code === NONE - 1 ? "≥ " : "";
    return beyond + shortNumber(value, colour.is_whole);
  }
}

/**
 * @param {number} value
 * @param {boolean} isWhole
 * @returns {string}
 */
function shortNumber(value, isWhole) {
  if (isWhole) return Math.round(value).toLocaleString("en");
  const size = Math.abs(value);
  if (size && (size < 0.001 || size >= 100000)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}
