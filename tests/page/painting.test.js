import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestRow, shareOf } from "../../stateviz/playing/page/charts.js";
import { moved } from "../../stateviz/playing/page/painting.js";

test("zero stands on the zero line, and both ends of the scale at the ends of a lane", () => {
  assert.equal(shareOf(127), 0);
  assert.equal(shareOf(254), 1);
  assert.equal(shareOf(0), -1);
});

test("the nearest thread is found, and none where a column is empty", () => {
  const track = { images: [Uint8Array.of(0, 255, 254, 255, 127, 255)] };
  const state = /** @type {any} */ ({ pixels: 0, shape: [3, 2] });
  assert.equal(nearestRow(track, state, 0, 0.05), 1);
  assert.equal(nearestRow(track, state, 0, 0.55), 2);
  assert.equal(nearestRow(track, state, 0, 0.95), 0);
  assert.equal(nearestRow(track, state, 1, 0.5), null);
});

test("places ease to the next frame, and nothing else does", () => {
  const one = { box: [0, 0, 10, 10], face: "red" };
  const next = { box: [10, 0, 20, 10], face: "blue" };
  assert.deepEqual(moved(one, next, 0.5, ["box"]), { box: [5, 0, 15, 10], face: "red" });
  assert.equal(moved(one, one, 0.5, ["box"]), one);
  assert.equal(moved(one, null, 0.5, ["box"]), one);
});
