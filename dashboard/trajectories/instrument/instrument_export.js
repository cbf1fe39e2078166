// The figure as a file: the plot with its windows, drawn with the colours of this screen.

const DRAWN = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "font-size"];
const MORE_DRAWN = ["font-weight", "font-family", "stroke-linejoin", "stroke-linecap"];
const MARGIN = 48; // for labels, whose font may be wider elsewhere
const SHARPNESS = 3; // pixels of the PNG for one of the screen

/**
 * The plot as an SVG that needs no style sheet.
 * @param {Brush} brush
 * @returns {SVGSVGElement}
 */
function figure(brush) {
  const { plot, g, windows, panes, data } = brush;
  const copy = /** @type {SVGSVGElement} */ (plot.cloneNode(true));
  const originals = [plot, ...plot.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((node, k) => {
    const style = getComputedStyle(originals[k]);
    for (const name of [...DRAWN, ...MORE_DRAWN, "stroke-dasharray"]) {
      node.setAttribute(name, style.getPropertyValue(name));
    }
  });
  const under = [
    svg("rect", { width: g.width + MARGIN, height: data.height, fill: paper(brush.root) }),
  ];
  for (const name of WINDOW_NAMES) {
    const { chip } = panes.parts[name];
    const [from, to] = [g.start(windows[name][0]), g.start(windows[name][1] + 1)];
    const colour = getComputedStyle(chip).backgroundColor;
    const place = { x: from, y: g.top, width: to - from, height: g.bottom - g.top };
    under.push(svg("rect", { ...place, fill: colour, "fill-opacity": 0.18 }));
    const at = { x: (from + to) / 2, y: g.top - 10, "text-anchor": "middle", fill: colour };
    const font = { "font-size": 12, "font-weight": 600, "font-family": "sans-serif" };
    copy.append(svg("text", { ...at, ...font }, chip.textContent ?? ""));
  }
  copy.prepend(...under);
  copy.setAttribute("xmlns", SVG);
  copy.setAttribute("width", String(g.width + MARGIN));
  copy.setAttribute("viewBox", `0 0 ${g.width + MARGIN} ${data.height}`);
  return copy;
}

/**
 * @param {Element} root
 * @returns {string}
 */
const paper = (root) => getComputedStyle(root).backgroundColor;

/**
 * @param {Brush} brush
 * @returns {Blob}
 */
function figureBlob(brush) {
  const text = new XMLSerializer().serializeToString(figure(brush));
  return new Blob([text], { type: "image/svg+xml" });
}

/**
 * @param {Brush} brush
 * @returns {Promise<Blob | null>}
 */
async function figurePng(brush) {
  const address = URL.createObjectURL(figureBlob(brush));
  const image = new Image();
  image.src = address;
  await image.decode();
  URL.revokeObjectURL(address);
  const canvas = document.createElement("canvas");
  canvas.width = (brush.g.width + MARGIN) * SHARPNESS;
  canvas.height = brush.data.height * SHARPNESS;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/**
 * @param {Blob | null} blob
 * @param {string} name
 */
function save(blob, name) {
  if (!blob) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Buttons in the plot's head: the axis, and the figure as a file.
 * @param {Brush} brush
 */
function addTools(brush) {
  const log = html("button", "", "log axis");
  log.setAttribute("aria-pressed", "false");
  log.addEventListener("click", () => {
    brush.scale(!brush.isLog);
    log.setAttribute("aria-pressed", String(brush.isLog));
  });
  const name = () => {
    const { early, late } = brush.windows;
    return `trajectories-${early.join("-")}-${late.join("-")}`;
  };
  const vector = html("button", "", "SVG");
  vector.addEventListener("click", () => save(figureBlob(brush), `${name()}.svg`));
  const pixels = html("button", "", "PNG");
  pixels.addEventListener("click", async () => save(await figurePng(brush), `${name()}.png`));
  vector.title = pixels.title = "Download the figure";
  for (const button of [log, vector, pixels]) button.type = "button";
  brush.tools.append(log, vector, pixels);
}
