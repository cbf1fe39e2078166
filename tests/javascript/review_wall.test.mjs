import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import test, { beforeEach } from "node:test";

import { load } from "./components.mjs";

globalThis.crypto ??= webcrypto;
const NAMES = ["Wall", "Unanswered", "groupOf"];
const { Wall, Unanswered, groupOf } = load(["review_wall.js"], NAMES);

let kept;
beforeEach(() => {
  kept = new Map();
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, text) => kept.set(key, text),
    removeItem: (key) => kept.delete(key),
  };
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
});

const tile = (index, seen = 0) => ({ index, seen, name: `image ${index}` });
const TILES = [tile(3), tile(5, 17), tile(8)];

/** A wall without a page. */
function wall(data = {}) {
  const made = Object.create(Wall.prototype);
  const sent = [];
  Object.assign(made, {
    exceptions: new Set(),
    waiting: new Unanswered("rita on set"),
    data: { tiles: TILES, is_blind: false, n_undoable: 0, ...data },
    note: { text: "", isBad: false },
    send: (_, group) => sent.push(structuredClone(group)),
    drawBar() {},
    sent,
  });
  return made;
}

test("a group is all images but the exceptions, with what was seen of each", () => {
  const group = groupOf(TILES, new Set([3]), "relabel", "benign");
  assert.deepEqual(group.samples, [
    [5, 17],
    [8, 0],
  ]);
  assert.deepEqual([group.action, group.label, group.n_exceptions], ["relabel", "benign", 1]);
  assert.match(group.token, /^wall-[0-9a-f]{32}$/);
});

test("a group that is not answered is kept from one page to the next, and no other one begins", () => {
  const made = wall();
  made.decide("keep");
  made.decide("keep");
  assert.equal(made.sent.length, 1);
  assert.match(made.note.text, /being saved/);
  const next = new Unanswered("rita on set");
  assert.equal(next.group.token, made.sent[0].token);
  assert.deepEqual(next.take({ [next.group.token]: [true, "Saved."] }), [true, "Saved."]);
  assert.equal(kept.size, 0);
});

test("an undo names no image, and needs a group to take back", () => {
  const made = wall();
  made.decide("undo");
  assert.deepEqual(made.sent, []);
  const other = wall({ n_undoable: 2 });
  other.decide("undo");
  assert.deepEqual([other.sent[0].samples, other.sent[0].n_exceptions], [[], 0]);
});

test("a blind reader must name a class, and something must be left", () => {
  assert.match(wall({ is_blind: true }).reasonAgainst("keep"), /^Blind reading/);
  const made = wall();
  for (const { index } of TILES) made.exceptions.add(index);
  assert.match(made.reasonAgainst("relabel"), /Every image is an exception/);
});
