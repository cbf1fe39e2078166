import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const { clamp, moveWindow, resizeWindow, sameWindows } = load(
  ["window_rules.js"],
  ["clamp", "moveWindow", "resizeWindow", "sameWindows"],
);

const windows = (early, late) => ({ early, late });

/** Every pair of disjoint windows of a run of `n` epochs. */
function* allWindows(n) {
  for (let a = 1; a <= n; a++) {
    for (let b = a; b <= n; b++) {
      for (let c = b + 1; c <= n; c++) for (let d = c; d <= n; d++) yield windows([a, b], [c, d]);
    }
  }
}

/** The rule that every pair of windows keeps, whatever was done to it. */
function assertValid({ early: [a, b], late: [c, d] }, n) {
  assert.ok(1 <= a && a <= b && b < c && c <= d && d <= n, `${[a, b]} and ${[c, d]} of ${n}`);
}

const length = ([first, last]) => last - first + 1;

test("clamp keeps a value inside; of two bounds that cross, the lower one counts", () => {
  assert.equal(clamp(-1, 0, 5), 0);
  assert.equal(clamp(3, 0, 5), 3);
  assert.equal(clamp(9, 0, 5), 5);
  assert.equal(clamp(3, 8, 5), 8);
});

test("windows are the same only if all four epochs are", () => {
  const one = windows([1, 10], [91, 100]);
  assert.ok(sameWindows(one, windows([1, 10], [91, 100])));
  assert.ok(!sameWindows(one, windows([1, 9], [91, 100])));
  assert.ok(!sameWindows(one, windows([2, 10], [91, 100])));
  assert.ok(!sameWindows(one, windows([1, 10], [90, 100])));
  assert.ok(!sameWindows(one, windows([1, 10], [91, 99])));
});

test("a moved window keeps its length and leaves the other where it is", () => {
  assert.deepEqual(
    moveWindow(windows([1, 10], [91, 100]), "early", 20, 100),
    windows([21, 30], [91, 100]),
  );
  assert.deepEqual(
    moveWindow(windows([1, 10], [91, 100]), "late", -5, 100),
    windows([1, 10], [86, 95]),
  );
});

test("a moved window stops at the other one and at the run's ends", () => {
  const start = windows([11, 20], [41, 45]);
  assert.deepEqual(moveWindow(start, "early", 99, 50), windows([31, 40], [41, 45]));
  assert.deepEqual(moveWindow(start, "early", -99, 50), windows([1, 10], [41, 45]));
  assert.deepEqual(moveWindow(start, "late", -99, 50), windows([11, 20], [21, 25]));
  assert.deepEqual(moveWindow(start, "late", 99, 50), windows([11, 20], [46, 50]));
});

test("no move breaks the rules, and no move changes a length or the windows given", () => {
  const n = 6;
  for (const start of allWindows(n)) {
    const before = structuredClone(start);
    for (const name of ["early", "late"]) {
      for (let step = -n - 1; step <= n + 1; step++) {
        const moved = moveWindow(start, name, step, n);
        assertValid(moved, n);
        assert.equal(length(moved[name]), length(start[name]));
        assert.ok(Math.abs(moved[name][0] - start[name][0]) <= Math.abs(step));
      }
    }
    assert.deepEqual(start, before);
  }
});

test("a move back undoes a move that met nothing", () => {
  const start = windows([3, 4], [9, 12]);
  const there = moveWindow(start, "early", 3, 20);
  assert.deepEqual(there, windows([6, 7], [9, 12]));
  assert.deepEqual(moveWindow(there, "early", -3, 20), start);
});

test("locked, both windows are resized alike", () => {
  const start = windows([1, 10], [91, 100]);
  assert.deepEqual(resizeWindow(start, "early", 1, 15, 100, true), windows([1, 15], [86, 100]));
  assert.deepEqual(resizeWindow(start, "late", 0, 96, 100, true), windows([1, 5], [96, 100]));
});

test("unlocked, only the window in the hand is resized", () => {
  const start = windows([1, 10], [91, 100]);
  assert.deepEqual(resizeWindow(start, "early", 1, 15, 100, false), windows([1, 15], [91, 100]));
  assert.deepEqual(resizeWindow(start, "late", 0, -5, 100, false), windows([1, 10], [11, 100]));
});

test("locked windows stop growing when both together fill the run", () => {
  const grown = resizeWindow(windows([1, 2], [9, 10]), "early", 1, 99, 10, true);
  assert.deepEqual(grown, windows([1, 5], [6, 10]));
  const odd = resizeWindow(windows([1, 2], [8, 9]), "early", 1, 99, 9, true);
  assert.deepEqual(odd, windows([1, 4], [6, 9]));
});

test("no resize breaks the rules, and the other edge stays", () => {
  const n = 5;
  for (const start of allWindows(n)) {
    for (const name of ["early", "late"]) {
      for (const edge of [0, 1]) {
        for (let epoch = -1; epoch <= n + 2; epoch++) {
          const free = resizeWindow(start, name, edge, epoch, n, false);
          const locked = resizeWindow(start, name, edge, epoch, n, true);
          for (const result of [free, locked]) {
            assertValid(result, n);
            assert.equal(result[name][1 - edge], start[name][1 - edge]);
          }
          assert.equal(length(locked.early), length(locked.late));
          const other = name === "early" ? "late" : "early";
          assert.deepEqual(free[other], start[other]);
        }
      }
    }
  }
});

test("no resize leaves one epoch where there is room for two", () => {
  for (const n of [4, 5, 8]) {
    for (const start of allWindows(n)) {
      if (length(start.early) < 2 || length(start.late) < 2) continue;
      for (const isLocked of [false, true]) {
        if (isLocked && length(start.early) !== length(start.late)) continue;
        for (const [name, edge] of [
          ["early", 0],
          ["early", 1],
          ["late", 0],
          ["late", 1],
        ]) {
          for (let epoch = -1; epoch <= n + 2; epoch++) {
            const { early, late } = resizeWindow(start, name, edge, epoch, n, isLocked);
            assert.ok(length(early) >= 2 && length(late) >= 2, `${early} and ${late} of ${n}`);
          }
        }
      }
    }
  }
});

test("a run of three epochs keeps windows of one", () => {
  assert.deepEqual(
    resizeWindow(windows([1, 2], [3, 3]), "early", 1, 1, 3, false),
    windows([1, 1], [3, 3]),
  );
});

test("late and early follow the same rules, seen in a mirror", () => {
  const n = 7;
  const mirror = ([first, last]) => [n + 1 - last, n + 1 - first];
  const flip = ({ early, late }) => windows(mirror(late), mirror(early));
  for (const start of allWindows(n)) {
    for (let epoch = 0; epoch <= n + 1; epoch++) {
      const late = resizeWindow(start, "late", 0, epoch, n, true);
      const early = resizeWindow(flip(start), "early", 1, n + 1 - epoch, n, true);
      assert.deepEqual(late, flip(early));
    }
  }
});
