import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import test, { beforeEach } from "node:test";

import { load } from "./components.mjs";

globalThis.crypto ??= webcrypto;
const NAMES = ["Desk", "Undelivered", "isForTheField", "TYPED_IN"];
const { Desk, Undelivered, isForTheField, TYPED_IN } = load(["review_desk.js"], NAMES);

/** A browser's storage; `isBroken` throws at every use, as some privacy settings do. */
class Storage {
  items = new Map();

  check() {
    if (this.isBroken) throw new Error("storage is not allowed");
  }

  getItem(key) {
    this.check();
    return this.items.get(key) ?? null;
  }

  setItem(key, text) {
    this.check();
    this.items.set(key, text);
  }

  removeItem(key) {
    this.check();
    this.items.delete(key);
  }
}

let storage;
beforeEach(() => {
  storage = new Storage();
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
});

const wish = (token, more = {}) => ({ token, action: "flag", index: 1, place: 0, ...more });
const tokens = (queue) => queue.wishes.map(({ token }) => token);

test("a decision stays until the server has answered it, across pages", () => {
  const queue = new Undelivered("rita on set");
  queue.add(wish("a"));
  queue.add(wish("b"));
  assert.deepEqual(tokens(new Undelivered("rita on set")), ["a", "b"]);
  queue.take({ saved: { a: "Saved." }, refused: {} });
  assert.deepEqual(tokens(queue), ["b"]);
  assert.deepEqual(tokens(new Undelivered("rita on set")), ["b"]);
});

test("the last answer leaves nothing behind in the browser", () => {
  const queue = new Undelivered("rita on set");
  queue.add(wish("a"));
  queue.take({ saved: {}, refused: { a: "No." } });
  assert.equal(storage.items.size, 0);
});

test("another reader's decisions are not mine", () => {
  new Undelivered("rita on set").add(wish("a"));
  assert.deepEqual(tokens(new Undelivered("sam on set")), []);
});

test("answers come in the order of the decisions and say which were refused", () => {
  const queue = new Undelivered("rita on set");
  for (const token of ["a", "b", "c"]) queue.add(wish(token));
  const answers = queue.take({ saved: { c: "Saved." }, refused: { a: "Too late." } });
  assert.deepEqual(
    answers.map((answer) => [answer.wish.token, answer.text, answer.isRefused]),
    [
      ["a", "Too late.", true],
      ["c", "Saved.", false],
    ],
  );
});

test("answers to what was never asked change nothing", () => {
  const queue = new Undelivered("rita on set");
  queue.add(wish("a"));
  assert.deepEqual(queue.take({ saved: { x: "Saved." }, refused: {} }), []);
  assert.deepEqual(tokens(queue), ["a"]);
});

test("a browser that keeps nothing still holds what it has to send", () => {
  storage.isBroken = true;
  const queue = new Undelivered("rita on set");
  queue.add(wish("a"));
  assert.deepEqual(tokens(queue), ["a"]);
});

test("what is damaged in the browser is as if it was not there", () => {
  storage.items.set("rita on set", "{not json");
  assert.deepEqual(tokens(new Undelivered("rita on set")), []);
});

const item = (place, more = {}) => ({
  place,
  index: 100 + place,
  seen: 0,
  proposal: null,
  ...more,
});

/** A desk without a page, with three samples in its queue. */
function desk(data = {}, items = [item(0), item(1), item(2)]) {
  const made = Object.create(Desk.prototype);
  const sent = [];
  Object.assign(made, {
    items: new Map(items.map((each) => [each.place, each])),
    images: new Map(),
    mine: new Map(),
    before: new Map(),
    trail: [],
    pending: new Undelivered("rita on set"),
    place: 0,
    data: { n_items: 3, is_blind: false, may_confirm: false, saved: {}, refused: {}, ...data },
    reason: { value: "" },
    confidence: { value: "0" },
    send: (_, report) => sent.push(structuredClone(report)),
    draw() {},
    root: { focus: () => made.focused++ },
    focused: 0,
    sent,
  });
  return made;
}

test("a decision moves on at once and is sent with all that are not answered", () => {
  const made = desk();
  made.decide("flag");
  made.decide("relabel", "benign");
  assert.equal(made.place, 2);
  const { place, wishes } = made.sent[1];
  assert.equal(place, 2);
  assert.deepEqual(
    wishes.map(({ action, index, label }) => [action, index, label]),
    [
      ["flag", 100, null],
      ["relabel", 101, "benign"],
    ],
  );
  assert.notEqual(wishes[0].token, wishes[1].token);
});

test("a reason and how sure one is belong to one decision", () => {
  const made = desk();
  made.reason.value = "  blurred ";
  made.confidence.value = "4";
  made.decide("flag");
  made.decide("flag");
  const [first, second] = made.pending.wishes;
  assert.deepEqual([first.reason, first.confidence], ["blurred", 4]);
  assert.deepEqual([second.reason, second.confidence], ["", null]);
});

test("undo goes back to the sample decided on last", () => {
  const made = desk();
  made.decide("flag");
  made.decide("undo");
  assert.equal(made.place, 0);
  assert.equal(made.mine.size, 0);
  const { action, index, seen, target } = made.pending.wishes[1];
  assert.deepEqual([action, index, seen, target], ["undo", -1, 0, null]);
});

