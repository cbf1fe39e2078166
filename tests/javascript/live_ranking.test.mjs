import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const FILES = [
  "live_sums.js",
  "live_exact.js",
  "live_order.js",
  "live_rows.js",
  "live_ranking.js",
  "live_worker.js",
];
const { WindowSums, LiveRanking, LiveWorker, Rows, pairwiseSum, largest } = load(FILES, [
  "WindowSums",
  "LiveRanking",
  "LiveWorker",
  "Rows",
  "pairwiseSum",
  "largest",
]);

const STEP = Math.SQRT2 / 65_534;
const GAP = 65_535;

/** Numbers from 0 to 1 that are the same in every run. */
function generator(seed = 1) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Float32 rows by epoch (the first is 1): noise, constant samples and copies of samples. */
function plane(nEpochs, nSamples, seed = 1) {
  const next = generator(seed);
  const rows = [undefined];
  for (let epoch = 1; epoch <= nEpochs; epoch++) {
    const row = new Float32Array(nSamples);
    for (let i = 0; i < nSamples; i++) row[i] = next() * Math.SQRT2 * (i % 7 ? 0.3 : 1);
    for (let i = 0; i < nSamples; i += 5) row[i] = row[(i * 2) % 50]; // ties
    for (let i = 3; i < nSamples; i += 11) row[i] = 0.25; // constant
    rows.push(row);
  }
  return rows;
}

const rounded = (row) =>
  Uint16Array.from(row, (value) => (Number.isNaN(value) ? GAP : Math.round(value / STEP)));

function ranking(exact, score = {}, { withExact = true, nKept = 40, labels } = {}) {
  const nSamples = exact[1].length;
  const nEpochs = exact.length - 1;
  const source = {
    url: "",
    worker: "",
    n_samples: nSamples,
    scales: { error_norm: { low: 0, step: STEP } },
  };
  const rows = new Rows(source, "error_norm", nEpochs, () => undefined);
  rows.rounded = exact.map((row) => row && rounded(row));
  if (withExact) rows.exact = exact;
  rows.wanted = [];
  rows.wantHistories = (samples) => rows.wanted.push(...samples);
  const setup = {
    source,
    n_epochs: nEpochs,
    n_kept: nKept,
    n_classes: 3,
    score: {
      plane: "error_norm",
      quantity: "variance",
      windows: ["early", "late"],
      aggregation: "sum",
      direction: "harder",
      ...score,
    },
  };
  return new LiveRanking(setup, labels ?? Int32Array.from(exact[1], (_, i) => i % 3), rows);
}

/** Scores with plain loops, as the formula says. */
function oracle(exact, { early, late }, score = {}) {
  const part = ([first, last]) =>
    Array.from(exact[1], (_, i) => {
      const values = exact.slice(first, last + 1).map((row) => row[i]);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      if (score.quantity === "mean") return mean;
      return values.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / values.length;
    });
  const parts = (score.windows ?? ["early", "late"]).map((name) =>
    part(name === "early" ? early : late),
  );
  if (score.aggregation === "l1") {
    for (const values of parts) {
      const total = pairwiseSum(Float64Array.from(values));
      values.forEach((value, i) => (values[i] = value / total / 2));
    }
  }
  const values = parts[0].map((value, i) => (parts[1] ? value + parts[1][i] : value));
  const sign = score.direction === "easier" ? -1 : 1;
  const order = values.map((_, i) => i).sort((a, b) => sign * (values[b] - values[a]) || a - b);
  return { values, order };
}

const drag = (nEpochs) =>
  Array.from({ length: nEpochs - 16 }, (_, k) => ({
    early: [1 + k, 6 + k],
    late: [12 + k, 16 + k],
  }));

