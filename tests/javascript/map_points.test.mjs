import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const NAMES = ["Palette", "Points", "blend", "channels", "css", "mixed", "rampColour"];
const map = load(["map_points.js"], [...NAMES, "shortNumber"]);
const NONE = 65535;

const base64 = (array) => Buffer.from(array.buffer).toString("base64");
const words = (...values) => base64(Uint16Array.from(values));

/** Points at these places; `index` are their samples if not all are drawn. */
function points(places, index = null) {
  return new map.Points({
    n: places.length,
    x: words(...places.map(([x]) => x)),
    y: words(...places.map(([, y]) => y)),
    labels: words(...places.map(() => 0)),
    index: index && base64(Uint32Array.from(index)),
  });
}

const SAME = { ax: 1, bx: 0, ay: 1, by: 0 }; // a step is a pixel
const medoid = (index, x, y) => ({ index, x, y, text: "", code: 0 });

test("positions are read little end first", () => {
  assert.deepEqual(Array.from(points([[258, 65535]]).x), [258]);
  assert.deepEqual(Array.from(points([[258, 65535]]).y), [65535]);
});

test("the nearest point is found within reach, and not at the reach itself", () => {
  const two = points([
    [100, 100],
    [109, 100],
  ]);
  assert.equal(two.nearest([104, 100], [], SAME, 12), 0);
  assert.equal(two.nearest([105, 100], [], SAME, 12), 1);
  assert.equal(two.nearest([120.9, 100], [], SAME, 12), 1);
  assert.equal(two.nearest([121, 100], [], SAME, 12), undefined);
  assert.equal(two.nearest([100, 88.1], [], SAME, 12), 0);
  assert.equal(two.nearest([100, 88], [], SAME, 12), undefined);
});

test("reach is measured in pixels, however the map is scaled", () => {
  const one = points([[100, 200]]);
  const steps = { ax: 0.5, bx: 10, ay: -0.25, by: 300 }; // at the pixel 60, 250
  assert.equal(one.nearest([71.9, 250], [], steps, 12), 0);
  assert.equal(one.nearest([72.1, 250], [], steps, 12), undefined);
  assert.equal(one.nearest([60, 238.1], [], steps, 12), 0);
});

test("the nearest point agrees with a search through all distances", () => {
  const places = Array.from({ length: 200 }, (_, i) => [(i * 7919) % 400, (i * 104729) % 300]);
  const all = points(places);
  for (let k = 0; k < 60; k++) {
    const at = [((k * 31) % 400) + 0.3, ((k * 17) % 300) + 0.6];
    const distances = places.map(([x, y]) => Math.hypot(x - at[0], y - at[1]));
    const least = Math.min(...distances);
    const expected = least < 12 ? distances.indexOf(least) : undefined;
    assert.equal(all.nearest(at, [], SAME, 12), expected);
  }
});

test("a medoid within eight pixels goes before a point that is nearer", () => {
  const two = points([
    [100, 100],
    [107, 100],
  ]);
  const medoids = [medoid(1, 107, 100)];
  assert.equal(two.nearest([100, 100], medoids, SAME, 12), 1);
  assert.equal(two.nearest([99, 100], medoids, SAME, 12), 0);
});

test("a medoid that is not drawn as a point is not found", () => {
  const some = points([[100, 100]], [5]);
  assert.equal(some.nearest([107, 100], [medoid(3, 107, 100)], SAME, 12), 0);
});

test("points and samples are told apart where only some are drawn", () => {
  const some = points(
    [
      [1, 1],
      [2, 2],
    ],
    [70000, 3],
  );
  assert.deepEqual([some.sample(0), some.sample(1)], [70000, 3]);
  assert.deepEqual([some.point(3), some.point(70000), some.point(1)], [1, 0, -1]);
  const all = points([[1, 1]]);
  assert.deepEqual([all.sample(0), all.point(0), all.point(1)], [0, 0, -1]);
});

