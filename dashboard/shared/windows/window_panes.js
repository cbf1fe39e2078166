// The two windows as elements over the plot, and where their labels and grips go.

/** @typedef {{node: HTMLElement, chip: HTMLElement, grips: HTMLElement[]}} Pane */

const GRIPS = ["first", "last"];
const GRIP = 9; // pixels a grip reaches to either side of its edge, where there is room
const APART = 8; // pixels between the labels
const HELP =
  "Arrow keys move the window by one epoch, with Shift by five. Control and arrow keys move " +
  "its right edge, Alt and arrow keys its left edge.";
const HINT = "← → move · Shift by 5 · Ctrl right edge · Alt left edge";

class Panes {
  constructor() {
    this.help = html("div", "help", HELP);
    this.help.id = "help";
    this.hint = html("div", "hint", HINT);
    this.hint.setAttribute("aria-hidden", "true");
    /** @type {Record<WindowName, Pane>} */
    this.parts = { early: this.build("early"), late: this.build("late") };
    /** @type {Map<string, number>} */
    this.widths = new Map();
    /** @type {{windows: Windows, g: Geometry} | null} */
    this.placed = null;
    this.nodes = WINDOW_NAMES.map((name) => this.parts[name].node);
  }

  /**
   * @param {WindowName} name
   * @returns {Pane}
   */
  build(name) {
    const node = html("div", `window ${name}`);
    const chip = html("span", "chip");
    const grips = GRIPS.map((edge) => html("i", `grip ${edge}`));
    node.append(html("div", "pane"), ...grips, chip);
    node.tabIndex = 0;
    node.dataset.testid = `window-${name}`;
    const fixed = { role: "slider", "aria-label": `${name} window`, "aria-describedby": "help" };
    for (const [key, value] of Object.entries(fixed)) node.setAttribute(key, value);
    return { node, chip, grips };
  }

  /**
   * Put the windows where they belong; all that happens during a drag.
   * @param {Windows} windows
   * @param {Geometry} g
   * @param {number} n
   */
  place(windows, g, n) {
    this.placed = { windows, g };
    for (const name of WINDOW_NAMES) this.placeOne(this.parts[name], name, windows[name], g, n);
    this.placeChips(windows, g);
    this.placeGrips(windows, g);
  }

  /**
   * @param {Pane} pane
   * @param {WindowName} name
   * @param {Epochs} window
   * @param {Geometry} g
   * @param {number} n
   */
  placeOne({ node, chip }, name, [first, last], g, n) {
    const length = last - first + 1;
    node.style.left = `${g.start(first)}px`;
    node.style.width = `${length * g.perEpoch}px`;
    chip.textContent = `${name} ${first === last ? first : `${first}–${last}`}`;
    const said = `epochs ${first} to ${last}, ${length} ${length === 1 ? "epoch" : "epochs"}`;
    const values = { valuemin: 1, valuemax: n, valuenow: first, valuetext: said };
    for (const [key, value] of Object.entries(values)) {
      node.setAttribute(`aria-${key}`, String(value));
    }
  }

  /**
   * Say on its label how much of the score a window carries; nothing where nobody knows.
   * @param {WindowName} name
   * @param {string} text
   * @param {boolean} isLittle
   */
  tell(name, text, isLittle) {
    const { chip } = this.parts[name];
    if (chip.dataset.share === text && chip.classList.contains("little") === isLittle) return;
    chip.dataset.share = text;
    chip.classList.toggle("little", isLittle);
    // A wider label may reach over the other one.
    if (this.placed) this.placeChips(this.placed.windows, this.placed.g);
  }

  /**
   * Centre each label over its window; keep both in sight and apart.
   * @param {Windows} windows
   * @param {Geometry} g
   */
  placeChips(windows, g) {
    const [early, late] = WINDOW_NAMES.map((name) => {
      const { chip } = this.parts[name];
      const [from, to] = [g.start(windows[name][0]), g.start(windows[name][1] + 1)];
      const width = this.widthOf(chip);
      return { chip, width, from, left: clamp((from + to - width) / 2, g.left, g.right - width) };
    });
    const overlap = early.left + early.width + APART - late.left;
    if (overlap > 0) {
      early.left -= clamp(overlap / 2, 0, early.left - g.left);
      late.left = Math.min(early.left + early.width + APART, g.right - late.width);
      early.left = Math.min(early.left, late.left - APART - early.width);
    }
    for (const { chip, left, from } of [early, late]) chip.style.left = `${left - from}px`;
  }

  /**
   * Width of a label; measured once for each text, because measuring costs a layout. All digits
   * are as wide.
   * @param {HTMLElement} chip
   * @returns {number}
   */
  widthOf(chip) {
    const text = `${chip.textContent} ${chip.dataset.share ?? ""} ${chip.className}`;
    const shape = text.replace(/[0-9]/g, "0");
    const known = this.widths.get(shape);
    if (known) return known;
    const width = chip.offsetWidth;
    if (this.widths.size > 500) this.widths.clear();
    this.widths.set(shape, width);
    return width;
  }

  /**
   * Grips reach outwards as far as the neighbour allows, and leave the middle for moving.
   * @param {Windows} windows
   * @param {Geometry} g
   */
  placeGrips(windows, g) {
    const gap = (windows.late[0] - windows.early[1] - 1) * g.perEpoch;
    for (const name of WINDOW_NAMES) {
      const [first, last] = windows[name];
      const inside = Math.min(GRIP, ((last - first + 1) * g.perEpoch) / 3);
      GRIPS.forEach((edge, i) => {
        const facesOther = (name === "early") === (edge === "last");
        const { style } = this.parts[name].grips[i];
        style.setProperty("--outside", `${facesOther ? Math.min(GRIP, gap / 2) : GRIP}px`);
        style.setProperty("--inside", `${inside}px`);
      });
    }
  }
}
