import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const { View } = load(["map_view.js"], ["View"]);

/** A view of a map of 10 by 5 units; with 26 pixels around it a unit is 100 pixels. */
function view() {
  const made = new View([0, 0, 10, 5]);
  made.resize(1052, 552);
  return made;
}

function assertNear(one, other) {
  one.forEach((value, i) => assert.ok(Math.abs(value - other[i]) < 1e-6, `${one} is ${other}`));
}

test("at first the whole map is seen, in the middle", () => {
  const made = view();
  assert.equal(made.scale, 100);
  assert.deepEqual(made.pixel(5, 2.5), [526, 276]);
  assert.ok(made.isWhole);
});

test("the map's vertical axis points up", () => {
  const made = view();
  assertNear(made.pixel(0, 0), [26, 526]);
  assertNear(made.pixel(10, 5), [1026, 26]);
});

test("place is the inverse of pixel", () => {
  const made = view();
  made.zoom(3.7, 200, 100);
  made.pan(15, -9);
  assertNear(made.place(...made.pixel(3.3, 1.2)), [3.3, 1.2]);
  assertNear(made.pixel(...made.place(77, 333)), [77, 333]);
});

test("steps are mapped as the places they stand for", () => {
  const made = view();
  made.zoom(2, 300, 200);
  assertNear(made.fromSteps(0, 0), made.pixel(0, 0));
  assertNear(made.fromSteps(65535, 65535), made.pixel(10, 5));
  assertNear(made.fromSteps(65535 / 5, 65535 / 2), made.pixel(2, 2.5));
});

test("the place under the pointer stays there when one zooms", () => {
  const made = view();
  const before = made.place(300, 200);
  made.zoom(4, 300, 200);
  assertNear(made.place(300, 200), before);
  assert.equal(made.scale, 400);
  assert.ok(!made.isWhole);
});

test("zoom ends at half and at 400 times the whole map", () => {
  const made = view();
  made.zoom(1e9);
  assert.equal(made.scale, 40000);
  made.zoom(1e-9);
  assert.equal(made.scale, 50);
});

test("panning moves the map with the pointer and never out of sight", () => {
  const made = view();
  made.pan(100, 50);
  assertNear([made.cx, made.cy], [4, 3]);
  made.pan(1e6, -1e6);
  assertNear([made.cx, made.cy], [0, 0]);
});

test("another size keeps the zoom and the middle", () => {
  const made = view();
  made.zoom(4, 300, 200);
  const middle = [made.cx, made.cy];
  made.resize(552, 302); // the whole map has half the scale now
  assert.equal(made.scale, 200);
  assertNear([made.cx, made.cy], middle);
});

test("a tiny stage still gives the map a scale", () => {
  const made = new View([0, 0, 10, 5]);
  made.resize(10, 10);
  assert.equal(made.scale, 4);
});
