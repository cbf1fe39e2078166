// The tools, as buttons over the map.

/** @typedef {"lasso" | "box" | "pan"} Tool */
/** @typedef {"in" | "out" | "fit" | "view"} Action */

const ICONS = {
  pan: "M12 3v18M3 12h18M12 3l-2.5 2.5M12 3l2.5 2.5M12 21l-2.5-2.5M12 21l2.5-2.5M3 12l2.5-2.5M3 12l2.5 2.5M21 12l-2.5-2.5M21 12l-2.5 2.5",
  lasso:
    "M12 4c5 0 8.5 2.400 8.500 5.500S17 15 12 15 3.500 12.600 3.500 9.500 7 4 12 4zM7.500 14.500c-1.500 1-2 2.500-.500 3.500 1.500 1 .500 2.500-1 2.500",
  box: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M11 4h2M11 20h2M4 11v2M20 11v2",
  in: "M12 5v14M5 12h14",
  out: "M5 12h14",
  fit: "M9 4H4v5M15 4h5v5M15 20h5v-5M9 20H4v-5",
  view: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8.500 12l2.500 2.500 4.500-5",
};
/** @type {[Tool, string][]} */
const TOOLS = [
  ["lasso", "Lasso: draw around samples (L)"],
  ["box", "Box: drag over samples (B)"],
  ["pan", "Move the map (M)"],
];
/** @type {[Action, string][]} */
const ACTIONS = [
  ["in", "Zoom in (+)"],
  ["out", "Zoom out (−)"],
  ["fit", "Whole map (0)"],
  ["view", "Select all samples in view (V)"],
];

/**
 * @param {keyof typeof ICONS} name
 * @returns {SVGElement}
 */
function icon(name) {
  const image = document.createElementNS(SVG, "svg");
  image.setAttribute("viewBox", "0 0 24 24");
  image.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  image.append(path);
  return image;
}

class Bar {
  /** @param {{onTool: (tool: Tool) => void, onAction: (action: Action) => void}} acts */
  constructor({ onTool, onAction }) {
    this.node = html("div", "bar");
    this.node.setAttribute("role", "toolbar");
    this.node.setAttribute("aria-label", "Map tools");
    this.tools = new Map(TOOLS.map(([name, text]) => [name, this.button(name, text, onTool)]));
    this.actions = ACTIONS.map(([name, text]) => this.button(name, text, onAction));
    const groups = [[...this.tools.values()], this.actions.slice(0, 3), this.actions.slice(3)];
    for (const buttons of groups) {
      const group = html("div", "group");
      group.append(...buttons);
      this.node.append(group);
    }
  }

  /**
   * @template {keyof typeof ICONS} Name
   * @param {Name} name
   * @param {string} text
   * @param {(name: Name) => void} act
   * @returns {HTMLButtonElement}
   */
  button(name, text, act) {
    const button = html("button", "tool");
    button.type = "button";
    button.title = text;
    button.setAttribute("aria-label", text);
    button.append(icon(name));
    button.addEventListener("click", () => act(name));
    return button;
  }

  /** @param {Tool} tool */
  press(tool) {
    for (const [name, button] of this.tools) {
      button.setAttribute("aria-pressed", String(name === tool));
    }
  }
}
