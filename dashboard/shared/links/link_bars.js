// Bars, or the cells of a table, that open the samples behind them; texts are never markup.

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {string} text
 * @property {string} hint
 * @property {number} share length of the bar, 0 to 1
 * @property {number | null} reference length of the bar that it is compared with
 * @property {string} tone colour of the bar
 * @property {boolean} can_open
 */

/**
 * @typedef {object} Matrix
 * @property {string} corner
 * @property {string[]} rows
 * @property {string[]} columns
 * @property {{text: string, hint: string, share: number, can_open: boolean}[][]} cells
 */

/** @typedef {{label: string, bars: Bar[], matrix: Matrix | null}} LinksData */
/** @typedef {(name: string, value: unknown) => void} Send */
/** @typedef {{data: LinksData, parentElement: HTMLElement, setTriggerValue: Send}} LinksComponent */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function make(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  return node;
}

/**
 * What is pressed; only words where there is nothing behind it.
 * @param {string} className
 * @param {{hint: string, can_open: boolean}} link
 * @param {number[]} place
 * @param {Send} send
 * @returns {HTMLElement}
 */
function linkNode(className, link, place, send) {
  const node = make(link.can_open ? "button" : "div", className);
  node.title = link.hint;
  if (link.can_open) {
    node.setAttribute("type", "button");
    node.addEventListener("click", () => send("opened", place));
  }
  return node;
}

/**
 * @param {Bar} bar
 * @param {number} place
 * @param {Send} send
 * @returns {HTMLElement}
 */
function barNode(bar, place, send) {
  const item = make("li", "row");
  const link = linkNode("bar", bar, [place], send);
  const track = make("span", "track");
  track.setAttribute("aria-hidden", "true");
  if (bar.reference !== null) {
    const reference = make("span", "reference");
    reference.style.width = `${100 * bar.reference}%`;
    track.append(reference);
  }
  const fill = make("span", `fill ${bar.tone}`);
  fill.style.width = `${100 * bar.share}%`;
  track.append(fill);
  link.append(make("span", "label", bar.label), track, make("span", "text", bar.text));
  item.append(link);
  return item;
}

/**
 * @param {Matrix} matrix
 * @param {Send} send
 * @returns {HTMLTableElement}
 */
function matrixNode(matrix, send) {
  const table = make("table", "matrix");
  const head = make("tr", "");
  head.append(make("td", "corner", matrix.corner));
  for (const name of matrix.columns) {
    const cell = make("th", "column", name);
    Object.assign(cell, { scope: "col", title: name });
    head.append(cell);
  }
  table.append(head);
  matrix.cells.forEach((cells, row) => {
    const line = make("tr", "");
    const name = make("th", "name", matrix.rows[row]);
    Object.assign(name, { scope: "row", title: matrix.rows[row] });
    line.append(name);
    cells.forEach((cell, column) => {
      const box = make("td", "");
      const link = linkNode("cell", cell, [row, column], send);
      link.style.setProperty("--share", String(cell.share));
      link.textContent = cell.text;
      if (cell.can_open) link.setAttribute("aria-label", cell.hint);
      box.append(link);
      line.append(box);
    });
    table.append(line);
  });
  return table;
}

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/**
 * Arrow keys go to the next link; in a table, of the same row or column.
 * @param {KeyboardEvent} event
 * @param {boolean} isMatrix
 */
function move(event, isMatrix) {
  const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
  const from = /** @type {Element} */ (event.target).closest("button");
  const list = from?.closest(".links");
  if (!step || !from || !list) return;
  let nodes = [...list.querySelectorAll("button")];
  if (isMatrix) {
    const isAlong = event.key === "ArrowLeft" || event.key === "ArrowRight";
    const [td, tr] = [from.parentElement, from.closest("tr")];
    const column = [...(tr?.children ?? [])].indexOf(/** @type {Element} */ (td));
    nodes = isAlong
      ? [...(tr?.querySelectorAll("button") ?? [])]
      : nodes.filter((node) => node.closest("tr")?.children[column] === node.parentElement);
  }
  event.preventDefault();
  nodes[nodes.indexOf(from) + step]?.focus();
}

/**
 * @param {LinksComponent} component
 * @returns {undefined}
 */
export default function mount({ parentElement, data, setTriggerValue }) {
  const links = /** @type {HTMLElement | null} */ (parentElement.querySelector(".links"));
  if (!links || !data) return undefined;
  const { matrix } = data;
  const list = matrix ? matrixNode(matrix, setTriggerValue) : make("ul", "bars");
  list.setAttribute("aria-label", data.label);
  if (!matrix) list.append(...data.bars.map((bar, k) => barNode(bar, k, setTriggerValue)));
  // Whoever came here by keyboard stays where they were.
  const place = [...links.querySelectorAll("button")].findIndex((node) => node.matches(":focus"));
  links.replaceChildren(list);
  links.onkeydown = (event) => move(event, Boolean(matrix));
  if (place >= 0) links.querySelectorAll("button")[place]?.focus();
  return undefined;
}
