import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf, nextMark, timeAt } from "../../stateviz/playing/page/clock.js";
import { choiceKeys } from "../../stateviz/playing/page/controls.js";

// Ten frames of 100 ms.
const begin = Float64Array.from({ length: 11 }, (_, frame) => 100 * frame);
const start = { time: 200, at: 1000, rate: 1 };

test("the scene's time follows the time, and play ends when the last frame begins", () => {
  assert.deepEqual(timeAt(start, 1250, begin, false), { time: 450, over: false });
  assert.deepEqual(timeAt(start, 1699, begin, false), { time: 899, over: false });
  assert.deepEqual(timeAt(start, 1700, begin, false), { time: 900, over: true });
  assert.deepEqual(timeAt(start, 99999, begin, false), { time: 900, over: true });
});

test("a time before the click shows no frame before the first", () => {
  assert.deepEqual(timeAt(start, 990, begin, false), { time: 200, over: false });
});

test("the speed is scene's time in a time", () => {
  assert.equal(timeAt({ ...start, rate: 2 }, 1100, begin, false).time, 400);
});

test("in a loop the first frame comes after the last has stood", () => {
  assert.deepEqual(timeAt(start, 1750, begin, true), { time: 950, over: false });
  assert.deepEqual(timeAt(start, 1810, begin, true), { time: 10, over: false });
});

test("two choices that differ in the page alone are one scene", () => {
  const scene = { options: { layer: ["a", "b"], unit: ["0", "1"] }, in_page: "unit" };
  assert.equal(keyOf(scene, { layer: 0, unit: 0 }), keyOf(scene, { layer: 0, unit: 1 }));
  assert.notEqual(keyOf(scene, { layer: 0, unit: 0 }), keyOf(scene, { layer: 1, unit: 0 }));
});

test("marks are found in either direction, in any order", () => {
  /** @type {[number, string, string][]} */
  const marks = [
    [8, "c", ""],
    [0, "a", "carried"],
    [4, "b", ""],
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
