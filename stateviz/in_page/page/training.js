// The same fit twice, from the same first weights: stateless and stateful, batch after batch.

import { Fit } from "./fit.js";
import { decoded, largest } from "./net.js";
import { choice, hint, Picture, pushButton, tick, withOwn } from "./panel.js";
import { Columns, html, strip, svg } from "./strip.js";

/** @import { Net, Row } from "./net.js" */
/** @typedef {{ began: Row, held: Row[], first: boolean }} Batch */
/** @typedef {{ fit: Fit, stateful: boolean, batches: Batch[], losses: number[], sum: number }} Run */

const TWICE = "The same fit twice, from the same first weights. Each line is a row of the batch.";
const LANES = 8;
const ROW = { high: 22, top: 22, next: 226 };
const FRAME_MS = 25;
const LOSS = { wide: 320, high: 110 };

/** @param {Net} net @returns {Row[]} */
const weightsOf = ({ layers }) =>
  layers.flatMap(({ kernel, recurrent, bias }) =>
    recurrent ? [kernel, recurrent, bias] : [kernel, bias],
  );

/**
 * How far the weights are from those that Keras had after a fit of some batches.
 * @param {Net} net @param {any} content
 */
export function farFit(net, { train, features }) {
  const { B, T, stateful, after } = train.proof;
  const [X, y] = [decoded(train.proof.X), decoded(train.proof.y)];
  const units = net.recurrent[0].units;
  const fit = new Fit(weightsOf(net), { units, features, B, T, stateful });
  const wide = B * T * features;
  for (let n = 0; n * B < y.length; n++) {
    fit.trainOnBatch(X.subarray(n * wide, (n + 1) * wide), y.subarray(n * B, (n + 1) * B));
  }
  const far = after.flatMap((/** @type {string} */ kept, /** @type {number} */ at) =>
    Array.from(decoded(kept), (value, k) => Math.abs(value - fit.weights[at][k])),
  );
  return far.some(Number.isNaN) ? Infinity : largest(far);
}

export class Training {
  /** @param {HTMLElement} root @param {Net} net @param {any} content */
  constructor(root, net, { train, T, features }) {
    this.weights = weightsOf(net);
    this.units = net.recurrent[0].units;
    this.train = train;
    this.features = features;
    this.samples = train.samples;
    this.chosen = { B: train.B, T, unit: 0, shuffle: false, reset: false };
    this.playing = 0;
    this.done = 0;
    /** @type {number[]} */
    this.order = [];
    /** @type {Run[]} */
    this.runs = [];
    this.data = { X: decoded(train.X), y: decoded(train.y) };
    this.program = html("code");
    this.readout = html("p", { role: "status" });
    this.picture = new Picture("The cell state in each batch of the epoch");
    this.losses = svg("svg", { viewBox: `0 0 ${LOSS.wide + 140} ${LOSS.high + 32}` });
    root.append(hint(TWICE), this.choices(), this.program, this.picture.root);
    root.append(this.losses, this.readout);
    this.begin();
    new ResizeObserver(() => this.paint()).observe(this.picture.seen);
  }

  choices() {
    const { chosen, samples, units } = this;
    const again = (/** @type {object} */ what) => {
      Object.assign(chosen, what);
      this.begin();
    };
    const sizes = withOwn([50, 100, 200, 500], chosen.B).filter((B) => samples % B === 0);
    const box = html("div", { class: "stateviz-live-choices" });
    box.append(choice("batch_size", sizes, chosen.B, (B) => again({ B })));
    const all = Array.from({ length: units }, (_, u) => u);
    box.append(
      choice("state c of unit", all, 0, (unit) => {
        chosen.unit = unit;
        this.paint();
      }),
      tick("shuffle", false, (shuffle) => Object.assign(chosen, { shuffle })),
      tick("reset_state each epoch", false, (reset) => Object.assign(chosen, { reset })),
      pushButton("One batch", () => this.play(1)),
      pushButton("One epoch", () => this.play(samples / chosen.B)),
      pushButton("50 epochs", () => this.play((50 * samples) / chosen.B)),
      pushButton("Begin again", () => this.begin()),
    );
    return box;
  }

