import assert from "node:assert/strict";
import { test } from "node:test";
import {
  filledIn,
  imageAt,
  laneAt,
  laneCount,
  litWords,
  pickAt,
  wordsAt,
} from "../../stateviz/playing/page/pointing.js";

/** @import { ImageState, Scene } from "../../stateviz/playing/page/payload.js" */

test("a format is filled in with rounded places and fixed values", () => {
  const values = { x: 3.2, y: 1, value: -0.005 };
  assert.equal(
    filledIn("timestep {x}, unit {y}: {value:.3f}", values),
    "timestep 3, unit 1: -0.005",
  );
  assert.equal(filledIn("layer {foo}: {value:.0f}", { ...values, value: 2 }), "layer {foo}: 2");
});

/** @type {ImageState} */
const state = {
  corners: [
    [10, 20],
    [30, 60],
  ],
  shape: [2, 4],
  pixels: 0,
  columns: 3,
  opacity: 1,
};
const track = {
  images: [Uint8Array.of(0, 127, 254, 255, 10, 20, 30, 40)],
  extent: /** @type {[number, number, number, number]} */ ([-0.5, 3.5, 1.5, -0.5]),
  limits: /** @type {[number, number]} */ ([-1, 1]),
  scales: /** @type {number[]} */ ([]),
  chart: /** @type {"areas" | "threads"} */ ("areas"),
};

test("the value of an image under the pointer", () => {
  assert.deepEqual(imageAt(track, state, 17, 30), { x: 1, y: 0, value: 0 });
  assert.equal(imageAt(track, state, 12, 59)?.y, 1);
});

test("there is no value outside of an image, nor where it is not filled yet", () => {
  assert.equal(imageAt(track, state, 9, 30), null);
  assert.equal(imageAt(track, state, 30, 30), null);
  assert.equal(imageAt(track, state, 29, 50), null);
});

test("a mirrored image is read from the right", () => {
  /** @type {ImageState} */
  const mirrored = { ...state, corners: [state.corners[1], state.corners[0]] };
  assert.equal(imageAt(track, mirrored, 29, 59)?.value, -1 + 1 / 255);
});

test("among threads the nearest one is under the pointer", () => {
  const threads = { ...track, chart: /** @type {"threads"} */ ("threads") };
  assert.equal(imageAt(threads, state, 12, 59.9)?.y, 0); // level 0, at the bottom
  assert.equal(imageAt(threads, state, 12, 50)?.y, 1); // level 10 is nearer
  assert.equal(imageAt(threads, state, 22, 22)?.y, 0);
  assert.equal(imageAt(threads, state, 22, 55)?.y, 1);
});

test("a click chooses by its place along an axis, inside of the box only", () => {
  const scene = {
    stops: [0, 1, 2],
    options: { unit: ["0", "1", "2"] },
    picks: [
      {
        choice: "unit",
        axis: /** @type {"y"} */ ("y"),
        start: -0.5,
        box: /** @type {[number, number, number, number]} */ ([0, 0, 100, 30]),
        limits: /** @type {[number, number]} */ ([-0.5, 2.5]),
      },
    ],
  };
  assert.deepEqual(pickAt(scene, 50, 15), { choice: "unit", option: 1 });
  assert.deepEqual(pickAt(scene, 50, 29), { choice: "unit", option: 2 });
  assert.equal(pickAt(scene, 50, 31), null);
  assert.equal(pickAt({ ...scene, options: { unit: ["0"] } }, 50, 29), null);
});

test("braces in a name stay, and rows have their own names", () => {
  const values = { x: 2, y: 1, value: 0.5 };
  assert.equal(filledIn("c{{x}}, unit {y}", values), "c{x}, unit 1");
  assert.equal(filledIn("{{foo:.2f}} {value:.2f}", values), "{foo:.2f} 0.50");
  assert.equal(filledIn("unit {y}", values, ["3", "7"]), "unit 7");
});

test("the lane under the pointer, by its place in the first of the images that have lanes", () => {
  const lanes = { kind: "image", lanes: true, hover: "sample {y}: {value:.2f}", rows: ["4", "7"] };
  const shown = { ...lanes, states: [state], frames: [[0, 0]] };
  const other = { ...shown, lanes: false, states: [{ ...state, shape: [9, 4] }] };
  const scene = /** @type {Pick<Scene, "tracks">} */ (
    /** @type {unknown} */ ({ tracks: [other, shown] })
  );
  const at = { frame: 0, option: 0 };
  assert.equal(laneCount(scene), 2);
  assert.equal(laneAt(scene, at, 12, 21), 0);
  // Also where the image is not filled yet.
  assert.equal(laneAt(scene, at, 29, 59), 1);
  assert.equal(laneAt(scene, at, 31, 59), null);
  assert.equal(litWords(scene, 1).trim(), "(sample 7 is lit)");
});

test("a thread is found in a gap too, where another image has it", () => {
  const threads = {
    kind: "image",
    lanes: true,
    chart: "threads",
    states: [state],
    frames: [[0, 0]],
  };
  const images = [Uint8Array.of(9, 255, 9, 9, 90, 255, 90, 90)];
  const gap = [Uint8Array.of(255, 9, 255, 255, 255, 90, 255, 255)];
  const scene = /** @type {Pick<Scene, "tracks">} */ (
    /** @type {unknown} */ ({
      tracks: [
        { ...threads, images },
        { ...threads, images: gap },
      ],
    })
  );
  assert.equal(laneAt(scene, { frame: 0, option: 0 }, 17, 59), 0); // the lower level
  assert.equal(laneAt(scene, { frame: 0, option: 0 }, 17, 21), 1);
});

test("a place has words of its own", () => {
  const scene = /** @type {Scene} */ (
    /** @type {unknown} */ ({ tracks: [], notes: [[[10, 5, 100, 12], "all of a long name"]] })
  );
  const at = { frame: 0, option: 0 };
  assert.equal(wordsAt(scene, at, 20, 10), "all of a long name");
  assert.equal(wordsAt(scene, at, 20, 18), "");
  assert.equal(wordsAt({ ...scene, notes: [] }, at, 20, 10), "");
});
