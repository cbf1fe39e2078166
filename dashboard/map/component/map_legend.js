// What the colours and shapes mean.

/**
 * Which category is held, and what is done when one is pointed at (null: none) or pressed.
 * @typedef {object} LegendActions
 * @property {number | null} held
 * @property {(code: number | null) => void} onPoint
 * @property {(code: number) => void} onHold
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function html(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  return node;
}

/**
 * A mark as it is on the map, drawn with the same outline.
 * @param {[colour: string, shape: string]} mark
 * @returns {HTMLCanvasElement}
 */
function markImage([colour, shape]) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  canvas.className = "mark";
  const ctx = context(canvas);
  ctx.translate(16, 16);
  trace(ctx, shape, 10);
  ctx.fillStyle = colour;
  ctx.fill();
  return canvas;
}

/**
 * Categories are buttons: pointing at one dims all others, pressing it keeps them dim.
 * @param {Categories} colour
 * @param {LegendActions} actions
 * @returns {HTMLElement}
 */
function categoryLegend(colour, { held, onPoint, onHold }) {
  const list = html("ul", "legend");
  colour.names.forEach((name, code) => {
    if (!colour.counts[code]) return;
    const button = html("button", "entry");
    button.type = "button";
    button.title = `Show only ${name}`;
    button.setAttribute("aria-pressed", String(held === code));
    const count = html("span", "count", colour.counts[code].toLocaleString("en"));
    button.append(markImage(colour.marks[code]), html("span", "", name), count);
    button.addEventListener("pointerenter", () => onPoint(code));
    button.addEventListener("pointerleave", () => onPoint(null));
    button.addEventListener("click", () => onHold(code));
    const item = html("li", "");
    item.append(button);
    list.append(item);
  });
  return list;
}

/**
 * @param {Numbers} colour
 * @returns {HTMLElement}
 */
function numberLegend(colour) {
  const legend = html("div", "legend scale");
  const bar = html("i", "ramp");
  bar.style.background = `linear-gradient(to right, ${colour.ramp.join(", ")})`;
  /**
   * @param {number} value
   * @param {string} sign
   */
  const number = (value, sign) => html("span", "count", sign + shortNumber(value, colour.is_whole));
  legend.append(number(colour.low, "≤ "), bar, number(colour.high, "≥ "));
  if (colour.hint) legend.append(html("span", "hint", colour.hint));
  return legend;
}

/**
 * @param {HTMLElement} node
 * @param {Colouring} colour
 * @param {LegendActions} actions
 */
function drawLegend(node, colour, actions) {
  const title = html("span", "title", colour.title);
  const legend = colour.kind === "number" ? numberLegend(colour) : categoryLegend(colour, actions);
  node.replaceChildren(title, legend);
}
