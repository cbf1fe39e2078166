import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const { Previews, boxOf } = load(["sample_previews.js"], ["Previews", "boxOf"]);

const ATLAS = { image: "", columns: 4, width: 28, height: 20 };

/** Previews without a page, which note what they ask the server for. */
function previews(data) {
  const made = Object.create(Previews.prototype);
  const asked = [];
  const fields = { known: new Map(), send: (...question) => asked.push(question), asked };
  return Object.assign(made, fields, { data: { instance: "map", names: null, ...data } });
}

/** Ask as a map does; returns what is answered at once, undefined if nothing. */
function ask(made, question) {
  let found;
  const answer = (what) => (found = what);
  made.answer({ source: "map", sample: 0, isResting: false, answer, ...question });
  return found;
}

test("images lie in the picture of all row by row", () => {
  assert.deepEqual(boxOf(ATLAS, 0), [0, 0, 28, 20]);
  assert.deepEqual(boxOf(ATLAS, 3), [84, 0, 28, 20]);
  assert.deepEqual(boxOf(ATLAS, 4), [0, 20, 28, 20]);
  assert.deepEqual(boxOf(ATLAS, 9), [28, 40, 28, 20]);
});

test("names that are all here are answered without the server", () => {
  const made = previews({ names: ["a.png", "b.png"], atlas: ATLAS });
  made.atlas = { complete: true, naturalWidth: 112 };
  const found = ask(made, { sample: 1, isResting: true });
  assert.deepEqual(found, { name: "b.png", image: made.atlas, box: [28, 0, 28, 20] });
  assert.deepEqual(made.asked, []);
});

test("a picture that is not loaded yet is left out", () => {
  const made = previews({ names: ["a.png"], atlas: ATLAS });
  made.atlas = { complete: false, naturalWidth: 0 };
  assert.deepEqual(ask(made, {}), { name: "a.png", image: null, box: null });
});

test("the server is asked only when the pointer rests", () => {
  const made = previews();
  assert.equal(ask(made, { sample: 5 }), undefined);
  assert.deepEqual(made.asked, []);
  assert.equal(ask(made, { sample: 5, isResting: true }), undefined);
  assert.deepEqual(made.asked, [["wanted", 5]]);
});

test("what the server answered goes to the map that waits, and is kept", () => {
  const made = previews();
  let found;
  const answer = (what) => (found = what);
  made.answer({ source: "map", sample: 5, isResting: true, answer });
  made.learn({ sample: 4, name: "e.png", image: null });
  assert.equal(found, undefined);
  made.learn({ sample: 5, name: "f.png", image: null });
  assert.deepEqual(found, { name: "f.png", image: null });
  assert.deepEqual(ask(made, { sample: 4 }), { name: "e.png", image: null });
  assert.equal(made.asked.length, 1);
});

test("another map's questions are not answered", () => {
  const made = previews({ names: ["a.png"], atlas: null });
  assert.equal(ask(made, { source: "another" }), undefined);
});
