import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./components.mjs";

const NAMES = [
  "ViewerShelf",
  "ViewerImage",
  "viewerAddress",
  "viewerControls",
  "viewerSpan",
  "viewerDragged",
  "VIEWER_KEPT",
  "VIEWER_LOST",
];
const {
  ViewerShelf,
  ViewerImage,
  viewerAddress,
  viewerControls,
  viewerSpan,
  viewerDragged,
  VIEWER_KEPT,
  VIEWER_LOST,
} = load(["viewer_originals.js", "viewer_image.js"], NAMES);

const CT = {
  height: 512,
  width: 512,
  low: -1000,
  high: 2000,
  centre: 40,
  span: 400,
  is_wide: true,
};
const PHOTO = { ...CT, low: 0, high: 255, centre: 127.5, span: 255, is_wide: false };

const answer = (facts, more = {}) => ({
  ok: true,
  status: 200,
  headers: new Map([["Lens-Original", JSON.stringify(facts)]]),
  blob: async () => new Blob(["x"]),
  text: async () => "The original is gone: this is the image as the network sees it.",
  ...more,
});

/** A viewer without a page: it draws nothing and notes how often it would. */
function viewer(ask) {
  const made = Object.create(ViewerImage.prototype);
  const parts = { words: {} };
  const still = { draw: () => (made.drawn += 1), drawTools() {}, parts, image: {} };
  const shelf = new ViewerShelf(ask);
  const fields = { viewed: null, read: null, grey: null, asNetwork: false, isAsking: false };
  return Object.assign(made, still, fields, { shelf, drawn: 0 });
}

const view = (original) => ({ network: `n${original}`, original, alt: "" });

test("the file's own window is asked for without numbers", () => {
  assert.equal(viewerAddress("/o/3.png", null), "/o/3.png");
  assert.equal(viewerAddress("/o/3.png", { centre: 40, span: 80 }), "/o/3.png?centre=40&width=80");
});

test("the sliders of a window give that window back", () => {
  for (const [facts, grey] of [
    [CT, { centre: -600, span: 1600 }],
    [PHOTO, { centre: 127.5, span: 255 }],
    [PHOTO, { centre: 64, span: 127.5 }],
  ]) {
    const [first, second] = viewerControls(facts, grey);
    const again = viewerSpan(facts, first.value, second.value);
    assert.ok(Math.abs(again.centre - grey.centre) < 1);
    assert.ok(Math.abs(again.span - grey.span) < 1);
    assert.ok(first.min <= first.value && first.value <= first.max);
    assert.ok(second.min <= second.value && second.value <= second.max);
  }
});

test("brighter and with more contrast means a lower and a narrower window", () => {
  const usual = viewerSpan(PHOTO, 0, 0);
  assert.deepEqual(usual, { centre: 127.5, span: 255 });
  assert.ok(viewerSpan(PHOTO, 50, 0).centre < usual.centre);
  assert.ok(viewerSpan(PHOTO, 0, 50).span < usual.span);
});

test("a drag moves a control within its range", () => {
  const level = { title: "", min: -100, max: 100, step: 1, value: 0 };
  assert.equal(viewerDragged(level, 150), 50);
  assert.equal(viewerDragged(level, -150), -50);
  assert.equal(viewerDragged(level, 9999), 100);
});

test("an original is asked for once, and the longest unused is let go", async () => {
  const asked = [];
  const shelf = new ViewerShelf(async (address) => {
    asked.push(address);
    return answer(CT);
  });
  const [one, two] = await Promise.all([shelf.read("/0"), shelf.read("/0")]);
  assert.equal(one, two);
  assert.deepEqual(one.facts, CT);
  for (let n = 1; n <= VIEWER_KEPT; n += 1) await shelf.read(`/${n}`);
  assert.equal(shelf.kept.size, VIEWER_KEPT);
  assert.equal(asked.length, VIEWER_KEPT + 1);
  await shelf.read(`/${VIEWER_KEPT}`);
  assert.equal(asked.length, VIEWER_KEPT + 1);
});

test("an original that is gone is told in the server's words, and asked for again", async () => {
  let status = 404;
  const shelf = new ViewerShelf(async () => answer(CT, { ok: status === 200, status }));
  assert.match((await shelf.read("/0")).trouble, /is gone/);
  status = 500;
  assert.equal((await shelf.read("/0")).trouble, VIEWER_LOST);
  status = 200;
  assert.equal((await shelf.read("/0")).trouble, "");
});

test("a server that does not answer is told in a sentence", async () => {
  const shelf = new ViewerShelf(async () => {
    throw new TypeError("Failed to fetch");
  });
  assert.equal((await shelf.read("/0")).trouble, VIEWER_LOST);
});

test("the answer for an image that is no longer shown is not drawn", async () => {
  const answers = [];
  const made = viewer(() => new Promise((resolve) => answers.push(resolve)));
  made.show(view("/1"));
  made.show(view("/2"));
  answers[0](answer({ ...CT, height: 1 }));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(made.read, null);
  answers[1](answer({ ...CT, height: 2 }));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(made.read.facts.height, 2);
});

test("while a window is dragged only the latest is asked for", async () => {
  const asked = [];
  const made = viewer(async (address) => {
    asked.push(address);
    await new Promise((resolve) => setTimeout(resolve, 2));
    return answer(CT);
  });
  made.show(view("/1"));
  for (let span = 100; span < 140; span += 1) made.see({ centre: 0, span });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(asked, ["/1", "/1?centre=0&width=139"]);
});

test("another image begins with its own window", () => {
  const made = viewer(async () => answer(CT));
  made.show(view("/1"));
  made.see({ centre: 0, span: 5 });
  made.show(view("/1"));
  assert.deepEqual(made.grey, { centre: 0, span: 5 });
  made.show(view("/2"));
  assert.equal(made.grey, null);
});
