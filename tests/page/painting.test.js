import assert from "node:assert/strict";
import { test } from "node:test";
import { meanColors, touched } from "../../stateviz/playing/page/painting.js";

const palette = new Uint32Array(256);
new Uint8Array(palette.buffer).set([100, 0, 0, 255, 0, 50, 0, 255]); // levels 0 and 1

test("one value is one pixel where there is room", () => {
  const colors = meanColors(Uint8Array.of(0, 1, 255), [1, 3], palette, { width: 3, height: 1 });
  assert.deepEqual([...colors], [100, 0, 0, 255, 0, 50, 0, 255, 0, 0, 0, 0]);
});

test("a pixel of several values has their mean colour, and the empty ones do not count", () => {
  const levels = Uint8Array.of(0, 1, 255, 1);
  const colors = meanColors(levels, [4, 1], palette, { width: 1, height: 2 });
  assert.deepEqual([...colors], [50, 25, 0, 255, 0, 50, 0, 255]);
});

test("equal images at two places look equal", () => {
  const levels = Uint8Array.from({ length: 200 }, (_, lane) => (lane * 7) % 2);
  const twice = new Uint8Array(400);
  twice.set(levels);
  twice.set(levels, 200);
  const colors = meanColors(twice, [400, 1], palette, { width: 1, height: 60 });
  assert.deepEqual(colors.slice(0, 120), colors.slice(120));
});

test("all values are touched, and pixels in order", () => {
  const places = [0, 1, 2].map((at) => touched(at, 3, 7));
  assert.deepEqual(places, [
    [0, 3],
    [2, 5],
    [4, 7],
  ]);
});
