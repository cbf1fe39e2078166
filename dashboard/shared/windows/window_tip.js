// Reading values: crosshair, dot on the nearest line, and a small table beside the pointer.

/** @typedef {{x: number, y: number}} Spot */

class Tip {
  /** @type {SVGPathElement | undefined} */
  hot; // the line that is read

  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.stage = stage;
    this.cross = html("div", "cross");
    this.dot = html("div", "dot");
    this.box = html("div", "tip");
    stage.append(this.cross, this.dot, this.box);
  }

  hide() {
    this.hot?.classList.remove("hot");
    this.stage.classList.remove("reading");
  }

  /**
   * Read the epoch under the pointer at `spot`; `paths` holds the line of every index.
   * @param {Spot} spot
   * @param {Geometry} g
   * @param {BrushData} data
   * @param {Map<number, SVGPathElement>} paths
   */
  show(spot, g, data, paths) {
    this.hide();
    this.stage.classList.add("reading");
    const epoch = g.epochAt(spot.x);
    const x = g.x(epoch);
    const line = nearestLine(data, x, spot.y, g)?.line;
    this.hot = line && paths.get(line.index);
    this.hot?.classList.add("hot");
    this.cross.style.transform = `translateX(${x}px)`;
    this.cross.style.top = `${g.top}px`;
    this.cross.style.height = `${g.bottom - g.top}px`;
    this.dot.hidden = !line;
    if (line) {
      const value = /** @type {number} */ (line.values[epoch - 1]);
      this.dot.style.transform = `translate(${x}px, ${g.y(value)}px)`;
      this.dot.style.setProperty("--line", line.colour ?? "var(--neutral)");
    }
    this.fill(epoch, data.bands.q50, line);
    this.place(spot, x, g);
  }

  /**
   * @param {number} epoch
   * @param {Values} median
   * @param {Line} [line]
   */
  fill(epoch, median, line) {
    const rows = [html("div", "epoch", `epoch ${epoch}`)];
    rows.push(this.row("median", "median", median[epoch - 1]));
    if (line) rows.push(this.row("sample", line.label, line.values[epoch - 1], line.colour));
    this.box.replaceChildren(...rows);
  }

  /**
   * @param {"median" | "sample"} kind
   * @param {string} name
   * @param {number | null} value
   * @param {string | null} [colour]
   * @returns {HTMLDivElement}
   */
  row(kind, name, value, colour) {
    const node = html("div", "row");
    const swatch = html("i", `swatch ${kind}`);
    if (colour) swatch.style.setProperty("--line", colour);
    const shown = value === null || value === undefined ? "no value" : value.toFixed(3);
    node.append(swatch, html("span", "name", name), html("b", "", shown));
    return node;
  }

  /**
   * Right of the crosshair, left of it near the edge, never outside the plot.
   * @param {Spot} spot
   * @param {number} x
   * @param {Geometry} g
   */
  place(spot, x, g) {
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const left = x + 14 + width <= g.width ? x + 14 : Math.max(0, x - 14 - width);
    const top = clamp(spot.y - height - 12, g.top + 4, g.bottom - height - 4);
    this.box.style.transform = `translate(${left}px, ${top}px)`;
  }
}
