import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const NAMES = [
  "areaPath",
  "decimals",
  "epochTicks",
  "geometry",
  "linePath",
  "lineY",
  "nearestLine",
  "niceStep",
  "segments",
];
const plot = load(["window_rules.js", "window_plot.js"], NAMES);

const line = (values, more = {}) => ({ index: 0, label: "", is_pinned: false, values, ...more });

/** Data of a plot of ten epochs, 100 pixels of value axis from 28 to 128. */
const data = (lines = []) => ({ n_epochs: 10, height: 170, y_max: 2, lines });

/** Ten columns of 100 pixels each, from 54 to 1054. */
const wide = () => plot.geometry(data(), 54 + 1000 + 14);

test("every epoch owns a column, and its middle is where the value stands", () => {
  const g = wide();
  assert.deepEqual([g.left, g.right, g.top, g.bottom, g.perEpoch], [54, 1054, 28, 128, 100]);
  assert.deepEqual([g.start(1), g.x(1), g.start(2)], [54, 104, 154]);
  assert.deepEqual([g.x(10), g.start(11)], [1004, 1054]);
});

test("values reach from the bottom to the top of the plot", () => {
  const g = wide();
  assert.deepEqual([g.y(0), g.y(1), g.y(2)], [128, 78, 28]);
});

test("a pixel belongs to the epoch in whose column it lies", () => {
  const g = wide();
  const pixels = [-5, 54, 55, 153, 155, 1053, 9999];
  assert.deepEqual(pixels.map(g.epochAt), [1, 1, 1, 1, 2, 10, 10]);
  for (let epoch = 1; epoch <= 10; epoch++) assert.equal(g.epochAt(g.x(epoch)), epoch);
});

test("only pinned lines take room for their names", () => {
  const name = "x".repeat(40);
  const plain = plot.geometry(data([line([1], { label: name })]), 1000);
  const pinned = plot.geometry(data([line([1], { label: name, is_pinned: true })]), 1000);
  assert.equal(1000 - plain.right, 14);
  assert.ok(Math.abs(1000 - pinned.right - (18 * 6.6 + 16)) < 1e-9);
});

test("steps are 1, 2, 2.5 or 5 times a power of ten", () => {
  const cases = [
    [10, 10, 1],
    [10, 5, 2],
    [10, 4, 2.5],
    [10, 2, 5],
    [10, 1, 10],
    [1.4142, 6, 0.25],
    [0.003, 3, 0.001],
  ];
  for (const [span, count, step] of cases) {
    assert.ok(Math.abs(plot.niceStep(span, count, false) - step) < 1e-12, `${span} by ${count}`);
  }
});

test("a step gives no more intervals than asked for, and the next finer one would", () => {
  for (const span of [0.7, 1, 3, 42, 99, 12345]) {
    for (let count = 2; count <= 12; count++) {
      const step = plot.niceStep(span, count, false);
      assert.ok(span / step <= count * (1 + 1e-12), `${span} by ${count}`);
      assert.ok(span / (step / 2.5) > count * (1 - 1e-12), `${span} by ${count}`);
    }
  }
});

test("steps of epochs are whole", () => {
  assert.equal(plot.niceStep(3, 12, true), 1);
  assert.equal(plot.niceStep(10, 4, true), 5);
  for (let n = 1; n <= 300; n++) assert.ok(Number.isInteger(plot.niceStep(n, 7, true)));
});

test("a number is written with the decimals its step needs", () => {
  assert.deepEqual([10, 1, 0.5, 0.25, 0.2, 0.001].map(plot.decimals), [0, 0, 1, 2, 1, 3]);
});

