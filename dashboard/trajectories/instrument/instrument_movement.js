// Under the plot: how much the population moves in each epoch, and what a window sees of it.

const MOVEMENT_HEIGHT = 34;
const LITTLE = 0.01; // of the score: less is not worth a window

class MovementStrip {
  /** @param {() => void} onSuggest */
  constructor(onSuggest) {
    this.node = html("section", "movement");
    this.words = html("div", "movement-words");
    this.button = html("button", "step", "Suggest windows");
    this.button.type = "button";
    this.button.addEventListener("click", onSuggest);
    const head = html("div", "movement-head");
    head.append(this.words, this.button);
    this.plot = svg("svg", { class: "movement-plot", role: "img", height: MOVEMENT_HEIGHT });
    this.node.append(this.plot, head);
    this.drawn = "";
  }

  /**
   * @param {number[]} movement share of each epoch
   * @param {Geometry} g
   */
  draw(movement, g) {
    const key = `${movement.length} ${movement[0]} ${g.width} ${g.perEpoch}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const most = Math.max(...movement, 1e-12);
    this.plot.setAttribute("width", String(g.width));
    this.plot.setAttribute("aria-label", "movement of the population in each epoch");
    const bars = movement.map((share, k) => {
      const height = (share / most) * (MOVEMENT_HEIGHT - 2);
      const place = { x: g.start(k + 1), y: MOVEMENT_HEIGHT - height, height };
      return svg("rect", { ...place, width: Math.max(0.5, g.perEpoch - 0.6) });
    });
    const text = { class: "movement-title", x: g.left - 8, y: 12, "text-anchor": "end" };
    this.plot.replaceChildren(...bars, svg("text", text, "moves"));
  }

  /**
   * @param {WindowName[]} names windows that the score reads
   * @param {Windows} windows
   * @param {number[]} movement
   * @param {number[]} parts share of each window in the score; empty where not known
   */
  tell(names, windows, movement, parts) {
    const seen = names.map((name) => {
      const [first, last] = windows[name];
      const share = movement.slice(first - 1, last).reduce((a, b) => a + b, 0);
      return `${name} ${percentText(share)}`;
    });
    const weak = names.filter((_, k) => parts.length > 1 && parts[k] < LITTLE);
    const warning = weak.length ? ` ⚠ The ${weak.join(" and ")} window hardly counts.` : "";
    const text = `Of all movement: ${seen.join(", ")}.${warning}`;
    if (this.words.textContent !== text) this.words.textContent = text;
  }
}

/**
 * @param {number} share
 * @returns {string}
 */
function percentText(share) {
  const percent = 100 * share;
  if (percent >= 10) return `${Math.round(percent)} %`;
  return `${percent >= 1 ? percent.toFixed(1) : percent.toFixed(2)} %`;
}
