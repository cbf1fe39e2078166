// Where the map is looked at from: map coordinates to pixels and back.

/** @typedef {{ax: number, bx: number, ay: number, by: number}} Steps */

const PADDING = 26; // pixels around the whole map
const DEEPEST = 400; // times the scale at which the whole map is seen
const STEPS = 65535; // positions come as steps from one bound to the other

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
const within = (value, least, most) => Math.max(least, Math.min(most, value));

class View {
  /** @type {number} */
  x0;
  /** @type {number} */
  y0;
  /** @type {number} */
  x1;
  /** @type {number} */
  y1;
  /** @type {number} */
  scale; // pixels of one unit of the map
  /** @type {number} */
  cx; // the place in the middle
  /** @type {number} */
  cy;

  /** @param {Bounds} bounds */
  constructor(bounds) {
    [this.x0, this.y0, this.x1, this.y1] = bounds;
    this.width = this.height = 0;
  }

  /** @returns {number} */
  get wholeScale() {
    /** @param {number} length */
    const room = (length) => Math.max(40, length - 2 * PADDING);
    return Math.min(
      room(this.width) / (this.x1 - this.x0),
      room(this.height) / (this.y1 - this.y0),
    );
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (width === this.width && height === this.height) return;
    const before = this.width ? this.scale / this.wholeScale : 0;
    Object.assign(this, { width, height });
    if (before) this.scale = this.wholeScale * before;
    else this.fit();
  }

  fit() {
    this.scale = this.wholeScale;
    this.cx = (this.x0 + this.x1) / 2;
    this.cy = (this.y0 + this.y1) / 2;
  }

  /** @returns {boolean} */
  get isWhole() {
    const middle = (this.x0 + this.x1) / 2;
    return Math.abs(this.scale / this.wholeScale - 1) < 1e-6 && Math.abs(this.cx - middle) < 1e-9;
  }

  /**
   * Zoom so that the place under the pixel stays where it is.
   * @param {number} factor
   * @param {number} [px]
   * @param {number} [py]
   */
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.place(px, py);
    this.scale = within(this.scale * factor, this.wholeScale * 0.5, this.wholeScale * DEEPEST);
    this.cx = x - (px - this.width / 2) / this.scale;
    this.cy = y + (py - this.height / 2) / this.scale;
    this.keepInSight();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  pan(dx, dy) {
    this.cx -= dx / this.scale;
    this.cy += dy / this.scale;
    this.keepInSight();
  }

  keepInSight() {
    this.cx = within(this.cx, this.x0, this.x1);
    this.cy = within(this.cy, this.y0, this.y1);
  }

  /**
   * Map coordinates of a pixel.
   * @param {number} px
   * @param {number} py
   * @returns {Corner}
   */
  place(px, py) {
    return [
      this.cx + (px - this.width / 2) / this.scale,
      this.cy - (py - this.height / 2) / this.scale,
    ];
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Corner}
   */
  pixel(x, y) {
    return [
      (x - this.cx) * this.scale + this.width / 2,
      this.height / 2 - (y - this.cy) * this.scale,
    ];
  }

  /**
   * From steps to pixels: px = ax * step + bx, py = ay * step + by.
   * @returns {Steps}
   */
  get steps() {
    const ax = ((this.x1 - this.x0) / STEPS) * this.scale;
    const ay = (-(this.y1 - this.y0) / STEPS) * this.scale;
    const [bx, by] = this.pixel(this.x0, this.y0);
    return { ax, bx, ay, by };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Corner}
   */
  fromSteps(x, y) {
    const { ax, bx, ay, by } = this.steps;
    return [ax * x + bx, ay * y + by];
  }
}
