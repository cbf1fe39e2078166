import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const FILES = [
  "window_rules.js",
  "window_plot.js",
  "window_panes.js",
  "window_tip.js",
  "window_brush.js",
  "instrument_link.js",
  "instrument_ranking.js",
  "instrument_card.js",
  "instrument_strip.js",
  "instrument_movement.js",
  "instrument_export.js",
  "instrument_board.js",
];
const { Link, Board, sparkPath, mixText, percentText, markChange, lineOf, height, errorTicks } =
  load(FILES, [
    "Link",
    "Board",
    "sparkPath",
    "mixText",
    "percentText",
    "markChange",
    "lineOf",
    "height",
    "errorTicks",
  ]);

const SETUP = { source: { url: "/lens/runs/r/s", worker: "/lens/worker.js" }, n_epochs: 10 };

/** A link whose worker keeps what it is asked. */
function linked() {
  const heard = [];
  const on = (name) => (news) => heard.push([name, news]);
  const link = new Link({
    onAnswer: on("answer"),
    onWaiting: on("waiting"),
    onGaps: on("gaps"),
    onProblem: on("problem"),
    onFacts: on("facts"),
  });
  const asked = [];
  link.start = () => ({ postMessage: (message) => asked.push(message), terminate() {} });
  link.open(SETUP);
  asked.length = 0;
  return { link, asked, heard };
}

test("while a question is under way only the newest one waits", () => {
  const { link, asked, heard } = linked();
  for (const windows of ["a", "b", "c"]) link.ask({ windows });
  assert.deepEqual(
    asked.map((message) => message.windows),
    ["a"],
  );
  link.hear({ kind: "ranking", ask: 1, top: [3] });
  assert.deepEqual(
    asked.map((message) => message.windows),
    ["a", "c"],
  );
  assert.equal(heard.length, 1);
});

test("an answer to an older question is not shown", () => {
  const { link, heard } = linked();
  link.ask({ windows: "a" });
  link.hear({ kind: "waiting", ask: 1 });
  link.ask({ windows: "b" });
  link.hear({ kind: "ranking", ask: 1, top: [] });
  assert.deepEqual(
    heard.map(([name]) => name),
    ["waiting"],
  );
});

test("each sample is looked up once, and again when the run has grown", () => {
  const { link, asked } = linked();
  link.lookUp([1, 2]);
  link.lookUp([2, 3]);
  assert.deepEqual(
    asked.map(({ samples }) => samples),
    [[1, 2], [3]],
  );
  link.open({ ...SETUP, n_epochs: 11 });
  link.lookUp([2]);
  assert.deepEqual(asked.at(-1).samples, [2]);
});

test("facts about another run are not taken", () => {
  const { link, heard } = linked();
  const facts = {
    kind: "facts",
    nEpochs: 10,
    samples: [4],
    names: ["x"],
    labels: [0],
    histories: [null],
  };
  link.hear({ ...facts, url: "/lens/runs/other/s" });
  link.hear({ ...facts, url: SETUP.source.url, nEpochs: 9 });
  assert.equal(link.facts.size, 0);
  link.hear({ ...facts, url: SETUP.source.url });
  assert.equal(link.facts.get(4).name, "x");
  assert.equal(heard.length, 1);
});

test("the same setup is opened once", () => {
  const { link, asked } = linked();
  assert.equal(link.open(structuredClone(SETUP)), false);
  assert.equal(asked.length, 0);
});

test("a gap breaks the small curve", () => {
  const path = sparkPath(Float32Array.of(0, NaN, 1, 1), 1, { width: 12, height: 10 });
  assert.equal(path, "M0.0 9.0M8.0 1.0L12.0 1.0");
});

test("classes whose share hardly moves are not told", () => {
  const shares = { sharesBefore: [50, 30, 20], sharesAfter: [40, 30, 30] };
  assert.equal(mixText(shares, 100, ["a", "b", "c"]), "Class mix: a 50 % → 40 %, c 20 % → 30 %.");
  const same = { sharesBefore: [500, 500], sharesAfter: [501, 499] };
  assert.equal(mixText(same, 1000, ["a", "b"]), "The class mix stays.");
});

test("small shares keep the digits that tell them from nothing", () => {
  assert.deepEqual([0.5, 0.034, 0.0004].map(percentText), ["50 %", "3.4 %", "0.04 %"]);
});

test("a row says how many ranks its sample has moved", () => {
  const text = (before, sample, rank) => {
    const node = { textContent: "", classList: { toggle() {} } };
    markChange(node, before, sample, rank);
    return node.textContent;
  };
  const before = new Map([[7, 5]]);
  assert.equal(text(before, 7, 2), "▲3");
  assert.equal(text(before, 7, 9), "▼4");
  assert.equal(text(before, 7, 5), "");
  assert.equal(text(before, 8, 1), "new");
  assert.equal(text(new Map(), 8, 1), "");
});

test("a line of a sample that is not known yet is not drawn", () => {
  assert.equal(lineOf(3, undefined), null);
  assert.equal(lineOf(3, { name: "x", label: 0, history: null }), null);
  const line = lineOf(3, { name: "x", label: 0, history: Float32Array.of(0.5, NaN) });
  assert.deepEqual(line.values, [0.5, null]);
});

test("a logarithmic axis has powers of ten, and nothing lies below its foot", () => {
  const data = { y_max: Math.SQRT2, is_log: true };
  assert.deepEqual(
    errorTicks(data, 200).map(({ text }) => text),
    ["0.001", "0.01", "0.1", "1"],
  );
  assert.equal(height(0, data), 0);
  assert.equal(height(Math.SQRT2, data), 1);
  assert.equal(height(0.5, { y_max: 1 }), 0.5);
});

/** A board without a page, showing these windows. */
function board({ windows, answer = null, top = [1, 2] }) {
  const made = Object.create(Board.prototype);
  const still = { early: [1, 2], late: [5, 6] };
  made.data = { windows: still, ranking: { top } };
  made.brush = { windows, drag: null, isUnsent: false };
  made.answer = answer;
  return made;
}

test("the server's word counts for its windows only, and not in a drag", () => {
  const still = { early: [1, 2], late: [5, 6] };
  assert.ok(board({ windows: still }).isServed());
  assert.ok(!board({ windows: { early: [2, 3], late: [5, 6] } }).isServed());
  const held = board({ windows: still });
  held.brush.drag = { isMoved: true };
  assert.ok(!held.isServed());
});

test("both sides agree when windows and order are the same", () => {
  const still = { early: [1, 2], late: [5, 6] };
  const agreed = (answer) => board({ windows: still, answer }).isAgreed();
  assert.ok(agreed({ windows: still, top: [1, 2] }));
  assert.ok(!agreed({ windows: still, top: [2, 1] }));
  assert.ok(!agreed({ windows: { early: [1, 3], late: [5, 6] }, top: [1, 2] }));
  assert.ok(!agreed(null));
});
