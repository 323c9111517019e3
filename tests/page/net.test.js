import assert from "node:assert/strict";
import { test } from "node:test";
import { largest, softmax } from "../../stateviz/in_page/page/net.js";

test("the largest of more numbers than a stack holds", () => {
  const many = new Float32Array(1_000_000).fill(-2000);
  many[777_777] = 5;
  assert.throws(() => Math.max(...many), RangeError);
  assert.equal(largest(many), 5);
  assert.equal(softmax(many).indexOf(1), 777_777);
  assert.equal(largest([]), -Infinity);
});
