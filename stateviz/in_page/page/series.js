// A series that is dragged: what one changed value does to the states, stateless and stateful.

import { decoded } from "./net.js";
import {
  choice,
  eachFrame,
  hint,
  Picture,
  pushButton,
  reachable,
  stateChoice,
  withOwn,
} from "./panel.js";
import { read } from "./reading.js";
import { arcs, Columns, html, strip, svg, threads } from "./strip.js";

/** @import { Net, Row } from "./net.js" */
/** @import { Step, Window } from "./reading.js" */
/** @typedef {{ stateful: boolean, windows: Window[], now: Step[], was: Step[] }} Run */

const DRAG =
  "Drag a value up or down. Below stands how much the states differ from what they were.";
const LEAST = 9; // pixels a timestep
const SIZE = { top: 14, chart: 150, area: 84, threads: 44, next: 190 };
const SEEN = 0.01; // of the largest change
const AT_FIRST = 0.27; // where the change is that a page begins with

export class Series {
  /** @param {HTMLElement} root @param {Net} net @param {any} content */
  constructor(root, net, content) {
    this.net = net;
    this.features = content.features;
    this.base = decoded(content.series);
    this.values = this.base.slice();
    this.length = this.base.length / this.features;
    const { T, B } = content;
    const name = net.recurrent[0].kind === "LSTM" ? "c" : "h";
    /** @type {any} */
    this.chosen = { T, B, feature: 0, at: 0, layer: 0, name, unit: 0 };
    this.program = html("code");
    this.readout = html("p", { role: "status" });
    this.picture = new Picture("The series, and what a change of it does to the states");
    const { svg: drawn } = this.picture;
    drawn.addEventListener("pointerdown", (event) => this.grab(event));
    drawn.addEventListener("pointermove", (event) => this.drag(event));
    drawn.addEventListener("lostpointercapture", () => {
      this.held = false;
    });
    this.held = false;
    this.low = 0;
    this.high = 1;
    this.columns = new Columns(0, T, 1, 1);
    this.soon = eachFrame(() => this.paint());
    this.findScale();
    this.throwAt(Math.min(Math.floor(AT_FIRST * this.length), this.length - 1));
    root.append(hint(DRAG), this.choices(), this.program, this.picture.root, this.readout);
    new ResizeObserver(() => this.soon()).observe(this.picture.seen);
    this.paint();
  }

  choices() {
    const { chosen } = this;
    const set = (/** @type {object} */ what) => {
      Object.assign(chosen, what);
      this.findScale();
      this.paint();
    };
    const box = html("div", { class: "stateviz-live-choices" });
    const timesteps = withOwn([1, 5, 10, 20], chosen.T);
    box.append(
      choice("timesteps", timesteps, chosen.T, (T) => set({ T })),
      choice("batch_size", [1, 2, 3], chosen.B, (B) => set({ B })),
      stateChoice(this.net, chosen, () => this.paint()),
    );
    if (this.features > 1) {
      const all = Array.from({ length: this.features }, (_, at) => at);
      box.append(choice("drag feature", all, 0, (feature) => set({ feature })));
    }
    const back = pushButton("As it was", () => {
      this.values = this.base.slice();
      this.paint();
    });
    box.append(back);
    return box;
  }

  /** The range of the chart, from the series as it was. */
  findScale() {
    const own = Array.from({ length: this.length }, (_, t) => this.base[this.place(t)]);
    const [low, high] = [Math.min(...own), Math.max(...own)];
    const margin = 0.6 * (high - low || 1);
    this.low = low - margin;
    this.high = high + margin;
  }

  /** Begins with a change, so that the first picture shows one; and with the unit that keeps it. */
  throwAt(/** @type {number} */ t) {
    this.chosen.at = t;
    this.values[this.place(t)] = this.high - 0.1 * (this.high - this.low);
    const [, run] = this.runs();
    const later = Math.min(t + this.chosen.T, this.length - 1);
    const { units } = this.net.recurrent[0];
    const kept = Array.from({ length: units }, (_, unit) => this.changes(run, unit)[later]);
    this.chosen.unit = kept.indexOf(Math.max(...kept));
  }