test("selected samples come as bits, the lowest first", () => {
  const ten = points(Array(10).fill([0, 0]));
  ten.setSelected(base64(Uint8Array.of(0b00000101, 0b10)));
  assert.deepEqual(Array.from(ten.isSelected), [1, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
});

test("categories are drawn in an even mix that holds every point once", () => {
  for (const n of [1, 2, 3, 10, 97, 100, 1000]) {
    const order = points(Array(n).fill([0, 0])).shuffled();
    assert.equal(new Set(order).size, n);
  }
  const firstHalf = points(Array(1000).fill([0, 0]))
    .shuffled()
    .subarray(0, 500);
  const low = firstHalf.filter((point) => point < 500).length;
  assert.ok(low > 225 && low < 275, `${low} of 500`);
});

test("numbers are drawn from low to high, after those without a value", () => {
  const five = points(Array(5).fill([0, 0]));
  five.setColour({ kind: "number", codes: words(65534, 0, NONE, 30000, 0) });
  assert.deepEqual(Array.from(five.order), [2, 1, 4, 3, 0]);
});

test("colours are read in both notations", () => {
  assert.deepEqual(map.channels("#009E73"), [0, 158, 115]);
  assert.deepEqual(map.channels("rgb(1, 2, 3)"), [1, 2, 3]);
  assert.deepEqual(map.channels("rgba(1, 2, 3, 0.5)"), [1, 2, 3]);
  assert.deepEqual(map.channels("none"), [0, 0, 0]);
  assert.equal(map.css([0.4, 1.6, 255]), "rgb(0 2 255)");
});

test("a ramp's colours are mixed between its steps", () => {
  const ramp = ["#000000", "#640000", "#6400c8"];
  assert.deepEqual(map.rampColour(ramp, 0), [0, 0, 0]);
  assert.deepEqual(map.rampColour(ramp, 0.25), [50, 0, 0]);
  assert.deepEqual(map.rampColour(ramp, 0.5), [100, 0, 0]);
  assert.deepEqual(map.rampColour(ramp, 1), [100, 0, 200]);
  assert.deepEqual(map.mixed([0, 10, 20], [10, 10, 0], 0.5), [5, 10, 10]);
});

test("one colour over another is mixed by its opacity", () => {
  assert.equal(map.blend(0, 0x80112233), 0x80112233);
  assert.equal(map.blend(0xff000000, 0xff112233), 0xff112233);
  assert.equal(map.blend(0xff000000, 0x330000ff), 0xff000033);
});

const CATEGORIES = {
  kind: "category",
  names: ["benign", "malign"],
  marks: [
    ["#ff0000", "circle"],
    ["#0000ff", "square"],
  ],
  none: "#888888",
};
const NUMBERS = { kind: "number", low: 0, high: 2, ramp: ["#000000", "#ffffff"], none: "#888888" };

test("a category has its own mark and name", () => {
  const palette = new map.Palette(CATEGORIES, [255, 255, 255]);
  assert.deepEqual(palette.mark(palette.slot(1)), { shape: "square", colour: [0, 0, 255] });
  assert.deepEqual(palette.mark(palette.slot(NONE)), { shape: "circle", colour: [136, 136, 136] });
  assert.deepEqual([palette.words(0), palette.words(NONE)], ["benign", "none"]);
});

test("a number's colour is one of 64 levels, and its words say where the scale ends", () => {
  const palette = new map.Palette(NUMBERS, [255, 255, 255]);
  assert.deepEqual([palette.slot(0), palette.slot(65534), palette.slot(NONE)], [0, 63, -1]);
  assert.deepEqual(palette.mark(63).colour, [255, 255, 255]);
  const said = [0, 32767, 65534, NONE].map((code) => palette.words(code));
  assert.deepEqual(said, ["≤ 0", "1", "≥ 2", "no value"]);
});

test("numbers are short", () => {
  assert.equal(map.shortNumber(1234567.8, true), "1,234,568");
  assert.equal(map.shortNumber(0.123456, false), "0.1235");
  assert.equal(map.shortNumber(0.00012345, false), "1.23e-4");
  assert.equal(map.shortNumber(-123456, false), "-1.23e+5");
  assert.equal(map.shortNumber(0, false), "0");
});
