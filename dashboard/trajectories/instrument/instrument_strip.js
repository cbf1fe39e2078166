// What a drag does to the coreset: how many enter and leave, the classes' shares, their images.

const SMALLEST_SHIFT = 0.005;

/** @typedef {{button: HTMLButtonElement, image: HTMLImageElement, name: HTMLElement, sample: number}} FewPlace */

class CoresetStrip {
  /** @param {(sample: number) => void} onFocus */
  constructor(onFocus) {
    this.onFocus = onFocus;
    this.node = html("section", "coreset");
    this.title = html("div", "coreset-title");
    this.entering = this.side("entering", "enter");
    this.leaving = this.side("leaving", "leave");
    this.mix = html("div", "mix");
    const sides = html("div", "sides");
    sides.append(this.entering.node, this.leaving.node);
    this.node.append(this.title, sides, this.mix);
  }

  /**
   * @param {string} name
   * @param {string} verb
   */
  side(name, verb) {
    const node = html("div", "side");
    const count = html("span", "count");
    count.dataset.testid = `coreset-${name}`;
    const images = html("span", "few");
    node.append(count, images);
    /** @type {FewPlace[]} */
    const few = [];
    return { node, count, images, verb, few };
  }

  /**
   * @param {LiveAnswer} answer
   * @param {{kept: number, percent: number}} size
   * @param {Look} look
   */
  show(answer, { kept, percent }, look) {
    const stay = kept - answer.nLeaving;
    this.title.textContent =
      `Coreset of the hardest ${percent} %: ${stay.toLocaleString("en")} of ` +
      `${kept.toLocaleString("en")} stay`;
    this.fill(this.entering, answer.nEntering, answer.entering, look);
    this.fill(this.leaving, answer.nLeaving, answer.leaving, look);
    const text = mixText(answer, kept, look.classNames);
    if (this.mix.textContent !== text) this.mix.textContent = text;
  }

  /**
   * @param {ReturnType<CoresetStrip["side"]>} side
   * @param {number} count
   * @param {number[]} samples
   * @param {Look} look
   */
  fill(side, count, samples, look) {
    const text = `${count} ${side.verb}`;
    if (side.count.textContent !== text) side.count.textContent = text;
    samples.forEach((sample, k) => {
      side.few[k] ??= this.place(side.images);
      show(side.few[k], sample, look);
    });
    side.few.forEach(({ button }, k) => (button.hidden = k >= samples.length));
  }

  /**
   * A place for an image, which is used again and again.
   * @param {HTMLElement} images
   * @returns {FewPlace}
   */
  place(images) {
    const button = html("button", "few-one");
    button.type = "button";
    const image = html("img", "thumb");
    const name = html("span", "");
    button.append(image, name);
    images.append(button);
    /** @type {FewPlace} */
    const place = { button, image, name, sample: -1 };
    button.addEventListener("click", () => this.onFocus(place.sample));
    return place;
  }

  clear() {
    this.title.textContent = "";
    this.mix.textContent = "";
    for (const side of [this.entering, this.leaving]) {
      side.count.textContent = "";
      for (const { button } of side.few) button.hidden = true;
    }
  }
}

/**
 * @param {FewPlace} place
 * @param {number} sample
 * @param {Look} look
 */
function show(place, sample, look) {
  const name = look.factOf(sample)?.name ?? String(sample);
  const picture = look.pictureOf(sample);
  if (place.sample === sample && place.image.alt === name) return;
  place.sample = sample;
  place.button.title = name;
  place.image.alt = name;
  place.image.hidden = !picture;
  if (picture) place.image.src = picture;
  write(place.name, picture ? "" : name);
}

/**
 * The classes whose share in the coreset moves.
 * @param {{sharesBefore: number[], sharesAfter: number[]}} answer
 * @param {number} kept
 * @param {string[]} classNames
 * @returns {string}
 */
function mixText({ sharesBefore, sharesAfter }, kept, classNames) {
  const percent = (/** @type {number} */ count) => `${Math.round((100 * count) / kept)} %`;
  const moved = sharesAfter
    .map((after, k) => ({ after, before: sharesBefore[k], name: classNames[k] ?? String(k) }))
    .filter(({ after, before }) => Math.abs(after - before) >= SMALLEST_SHIFT * kept)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
  if (!moved.length) return "The class mix stays.";
  const words = moved.map(
    ({ name, before, after }) => `${name} ${percent(before)} → ${percent(after)}`,
  );
  return `Class mix: ${words.join(", ")}.`;
}