test("a refused decision takes the reader back to its sample", () => {
  const made = desk();
  made.decide("flag");
  made.decide("flag");
  made.data.refused = { [made.pending.wishes[0].token]: "Sam was faster." };
  made.answer();
  assert.equal(made.place, 0);
  assert.deepEqual(made.note, { text: "Sam was faster.", bad: true });
  assert.deepEqual([...made.mine.keys()], [101]);
  assert.equal(made.pending.wishes.length, 1);
});

test("a decision of another queue is sent, but its refusal moves no one", () => {
  const made = desk({ place: 2, queue: "another" });
  made.pending.add(wish("a", { place: 0 }));
  made.open();
  assert.equal(made.sent.length, 1);
  assert.equal(made.focused, 1); // the next key is a decision
  made.data.refused = { a: "Too late." };
  made.answer();
  assert.equal(made.place, 2);
});

test("in another queue it stands what all readers said, before what one said oneself", () => {
  const made = desk();
  made.decide("relabel", "dark");
  assert.equal(made.standing(item(0)), "you: dark");
  made.open();
  const status = "conflict (anna: light, rita: dark)";
  assert.equal(made.standing(item(0, { status })), status);
  assert.equal(made.standing(item(0, { status: "" })), "you: dark"); // others are hidden
  assert.equal(made.standing(item(1, { status: "" })), "");
});

test("what one reader decided is not told the next as theirs", () => {
  const made = desk();
  made.decide("flag");
  made.data.account = "sam on set";
  made.begin();
  assert.equal(made.standing(item(0, { status: "" })), "");
  assert.deepEqual(made.pending.wishes, []);
});

test("a blind reader must name a class", () => {
  const made = desk({ is_blind: true });
  made.decide("keep");
  assert.deepEqual(made.pending.wishes, []);
  assert.match(made.note.text, /^Blind reading/);
  assert.equal(made.reasonAgainst("relabel"), "");
});

test("only a second reader answers a proposal, and only where there is one", () => {
  const items = [item(0, { proposal: 31 }), item(1)];
  const second = desk({ may_confirm: true }, items);
  assert.notEqual(desk({}, items).reasonAgainst("confirm"), "");
  second.decide("confirm");
  assert.equal(second.pending.wishes[0].target, 31);
  second.decide("reject");
  assert.equal(second.pending.wishes.length, 1);
  assert.equal(second.note.text, "Nobody else has decided here.");
});

test("at the end of the queue there is nothing to decide on", () => {
  const made = desk();
  made.place = 3;
  made.decide("flag");
  assert.deepEqual(made.pending.wishes, []);
  assert.equal(made.note.text, "There is no image to decide on yet.");
});

/** Something that has the focus; `matching` is the selector that it fits. */
class Element {
  constructor(matching) {
    this.matching = matching;
  }

  matches(selector) {
    return this.matching === selector;
  }
}

test("a text field takes every key, a slider only the arrows, anything else none", () => {
  globalThis.Element = Element;
  const pressed = (key, target) => isForTheField({ key, composedPath: () => [target] });
  const arrowsOnly = { matches: (selector) => selector !== TYPED_IN };
  Object.setPrototypeOf(arrowsOnly, Element.prototype);
  assert.ok(pressed("1", new Element(TYPED_IN)));
  assert.ok(pressed("ArrowLeft", arrowsOnly));
  assert.ok(!pressed("1", arrowsOnly));
  assert.ok(!pressed("ArrowLeft", new Element("")));
  delete globalThis.Element;
});

test("a second reader on their own is told why there is nothing to confirm", () => {
  const made = desk({ hides_others: true });
  made.decide("confirm");
  assert.deepEqual(made.pending.wishes, []);
  assert.match(made.note.text, /answers are hidden/);
});

const SETS = {
  has_sets: true,
  classes: ["cyst", "stone", "tumour", "no finding"].map((name) => ({
    name,
    key: "",
    image: null,
  })),
};
const labelsSent = (made) => made.pending.wishes.map(({ label }) => label);

test("of several labels one is added or removed, and the set is saved as a whole", () => {
  const made = desk(SETS, [item(0, { labels: ["tumour"] }), item(1, { labels: ["cyst"] })]);
  made.choose("stone");
  made.choose("cyst");
  made.choose("stone");
  assert.deepEqual(labelsSent(made), []);
  made.saveLabels();
  assert.deepEqual(labelsSent(made), ["cyst|tumour"]);
  assert.equal(made.pending.wishes[0].action, "relabel");
  assert.equal(made.place, 1);
  made.choose("cyst");
  made.saveLabels();
  assert.deepEqual(labelsSent(made), ["cyst|tumour", "no finding"]);
});

test("the labels of one image are not those of the next", () => {
  const made = desk(SETS, [item(0, { labels: ["tumour"] }), item(1, { labels: ["cyst"] })]);
  made.choose("stone");
  made.place = 1;
  assert.deepEqual([...made.drafted()], ["cyst"]);
  made.choose("no finding");
  assert.deepEqual([...made.drafted()], []);
});

test("a blind reader saves no labels without having chosen any", () => {
  const made = desk({ ...SETS, is_blind: true }, [item(0, { labels: [] })]);
  made.saveLabels();
  assert.deepEqual(labelsSent(made), []);
  assert.match(made.note.text, /choose the labels/);
  made.choose("no finding");
  made.saveLabels();
  assert.deepEqual(labelsSent(made), ["no finding"]);
});

test("where each image has one class, a key decides at once", () => {
  const made = desk();
  made.choose("cyst");
  assert.deepEqual(labelsSent(made), ["cyst"]);
});
