import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const { Panes, APART } = load(["window_rules.js", "window_panes.js"], ["Panes", "APART"]);

/** A label as wide as its text: 7 pixels a letter, the share included. */
function chip(text) {
  const names = new Set();
  return {
    textContent: text,
    dataset: {},
    style: {},
    classList: {
      contains: (name) => names.has(name),
      toggle: (name, isOn) => (isOn ? names.add(name) : names.delete(name)),
    },
    get className() {
      return [...names].join(" ");
    },
    get offsetWidth() {
      return 7 * (this.textContent.length + (this.dataset.share ?? "").length);
    },
  };
}

/** Panes without a page over a plot of 100 epochs, 3 pixels each. */
function panes() {
  const made = Object.create(Panes.prototype);
  const parts = { early: { chip: chip("early 40–44") }, late: { chip: chip("late 46–50") } };
  const g = { left: 0, right: 300, perEpoch: 3, start: (epoch) => 3 * (epoch - 1) };
  Object.assign(made, { parts, widths: new Map(), placed: null });
  const windows = { early: [40, 44], late: [46, 50] };
  made.placed = { windows, g };
  made.placeChips(windows, g);
  return made;
}

/** Where a label begins and ends on the plot. */
function spanOf(made, name) {
  const { windows, g } = made.placed;
  const left = g.start(windows[name][0]) + Number.parseFloat(made.parts[name].chip.style.left);
  return [left, left + made.parts[name].chip.offsetWidth];
}

test("labels that say their share move apart again", () => {
  const made = panes();
  made.tell("early", "89.5 %", false);
  made.tell("late", "10.5 %", true);
  const [, earlyEnd] = spanOf(made, "early");
  const [lateStart, lateEnd] = spanOf(made, "late");
  assert.ok(lateStart - earlyEnd >= APART);
  assert.ok(lateEnd <= 300);
});

test("a label that says the same again is left where it is", () => {
  const made = panes();
  made.tell("early", "89.5 %", false);
  made.placeChips = () => assert.fail("placed anew");
  made.tell("early", "89.5 %", false);
});
