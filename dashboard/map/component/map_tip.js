// The note beside the pointer: the sample's image, name, class and value.

/**
 * Name and image of a sample, as far as they are known; the box is the image's part to show.
 * @typedef {object} FoundImage
 * @property {string} [name]
 * @property {HTMLImageElement | null} [image]
 * @property {[x: number, y: number, width: number, height: number] | null} [box]
 */

const PICTURE = 104; // pixels of the image's longer side
const REST = 110; // ms the pointer rests before an image is asked for

class Note {
  /** @type {number | undefined} */
  timer;
  /** @type {number | null} */
  sample;
  /** @type {{x: number, y: number, stage: HTMLElement}} */
  at;

  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.node = html("div", "note");
    this.picture = html("canvas", "picture");
    this.name = html("div", "name");
    this.facts = html("div", "facts");
    const words = html("div", "words");
    words.append(this.name, this.facts);
    this.node.append(this.picture, words);
    this.node.hidden = true;
    stage.append(this.node);
  }

  hide() {
    clearTimeout(this.timer);
    this.sample = null;
    this.node.hidden = true;
  }

  /**
   * Show a sample at a pixel of the stage; `source` names who has the images.
   * @param {number} sample
   * @param {string[]} lines
   * @param {Corner} at
   * @param {HTMLElement} stage
   * @param {string} source
   */
  show(sample, lines, [x, y], stage, source) {
    this.at = { x, y, stage };
    if (sample !== this.sample) {
      this.sample = sample;
      this.name.textContent = `sample ${sample}`;
      this.facts.replaceChildren(...lines.map((line) => html("div", "", line)));
      this.picture.hidden = true;
      this.ask(sample, source);
    }
    this.node.hidden = false;
    this.place();
  }

  /**
   * @param {number} sample
   * @param {string} source
   */
  ask(sample, source) {
    clearTimeout(this.timer);
    if (!source) return;
    /** @param {FoundImage} found */
    const answer = (found) => this.fill(sample, found);
    /** @param {boolean} isResting */
    const ask = (isResting) => {
      const detail = { source, sample, isResting, answer };
      window.dispatchEvent(new CustomEvent("coreset-lens-preview", { detail }));
    };
    // What the browser has is shown at once; the server is asked when the pointer rests.
    ask(false);
    if (this.picture.hidden) this.timer = setTimeout(() => ask(true), REST);
  }

  /**
   * @param {number} sample
   * @param {FoundImage} found
   */
  fill(sample, { name, image, box }) {
    if (sample !== this.sample) return;
    if (name) this.name.textContent = name;
    if (image) {
      const [sx, sy, width, height] = box ?? [0, 0, image.naturalWidth, image.naturalHeight];
      const factor = PICTURE / Math.max(width, height);
      const scale = window.devicePixelRatio || 1;
      const size = [width * factor, height * factor];
      [this.picture.width, this.picture.height] = size.map((side) => Math.round(side * scale));
      [this.picture.style.width, this.picture.style.height] = size.map((side) => `${side}px`);
      const ctx = context(this.picture);
      ctx.imageSmoothingEnabled = false; // pixels of a medical image are shown as they are
      ctx.drawImage(image, sx, sy, width, height, 0, 0, this.picture.width, this.picture.height);
      this.picture.hidden = false;
    }
    this.place();
  }

  /** Right of the pointer and above it, inside the stage. */
  place() {
    const { x, y, stage } = this.at;
    const { offsetWidth: width, offsetHeight: height } = this.node;
    const left = x + 16 + width <= stage.clientWidth ? x + 16 : x - 16 - width;
    const top = within(y - height - 12, 4, Math.max(4, stage.clientHeight - height - 4));
    this.node.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  }
}
