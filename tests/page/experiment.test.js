import assert from "node:assert/strict";
import { test } from "node:test";
import { choicesAt, linesOf, placeOf } from "../../stateviz/course/page/experiment.js";
import { joined, left } from "../../stateviz/course/page/stepping.js";

/** @type {[string, string[]][]} */
const offers = [
  ["stateful", ["False", "True"]],
  ["epochs", ["1", "2", "3"]],
];

test("the last choice goes fastest, as in Python's product", () => {
  assert.equal(placeOf(offers, [1, 2]), 5);
  assert.deepEqual(choicesAt(offers, 4), ["stateful=True", "epochs=2"]);
  for (let place = 0; place < 6; place++) {
    const chosen = [Math.floor(place / 3), place % 3];
    assert.equal(placeOf(offers, chosen), place);
  }
});

test("lines that another choice changed are new, empty ones never", () => {
  assert.deepEqual(linesOf("a\n\nb\n", "a\nc\n"), [
    ["a", false],
    ["", false],
    ["b", true],
  ]);
});

const played = { payload: "", interval_ms: 100, n_frames: 5 };

/** @param {string[]} heard @param {any} member @param {string} name */
function listening(heard, member, name) {
  for (const trait of ["playing", "frame"]) {
    member.model.on(`change:${trait}`, () => heard.push(`${name} ${member.model.get(trait)}`));
  }
}

test("what one plays, the others of its group play; none hears itself", () => {
  const group = {};
  const [a, b] = [joined(group, "a", played), joined(group, "b", played)];
  /** @type {string[]} */
  const heard = [];
  listening(heard, a, "a");
  listening(heard, b, "b");
  // As a clock does that hears it: it says so too.
  b.model.on("change:playing", () => b.model.set("playing", true));
  a.model.set("playing", true);
  a.model.set("playing", true);
  a.model.set("frame", 3);
  assert.deepEqual(heard, ["b true", "b 3"]);
  left(group, b);
  a.model.set("frame", 4);
  assert.equal(heard.length, 2);
});

test("another group, and a player of another length, hear nothing", () => {
  const group = {};
  const a = joined(group, "a", played);
  const others = [joined({}, "b", played), joined(group, "c", { ...played, n_frames: 6 })];
  /** @type {string[]} */
  const heard = [];
  for (const other of others) listening(heard, other, "other");
  a.model.set("playing", true);
  assert.deepEqual(heard, []);
});
