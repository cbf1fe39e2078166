import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const FILES = [
  "window_rules.js",
  "window_plot.js",
  "window_panes.js",
  "window_tip.js",
  "window_brush.js",
];
const { Brush, geometry } = load(FILES, ["Brush", "geometry"]);

const flat = (value) => ({ index: 7, label: "", is_pinned: false, values: Array(10).fill(value) });

const DATA = {
  instance: "one",
  n_epochs: 10,
  height: 170,
  y_max: 2,
  lines: [],
  lock_length: true,
  revision: 0,
  windows: { early: [1, 3], late: [8, 10] },
};

/** A brush without a page: it draws nothing and keeps what it would send to Python. */
function brush(data = {}) {
  const made = Object.create(Brush.prototype);
  const sent = [];
  const send = (...report) => sent.push(report);
  const still = { draw() {}, place() {} };
  const fields = { revision: 0, isUnsent: false, drag: null, waiting: null, sent };
  Object.assign(made, still, fields, { send: { setStateValue: send, setTriggerValue: send } });
  made.apply({ ...DATA, ...data });
  made.g = geometry(made.data, 54 + 1000 + 14);
  return made;
}

test("a click means a line up to twelve pixels away", () => {
  const made = brush({ lines: [flat(1)] }); // at 78
  for (const y of [66, 78, 90]) assert.equal(made.aimed({ x: 500, y })?.index, 7);
  for (const y of [65.9, 90.1]) assert.equal(made.aimed({ x: 500, y }), null);
});

test("outside the plot and without lines a click means nothing", () => {
  assert.equal(brush({ lines: [flat(1)] }).aimed(null), null);
  assert.equal(brush().aimed({ x: 500, y: 78 }), null);
});

test("only a place inside the plot is one", () => {
  const made = brush();
  made.stage = { getBoundingClientRect: () => ({ left: 1000, top: 2000 }) };
  const spot = (x, y) => made.spot({ clientX: 1000 + x, clientY: 2000 + y });
  assert.deepEqual(spot(54, 28), { x: 54, y: 28 });
  assert.deepEqual(spot(1054, 128), { x: 1054, y: 128 });
  for (const [x, y] of [
    [53, 50],
    [1055, 50],
    [500, 27],
    [500, 129],
  ]) {
    assert.equal(spot(x, y), null);
  }
});

test("moved windows are reported once, and not if they are back where they were", () => {
  const made = brush();
  made.shift(made.windows, "early", -1, 2);
  made.report();
  made.report();
  assert.equal(made.sent.length, 1);
  const [name, { early, late, revision }] = made.sent[0];
  assert.deepEqual([name, early, late], ["windows", [3, 5], [8, 10]]);
  assert.equal(revision, made.revision);
  made.shift(made.windows, "early", -1, 1);
  made.shift(made.windows, "early", -1, -1);
  made.report();
  assert.equal(made.sent.length, 1);
});

test("every report has a higher revision than the one before", () => {
  const made = brush({ revision: 2 ** 52 });
  made.shift(made.windows, "early", -1, 1);
  made.report();
  assert.equal(made.sent[0][1].revision, 2 ** 52 + 1);
});

test("a page drawn before the latest report does not move the windows back", () => {
  const made = brush();
  made.shift(made.windows, "early", -1, 2);
  made.report();
  made.apply({ ...DATA, revision: made.revision - 1 });
  assert.deepEqual(made.windows.early, [3, 5]);
  made.apply({ ...DATA, revision: made.revision });
  assert.deepEqual(made.windows.early, [1, 3]);
});

test("windows moved by keys and not yet reported stay", () => {
  const made = brush();
  made.isUnsent = true;
  made.shift(made.windows, "early", -1, 1);
  made.apply(DATA);
  assert.deepEqual(made.windows.early, [2, 4]);
});

test("data that comes during a drag waits for its end", () => {
  const made = brush();
  made.drag = { name: "early", isMoved: true };
  const { send } = made;
  made.update({ data: { ...DATA, n_epochs: 12 }, ...send });
  assert.equal(made.data.n_epochs, 10);
  made.drag = null;
  made.applyWaiting();
  assert.equal(made.data.n_epochs, 12);
});

test("what is sent shares no window with what Python sent", () => {
  const made = brush();
  made.windows.early[0] = 2;
  assert.deepEqual(DATA.windows.early, [1, 3]);
});
