// The images behind a map: answers what the map asks for, from one picture of all samples, or
// from the server, which is asked when the pointer rests.

/** @typedef {[x: number, y: number, width: number, height: number]} Box */

/**
 * Name and image of a sample; the box is the image's part to show.
 * @typedef {object} FoundImage
 * @property {string} name
 * @property {HTMLImageElement | null} image
 * @property {Box | null} [box]
 */

/** @typedef {(found: FoundImage) => void} Answer */

/**
 * What a map asks for.
 * @typedef {object} Question
 * @property {string} source who has the images
 * @property {number} sample
 * @property {boolean} isResting whether the pointer rests, so that the server may be asked
 * @property {Answer} answer
 */

/** @typedef {{image: string, columns: number, width: number, height: number}} Atlas */
/** @typedef {{sample: number, name: string, image: string | null}} OneSample */

/**
 * Everything Python sends.
 * @typedef {object} PreviewsData
 * @property {string} instance
 * @property {string[] | null} names of all samples, where they are few
 * @property {Atlas | null} atlas
 * @property {OneSample | null} one what the server was asked for
 */

/**
 * What Streamlit calls the component with.
 * @typedef {object} PreviewsComponent
 * @property {PreviewsData} data
 * @property {HTMLElement} parentElement
 * @property {(name: string, value: unknown) => void} setTriggerValue
 */

/** @type {WeakMap<Element, Previews>} */
const pictures = new WeakMap();

/**
 * Where a sample's image lies in the picture of all.
 * @param {Atlas} atlas
 * @param {number} sample
 * @returns {Box}
 */
function boxOf({ columns, width, height }, sample) {
  return [(sample % columns) * width, Math.floor(sample / columns) * height, width, height];
}

class Previews {
  /** @type {PreviewsData} */
  data;
  /** @type {PreviewsComponent["setTriggerValue"]} */
  send;
  /** @type {HTMLImageElement} */
  atlas;
  /** @type {{sample: number, answer: Answer} | undefined} */
  waiting;

  constructor() {
    /** @type {Map<number, FoundImage>} */
    this.known = new Map();
    /** @param {Event} event */
    this.listen = (event) => this.answer(/** @type {CustomEvent<Question>} */ (event).detail);
    window.addEventListener("coreset-lens-preview", this.listen);
  }

  /** @param {PreviewsComponent} component */
  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    if (this.data?.instance !== data.instance) this.known.clear();
    if (data.atlas && this.data?.atlas?.image !== data.atlas.image) {
      this.atlas = new Image();
      this.atlas.src = data.atlas.image;
    }
    this.data = data;
    if (data.one) this.learn(data.one);
  }

  /**
   * The server has answered.
   * @param {OneSample} one
   */
  learn({ sample, name, image }) {
    /** @param {HTMLImageElement | null} picture */
    const finish = (picture) => {
      if (this.known.size > 3000) this.known.clear();
      const found = { name, image: picture };
      this.known.set(sample, found);
      if (this.waiting?.sample === sample) this.waiting.answer(found);
    };
    if (!image) {
      finish(null);
      return;
    }
    const picture = new Image();
    picture.onload = () => finish(picture);
    picture.src = image;
  }

  /** @param {Question} question */
  answer({ source, sample, isResting, answer }) {
    if (source !== this.data?.instance) return;
    const { atlas, names } = this.data;
    if (names) {
      const image = atlas && this.atlas.complete && this.atlas.naturalWidth ? this.atlas : null;
      answer({ name: names[sample], image, box: image && atlas && boxOf(atlas, sample) });
      return;
    }
    const found = this.known.get(sample);
    if (found) answer(found);
    else if (isResting) {
      this.waiting = { sample, answer };
      this.send("wanted", sample);
    }
  }

  destroy() {
    window.removeEventListener("coreset-lens-preview", this.listen);
  }
}

/**
 * @param {PreviewsComponent} component
 * @returns {(() => void) | undefined}
 */
export default function mount(component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".previews");
  if (!root || !data) return undefined;
  const previews = pictures.get(parentElement) ?? new Previews();
  pictures.set(parentElement, previews);
  previews.update(component);
  return () => {
    if (root.isConnected) return;
    previews.destroy();
    pictures.delete(parentElement);
  };
}
