// One unit's state along a sequence, as an area on its zero line, and what becomes of it between
// two windows: a bridge or an arc (carried), rings (fresh zeros), a wall and rings (reset).

/** @import { Window } from "./reading.js" */

/**
 * @param {any} made
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
function dressed(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** @type {(name: string, attributes?: Record<string, string | number>, ...children: (Node | string)[]) => SVGElement} */
export const svg = (name, attributes = {}, ...children) =>
  dressed(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

/** @type {<Tag extends keyof HTMLElementTagNameMap>(name: Tag, attributes?: Record<string, string | number>, ...children: (Node | string)[]) => HTMLElementTagNameMap[Tag]} */
export const html = (name, attributes = {}, ...children) =>
  dressed(document.createElement(name), attributes, children);

/** Where the timesteps of a sequence are: columns, with a gap before each window. */
export class Columns {
  /** @param {number} length @param {number} T @param {number} wide @param {number} gap */
  constructor(length, T, wide, gap) {
    this.T = T;
    this.wide = wide;
    this.gap = gap;
    this.right = this.x(Math.max(length - 1, 0)) + wide;
  }

  /** @param {number} t */
  x(t) {
    return this.gap + t * this.wide + Math.floor(t / this.T) * this.gap;
  }

  /** The column at a place. @param {number} px @param {number} length */
  at(px, length) {
    const k = Math.floor((px - this.gap / 2) / (this.T * this.wide + this.gap));
    const t = Math.floor((px - this.x(k * this.T)) / this.wide);
    const inside = k * this.T + Math.min(Math.max(t, 0), this.T - 1);
    return Math.min(Math.max(inside, 0), length - 1);
  }
}

/**
 * @typedef {object} Shown
 * @property {Pick<Window, "start" | "end" | "batch" | "from" | "origin">[]} windows
 * @property {Columns} columns
 * @property {(t: number) => number} value
 * @property {(k: number) => number} initial
 * @property {number} top
 * @property {number} height
 * @property {number} limit the value at the edge
 */

/** The height of a value. @param {{ top: number, height: number, limit: number }} place */
function heightsIn({ top, height, limit }) {
  return (/** @type {number} */ value) =>
    top + (height / 2) * (1 - Math.max(-1, Math.min(1, value / limit)));
}

/** @param {Shown["windows"][number]} window @param {number} k */
const goesOn = ({ from }, k) => from !== null && from === k - 1;

/**
 * What of a window is on one side of zero; on a bridge the first state goes on.
 * @param {Shown} shown @param {Shown["windows"][number]} window @param {number} k
 * @param {number} sign
 */
function areaOf({ columns, value, initial, ...place }, window, k, sign) {
  const height = heightsIn(place);
  const y = (/** @type {number} */ v) => height(sign * Math.max(sign * v, 0));
  const left = columns.x(window.start);
  const joined = goesOn(window, k);
  let d = `M${joined ? left - columns.gap : left} ${height(0)}`;
  if (joined) d += `V${y(initial(k))}H${left}`;
  for (let t = window.start; t < window.end; t++)
    d += `V${y(value(t))}H${columns.x(t) + columns.wide}`;
  return `${d}V${height(0)}`;
}

/** One unit's area. @param {Shown} shown */
export function strip(shown) {
  const { windows, columns, top, height } = shown;
  const { gap, wide } = columns;
  const [zero, bottom] = [top + height / 2, top + height];
  const group = svg("g");
  const put = (/** @type {string} */ name, /** @type {string} */ look, /** @type {any} */ shape) =>
    group.append(svg(name, { ...shape, class: `stateviz-${look}` }));
  windows.forEach((window, k) => {
    const { start, end, from, origin } = window;
    const left = columns.x(start);
    const joined = goesOn(window, k);
    const before = joined ? left - gap : left;
    if (joined) put("rect", "bridge", { x: before, y: top - 1, width: gap, height: height + 2 });
    for (const sign of [1, -1]) {
      put("path", sign > 0 ? "above" : "below", { d: areaOf(shown, window, k, sign) });
    }
    put("path", "zero", { d: `M${left} ${zero}H${columns.x(end - 1) + wide}` });
    const rail = (/** @type {number} */ x) => `M${x} ${top - 1}V${bottom + 1}`;
    put("path", origin, { d: rail(left) + (joined ? rail(before) : "") });
    if (from !== null) return;
    if (origin === "reset" && window.batch > 0) put("path", "wall", { d: rail(left - gap / 2) });
    put("circle", origin, { cx: left, cy: zero, r: Math.min(4.5, gap / 2) });
  });
  return group;
}

/**
 * All units as lines on one axis, the chosen one in ink; broken where a state is not carried on.
 * @param {any} shown as of a strip, with `unit` and `units`; value and initial take a unit too
 */
export function threads({ windows, columns, value, initial, unit, units, ...place }) {
  const y = heightsIn(place);
  const group = svg("g");
  const line = (/** @type {number} */ u) =>
    windows.map((/** @type {Window} */ window, /** @type {number} */ k) => {
      let d = `${goesOn(window, k) ? "L" : "M"}${columns.x(window.start)} ${y(initial(k, u))}`;
      for (let t = window.start; t < window.end; t++)
        d += `L${columns.x(t) + columns.wide} ${y(value(t, u))}`;
      return d;
    });
  for (let u = 0; u < units; u++)
    group.append(svg("path", { d: line(u).join(""), class: "stateviz-thread" }));
  group.append(svg("path", { d: line(unit).join(""), class: "stateviz-thread stateviz-lit" }));
  return group;
}

/**
 * The way of a state to a window that is not the next one.
 * @param {Shown["windows"]} windows @param {Columns} columns @param {number} foot
 */
export function arcs(windows, columns, foot) {
  const group = svg("g");
  windows.forEach((window, k) => {
    if (window.from === null || window.from < 0 || goesOn(window, k)) return;
    const left = columns.x(windows[window.from].end - 1) + columns.wide;
    const right = columns.x(window.start);
    const d = `M${left} ${foot}C${left} ${foot - 40} ${right} ${foot - 40} ${right} ${foot - 4}`;
    group.append(svg("path", { d, class: "stateviz-arc" }));
    group.append(svg("path", { d: `M${right} ${foot}l-4 -8h8z`, class: "stateviz-arc-tip" }));
  });
  return group;
}
