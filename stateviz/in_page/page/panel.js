// What the three scenes share: choices that read as a sentence, a picture that keeps its focus.

import { html, svg } from "./strip.js";

/**
 * @template Value
 * @param {string} label
 * @param {readonly Value[]} options
 * @param {Value} chosen
 * @param {(value: Value) => void} act
 * @param {(value: Value) => string} text
 */
export function choice(label, options, chosen, act, text = String) {
  const all = options.map((each, at) => html("option", { value: at }, text(each)));
  const select = html("select", { "aria-label": label || "state" }, ...all);
  select.value = String(options.indexOf(chosen));
  select.addEventListener("change", () => act(options[Number(select.value)]));
  return html("label", {}, label, select);
}

/**
 * @param {string} label
 * @param {boolean} chosen
 * @param {(value: boolean) => void} act
 */
export function tick(label, chosen, act) {
  const box = html("input", { type: "checkbox" });
  box.checked = chosen;
  box.addEventListener("change", () => act(box.checked));
  return html("label", {}, box, label);
}

/** What can be done here. @param {string} words */
export const hint = (words) => html("p", {}, words);

/** @param {string} label @param {() => void} act */
export function pushButton(label, act) {
  const made = html("button", { type: "button" }, label);
  made.addEventListener("click", act);
  return made;
}

/** Some whole numbers and one's own, in order. @param {number[]} offered @param {number} own */
export function withOwn(offered, own) {
  return [...new Set([...offered, own])].sort((a, b) => a - b);
}

/**
 * Which state is drawn: h or c, of which unit of which layer.
 * @param {import("./net.js").Net} net @param {any} chosen @param {() => void} changed
 */
export function stateChoice({ recurrent }, chosen, changed) {
  const all = recurrent.flatMap(({ kind, units }, layer) =>
    (kind === "LSTM" ? ["c", "h"] : ["h"]).flatMap((name) =>
      Array.from({ length: units }, (_, unit) => ({ layer, name, unit })),
    ),
  );
  const { layer, name, unit } = chosen;
  const own = all.findIndex((at) => at.layer === layer && at.name === name && at.unit === unit);
  const where = (/** @type {number} */ at) =>
    recurrent.length > 1 ? ` in ${recurrent[at].name}` : "";
  const take = (/** @type {object} */ state) => {
    Object.assign(chosen, state);
    changed();
  };
  return choice("", all, all[own], take, (at) => `${at.name} of unit ${at.unit}${where(at.layer)}`);
}

/** A picture with titles beside it that stay where it is moved along. */
export class Picture {
  /** @param {string} label */
  constructor(label) {
    this.svg = svg("svg", { role: "group", "aria-label": label });
    this.titles = html("div", { class: "stateviz-titles", "aria-hidden": "true" });
    this.seen = html("div", { class: "stateviz-seen" }, this.svg);
    this.root = html("div", { class: "stateviz-live-picture" }, this.titles, this.seen);
  }

  /** The room for columns, in pixels. */
  get room() {
    return this.seen.clientWidth || 800;
  }

  /**
   * @param {number} width
   * @param {number} height
   * @param {[number, string][]} titles the middle of each, and its words
   * @param {Node[]} parts
   */
  show(width, height, titles, parts) {
    const focused = this.svg.contains(document.activeElement) ? document.activeElement : null;
    const key = focused?.getAttribute("data-key");
    for (const [name, value] of Object.entries({ width, height })) {
      this.svg.setAttribute(name, String(Math.ceil(value)));
    }
    this.svg.replaceChildren(...parts);
    const lines = titles.map(([y, text]) => html("span", { style: `top: ${y}px` }, text));
    this.titles.replaceChildren(...lines);
    const again = key && this.svg.querySelector(`[data-key="${key}"]`);
    if (again instanceof SVGElement) again.focus({ preventScroll: true });
  }
}

/**
 * Something on a picture that a keyboard can reach.
 * @param {Element} made
 * @param {string} key
 * @param {Record<string, string | number>} attributes
 * @param {Record<string, () => void>} keys what each key does
 */
export function reachable(made, key, attributes, keys) {
  const all = { tabindex: 0, "data-key": key, ...attributes };
  for (const [name, value] of Object.entries(all)) made.setAttribute(name, String(value));
  made.addEventListener("keydown", (event) => {
    const act = event instanceof KeyboardEvent && keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  return made;
}

/** Puts off what is asked to the next frame, once. @param {() => void} act */
export function eachFrame(act) {
  let waiting = 0;
  return () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(act);
  };
}
