// Images in rows; names and notes are set as text, never as markup.

function make(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  return node;
}

function tileNode(tile, data, send) {
  const item = make("li", "tile");
  const face = make(data.can_open ? "button" : "div", "face");
  if (data.can_open) {
    face.type = "button";
    face.title = `${tile.title}: open`;
    face.addEventListener("click", () => send("acted", ["open", tile.index]));
  }
  if (tile.image) {
    const image = make("img", "");
    Object.assign(image, { src: tile.image, alt: tile.alt, decoding: "async" });
    face.append(image);
  } else face.append(make("span", "blank", "no image"));
  face.append(make("span", "title", tile.title));
  const note = make("span", "note", tile.note);
  if (tile.is_right !== null)
    note.prepend(make("i", tile.is_right ? "right" : "wrong", tile.is_right ? "✓ " : "✕ "));
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

export default function mount({ parentElement, data, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  if (!grid || !data) return undefined;
  grid.setAttribute("aria-label", data.label);
  grid.style.setProperty("--side", `${data.size}px`);
  grid.replaceChildren(...data.tiles.map((tile) => tileNode(tile, data, setTriggerValue)));
  return undefined;
}
