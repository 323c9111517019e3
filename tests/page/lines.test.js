// @ts-nocheck: stand-ins for a canvas
import assert from "node:assert/strict";
import { test } from "node:test";
import { lengthTo, paintLine, pixelBox } from "../../stateviz/playing/page/lines.js";

/** Notes the points of each stroke and of each marker, and what was painted on what. */
class Noting {
  constructor(width, height) {
    this.canvas = Object.assign(this, { width, height, getContext: () => this });
    this.points = [];
    this.markers = 0;
    this.fresh = 0;
  }
  beginPath() {
    this.path = [];
  }
  moveTo(...point) {
    this.path.push(point);
  }
  lineTo(...point) {
    this.path.push(point);
  }
  stroke() {
    this.points.push(...this.path);
    this.fresh = this.path.length;
    this.offset = this.lineDashOffset;
  }
  fill() {
    this.markers += this.path.length;
  }
  drawImage(picture, x, y) {
    this.picture = picture;
    this.corner = [x, y];
  }
  save() {}
  restore() {}
  setLineDash() {}
  setTransform(...matrix) {
    this.matrix = matrix;
  }
}

const points = Array.from({ length: 1000 }, (_, x) => [x, 0]);
const how = { css: (color) => color, scale: 2 };

function painted(track, shown, look = {}) {
  const context = new Noting(300, 200);
  const state = { line: 0, color: "red", width: 1, dash: [], marker_color: "red", points: shown };
  paintLine(context, track, { ...state, ...look }, how);
  return context;
}

function longLine() {
  globalThis.OffscreenCanvas = class {
    constructor(width, height) {
      this.context = new Noting(width, height);
      this.context.canvas = this;
    }
    getContext() {
      return this.context;
    }
  };
  return { lines: [points], marker: [[0, 0]], clip: [1, 2, 100, 50] };
}

test("each part of a long line is painted once, whatever was painted before", () => {
  const track = longLine();
  for (const shown of [3, 200, 999, 400, 1000]) {
    const context = painted(track, shown);
    const before = context.picture?.context.points.map(([x]) => x) ?? [];
    const all = [...before, ...context.points.map(([x]) => x)];
    assert.deepEqual(
      [...new Set(all)],
      Array.from({ length: shown }, (_, x) => x),
    );
    assert.equal((context.picture?.context.markers ?? 0) + context.markers, shown);
  }
});

test("what is painted anew at a frame does not grow with the line", () => {
  const track = longLine();
  for (let shown = 1; shown <= 1000; shown++) {
    assert.ok(painted(track, shown).fresh <= 129);
  }
});

test("another look is another picture", () => {
  const track = longLine();
  const red = painted(track, 500).picture;
  assert.equal(painted(track, 501).picture, red);
  assert.notEqual(painted(track, 501, { color: "blue" }).picture, red);
});

test("the picture has the clip's pixels and stands there", () => {
  const { picture, corner } = painted(longLine(), 500);
  assert.deepEqual(
    [picture.context.matrix.slice(4), corner],
    [
      [-2, -4],
      [2, 4],
    ],
  );
  assert.deepEqual(pixelBox([0.3, 0.3, 1, 0], 2), [0, 0, 3, 1]);
});

test("dashes go on where the line before ended, and begin again after a gap", () => {
  assert.equal(painted(longLine(), 500, { dash: [3, 2] }).offset, 383);
  const line = [[0, 0], [3, 4], null, [5, 5], [5, 7]];
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((at) => lengthTo(line, at)),
    [0, 5, 0, 0, 2],
  );
});
