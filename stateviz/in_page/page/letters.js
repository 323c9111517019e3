// A text that is typed, and what a model holds while it reads it.

import { largest, softmax } from "./net.js";
import {
  choice,
  hint,
  Picture,
  pushButton,
  reachable,
  stateChoice,
  tick,
  withOwn,
} from "./panel.js";
import { chainOf, read } from "./reading.js";
import { arcs, Columns, html, strip, svg, threads } from "./strip.js";

/** @import { Net, Row } from "./net.js" */
/** @import { Step, Window } from "./reading.js" */

const TYPE = "Type. Click over a border to reset there. Click a letter to see what it hangs on.";
const MOST_TOKENS = 480;
const MOST_BACK = 48; // tokens before the framed one that are tried
const WRITTEN = 40;
const Y = { label: 54, sure: 104, text: 110, back: 196, area: 210, threads: 326, end: 416 };
const percent = (/** @type {number} */ part) => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
/** @param {string} token */
const shown = (token) => ({ "\n": "↵", " ": "␣" })[token] ?? token;

/** The words of what the page reads. */
export class Vocabulary {
  /** @param {string[]} tokens @param {boolean} oneHot */
  constructor(tokens, oneHot) {
    this.tokens = tokens;
    this.oneHot = oneHot;
    this.numbers = new Map(tokens.map((token, number) => [token, number]));
    this.letters = tokens.every((token) => [...token].length === 1);
  }

  /** @param {string} text */
  read(text) {
    const parts = this.letters ? [...text] : text.split(/\s+/);
    const known = parts.map((part) => this.numbers.get(part)).filter((n) => n !== undefined);
    return known.slice(0, MOST_TOKENS);
  }

  /** @param {number[]} numbers */
  write(numbers) {
    return numbers.map((number) => this.tokens[number]).join(this.letters ? "" : " ");
  }

  /** @param {number} number @returns {Row} */
  input(number) {
    if (!this.oneHot) return Float32Array.of(number);
    const row = new Float32Array(this.tokens.length);
    row[number] = 1;
    return row;
  }
}

/**
 * How probable a token would have been, had the state been zeros 1, 2, ... tokens before it.
 * @param {Net} net
 * @param {Row[]} inputs those of its chain, the last first
 * @param {(output: Row) => number} probability
 */
export function fromZeros(net, inputs, probability) {
  return inputs.slice(0, MOST_BACK).map((_, back) => {
    let states = net.zeros();
    /** @type {Row} */
    let output = new Float32Array();
    for (let n = back; n >= 0; n--) ({ states, output } = net.step(states, inputs[n]));
    return probability(output);
  });
}

export class Letters {
  /** @param {HTMLElement} root @param {Net} net @param {any} content */
  constructor(root, net, content) {
    this.net = net;
    this.words = new Vocabulary(content.vocabulary, content.one_hot);
    const dense = net.layers.findLast(({ units }) => units);
    this.guesses = dense?.kind === "Dense" && dense.units === this.words.tokens.length;
    this.softmax = net.layers.some(({ activation }) => activation === "softmax");
    const { T, B, stateful } = content;
    const kind = net.recurrent[0].kind;
    const name = kind === "LSTM" ? "c" : "h";
    /** @type {any} */
    this.chosen = { T, B, stateful, layer: 0, name, unit: 0, resets: new Set(), about: -1 };
    this.tokens = this.words.read(this.words.write(content.tokens));
    this.text = html("textarea", { "aria-label": "The text that it reads", rows: 2 });
    this.text.value = this.words.write(this.tokens);
    this.program = html("code");
    this.readout = html("p", { role: "status" });
    this.next = html("p", { class: "stateviz-next" });
    this.picture = new Picture("The states while it reads the text");
    this.writing = 0;
    /** @type {Step[]} */
    this.steps = [];
    this.columns = new Columns(0, T, 1, 1);
    this.text.addEventListener("input", () => this.typed());
    root.append(hint(TYPE), this.text, this.choices(), this.program, this.picture.root, this.next);
    root.append(this.readout);
    this.picture.svg.addEventListener("click", (event) => this.clicked(event));
    this.chosen.about = this.cutMost();
    this.paint();
  }