test("epoch ticks are multiples of a step, with both ends where there is room", () => {
  assert.deepEqual(plot.epochTicks(100, 7), [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  assert.deepEqual(plot.epochTicks(97, 7), [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 97]);
  assert.deepEqual(plot.epochTicks(3, 200), [1, 2, 3]);
  assert.deepEqual(plot.epochTicks(1, 500), [1]);
});

test("the last epoch has no tick of its own where it would touch the one before", () => {
  assert.deepEqual(plot.epochTicks(94, 7).slice(-2), [80, 90]);
  assert.deepEqual(plot.epochTicks(96, 7).slice(-2), [90, 96]);
});

test("epoch ticks rise, stay in the run and never crowd", () => {
  for (const n of [1, 2, 5, 17, 50, 99, 200, 1000]) {
    for (const width of [300, 640, 1400]) {
      const ticks = plot.epochTicks(n, width / n);
      assert.ok(ticks[0] >= 1 && ticks[ticks.length - 1] <= n, `${n} in ${width}`);
      const gaps = ticks.slice(1).map((tick, i) => ((tick - ticks[i]) * width) / n);
      assert.ok(gaps.every((gap) => gap > 30));
    }
  }
});

test("segments are the runs of epochs in which all series have a value", () => {
  const some = [1, null, 2, 3, undefined, 4];
  assert.deepEqual(plot.segments(some), [
    [0, 1],
    [2, 4],
    [5, 6],
  ]);
  assert.deepEqual(plot.segments(some, [null, 1, 1, 1, 1, 1]), [
    [2, 4],
    [5, 6],
  ]);
  assert.deepEqual(plot.segments([null, null]), []);
});

test("a line is broken at a gap, and a lone epoch is a dot", () => {
  const g = wide();
  assert.equal(plot.linePath([0, 1, null, 2], g), "M104.0 128.0L204.0 78.0M404.0 28.0h0");
  assert.equal(plot.linePath([null, null], g), "");
});

test("a band goes along the high values and back along the low ones", () => {
  const g = wide();
  assert.equal(plot.areaPath([0, 0], [1, 2], g), "M104.0 78.0L204.0 28.0L204.0 128.0L104.0 128.0Z");
  assert.equal(plot.areaPath([null, 0, null], [1, 1, 1], g), "M154 128H254V78H154Z");
});

test("between two epochs a line's height is interpolated", () => {
  const g = wide();
  const values = [0, 2, null, 1, 1, 1, 1, 1, 1, 1];
  assert.equal(plot.lineY(line(values), g.x(1), g, 10), 128);
  assert.equal(plot.lineY(line(values), g.x(1) + 50, g, 10), 78);
  assert.equal(plot.lineY(line(values), g.x(2), g, 10), 28);
});

test("in a gap a line has the height of the neighbour it has, or none", () => {
  const g = wide();
  const values = [0, 2, null, null, 1, 1, 1, 1, 1, 1];
  assert.equal(plot.lineY(line(values), g.x(2) + 30, g, 10), 28);
  assert.equal(plot.lineY(line(values), g.x(5) - 30, g, 10), 78);
  assert.equal(plot.lineY(line(values), g.x(3) + 50, g, 10), null);
});

test("before the first and behind the last epoch a line goes straight on", () => {
  const g = wide();
  const values = [1, 0, 0, 0, 0, 0, 0, 0, 0, 2];
  assert.equal(plot.lineY(line(values), 0, g, 10), 78);
  assert.equal(plot.lineY(line(values), 5000, g, 10), 28);
});

test("the nearest line is the one whose height is nearest to the pointer", () => {
  const g = wide();
  const [low, high, none] = [0, 2, null].map((value) => line(Array(10).fill(value)));
  const all = data([none, low, high]);
  assert.deepEqual(plot.nearestLine(all, g.x(4), 120, g), { line: low, distance: 8 });
  assert.deepEqual(plot.nearestLine(all, g.x(4), 20, g), { line: high, distance: 8 });
  assert.equal(plot.nearestLine(data([none]), g.x(4), 20, g), null);
  assert.equal(plot.nearestLine(data(), g.x(4), 20, g), null);
});

test("of two lines equally near, the first one is meant", () => {
  const g = wide();
  const [one, other] = [line(Array(10).fill(1)), line(Array(10).fill(1))];
  assert.equal(plot.nearestLine(data([one, other]), g.x(4), 70, g).line, one);
});
