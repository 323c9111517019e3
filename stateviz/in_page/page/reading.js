// A long sequence read window by window, as Keras reads the rows of batches.

import { decoded } from "./net.js";

/** @import { Net, Row, State } from "./net.js" */
/** @typedef {"carried" | "fresh" | "reset"} Origin */
/**
 * @typedef {object} Step
 * @property {State[]} states after it
 * @property {Row} output
 * @property {number} window
 */
/**
 * @typedef {object} Window One row of one batch.
 * @property {number} start its first timestep of the sequence
 * @property {number} end after its last
 * @property {number} batch
 * @property {number} row
 * @property {number | null} from the window that left its first state; null if it is zeros
 * @property {Origin} origin
 * @property {State[]} initial
 */
/** @typedef {{ T: number, B: number, stateful: boolean, resets: Set<number> }} Cut */

/**
 * Window k is row k % B of batch floor(k / B); a stateful layer's goes on where window k - B ended.
 * @param {Net} net
 * @param {Row[]} inputs
 * @param {Cut} cut `resets` are the batches before which the states are reset
 */
export function read(net, inputs, { T, B, stateful, resets }) {
  /** @type {Step[]} */
  const steps = [];
  /** @type {Window[]} */
  const windows = [];
  /** @type {State[][]} */
  const ends = [];
  for (let k = 0; k * T < inputs.length; k++) {
    const [batch, start] = [Math.floor(k / B), k * T];
    const end = Math.min(start + T, inputs.length);
    const goesOn = stateful && batch > 0 && !resets.has(batch);
    const initial = goesOn ? ends[k - B] : net.zeros();
    const origin = goesOn ? "carried" : stateful ? "reset" : "fresh";
    const from = goesOn ? k - B : null;
    windows.push({ start, end, batch, row: k % B, from, origin, initial });
    ends[k] = initial;
    for (let t = start; t < end; t++) {
      const { states, output } = net.step(ends[k], inputs[t]);
      steps.push({ states, output, window: k });
      ends[k] = states;
    }
  }
  return { steps, windows };
}

/**
 * The timesteps whose states came to this one, the last first: back in its window, and on in the
 * windows that handed their state over.
 * @param {Window[]} windows
 * @param {number} at
 * @param {number} T
 */
export function chainOf(windows, at, T) {
  /** @type {number[]} */
  const chain = [];
  for (let k = /** @type {number | null} */ (Math.floor(at / T)), last = at; k !== null; ) {
    for (let t = last; t >= windows[k].start; t--) chain.push(t);
    k = windows[k].from;
    if (k !== null) last = windows[k].end - 1;
  }
  return chain;
}

/**
 * How far this page is from what Keras held, in the recording that came with the model.
 * @param {Net} net
 * @param {any} proof
 */
export function agreement(net, { inputs, width, T, B, stateful, states, outputs }) {
  const all = decoded(inputs);
  const rows = Array.from({ length: all.length / width }, (_, t) =>
    all.subarray(t * width, (t + 1) * width),
  );
  const { steps } = read(net, rows, { T, B, stateful, resets: new Set() });
  const far = { h: 0, c: 0, output: 0 };
  /** @param {"h" | "c" | "output"} name @param {Row} kept @param {(step: Step) => Row} mine */
  const compare = (name, kept, mine) => {
    const every = kept.length / (steps.length * mine(steps[0]).length) === 1 ? 1 : T;
    steps
      .filter((_, t) => (t + 1) % every === 0)
      .forEach((step, n) => {
        const values = mine(step);
        values.forEach((value, u) => {
          const held = kept[n * values.length + u];
          const apart = Math.abs(value - held) / Math.max(1, Math.abs(held));
          far[name] = Number.isNaN(apart) ? Infinity : Math.max(far[name], apart);
        });
      });
  };
  states.forEach((/** @type {any} */ kept, /** @type {number} */ layer) => {
    compare("h", decoded(kept.h), (step) => step.states[layer].h);
    if (kept.c) compare("c", decoded(kept.c), (step) => step.states[layer].c);
  });
  compare("output", decoded(outputs), (step) => step.output);
  return { ...far, timesteps: steps.length };
}