for (const score of [
  {},
  { aggregation: "l1" },
  { windows: ["early"] },
  { quantity: "mean", windows: ["early"] },
  { quantity: "mean" },
  { quantity: "mean", windows: ["early"], direction: "easier" },
]) {
  test(`while a window is dragged the order is that of the formula: ${JSON.stringify(score)}`, () => {
    const exact = plane(40, 400);
    const live = ranking(exact, score);
    const positions = drag(40);
    const before = new Set(oracle(exact, positions[0], score).order.slice(0, 40));
    for (const windows of [...positions, ...positions.reverse()]) {
      const answer = live.answer(windows, drag(40)[0]);
      const { values, order } = oracle(exact, windows, score);
      assert.deepEqual(answer.top, order.slice(0, 100));
      assert.deepEqual(
        answer.scores,
        answer.top.map((i) => values[i]),
      );
      assert.ok(answer.isSettled);
      const after = order.slice(0, 40);
      assert.equal(answer.nEntering, after.filter((i) => !before.has(i)).length);
      assert.equal(answer.nLeaving, answer.nEntering);
      const classes = [0, 1, 2].map((label) => after.filter((i) => i % 3 === label).length);
      assert.deepEqual(answer.sharesAfter, classes);
    }
  });
}

test("rounding never decides: doubtful samples are looked up", () => {
  const exact = plane(20, 200);
  for (const row of exact.slice(1)) row[9] = row[100] + (row === exact[2] ? 1e-7 : 0);
  const live = ranking(exact, {}, { withExact: false });
  const windows = { early: [1, 5], late: [10, 14] };
  const answer = live.answer(windows, windows);
  assert.ok(!answer.isSettled);
  for (const sample of live.rows.wanted) {
    const history = Float32Array.from(exact.slice(1), (row) => row[sample]);
    live.rows.histories.set(sample, history);
  }
  const again = live.answer(windows, windows);
  assert.ok(again.isSettled);
  assert.deepEqual(again.top, oracle(exact, windows).order.slice(0, 100));
});

test("a score that rounding has moved most still counts as doubtful", () => {
  const live = ranking(plane(10, 120));
  const error = live.errorOf([1, 1]);
  const next = generator(5);
  for (let trial = 0; trial < 200; trial++) {
    const values = Array.from({ length: 10 }, () => next() * Math.SQRT2);
    const variance = (list) => {
      const mean = list.reduce((a, b) => a + b, 0) / list.length;
      return list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / list.length;
    };
    const coarse = values.map((value) => Math.round(value / STEP) * STEP);
    const both = (list) => variance(list.slice(0, 5)) + variance(list.slice(5));
    assert.ok(Math.abs(both(values) - both(coarse)) <= error(both(coarse)));
  }
});

