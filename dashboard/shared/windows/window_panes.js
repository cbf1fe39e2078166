// The two windows as elements over the plot, and where their labels and grips go.

const NAMES = ["early", "late"];
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
    this.parts = Object.fromEntries(NAMES.map((name) => [name, this.build(name)]));
    this.nodes = NAMES.map((name) => this.parts[name].node);
  }

  build(name) {
    const node = html("div", `window ${name}`);
    const chip = html("span", "chip");
    const grips = GRIPS.map((edge) => html("i", `grip ${edge}`));
    node.append(html("div", "pane"), ...grips, chip);
    node.tabIndex = 0;
    const fixed = { role: "slider", "aria-label": `${name} window`, "aria-describedby": "help" };
    for (const [key, value] of Object.entries(fixed)) node.setAttribute(key, value);
    return { node, chip, grips };
  }

  /** Put the windows where they belong; all that happens during a drag. */
  place(windows, g, n) {
    for (const name of NAMES) this.placeOne(this.parts[name], name, windows[name], g, n);
    this.placeChips(windows, g);
    this.placeGrips(windows, g);
  }

  placeOne({ node, chip }, name, [first, last], g, n) {
    const length = last - first + 1;
    node.style.left = `${g.start(first)}px`;
    node.style.width = `${length * g.perEpoch}px`;
    chip.textContent = `${name} ${first === last ? first : `${first}–${last}`}`;
    const said = `epochs ${first} to ${last}, ${length} ${length === 1 ? "epoch" : "epochs"}`;
    const values = { valuemin: 1, valuemax: n, valuenow: first, valuetext: said };
    for (const [key, value] of Object.entries(values)) node.setAttribute(`aria-${key}`, value);
  }

  /** Centre each label over its window; keep both in sight and apart. */
  placeChips(windows, g) {
    const [early, late] = NAMES.map((name) => {
      const { chip } = this.parts[name];
      const [from, to] = [g.start(windows[name][0]), g.start(windows[name][1] + 1)];
      const width = chip.offsetWidth;
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

  /** Grips reach outwards as far as the neighbour allows, and leave the middle for moving. */
  placeGrips(windows, g) {
    const gap = (windows.late[0] - windows.early[1] - 1) * g.perEpoch;
    for (const name of NAMES) {
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
