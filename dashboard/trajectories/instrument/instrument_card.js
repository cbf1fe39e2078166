// The focused sample: picture, label, rank, what each window adds, its curve.

const CARD_CURVE = { width: 150, height: 56 };

class SampleCard {
  /** @param {(step: number) => void} onStep */
  constructor(onStep) {
    this.node = html("section", "card");
    this.node.setAttribute("aria-label", "focused sample");
    this.image = html("img", "picture");
    this.name = html("div", "card-name");
    this.label = html("div", "card-label");
    this.rank = html("div", "card-rank");
    this.rank.dataset.testid = "focus-rank";
    this.parts = html("div", "card-parts");
    const chart = svg("svg", { class: "spark", ...CARD_CURVE, "aria-hidden": "true" });
    this.curve = svg("path");
    chart.append(this.curve);
    const words = html("div", "card-words");
    words.append(this.name, this.label, this.rank, this.parts);
    const steps = html("div", "card-steps");
    steps.append(stepButton("Previous", -1, onStep), stepButton("Next", 1, onStep));
    const right = html("div", "card-right");
    right.append(chart, steps);
    this.node.append(this.image, words, right);
  }

  /**
   * @param {number} sample
   * @param {Look} look
   * @param {{rank: number, score: number, parts: number[]} | null} place where it ranks, if known
   * @param {{nSamples: number, windows: WindowName[], isVariance: boolean}} score
   */
  show(sample, look, place, score) {
    const fact = look.factOf(sample);
    this.name.textContent = fact?.name ?? `sample ${sample}`;
    this.label.textContent = fact ? `Label: ${look.classNames[fact.label] ?? ""}` : "";
    const picture = look.pictureOf(sample);
    this.image.hidden = !picture;
    this.image.alt = fact ? `Sample ${fact.name}` : "";
    if (picture && this.image.getAttribute("src") !== picture) this.image.src = picture;
    const curve = fact?.history ? sparkPath(fact.history, look.largest, CARD_CURVE) : "";
    if (this.curve.getAttribute("d") !== curve) this.curve.setAttribute("d", curve);
    this.place(place, score);
  }

  /**
   * @param {{rank: number, score: number, parts: number[]} | null} place
   * @param {{nSamples: number, windows: WindowName[], isVariance: boolean}} score
   */
  place(place, { nSamples, windows, isVariance }) {
    const of = nSamples.toLocaleString("en");
    this.rank.textContent = place
      ? `Rank ${place.rank.toLocaleString("en")} of ${of}, score ${place.score.toFixed(4)}`
      : "";
    const verb = isVariance ? "Error varied by" : "Mean";
    this.parts.textContent = place?.parts.length
      ? `${verb} ${place.parts.map((part, k) => `${part.toFixed(4)} ${windows[k]}`).join(", ")}`
      : "";
  }
}

/**
 * @param {string} text
 * @param {number} step
 * @param {(step: number) => void} onStep
 */
function stepButton(text, step, onStep) {
  const button = html("button", "step", text);
  button.type = "button";
  button.addEventListener("click", () => onStep(step));
  return button;
}
