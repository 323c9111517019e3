import assert from "node:assert/strict";
import { test } from "node:test";
import {
  beginnings,
  isBetween,
  nextStop,
  onTheWay,
  placeAt,
  stillOf,
  stopsAway,
} from "../../stateviz/playing/page/motion.js";
import { moved } from "../../stateviz/playing/page/painting.js";

// Two frames of motion, two stops, three of motion, a stop.
const scene = { n_frames: 8, stops: [2, 3, 7], between_ms: 10 };
const plain = { n_frames: 4, stops: [0, 1, 2, 3], between_ms: 0 };

test("stops stand for the interval, and motion as long as the scene says", () => {
  assert.deepEqual([...beginnings(scene, 100)], [0, 10, 20, 120, 220, 230, 240, 250, 350]);
  assert.deepEqual([...beginnings(plain, 5)], [0, 5, 10, 15, 20]);
});

test("a time has its frame, and how much of it has passed", () => {
  const begin = beginnings(scene, 100);
  assert.deepEqual(placeAt(begin, 0), { frame: 0, part: 0 });
  assert.deepEqual(placeAt(begin, 15), { frame: 1, part: 0.5 });
  assert.deepEqual(placeAt(begin, 220), { frame: 4, part: 0 });
  assert.deepEqual(placeAt(begin, 999), { frame: 7, part: 0 });
  assert.deepEqual(placeAt(begin, -1), { frame: 0, part: 0 });
});

test("steps go from stop to stop", () => {
  assert.deepEqual(
    [0, 2, 3, 5, 7].map((frame) => nextStop(scene, frame, 1)),
    [2, 3, 7, 7, 7],
  );
  assert.deepEqual(
    [7, 5, 3, 2].map((frame) => nextStop(scene, frame, -1)),
    [3, 3, 2, 2],
  );
  assert.equal(nextStop(plain, 3, 1), 3);
  assert.equal(stopsAway(scene, 0, 2), 3);
  assert.equal(stopsAway(scene, 7, -10), 2);
  assert.deepEqual(
    [0, 2, 4, 7].map((frame) => isBetween(scene, frame)),
    [true, false, true, false],
  );
  assert.equal(isBetween(plain, 1), false);
});

test("the middle of a motion stands for it", () => {
  assert.deepEqual(
    [0, 1, 2, 4, 6].map((frame) => stillOf(scene, frame)),
    [1, 1, 2, 5, 5],
  );
});

test("what moves is drawn on its way, and all else as it is", () => {
  const [one, next] = [
    { box: [0, 0, 2, 4], face: "red", width: 1 },
    { box: [10, 0, 2, 8], face: "blue", width: 3 },
  ];
  assert.deepEqual(moved(one, next, 0.25, ["box"]), { box: [2.5, 0, 2, 5], face: "red", width: 1 });
  assert.equal(moved(one, next, 0, ["box"]), one);
  assert.equal(moved(one, null, 0.5, ["box"]), one);
  assert.deepEqual(onTheWay([[0, 1]], [[4, 3]], 0.5), [[2, 2]]);
});
