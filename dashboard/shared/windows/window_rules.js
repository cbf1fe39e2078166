// Where two windows of epochs may go. Pure functions: windows = {early: [a, b], late: [c, d]},
// epochs are 1-based and inclusive. The same rules, for the sliders, are in window_rules.py.

/** @typedef {"early" | "late"} WindowName */
/** @typedef {[first: number, last: number]} Epochs */
/** @typedef {Record<WindowName, Epochs>} Windows */

/** @type {WindowName[]} */
const WINDOW_NAMES = ["early", "late"];

/**
 * How short a window may become: nothing varies within one epoch. A run of fewer than four has no
 * room for two epochs each.
 * @param {number} n
 * @returns {number}
 */
const shortest = (n) => (n < 4 ? 1 : 2);

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
const clamp = (value, least, most) => Math.max(least, Math.min(most, value));

/**
 * @param {Windows} one
 * @param {Windows} other
 * @returns {boolean}
 */
const sameWindows = (one, other) =>
  WINDOW_NAMES.every((name) => one[name].every((epoch, i) => epoch === other[name][i]));

/**
 * @param {Epochs} window
 * @param {number} n
 * @returns {Epochs}
 */
const mirrored = ([first, last], n) => [n + 1 - last, n + 1 - first];

/**
 * @param {Windows} windows
 * @param {number} n
 * @returns {Windows}
 */
const mirroredBoth = ({ early, late }, n) => ({
  early: mirrored(late, n),
  late: mirrored(early, n),
});

/**
 * Move a whole window by `step` epochs; it stops at the other one and at the run's ends.
 * @param {Windows} windows
 * @param {WindowName} name
 * @param {number} step
 * @param {number} n
 * @returns {Windows}
 */
function moveWindow(windows, name, step, n) {
  const { early, late } = windows;
  const least = name === "early" ? 1 - early[0] : early[1] + 1 - late[0];
  const most = name === "early" ? late[0] - 1 - early[1] : n - late[1];
  const shift = clamp(step, least, most);
  const [first, last] = windows[name];
  return { ...windows, [name]: [first + shift, last + shift] };
}

/**
 * Move one edge (0 = first, 1 = last) of a window to `epoch`, as far as the rules allow.
 * @param {Windows} windows
 * @param {WindowName} name
 * @param {number} edge
 * @param {number} epoch
 * @param {number} n
 * @param {boolean} isLocked
 * @returns {Windows}
 */
function resizeWindow(windows, name, edge, epoch, n, isLocked) {
  if (name === "early") return resizeEarly(windows, edge, epoch, n, isLocked);
  const flipped = resizeEarly(mirroredBoth(windows, n), 1 - edge, n + 1 - epoch, n, isLocked);
  return mirroredBoth(flipped, n);
}

/**
 * @param {Windows} windows
 * @param {number} edge
 * @param {number} epoch
 * @param {number} n
 * @param {boolean} isLocked
 * @returns {Windows}
 */
function resizeEarly({ early: [a, b], late: [c, d] }, edge, epoch, n, isLocked) {
  // Locked, the late window needs as many epochs behind b: b + (b - a + 1) <= n.
  const most = isLocked ? Math.floor((n + a - 1) / 2) : c - 1;
  const least = isLocked ? Math.max(1, 2 * b - n + 1) : 1;
  const more = shortest(n) - 1;
  /** @type {Epochs} */
  const early =
    edge === 1
      ? [a, clamp(epoch, Math.min(a + more, most), most)]
      : [clamp(epoch, least, Math.max(b - more, least)), b];
  if (!isLocked) return { early, late: [c, d] };
  const length = early[1] - early[0] + 1;
  const last = Math.max(d, early[1] + length);
  return { early, late: [last - length + 1, last] };
}