  choices() {
    const { chosen } = this;
    const set = (/** @type {object} */ what) => {
      Object.assign(chosen, what, { resets: new Set() });
      this.paint();
    };
    const box = html("div", { class: "stateviz-live-choices" });
    box.append(
      tick("stateful=True", chosen.stateful, (stateful) => set({ stateful })),
      choice("timesteps", withOwn([1, 4, 8, 16, 32], chosen.T), chosen.T, (T) => set({ T })),
      choice("batch_size", [1, 2, 3, 4], chosen.B, (B) => set({ B })),
      stateChoice(this.net, chosen, () => this.paint()),
    );
    if (this.guesses) box.append(pushButton("Write on", () => this.write()));
    return box;
  }

  /** The token that loses most if the state is not carried over the borders; -1 if none does. */
  cutMost() {
    const inputs = this.tokens.map((token) => this.words.input(token));
    const [kept, cut] = [true, false].map(
      (stateful) => read(this.net, inputs, { ...this.chosen, stateful }).steps,
    );
    const lost = this.tokens.map((token, t) => {
      const [one, other] = [kept, cut].map((steps) => steps[t - 1]?.output);
      return one ? this.probability(one, token) - this.probability(other, token) : 0;
    });
    return this.guesses ? lost.indexOf(Math.max(...lost)) || -1 : -1;
  }

  typed() {
    clearTimeout(this.writing);
    this.tokens = this.words.read(this.text.value);
    this.chosen.about = -1;
    this.paint();
    const { text, picture } = this;
    if (text.selectionEnd === text.value.length) picture.seen.scrollLeft = picture.seen.scrollWidth;
  }

  /** Adds what it holds for most probable, token after token. */
  write(left = WRITTEN) {
    clearTimeout(this.writing);
    const { output } = this.steps.at(-1) ?? { output: null };
    if (!left || !output || this.tokens.length >= MOST_TOKENS || !this.text.isConnected) return;
    this.text.value = this.words.write([...this.tokens, output.indexOf(largest(output))]);
    this.typed();
    this.writing = window.setTimeout(() => this.write(left - 1), 70);
  }

  /** @param {Event} event */
  clicked(event) {
    if (!(event instanceof MouseEvent) || !this.tokens.length) return;
    const { left, top } = this.picture.svg.getBoundingClientRect();
    if (event.clientY - top < Y.label) return; // the borders have their own buttons
    this.frame(this.columns.at(event.clientX - left, this.tokens.length));
  }

  /** @param {number} at the token to frame */
  frame(at) {
    this.chosen.about = Math.min(Math.max(at, 0), this.tokens.length - 1);
    this.paint();
  }

  /** @param {Row} output @param {number} token */
  probability(output, token) {
    return (this.softmax ? output : softmax(output))[token];
  }

  paint() {
    const { net, chosen, tokens, words } = this;
    const inputs = tokens.map((token) => words.input(token));
    const { steps, windows } = read(net, inputs, chosen);
    this.steps = steps;
    const longest = words.letters ? 1 : Math.max(1, ...words.tokens.map(({ length }) => length));
    const wide = Math.min(18 + 7 * (longest - 1), 90);
    this.columns = new Columns(tokens.length, chosen.T, wide, chosen.T * wide > 90 ? 18 : 8);
    const about = chosen.about < 0 ? tokens.length - 1 : chosen.about;
    const parts = [this.borders(windows), ...this.states(steps, windows)];
    parts.push(this.letterRow(about), ...this.sureness(steps));
    const told = this.back(steps, windows, inputs, about, parts);
    /** @type {[number, string][]} */
    const titles = [[Y.text + 13, words.letters ? "letter" : "token"]];
    if (this.guesses) titles.push([Y.sure - 22, "how sure of it"], [Y.back - 24, "if zeros here"]);
    titles.push([Y.area + 52, `${chosen.name} of unit ${chosen.unit}`]);
    titles.push([Y.threads + 45, "all units"]);
    this.picture.show(this.columns.right + 12, Y.end, titles, parts);
    this.tell(steps, windows, told);
  }

