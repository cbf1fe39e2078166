// What the colours and shapes mean.

const SVG = "http://www.w3.org/2000/svg";

function html(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  if (text) node.textContent = text;
  return node;
}

/** A mark as it is on the map, drawn with the same outline. */
function markImage([colour, shape]) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  canvas.className = "mark";
  const ctx = canvas.getContext("2d");
  ctx.translate(16, 16);
  trace(ctx, shape, 10);
  ctx.fillStyle = colour;
  ctx.fill();
  return canvas;
}

/** Categories are buttons: pointing at one dims all others, pressing it keeps them dim. */
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

function numberLegend(colour) {
  const legend = html("div", "legend scale");
  const bar = html("i", "ramp");
  bar.style.background = `linear-gradient(to right, ${colour.ramp.join(", ")})`;
  const number = (value, sign) => html("span", "count", sign + shortNumber(value, colour.is_whole));
  legend.append(number(colour.low, "≤ "), bar, number(colour.high, "≥ "));
  if (colour.hint) legend.append(html("span", "hint", colour.hint));
  return legend;
}

function drawLegend(node, colour, actions) {
  const title = html("span", "title", colour.title);
  const legend = colour.kind === "number" ? numberLegend(colour) : categoryLegend(colour, actions);
  node.replaceChildren(title, legend);
}