  /** @param {number} t */
  place(t) {
    return t * this.features + this.chosen.feature;
  }

  /** @param {number} value */
  y(value) {
    return SIZE.top + SIZE.chart * (1 - (value - this.low) / (this.high - this.low));
  }

  /** @param {PointerEvent} event */
  grab(event) {
    const { left, top } = this.picture.svg.getBoundingClientRect();
    if (event.clientY - top > SIZE.top + SIZE.chart + 20) return;
    this.chosen.at = this.columns.at(event.clientX - left, this.length);
    this.held = true;
    this.picture.svg.setPointerCapture(event.pointerId);
    this.drag(event);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.held) return;
    const share =
      (event.clientY - this.picture.svg.getBoundingClientRect().top - SIZE.top) / SIZE.chart;
    this.set(this.high - share * (this.high - this.low));
  }

  /** @param {number} value */
  set(value) {
    this.values[this.place(this.chosen.at)] = Math.min(Math.max(value, this.low), this.high);
    this.soon();
  }

  /** @returns {Run[]} stateless and stateful, with the change and without */
  runs() {
    const { T, B } = this.chosen;
    const rows = (/** @type {Row} */ values) =>
      Array.from({ length: this.length }, (_, t) =>
        values.subarray(t * this.features, (t + 1) * this.features),
      );
    return [false, true].map((stateful) => {
      const cut = { T, B, stateful, resets: new Set() };
      const { steps: now, windows } = read(this.net, rows(this.values), cut);
      return { stateful, windows, now, was: read(this.net, rows(this.base), cut).steps };
    });
  }

  paint() {
    const { chosen, length } = this;
    const gap = chosen.T > 3 ? 14 : 6;
    const room = this.picture.room - gap * (Math.ceil(length / chosen.T) + 1) - 4;
    this.columns = new Columns(length, chosen.T, Math.max(LEAST, room / length), gap);
    const runs = this.runs();
    const limit = Math.max(1e-9, ...runs.flatMap((run) => this.changes(run)));
    const own = Math.max(1e-9, ...runs.flatMap((run) => this.changes(run, chosen.unit)));
    const parts = this.chart(runs[1]);
    /** @type {[number, string][]} */
    const titles = [[SIZE.top + SIZE.chart / 2, "drag a value"]];
    runs.forEach((run, n) => {
      const top = SIZE.top + SIZE.chart + 46 + n * SIZE.next;
      titles.push([top + SIZE.area / 2, `stateful=${run.stateful ? "True" : "False"}`]);
      titles.push([top + SIZE.area + 8 + SIZE.threads / 2, "all units"]);
      parts.push(...this.difference(run, top, { own, all: limit }));
    });
    const height = SIZE.top + SIZE.chart + 46 + 2 * SIZE.next - 36;
    this.picture.show(this.columns.right + 4, height, titles, parts);
    this.tell(runs, limit);
  }

  /** The change of a unit after each timestep, or of the one that changes most. @param {Run} run */
  changes({ now, was }, /** @type {number | null} */ unit = null) {
    const { layer, name } = this.chosen;
    return now.map(({ states }, t) => {
      const far = states[layer][name].map((value, u) =>
        Math.abs(value - was[t].states[layer][name][u]),
      );
      return unit === null ? Math.max(...far) : far[unit];
    });
  }

  /** @param {Run} run @param {number} top @param {{ own: number, all: number }} limits */
  difference({ windows, now, was }, top, limits) {
    const { layer, name, unit, B, T } = this.chosen;
    const value = (/** @type {number} */ t, u = unit) =>
      now[t].states[layer][name][u] - was[t].states[layer][name][u];
    const initial = (/** @type {number} */ k, u = unit) => {
      const { from } = windows[k];
      return from === null ? 0 : value(windows[from].end - 1, u);
    };
    const shared = { windows, columns: this.columns, value, initial };
    const { units } = this.net.recurrent[layer];
    const group = svg("g", {}, arcs(windows, this.columns, top - 2));
    windows.forEach(({ start, origin, from }) => {
      if (B > 1 && from !== null) return;
      if (T * this.columns.wide < 50) return;
      const place = { x: this.columns.x(start) + 3, y: top - 5 };
      const word = from === null ? "zeros" : "carried";
      group.append(svg("text", { ...place, class: `stateviz-word stateviz-${origin}` }, word));
    });
    const place = { limit: limits.all, top: top + SIZE.area + 8, height: SIZE.threads };
    const area = strip({ ...shared, limit: limits.own, top, height: SIZE.area });
    return [group, area, threads({ ...shared, ...place, unit, units })];
  }

  /** @param {Run} run */
  chart({ now }) {
    const { columns, chosen, length } = this;
    const x = (/** @type {number} */ t) => columns.x(t) + columns.wide / 2;
    const path = (/** @type {(t: number) => number} */ value) =>
      Array.from({ length }, (_, t) => `${t ? "L" : "M"}${x(t)} ${this.y(value(t))}`).join("");
    const parts = [
      svg("path", { d: path((t) => this.base[this.place(t)]), class: "stateviz-was" }),
    ];
    const dense = this.net.layers.findLast(({ units }) => units);
    if (dense?.kind === "Dense" && dense.units === this.features) {
      // The guess after a timestep is of the next one.
      const d = now
        .slice(0, -1)
        .map(({ output }, t) => `${t ? "L" : "M"}${x(t + 1)} ${this.y(output[chosen.feature])}`);
      parts.push(svg("path", { d: d.join(""), class: "stateviz-guessed" }));
    }
    for (let t = 0; t < length; t++) {
      const value = this.values[this.place(t)];
      const changed = value !== this.base[this.place(t)];
      const at = { cx: x(t), cy: this.y(value), r: changed ? 6 : 3 };
      parts.push(svg("circle", { ...at, class: changed ? "stateviz-changed" : "stateviz-dot" }));
    }
    return [...parts, this.handle(x(chosen.at))];
  }

  /** What a pointer drags, and arrow keys move. @param {number} x */
  handle(x) {
    const { chosen } = this;
    const value = this.values[this.place(chosen.at)];
    const step = (this.high - this.low) / 20;
    const move = (/** @type {number} */ by) => () => {
      chosen.at = Math.min(Math.max(chosen.at + by, 0), this.length - 1);
      this.soon();
    };
    const keys = {
      ArrowLeft: move(-1),
      ArrowRight: move(1),
      ArrowUp: () => this.set(value + step),
      ArrowDown: () => this.set(value - step),
      Delete: () => this.set(this.base[this.place(chosen.at)]),
    };
    const slider = {
      role: "slider",
      "aria-label": "The value at a timestep: left and right choose it, up and down change it",
      "aria-valuemin": this.low.toFixed(2),
      "aria-valuemax": this.high.toFixed(2),
      "aria-valuenow": value.toFixed(2),
      "aria-valuetext": `timestep ${chosen.at}: ${value.toFixed(2)}`,
    };
    const place = { x: x - 8, y: this.y(value) - 8, width: 16, height: 16, rx: 8 };
    return reachable(svg("rect", { ...place, class: "stateviz-handle" }), "value", slider, keys);
  }

  /** @param {Run[]} runs @param {number} limit */
  tell(runs, limit) {
    const { T, B, name } = this.chosen;
    const rows = Math.floor(this.length / (T * B)) * B;
    const { kind, units } = this.net.recurrent[0];
    this.program.textContent =
      `${kind}(${units}, stateful=...)   X.shape == (${rows}, ${T}, ${this.features})   ` +
      `model.predict(X, batch_size=${B})`;
    const changed = [...this.values].filter((value, at) => value !== this.base[at]).length;
    const lasts = runs.map((run) => this.changes(run).filter((far) => far > SEEN * limit).length);
    this.readout.textContent = changed
      ? `${changed === 1 ? "One value was" : `${changed} values were`} changed. More than ` +
        `1 % of the change is seen in ${name} after ${lasts[0]} timesteps if the layer is ` +
        `stateless: never in another window. Stateful: after ${lasts[1]}.`
      : "Nothing is changed. Drag a value up or down.";
  }
}
