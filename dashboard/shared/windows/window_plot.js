// The still part of the chart: axes, bands and trajectories, as SVG.

/** @typedef {(number | null)[]} Values one per epoch; null is a gap */
/** @typedef {"q05" | "q25" | "q50" | "q75" | "q95"} Quantile */

/**
 * One highlighted sample.
 * @typedef {object} Line
 * @property {number} index what a click reports
 * @property {string} label
 * @property {Values} values
 * @property {string | null} colour as #rrggbb; null is a neutral tone
 * @property {boolean} is_pinned
 */

/**
 * Everything Python sends.
 * @typedef {object} BrushData
 * @property {string} instance
 * @property {number} n_epochs
 * @property {Windows} windows
 * @property {number} revision
 * @property {boolean} lock_length
 * @property {number} height
 * @property {string} alt
 * @property {string} title
 * @property {string} y_label
 * @property {number} y_max
 * @property {boolean} [is_log] whether the vertical axis is logarithmic
 * @property {Epochs | null} [box] epochs that are boxed
 * @property {Record<Quantile, Values>} bands
 * @property {Line[]} lines
 */

/**
 * Where the plot lies, in pixels.
 * @typedef {object} Geometry
 * @property {number} width of the whole chart
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 * @property {number} perEpoch
 * @property {(epoch: number) => number} x the middle of an epoch
 * @property {(epoch: number) => number} start the left end of an epoch
 * @property {(value: number) => number} y
 * @property {(px: number) => number} epochAt
 */

/** @typedef {{line: Line, distance: number}} NearLine */

const SVG = "http://www.w3.org/2000/svg";
const STRIP = 28; // room above the plot for the windows' labels
const LOG_FOOT = 0.001; // where a logarithmic axis begins
const FOOT = 42; // room below for ticks and the axis title

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {string} [text]
 * @returns {SVGElementTagNameMap[Tag]}
 */
function svg(tag, attributes = {}, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  if (text) node.textContent = text;
  return node;
}

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
 * Pixel geometry: every epoch owns a column one epoch wide, so one epoch is a visible window.
 * @param {BrushData} data
 * @param {number} width
 * @returns {Geometry}
 */
function geometry(data, width) {
  const pinned = data.lines.filter((line) => line.is_pinned);
  const longest = Math.max(0, ...pinned.map((line) => Math.min(18, line.label.length)));
  const left = 54;
  const right = pinned.length ? clamp(longest * 6.6 + 16, 40, width * 0.2) : 14;
  const top = STRIP;
  const bottom = data.height - FOOT;
  const perEpoch = (width - left - right) / data.n_epochs;
  return {
    width,
    left,
    right: width - right,
    top,
    bottom,
    perEpoch,
    x: (epoch) => left + (epoch - 0.5) * perEpoch,
    start: (epoch) => left + (epoch - 1) * perEpoch,
    y: (value) => bottom - height(value, data) * (bottom - top),
    epochAt: (px) => clamp(Math.ceil((px - left) / perEpoch), 1, data.n_epochs),
  };
}

/**
 * How high a value lies, from 0 at the foot of the plot to 1 at its top.
 * @param {number} value
 * @param {BrushData} data
 * @returns {number}
 */
function height(value, { y_max: most, is_log: isLog }) {
  if (!isLog) return value / most;
  return Math.log(Math.max(value, LOG_FOOT) / LOG_FOOT) / Math.log(most / LOG_FOOT);
}

/**
 * Marks of the vertical axis: round numbers, or powers of ten.
 * @param {BrushData} data
 * @param {number} pixels
 * @returns {{value: number, text: string}[]}
 */
