import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const FILES = [
  "map_points.js",
  "map_view.js",
  "map_legend.js",
  "map_tip.js",
  "map_bar.js",
  "sample_map.js",
];
const { Points, SampleMap, View } = load(FILES, ["Points", "SampleMap", "View"]);

const words = (...values) => Buffer.from(Uint16Array.from(values).buffer).toString("base64");

/** A map without a page; one point in its middle, at the pixel 326, 326. */
function map(fields = {}) {
  const made = Object.create(SampleMap.prototype);
  const view = new View([0, 0, 1, 1]);
  view.resize(652, 652);
  const middle = words(32768);
  const points = new Points({ n: 1, x: middle, y: middle, labels: words(0), index: null });
  const told = [];
  const still = { drop() {}, drawTop() {}, tell: (...what) => told.push(what) };
  return Object.assign(
    made,
    { view, points, told, data: { medoids: [], rings: [] }, ...still },
    fields,
  );
}

test("the pointer means a sample nearer than twelve pixels", () => {
  const made = map();
  assert.equal(made.aim([326, 326]), 0);
  assert.equal(made.aim([337.9, 326]), 0);
  assert.equal(made.aim([338.1, 326]), undefined);
  assert.equal(made.aim([326, 314.1]), 0);
  assert.equal(made.aim([326, 313.9]), undefined);
});

test("the reach of the pointer does not grow with the zoom", () => {
  const made = map();
  made.view.zoom(8, 326, 326);
  assert.equal(made.aim([337.5, 326]), 0);
  assert.equal(made.aim([339, 326]), undefined);
});

test("Enter means the sample nearest to the middle, however far", () => {
  const made = map();
  made.view.pan(200, 0);
  made.pickMiddle({});
  assert.deepEqual(made.told, [["picked", { index: 0, mode: "replace" }]]);
});

test("a click beside all samples picks none", () => {
  const made = map();
  made.pick(made.aim([20, 20]), "replace");
  assert.deepEqual(made.told, []);
});

test("Shift adds, Alt takes out, neither replaces", () => {
  const mode = SampleMap.prototype.mode;
  assert.equal(mode({ shiftKey: false, altKey: false }), "replace");
  assert.equal(mode({ shiftKey: true, altKey: false }), "add");
  assert.equal(mode({ shiftKey: false, altKey: true }), "remove");
});

test("a lasso of many corners is thinned, and starts where it started", () => {
  const corners = Array.from({ length: 2500 }, (_, i) => [i, i]);
  const made = map();
  made.finish({ kind: "lasso", corners }, "add");
  const [[name, shape]] = made.told;
  assert.equal(name, "shape");
  assert.equal(shape.mode, "add");
  assert.ok(shape.corners.length <= 1000 && shape.corners.length > 500);
  assert.deepEqual(shape.corners.slice(0, 2), [
    [0, 0],
    [3, 3],
  ]);
});

test("a lasso of three corners keeps them; one of two is dropped", () => {
  const corners = [
    [0, 0],
    [1, 0],
    [1, 1],
  ];
  const made = map();
  made.finish({ kind: "lasso", corners: corners.slice(0, 2) }, "replace");
  assert.deepEqual(made.told, []);
  made.finish({ kind: "lasso", corners }, "replace");
  assert.deepEqual(made.told, [["shape", { kind: "lasso", corners, mode: "replace" }]]);
});

test("a box follows the pointer with its second corner", () => {
  const made = map({ tool: "box", shape: null });
  made.stretch([26, 626], [326, 326]);
  made.stretch([26, 626], [626, 26]);
  assert.equal(made.shape.kind, "box");
  assert.equal(made.shape.corners.length, 2);
  made.shape.corners.flat().forEach((value, i) => {
    assert.ok(Math.abs(value - [0, 0, 1, 1][i]) < 1e-9);
  });
});

test("a lasso gets a corner only where the pointer went three pixels", () => {
  const made = map({ tool: "lasso", shape: null });
  made.stretch([100, 100], [102, 100]);
  assert.equal(made.shape.corners.length, 1);
  made.stretch([100, 100], [103, 100]);
  assert.equal(made.shape.corners.length, 2);
  made.stretch([100, 100], [105, 100]);
  assert.equal(made.shape.corners.length, 2);
});
