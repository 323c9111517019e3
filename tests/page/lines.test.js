// @ts-nocheck: a context that notes what is drawn is no whole one
import assert from "node:assert/strict";
import { test } from "node:test";
import { paintLine } from "../../stateviz/playing/page/lines.js";

/** Notes what is drawn on it. */
class Noting {
  /** @type {[string, number, number][]} */
  path = [];
  /** @type {string[]} */
  done = [];
  beginPath() {
    this.path = [];
  }
  moveTo(x, y) {
    this.path.push(["move", x, y]);
  }
  lineTo(x, y) {
    this.path.push(["line", x, y]);
  }
  closePath() {}
  setLineDash() {}
  stroke() {
    this.done.push(`stroke ${this.strokeStyle} ${this.path.length}`);
  }
  fill() {
    this.done.push(`fill ${this.fillStyle} ${this.path.length}`);
  }
}

const state = {
  line: 0,
  points: 3,
  color: "ink 1",
  width: 2,
  dash: [],
  marker_color: "",
  marker_edge: "",
  marker_width: 0,
};
const lines = [[[0, 0], null, [2, 2], [3, 3], [4, 4]]];

function painted(look = {}, marker = null) {
  const context = new Noting();
  paintLine(context, { lines, marker }, { ...state, ...look }, (color) => `css ${color}`);
  return context;
}

test("a line is interrupted where a point is missing, and ends where it is shown to", () => {
  const context = painted();
  assert.deepEqual(context.path, [
    ["move", 0, 0],
    ["move", 2, 2],
  ]);
  assert.deepEqual(context.done, ["stroke css ink 1 2"]);
});

test("a hollow marker is filled with the ground and has an edge", () => {
  const look = { width: 0, marker_color: "ground 1", marker_edge: "reset 1", marker_width: 2 };
  const context = painted(look, [
    [-1, -1],
    [1, 1],
  ]);
  assert.deepEqual(context.done, ["fill css ground 1 4", "stroke css reset 1 4"]);
});