  /** @param {Step[]} steps @param {Window[]} windows */
  states(steps, windows) {
    const { layer, name, unit } = this.chosen;
    const { units } = this.net.recurrent[layer];
    const value = (/** @type {number} */ t, u = unit) => steps[t].states[layer][name][u];
    const initial = (/** @type {number} */ k, u = unit) => windows[k].initial[layer][name][u];
    const shared = { windows, columns: this.columns, value, initial };
    const own = Math.max(0.05, ...steps.map((_, t) => Math.abs(value(t))));
    const all = largest(steps.map(({ states }) => largest(states[layer][name].map(Math.abs))));
    return [
      strip({ ...shared, limit: own, top: Y.area, height: 104 }),
      threads({ ...shared, limit: all, top: Y.threads, height: 90, unit, units }),
    ];
  }

  /** What each window begins with; before a batch of a stateful layer is a button that resets. */
  borders(/** @type {Window[]} */ windows) {
    const { columns } = this;
    const { T, B, stateful } = this.chosen;
    const group = svg("g", {}, arcs(windows, columns, Y.label));
    const room = T * columns.wide + columns.gap;
    for (const { start, batch, row, origin, from } of windows) {
      const x = columns.x(start);
      const short = from === null ? "0" : "";
      const long =
        B > 1 && room > 110 ? `batch ${batch}, row ${row}` : from === null ? "zeros" : "carried";
      const words = room > 70 ? long : short;
      const place = { x: x + 2, y: B > 1 ? 12 : Y.label - 8 };
      group.append(svg("text", { ...place, class: `stateviz-word stateviz-${origin}` }, words));
      if (!stateful || batch === 0 || row) continue;
      const box = svg("rect", { x: x - columns.gap, y: 0, width: room - 2, height: Y.label });
      group.append(this.resetButton(box, batch));
    }
    return group;
  }

  /** @param {SVGElement} box @param {number} batch */
  resetButton(box, batch) {
    const { resets } = this.chosen;
    const change = () => {
      if (!resets.delete(batch)) resets.add(batch);
      this.paint();
    };
    const label = `reset_state() before batch ${batch}`;
    const pressed = String(resets.has(batch));
    const attributes = { role: "button", "aria-pressed": pressed, "aria-label": label };
    box.append(svg("title", {}, `${label}: ${resets.has(batch) ? "take it back" : "click"}`));
    box.addEventListener("click", change);
    return reachable(box, `reset ${batch}`, attributes, { Enter: change, " ": change });
  }

  /** @param {number} about */
  letterRow(about) {
    const { columns, tokens, words } = this;
    const group = svg("g", { class: "stateviz-letters" });
    tokens.forEach((token, t) => {
      const place = { x: columns.x(t) + columns.wide / 2, y: Y.text + 18 };
      group.append(svg("text", place, shown(words.tokens[token])));
    });
    if (about < 0) return group;
    const frame = { x: columns.x(about), y: Y.text, width: columns.wide, height: 26 };
    const move = (/** @type {number} */ by) => () => this.frame(about + by);
    const keys = { ArrowLeft: move(-1), ArrowRight: move(1), Home: move(-about) };
    const slider = {
      role: "slider",
      "aria-label": "The framed token",
      "aria-valuemin": 0,
      "aria-valuemax": tokens.length - 1,
      "aria-valuenow": about,
      "aria-valuetext": `${words.tokens[tokens[about]]}, number ${about}`,
    };
    const rect = svg("rect", { ...frame, class: "stateviz-frame" });
    group.append(reachable(rect, "framed", slider, keys));
    return group;
  }

  /** @param {Step[]} steps */
  sureness(steps) {
    if (!this.guesses) return [];
    return steps.slice(1).map((_, t) => {
      const high = 46 * this.probability(steps[t].output, this.tokens[t + 1]);
      const bar = { x: this.columns.x(t + 1) + 2, width: this.columns.wide - 4 };
      return svg("rect", { ...bar, y: Y.sure - high, height: high, class: "stateviz-bar" });
    });
  }

