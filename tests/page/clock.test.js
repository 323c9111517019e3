import assert from "node:assert/strict";
import { test } from "node:test";
import { frameAt, keyOf, nextMark } from "../../stateviz/playing/page/clock.js";
import { choiceKeys } from "../../stateviz/playing/page/controls.js";

const start = { frame: 2, at: 1000, rate: 1 / 100 };

test("the frame follows the time, and play ends at the last", () => {
  assert.deepEqual(frameAt(start, 1250, 9, false), { frame: 4, over: false });
  assert.deepEqual(frameAt(start, 1699, 9, false), { frame: 8, over: false });
  assert.deepEqual(frameAt(start, 1700, 9, false), { frame: 9, over: true });
  assert.deepEqual(frameAt(start, 99999, 9, false), { frame: 9, over: true });
});

test("a time before the click shows no frame before the first", () => {
  assert.deepEqual(frameAt(start, 990, 9, false), { frame: 2, over: false });
});

test("in a loop the first frame comes after the last", () => {
  assert.deepEqual(frameAt(start, 1700, 9, true), { frame: 9, over: false });
  assert.deepEqual(frameAt(start, 1800, 9, true), { frame: 0, over: false });
});

test("two choices that differ in the page alone are one scene", () => {
  const scene = { options: { layer: ["a", "b"], unit: ["0", "1"] }, in_page: "unit" };
  assert.equal(keyOf(scene, { layer: 0, unit: 0 }), keyOf(scene, { layer: 0, unit: 1 }));
  assert.notEqual(keyOf(scene, { layer: 0, unit: 0 }), keyOf(scene, { layer: 1, unit: 0 }));
});

test("marks are found in either direction, in any order", () => {
  /** @type {[number, string][]} */
  const marks = [
    [8, "c"],
    [0, "a"],
    [4, "b"],
  ];
  assert.equal(nextMark(marks, 4, 1), 8);
  assert.equal(nextMark(marks, 4, -1), 0);
  assert.equal(nextMark(marks, 8, 1), undefined);
  assert.equal(nextMark(marks, 0, -1), undefined);
});

test("each choice has a letter of its own, and f stays with the screen", () => {
  const options = { layer: ["a", "b"], line: ["a", "b"], fold: ["a", "b"], unit: ["0"] };
  assert.deepEqual(
    choiceKeys(options, () => true),
    { l: "layer", i: "line", o: "fold" },
  );
  assert.deepEqual(
    choiceKeys(options, (name) => name === "fold"),
    { o: "fold" },
  );
});
