// The images behind a map: answers what the map asks for, from one picture of all samples, or
// from the server, which is asked when the pointer rests.

const pictures = new WeakMap();

class Previews {
  constructor() {
    this.known = new Map(); // sample: {name, image}
    this.listen = (event) => this.answer(event.detail);
    window.addEventListener("coreset-lens-preview", this.listen);
  }

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

  /** The server has answered. */
  learn({ sample, name, image }) {
    const finish = (picture) => {
      if (this.known.size > 3000) this.known.clear();
      this.known.set(sample, { name, image: picture });
      if (this.waiting?.sample === sample) this.waiting.answer(this.known.get(sample));
    };
    if (!image) {
      finish(null);
      return;
    }
    const picture = new Image();
    picture.onload = () => finish(picture);
    picture.src = image;
  }

  answer({ source, sample, isResting, answer }) {
    if (source !== this.data?.instance) return;
    const { atlas, names } = this.data;
    if (names) {
      const image = atlas && this.atlas.complete && this.atlas.naturalWidth ? this.atlas : null;
      answer({ name: names[sample], image, box: image && this.box(sample) });
    } else if (this.known.has(sample)) answer(this.known.get(sample));
    else if (isResting) {
      this.waiting = { sample, answer };
      this.send("wanted", sample);
    }
  }

  box(sample) {
    const { columns, width, height } = this.data.atlas;
    return [(sample % columns) * width, Math.floor(sample / columns) * height, width, height];
  }

  destroy() {
    window.removeEventListener("coreset-lens-preview", this.listen);
  }
}

export default function mount(component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".previews");
  if (!root || !data) return undefined;
  if (!pictures.has(parentElement)) pictures.set(parentElement, new Previews());
  const previews = pictures.get(parentElement);
  previews.update(component);
  return () => {
    if (root.isConnected) return;
    previews.destroy();
    pictures.delete(parentElement);
  };
}