function errorTicks({ y_max: most, is_log: isLog }, pixels) {
  const ticks = [];
  if (isLog) {
    for (let power = Math.log10(LOG_FOOT); 10 ** power <= most; power++) {
      ticks.push({ value: 10 ** power, text: String(Number((10 ** power).toPrecision(1))) });
    }
    return ticks;
  }
  const step = niceStep(most, pixels / 48, false);
  const digits = decimals(step);
  for (let k = 0; k * step <= most * 1.0001; k++) {
    ticks.push({ value: k * step, text: (k * step).toFixed(digits) });
  }
  return ticks;
}

/**
 * A step of 1, 2, 2.5 or 5 times a power of ten that gives at most `count` intervals.
 * @param {number} span
 * @param {number} count
 * @param {boolean} isWhole
 * @returns {number}
 */
function niceStep(span, count, isWhole) {
  const power = 10 ** Math.floor(Math.log10(span / count));
  const steps = (isWhole ? [1, 2, 5, 10] : [1, 2, 2.5, 5, 10]).map((step) => step * power);
  const step = steps.find((candidate) => span / candidate <= count) ?? steps[steps.length - 1];
  return isWhole ? Math.max(1, Math.round(step)) : step;
}

/**
 * Decimals it takes to write multiples of `step`.
 * @param {number} step
 * @returns {number}
 */
function decimals(step) {
  let digits = 0;
  while (digits < 6 && Math.abs(Number(step.toFixed(digits)) - step) > step * 1e-6) digits++;
  return digits;
}

/**
 * Multiples of a nice step; the first and the last epoch too where there is room.
 * @param {number} n
 * @param {number} perEpoch
 * @returns {number[]}
 */
function epochTicks(n, perEpoch) {
  const step = niceStep(n, Math.max(2, (n * perEpoch) / 70), true);
  const ticks = [];
  for (let epoch = step; epoch <= n; epoch += step) ticks.push(epoch);
  if (!ticks.length || (ticks[0] - 1) * perEpoch > 30) ticks.unshift(1);
  if ((n - ticks[ticks.length - 1]) * perEpoch > 38) ticks.push(n);
  return ticks;
}

/**
 * Runs of consecutive epochs that have a value, as [start, end) positions.
 * @param {Values[]} series
 * @returns {[start: number, end: number][]}
 */
function segments(...series) {
  /** @type {[start: number, end: number][]} */
  const found = [];
  let start = -1;
  for (let i = 0; i <= series[0].length; i++) {
    const isGap = series.some((values) => values[i] === null || values[i] === undefined);
    if (!isGap && start < 0) start = i;
    if (isGap && start >= 0) {
      found.push([start, i]);
      start = -1;
    }
  }
  return found;
}

/**
 * A run of values without a gap.
 * @param {Values} values
 * @param {number} start
 * @param {number} end
 * @returns {number[]}
 */
const stretch = (values, start, end) => /** @type {number[]} */ (values.slice(start, end));

/**
 * @param {Geometry} g
 * @param {number} i
 * @param {number} value
 * @returns {string}
 */
const point = (g, i, value) => `${g.x(i + 1).toFixed(1)} ${g.y(value).toFixed(1)}`;

/**
 * A broken line; a lone epoch between gaps becomes a dot through its round cap.
 * @param {Values} values
 * @param {Geometry} g
 * @returns {string}
 */
function linePath(values, g) {
  return segments(values)
    .map(([start, end]) => {
      const points = stretch(values, start, end).map((value, i) => point(g, start + i, value));
      return `M${points.join("L")}${points.length === 1 ? "h0" : ""}`;
    })
    .join("");
}

/**
 * The area between two quantiles; a lone epoch fills its own column.
 * @param {Values} low
 * @param {Values} high
 * @param {Geometry} g
 * @returns {string}
 */
function areaPath(low, high, g) {
  return segments(low, high)
    .map(([start, end]) => {
      const [lows, highs] = [low, high].map((values) => stretch(values, start, end));
      if (end - start === 1) {
        const [x0, x1] = [g.start(start + 1), g.start(start + 2)];
        return `M${x0} ${g.y(lows[0])}H${x1}V${g.y(highs[0])}H${x0}Z`;
      }
      const up = highs.map((value, i) => point(g, start + i, value));
      const down = lows.map((value, i) => point(g, start + i, value));
      return `M${up.join("L")}L${down.reverse().join("L")}Z`;
    })
    .join("");
}