test("samples whose error never moves are ranked by index", () => {
  const exact = plane(12, 150);
  for (const row of exact.slice(1)) row.fill(0.5);
  const live = ranking(exact);
  const windows = { early: [1, 4], late: [6, 9] };
  assert.deepEqual(
    live.answer(windows, windows).top,
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test("a window that jumps has the sums of one that was dragged", () => {
  const exact = plane(30, 60).map((row) => row && rounded(row));
  const dragged = new WindowSums(60);
  for (let first = 1; first <= 21; first++) dragged.moveTo([first, first + 9], (e) => exact[e]);
  const jumped = new WindowSums(60);
  jumped.moveTo([1, 10], (e) => exact[e]);
  jumped.moveTo([21, 30], (e) => exact[e]);
  assert.deepEqual(jumped.sum, dragged.sum);
  assert.deepEqual(jumped.squares, dragged.squares);
});

test("the k-th largest is found among equal and unequal numbers", () => {
  const next = generator(3);
  const values = Float64Array.from({ length: 500 }, () => Math.floor(next() * 40));
  const sorted = [...values].sort((a, b) => b - a);
  const counts = new Uint32Array(65_536);
  for (const k of [1, 7, 100, 499]) {
    assert.deepEqual(largest(values, counts, [k, 500]), [sorted[k - 1], sorted[499]]);
  }
});

/** A worker on a server that holds the rows; what it posts is kept. */
function workerOn(exact, { fails = false } = {}) {
  const nSamples = exact[1].length;
  const posted = [];
  const asked = [];
  globalThis.fetch = async (url) => {
    asked.push(url);
    const headers = { get: () => "application/octet-stream" };
    if (fails) return { ok: false, headers, text: async () => "the run has changed since." };
    const [, kind, first, last] = /\.(u16|f32)\?rows=(\d+)-(\d+)/.exec(url) ?? [];
    let bytes = Int32Array.from(exact[1], () => 0);
    const [, samples, epochs] = /histories\?samples=([\d,]+)&epochs=(\d+)/.exec(url) ?? [];
    if (samples) {
      const rows = exact.slice(1, Number(epochs) + 1);
      bytes = Float32Array.from(samples.split(",").flatMap((i) => rows.map((row) => row[i])));
    }
    if (kind) {
      const Kind = kind === "u16" ? Uint16Array : Float32Array;
      bytes = new Kind(nSamples * (last - first + 1));
      for (let epoch = Number(first); epoch <= Number(last); epoch++) {
        const row = kind === "u16" ? rounded(exact[epoch]) : exact[epoch];
        bytes.set(row, (epoch - first) * nSamples);
      }
    }
    return { ok: true, headers, arrayBuffer: async () => bytes.buffer };
  };
  const worker = new LiveWorker((message) => posted.push(message));
  const setup = ranking(exact).setup;
  worker.take({ kind: "open", setup });
  return { worker, posted, asked, setup };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 30));

test("a question is answered once the rows are there, those of the windows first", async () => {
  const exact = plane(40, 150);
  const { worker, posted, asked } = workerOn(exact);
  const windows = { early: [20, 22], late: [35, 38] };
  worker.take({ kind: "rank", ask: 1, windows, base: windows });
  assert.equal(posted[0].kind, "waiting");
  await settle();
  const answers = posted.filter(({ kind }) => kind === "ranking");
  assert.deepEqual(answers.at(-1).top, oracle(exact, windows).order.slice(0, 100));
  assert.match(asked[1], /rows=17-32$/);
  const u16 = asked.filter((url) => url.includes("u16")).length;
  assert.equal(u16, 3);
});

test("a gap in a window is told, and a window beside it is ranked", async () => {
  const exact = plane(20, 130);
  exact[5][77] = NaN;
  const { worker, posted } = workerOn(exact);
  const windows = { early: [3, 6], late: [10, 12] };
  worker.take({ kind: "rank", ask: 1, windows, base: windows });
  await settle();
  const { kind, gaps, span } = posted.at(-1);
  assert.deepEqual([kind, gaps, span], ["gaps", 1, [3, 6]]);
  const beside = { early: [6, 9], late: [10, 12] };
  worker.take({ kind: "rank", ask: 2, windows: beside, base: beside });
  await settle();
  assert.deepEqual(posted.at(-1).top, oracle(exact, beside).order.slice(0, 100));
});

test("a run that grows keeps its rows and gets the new ones", async () => {
  const exact = plane(20, 130);
  const { worker, posted, setup, asked } = workerOn(exact);
  worker.take({ kind: "open", setup: { ...setup, n_epochs: 15 } });
  const windows = { early: [1, 4], late: [8, 12] };
  worker.take({ kind: "rank", ask: 1, windows, base: windows });
  await settle();
  asked.length = 0;
  worker.take({ kind: "open", setup });
  const later = { early: [1, 4], late: [16, 20] };
  worker.take({ kind: "rank", ask: 2, windows: later, base: later });
  await settle();
  assert.deepEqual(posted.at(-1).top, oracle(exact, later).order.slice(0, 100));
  assert.ok(!asked.some((url) => url.includes("labels")));
});

test("a server that refuses is told in its words", async () => {
  const { worker, posted } = workerOn(plane(20, 130), { fails: true });
  const windows = { early: [1, 4], late: [8, 12] };
  worker.take({ kind: "rank", ask: 1, windows, base: windows });
  await settle();
  assert.equal(posted.at(-1).kind, "problem");
  assert.equal(posted.at(-1).text, "the run has changed since.");
});
