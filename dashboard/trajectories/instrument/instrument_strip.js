// What a drag does to the coreset: how many enter and leave, the classes' shares, their images.

const SMALLEST_SHIFT = 0.005;

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
    return { node, count, images, verb, shown: "" };
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
    const shown = samples
      .map((sample) => look.pictureOf(sample) || look.factOf(sample)?.name)
      .join();
    if (side.shown === shown) return;
    side.shown = shown;
    side.images.replaceChildren(...samples.map((sample) => this.image(sample, look)));
  }

  /**
   * @param {number} sample
   * @param {Look} look
   */
  image(sample, look) {
    const name = look.factOf(sample)?.name ?? String(sample);
    const button = html("button", "few-one");
    button.type = "button";
    button.title = name;
    const picture = look.pictureOf(sample);
    const image = html("img", "thumb");
    image.alt = name;
    if (picture) image.src = picture;
    button.append(picture ? image : html("span", "", name));
    button.addEventListener("click", () => this.onFocus(sample));
    return button;
  }

  clear() {
    this.title.textContent = "";
    this.mix.textContent = "";
    for (const side of [this.entering, this.leaving]) {
      side.count.textContent = "";
      side.images.replaceChildren();
      side.shown = "";
    }
  }
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