/**
 * @param {SVGElement} plot
 * @param {BrushData} data
 * @param {Geometry} g
 */
function drawAxes(plot, data, g) {
  for (const [k, { value, text }] of errorTicks(data, g.bottom - g.top).entries()) {
    const y = g.y(value);
    plot.append(svg("line", { class: k ? "grid" : "axis", x1: g.left, x2: g.right, y1: y, y2: y }));
    const at = { class: "tick", x: g.left - 8, y, dy: "0.32em", "text-anchor": "end" };
    plot.append(svg("text", at, text));
  }
  for (const epoch of epochTicks(data.n_epochs, g.perEpoch)) {
    const x = g.x(epoch);
    plot.append(svg("line", { class: "axis", x1: x, x2: x, y1: g.bottom, y2: g.bottom + 4 }));
    plot.append(
      svg("text", { class: "tick", x, y: g.bottom + 17, "text-anchor": "middle" }, String(epoch)),
    );
  }
  const middle = (g.top + g.bottom) / 2;
  const across = { class: "axis-title", x: (g.left + g.right) / 2, "text-anchor": "middle" };
  plot.append(svg("text", { ...across, y: g.bottom + 36 }, "epoch"));
  const transform = `translate(13 ${middle}) rotate(-90)`;
  const upright = { class: "axis-title", "text-anchor": "middle", transform };
  plot.append(svg("text", upright, data.y_label));
}

/**
 * @param {SVGElement} plot
 * @param {BrushData} data
 * @param {Geometry} g
 * @returns {Map<number, SVGPathElement>}
 */
function drawSeries(plot, data, g) {
  const { q05, q25, q50, q75, q95 } = data.bands;
  plot.append(svg("path", { class: "band outer", d: areaPath(q05, q95, g) }));
  plot.append(svg("path", { class: "band inner", d: areaPath(q25, q75, g) }));
  plot.append(svg("path", { class: "median", d: linePath(q50, g) }));
  return drawLines(plot, data.lines, g);
}

/**
 * Draw trajectories, or keep those that are drawn already.
 * @param {SVGElement} plot
 * @param {Line[]} lines
 * @param {Geometry} g
 * @param {Map<number, SVGPathElement | undefined>} [drawn]
 * @returns {Map<number, SVGPathElement>}
 */
function drawLines(plot, lines, g, drawn = new Map()) {
  // Pinned lines last: they lie on top.
  const order = [...lines].sort((a, b) => Number(a.is_pinned) - Number(b.is_pinned));
  const onTop = order.flatMap((line) => (line.is_pinned ? (drawn.get(line.index) ?? []) : []))[0];
  return new Map(
    order.map((line) => {
      const path = drawn.get(line.index) ?? svg("path");
      const className = line.is_pinned ? "line pinned" : "line";
      if (path.getAttribute("class") !== className) path.setAttribute("class", className);
      if (!path.hasAttribute("d")) {
        path.setAttribute("d", linePath(line.values, g));
        path.style.stroke = line.colour ?? "";
        plot.insertBefore(path, line.is_pinned ? null : (onTop ?? null));
      }
      return [line.index, path];
    }),
  );
}

/**
 * Names of the pinned lines at the right edge, pushed apart where they would overlap.
 * @param {SVGElement} plot
 * @param {BrushData} data
 * @param {Geometry} g
 */