  /** From the first weights on; the first epoch is trained at once, so that there is a picture. */
  begin() {
    const { B, T } = this.chosen;
    const shape = { units: this.units, features: this.features, B, T };
    this.runs = [false, true].map((stateful) => ({
      fit: new Fit(this.weights, { ...shape, stateful }),
      stateful,
      batches: [],
      losses: [],
      sum: 0,
    }));
    this.done = 0;
    this.playing++;
    for (let n = 0; n < this.samples / B; n++) this.step();
    this.paint();
  }

  step() {
    const { B, T, shuffle, reset } = this.chosen;
    const many = this.samples / B;
    const batch = this.done % many;
    if (batch === 0) this.order = Array.from({ length: this.samples }, (_, n) => n);
    if (batch === 0 && shuffle) mix(this.order);
    const wide = T * this.features;
    const [x, y] = [new Float32Array(B * wide), new Float32Array(B)];
    this.order.slice(batch * B, (batch + 1) * B).forEach((sample, row) => {
      x.set(this.data.X.subarray(sample * wide, (sample + 1) * wide), row * wide);
      y[row] = this.data.y[sample];
    });
    for (const run of this.runs) {
      if (batch === 0) {
        Object.assign(run, { batches: [], sum: 0 });
        if (reset) run.fit.reset();
      }
      const first = !run.stateful || this.done === 0 || (batch === 0 && reset);
      const began = run.stateful ? run.fit.c : new Float32Array(B * this.units);
      run.sum += run.fit.trainOnBatch(x, y) / many;
      run.batches.push({ began, held: run.fit.held, first });
      if (batch === many - 1) run.losses.push(run.sum);
    }
    this.done++;
  }

  /** Trains some batches, as many a frame as there is time for. @param {number} batches */
  play(batches) {
    const until = this.done + batches;
    const own = ++this.playing;
    const go = () => {
      if (own !== this.playing || !this.picture.root.isConnected) return;
      const began = performance.now();
      while (this.done < until && performance.now() - began < FRAME_MS) this.step();
      this.paint();
      if (this.done < until) requestAnimationFrame(go);
    };
    go();
  }

  paint() {
    const { B, T, unit } = this.chosen;
    const room = this.picture.room;
    const most = Math.max(1, Math.floor(room / (2.5 * T + 16)));
    const many = Math.min(this.runs[0].batches.length, most);
    const wide = Math.min(Math.max(2.5, (room - 16 * (many + 1)) / (many * T)), 24);
    const columns = new Columns(many * T, T, wide, 16);
    /** @type {Node[]} */
    const parts = [];
    /** @type {[number, string][]} */
    const titles = [];
    this.runs.forEach((run, n) => {
      const top = ROW.top + n * ROW.next;
      titles.push([top + 60, `stateful=${run.stateful ? "True" : "False"}`]);
      titles.push([top + 110, `${Math.min(LANES, B)} of ${B} rows`]);
      parts.push(...this.card(run, run.batches.slice(-many), columns, top, unit));
    });
    this.picture.show(columns.right + 8, 2 * ROW.next, titles, parts);
    this.tell(many);
  }

