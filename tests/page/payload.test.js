import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import {
  imageSizes,
  palette,
  separated,
  stateOf,
  unpacked,
} from "../../stateviz/playing/page/payload.js";

/** @import { ImageState, PackedImageTrack, Payload } from "../../stateviz/playing/page/payload.js" */

/**
 * @param {number} pixels
 * @param {number} columns
 * @returns {ImageState}
 */
const shown = (pixels, columns) => ({
  corners: [
    [0, 0],
    [3, 2],
  ],
  shape: [2, 3],
  pixels,
  columns,
  opacity: 1,
});

/** @type {PackedImageTrack} */
const image = {
  kind: "image",
  clip: null,
  hover: null,
  rows: [],
  states: [shown(1, 2), null, shown(0, 3)],
  frames: [[0, 0, 1, 1, 2, 2]],
  colors: btoa(String.fromCharCode(...Array(4 * 255).fill(7))),
  dark_colors: btoa(String.fromCharCode(...Array(4 * 255).fill(9))),
  chart: "areas",
  bold: [],
  lanes: false,
  extent: [0, 3, 2, 0],
  limits: [-1, 1],
  scales: [],
  pixels: 2,
};

/** @type {Payload} */
const payload = {
  title: "Two images",
  sentence: "",
  notes: [],
  stage: "<svg/>",
  size: [3, 2],
  n_frames: 3,
  stops: [0, 1, 2],
  poster: 0,
  begins: null,
  between_ms: 0,
  readouts: ["a", "b", "c"],
  marks: [],
  options: {},
  chosen: {},
  in_page: null,
  picks: [],
  tracks: [image],
};

/** @param {number[]} pixels */
function packed(pixels) {
  const text = new TextEncoder().encode(JSON.stringify(payload));
  const bytes = new Uint8Array(4 + text.length + pixels.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  bytes.set(pixels, 4 + text.length);
  return deflateSync(bytes);
}

test("a payload is unpacked from bytes and from base64", async () => {
  const first = [1, 2, 3, 4, 5, 6];
  const second = [1, 2, 3, 9, 9, 9];
  const bytes = packed([...first, ...second.map((level, i) => level ^ first[i])]);
  const inside = new Uint8Array(bytes.length + 8);
  inside.set(bytes, 8); // a view that does not begin with its buffer, as a widget's does
  for (const sent of [new DataView(inside.buffer, 8), bytes.toString("base64")]) {
    const scene = await unpacked(sent);
    const [track] = scene.tracks;
    assert.equal(scene.title, "Two images");
    assert.ok(track.kind === "image");
    assert.deepEqual(
      track.images.map((each) => [...each]),
      [first, second],
    );
    for (const [palette, color] of /** @type {[Uint32Array, number][]} */ ([
      [track.palettes.light, 7],
      [track.palettes.dark, 9],
    ])) {
      const bytes = new Uint8Array(palette.buffer);
      assert.deepEqual([bytes[0], bytes[4 * 255 + 3]], [color, 0]);
    }
  }
});

test("the sizes of images come from the states that show them", () => {
  assert.deepEqual(imageSizes(image), [6, 6]);
});

test("an image of another size is no difference from the one before", () => {
  const images = separated(Uint8Array.of(1, 2, 7, 8, 9, 1, 1, 1), [2, 3, 3]);
  assert.deepEqual(
    images.map((each) => [...each]),
    [
      [1, 2],
      [7, 8, 9],
      [6, 9, 8],
    ],
  );
});

test("the palette's last entry is transparent", () => {
  const colors = palette(btoa(String.fromCharCode(...Array(4 * 255).fill(200))));
  assert.equal(colors.length, 256);
  assert.equal(colors[254], 0xc8c8c8c8);
  assert.equal(colors[255], 0);
});

test("a frame shows the state that was shown last, and of its option where the track varies", () => {
  const track = { clip: null, hover: null, rows: [], states: ["a", "b", null], frames: [[0, 2]] };
  track.frames = [[0, 0, 3, 1, 4, 2, 90, 0]];
  const shown = [0, 2, 3, 4, 89, 90, 91].map((frame) => stateOf(track, { frame, option: 0 }));
  assert.deepEqual(shown, ["a", "a", "b", null, null, "a", "a"]);
  assert.equal(stateOf(track, { frame: 3, option: 1 }), "b"); // the same for every option
  track.frames.push([0, 1]);
  assert.equal(stateOf(track, { frame: 90, option: 1 }), "b");
});