  /**
   * What the framed token hangs on: how sure the model were, with zeros at each token before it.
   * @param {Step[]} steps @param {Window[]} windows @param {Row[]} inputs
   * @param {number} about @param {Node[]} parts
   */
  back(steps, windows, inputs, about, parts) {
    if (!this.guesses || about < 1) return "";
    const [{ T }, token] = [this.chosen, this.tokens[about]];
    const probability = (/** @type {Row} */ output) => this.probability(output, token);
    const chain = chainOf(windows, about - 1, T);
    const ofChain = chain.map((t) => inputs[t]);
    const found = fromZeros(this.net, ofChain, probability);
    const own = windows[Math.floor((about - 1) / T)].start;
    found.forEach((part, back) => {
      const t = chain[back];
      const inside = t >= own && t < about;
      const bar = { x: this.columns.x(t) + 2.5, width: this.columns.wide - 5 };
      const className = `stateviz-back${inside ? "" : " stateviz-outside"}`;
      const place = { y: Y.back - 46 * part, height: Math.max(46 * part, 1) };
      parts.push(svg("rect", { ...bar, ...place, class: className }));
    });
    const full = probability(steps[about - 1].output);
    const needed = found.findIndex((part) => Math.abs(part - full) <= 0.1 * full) + 1;
    const outside = chain.slice(0, needed).filter((t) => t < own || t >= about).length;
    const name = shown(this.words.tokens[token]);
    const all =
      `The framed “${name}” got ${percent(full)}; from a state that knows the one before it ` +
      `alone, ${percent(found[0])}.`;
    if (!needed || full < 0.1) return all;
    const border = outside
      ? `${outside} of them beyond the border: the state brings them, no gradient goes there.`
      : "all in its window.";
    return `${all} Enough for that: the last ${needed}, ${border}`;
  }

  /** @param {Step[]} steps @param {Window[]} windows @param {string} words */
  tell(steps, windows, words) {
    const { T, B, stateful, resets } = this.chosen;
    const whole = Math.floor(this.tokens.length / (T * B)) * B;
    const shape = this.words.oneHot
      ? `${whole}, ${T}, ${this.words.tokens.length}`
      : `${whole}, ${T}`;
    const { kind, units } = this.net.recurrent[0];
    const left = this.tokens.length - whole * T;
    const notes = [...resets].sort((a, b) => a - b).map((b) => `reset_state() before batch ${b}`);
    if (left) notes.push(`the last ${left} wait for a full batch`);
    this.program.textContent =
      `${kind}(${units}, stateful=${stateful ? "True" : "False"})   X.shape == (${shape})   ` +
      `model.predict(X, batch_size=${B})${notes.length ? `   # ${notes.join(", ")}` : ""}`;
    const zeros = windows.filter(({ from }) => from === null).length;
    const counts = `${windows.length} windows: ${zeros} from zeros, ${windows.length - zeros} carried.`;
    let mean = "";
    if (this.guesses && steps.length > 1) {
      const sure = steps
        .slice(1)
        .map((_, t) => this.probability(steps[t].output, this.tokens[t + 1]));
      mean = ` On average it gave what came next ${percent(sure.reduce((a, b) => a + b, 0) / sure.length)}.`;
    }
    this.readout.textContent = `${counts}${mean} ${words}`;
    this.next.replaceChildren(...this.following(steps));
  }

  /** @param {Step[]} steps */
  following(steps) {
    if (!this.guesses || !steps.length) return [];
    const { output } = steps[steps.length - 1];
    const found = this.words.tokens.map((token, at) => ({
      token,
      part: this.probability(output, at),
    }));
    const best = found.sort((a, b) => b.part - a.part).slice(0, 5);
    return [
      html("span", {}, "What comes next? "),
      ...best.map(({ token, part }) => {
        const style = `--part: ${percent(part).replace(" ", "")}`;
        return html("span", { class: "stateviz-guess", style }, `${shown(token)} ${percent(part)}`);
      }),
    ];
  }
}