  /**
   * @param {Run} run @param {Batch[]} batches @param {Columns} columns
   * @param {number} top @param {number} unit
   */
  card(run, batches, columns, top, unit) {
    const { T, B } = this.chosen;
    /** @type {Node[]} */
    const parts = [];
    /** @type {import("./strip.js").Shown["windows"]} */
    const windows = batches.map(({ first }, k) => ({
      start: k * T,
      end: (k + 1) * T,
      batch: k,
      from: first ? null : k - 1,
      origin: first ? (run.stateful ? "reset" : "fresh") : "carried",
    }));
    const shown = Math.min(LANES, B);
    const sizes = Array.from({ length: shown }, (_, lane) =>
      batches.map(({ held }) =>
        Math.max(...held.map((c) => Math.abs(c[lane * this.units + unit]))),
      ),
    );
    const limit = Math.max(1e-3, ...sizes.flat());
    for (let lane = 0; lane < shown; lane++) {
      const at = lane * this.units + unit;
      const value = (/** @type {number} */ t) => batches[Math.floor(t / T)].held[t % T][at];
      const initial = (/** @type {number} */ k) => batches[k].began[at];
      const place = { top: top + lane * (ROW.high + 2), height: ROW.high };
      parts.push(strip({ windows, columns, value, initial, limit, ...place }));
    }
    if (T * columns.wide < 46) return parts;
    for (const { start, origin } of windows) {
      const place = { x: columns.x(start), y: top - 6, class: `stateviz-word stateviz-${origin}` };
      parts.push(svg("text", place, origin === "carried" ? origin : "zeros"));
    }
    return parts;
  }

  /** @param {number} shown */
  tell(shown) {
    const { B, T, shuffle } = this.chosen;
    const many = this.samples / B;
    const epoch = Math.ceil(this.done / many) - 1;
    this.program.textContent =
      `LSTM(${this.units}, stateful=...)   X.shape == (${this.samples}, ${T}, ${this.features})   ` +
      `fit(X, y, batch_size=${B}, shuffle=${shuffle ? "True" : "False"})`;
    const zeros = this.runs.map(({ batches }) => batches.filter(({ first }) => first).length);
    const losses = this.runs.map((run) => run.losses.at(-1)?.toFixed(4) ?? "none yet");
    const part = shown < this.runs[0].batches.length ? ` (the last ${shown} are shown)` : "";
    this.readout.textContent =
      `Epoch ${epoch}: ${this.runs[0].batches.length} of ${many} batches${part}. Stateless: ` +
      `${zeros[0]} from zeros, loss ${losses[0]}. Stateful: ${zeros[1]} from zeros, loss ${losses[1]}.`;
    this.drawLosses();
  }

  drawLosses() {
    const all = this.runs.flatMap(({ losses }) => losses);
    const [high, low] = [1.1 * Math.max(...all, 1e-12), Math.max(Math.min(...all), 1e-12) / 1.1];
    const many = Math.max(this.runs[0].losses.length, 10);
    const x = (/** @type {number} */ n) => (LOSS.wide * (n + 1)) / many;
    const y = (/** @type {number} */ loss) =>
      24 + (LOSS.high * Math.log(high / loss)) / Math.log(high / low);
    const parts = [svg("text", { x: 0, y: 12 }, "loss of each epoch, on a log axis")];
    parts.push(svg("path", { d: `M0 20V${LOSS.high + 26}H${LOSS.wide}`, class: "stateviz-zero" }));
    this.runs.forEach(({ losses, stateful }, n) => {
      if (!losses.length) return;
      const look = { class: `stateviz-${stateful ? "carried" : "fresh"}` };
      const d = losses.map((loss, epoch) => `${epoch ? "L" : "M"}${x(epoch)} ${y(loss)}`).join("");
      const at = losses.length - 1;
      parts.push(svg("path", { d, ...look }));
      parts.push(svg("circle", { cx: x(at), cy: y(losses[at]), r: 3, ...look }));
      const key = { x: LOSS.wide + 10, y: 40 + 20 * n, class: `stateviz-word ${look.class}` };
      const words = `${stateful ? "stateful" : "stateless"} ${losses[at].toFixed(4)}`;
      parts.push(svg("text", key, words));
    });
    this.losses.replaceChildren(...parts);
  }
}

/** Fisher and Yates. @param {number[]} order */
function mix(order) {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
}
