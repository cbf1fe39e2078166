// Images in rows; names and notes are set as text, never as markup.

/**
 * @typedef {object} Tile
 * @property {number} index
 * @property {string | null} image
 * @property {string} title
 * @property {string} note
 * @property {string} alt
 * @property {boolean | null} is_right puts a mark beside the note; null leaves it out
 */

/**
 * Everything Python sends.
 * @typedef {object} GridData
 * @property {string} label
 * @property {number} size side of an image in pixels
 * @property {boolean} can_open
 * @property {boolean} can_drop
 * @property {Tile[]} tiles
 */

/** @typedef {(name: string, value: unknown) => void} Send */
/** @typedef {{data: GridData, parentElement: HTMLElement, setTriggerValue: Send}} GridComponent */

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
 * What holds image and words: a button where a click opens the image.
 * @param {Tile} tile
 * @param {Send} send
 * @param {boolean} canOpen
 * @returns {HTMLElement}
 */
function faceNode(tile, send, canOpen) {
  if (!canOpen) return make("div", "face");
  const face = make("button", "face");
  face.type = "button";
  face.title = `${tile.title}: open`;
  face.addEventListener("click", () => send("acted", ["open", tile.index]));
  return face;
}

/**
 * @param {Tile} tile
 * @param {GridData} data
 * @param {Send} send
 * @returns {HTMLElement}
 */
function tileNode(tile, data, send) {
  const item = make("li", "tile");
  const face = faceNode(tile, send, data.can_open);
  if (tile.image) {
    const image = make("img", "");
    Object.assign(image, { src: tile.image, alt: tile.alt, decoding: "async" });
    face.append(image);
  } else face.append(make("span", "blank", "no image"));
  face.append(make("span", "title", tile.title));
  const note = make("span", "note", tile.note);
  if (tile.is_right !== null) {
    note.prepend(make("i", tile.is_right ? "right" : "wrong", tile.is_right ? "✓ " : "✕ "));
  }
  face.append(note);
  item.append(face);
  if (data.can_drop) {
    const cross = make("button", "drop", "×");
    cross.type = "button";
    cross.title = "Take out of the selection";
    cross.setAttribute("aria-label", `Take ${tile.title} out of the selection`);
    cross.addEventListener("click", () => send("acted", ["drop", tile.index]));
    item.append(cross);
  }
  return item;
}

/**
 * @param {GridComponent} component
 * @returns {undefined}
 */
export default function mount({ parentElement, data, setTriggerValue }) {
  const grid = /** @type {HTMLElement | null} */ (parentElement.querySelector(".grid"));
  if (!grid || !data) return undefined;
  grid.setAttribute("aria-label", data.label);
  grid.style.setProperty("--side", `${data.size}px`);
  grid.replaceChildren(...data.tiles.map((tile) => tileNode(tile, data, setTriggerValue)));
  return undefined;
}