function drawLabels(plot, data, g) {
  const labels = data.lines
    .filter((line) => line.is_pinned)
    .flatMap((line) => {
      const value = line.values.findLast((each) => each !== null) ?? null;
      return value === null ? [] : [{ line, y: g.y(value) }];
    })
    .sort((a, b) => a.y - b.y);
  labels.forEach((label, i) => (label.y = Math.max(label.y, i ? labels[i - 1].y + 15 : g.top + 6)));
  let lowest = g.bottom - 4;
  for (const label of [...labels].reverse()) {
    label.y = Math.min(label.y, lowest);
    lowest = label.y - 15;
  }
  for (const { line, y } of labels) {
    const short = line.label.length > 18 ? `${line.label.slice(0, 17)}…` : line.label;
    const text = svg("text", { class: "label", x: g.right + 8, y, dy: "0.32em" }, short);
    if (line.colour) text.style.setProperty("--line", line.colour);
    text.append(svg("title", {}, line.label));
    plot.append(text);
  }
}

/**
 * Redraw everything that does not move; returns the path of every line by index.
 * @param {SVGElement} plot
 * @param {BrushData} data
 * @param {Geometry} g
 * @returns {Map<number, SVGPathElement>}
 */
function drawPlot(plot, data, g) {
  plot.replaceChildren();
  plot.setAttribute("viewBox", `0 0 ${g.width} ${data.height}`);
  plot.setAttribute("width", String(g.width));
  plot.setAttribute("height", String(data.height));
  plot.setAttribute("aria-label", data.alt);
  drawAxes(plot, data, g);
  const clip = svg("clipPath", { id: "inside" });
  const size = { width: Math.max(0, g.right - g.left), height: g.bottom - g.top + 4 };
  clip.append(svg("rect", { x: g.left, y: g.top - 2, ...size }));
  const inside = svg("g", { "clip-path": "url(#inside)" });
  plot.append(clip, inside);
  const paths = drawSeries(inside, data, g);
  drawLabels(plot, data, g);
  if (data.box) {
    const [x, end] = [g.start(data.box[0]), g.start(data.box[1] + 1)];
    const place = { x, y: g.top, width: end - x, height: g.bottom - g.top };
    inside.append(svg("rect", { class: "box", ...place }));
  }
  return paths;
}

/**
 * @param {HTMLElement} legend
 * @param {BrushData} data
 */
function drawLegend(legend, data) {
  const entries = [
    ["median", "median of all samples"],
    ["inner", "25–75 %"],
    ["outer", "5–95 %"],
  ];
  if (data.lines.length) entries.push(["sample", "highlighted sample"]);
  legend.replaceChildren(
    ...entries.map(([kind, text]) => {
      const item = html("li", "", text);
      item.prepend(html("i", `swatch ${kind}`));
      return item;
    }),
  );
}

/**
 * Height of a line at pixel `px`, interpolated between epochs; null in a gap.
 * @param {Line} line
 * @param {number} px
 * @param {Geometry} g
 * @param {number} n
 * @returns {number | null}
 */
function lineY(line, px, g, n) {
  const exact = clamp((px - g.left) / g.perEpoch + 0.5, 1, n);
  const [low, high] = [Math.floor(exact), Math.ceil(exact)];
  const [from, to] = [line.values[low - 1] ?? null, line.values[high - 1] ?? null];
  if (from === null || to === null) {
    const only = from ?? to;
    return only === null ? null : g.y(only);
  }
  return g.y(from + (to - from) * (exact - low));
}

/**
 * The line nearest to the pointer: {line, distance}, or null without any value there.
 * @param {BrushData} data
 * @param {number} px
 * @param {number} py
 * @param {Geometry} g
 * @returns {NearLine | null}
 */
function nearestLine(data, px, py, g) {
  /** @type {NearLine | null} */
  let nearest = null;
  for (const line of data.lines) {
    const y = lineY(line, px, g, data.n_epochs);
    if (y === null) continue;
    const distance = Math.abs(y - py);
    if (!nearest || distance < nearest.distance) nearest = { line, distance };
  }
  return nearest;
}
