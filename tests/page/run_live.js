// Runs models as the page does, for tests/test_live.py: jobs as JSON on stdin, results on stdout.
// The folder of the modules is the argument, so that a test can break a copy of them.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
/** @param {string} name */
const load = (name) => import(new URL(name, folder).href);
const { decoded, Net } = await load("net.js");
const { agreement, read } = await load("reading.js");
const { farFit } = await load("training.js");
const { Fit } = await load("fit.js");

/** @type {Record<string, (job: any, net: any) => any>} */
const WORK = {
  agreement: ({ content }, net) => agreement(net, content.proof),
  fit: ({ content }, net) => farFit(net, content),
  read: ({ inputs, width, T, B, stateful, resets }, net) => {
    const all = decoded(inputs);
    const rows = Array.from({ length: all.length / width }, (_, t) =>
      all.subarray(t * width, (t + 1) * width),
    );
    const { steps, windows } = read(net, rows, { T, B, stateful, resets: new Set(resets) });
    return {
      h: steps.map((/** @type {any} */ { states }) => [...states[0].h]),
      origins: windows.map((/** @type {any} */ { origin }) => origin),
      sources: windows.map((/** @type {any} */ { from }) => from),
    };
  },
  epochs: ({ content, weights, stateful, epochs, B, T }) => {
    const { X, y, samples } = content.train;
    const shape = { units: content.layers[0].units, features: content.features, B, T, stateful };
    const fit = new Fit(weights.map(decoded), shape);
    const [x, wanted, wide] = [decoded(X), decoded(y), B * T * content.features];
    const losses = Array.from({ length: epochs }, () => {
      let loss = 0;
      for (let n = 0; n * B < samples; n++) {
        const rows = wanted.subarray(n * B, (n + 1) * B);
        loss += (fit.trainOnBatch(x.subarray(n * wide, (n + 1) * wide), rows) * B) / samples;
      }
      return loss;
    });
    return { losses, weights: fit.weights.map((/** @type {any} */ weight) => [...weight]) };
  },
};

const jobs = JSON.parse(readFileSync(0, "utf-8"));
const results = jobs.map((/** @type {any} */ job) =>
  WORK[job.work](job, new Net(job.content.layers)),
);
console.log(JSON.stringify(results));
