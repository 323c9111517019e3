// The controls of a player: its buttons with their icons, its keys, and the boxes of its choices.

import { SPEEDS } from "./clock.js";

/** @import { Scene } from "./payload.js" */

export const PAGE = 10; // stops that Page Up and Page Down move by

/** @type {[string, string][]} */
const KEYS = [
  ["Space", "play or pause"],
  ["Left, Right", "previous, next step"],
  ["Page Up, Page Down", `${PAGE} steps back, on`],
  ["Home, End", "first, last frame"],
  ["f", "fill the screen; Esc leaves"],
];

const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M11 2.6 5.6 8l5.4 5.4-1.4 1.4L2.8 8l6.8-6.8z",
  on: "M5 2.6 10.4 8 5 13.4l1.4 1.4L13.2 8 6.4 1.2z",
  more: "M2 6.5h3v3H2zM6.5 6.5h3v3h-3zM11 6.5h3v3h-3z",
  play: "M4 3v10l9-5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
  markBack: "M13 3v10L8 8zM8 3v10L3 8z",
  markOn: "M3 3v10l5-5zM8 3v10l5-5z",
  present: "M2 2h5v2H4v3H2zM9 2h5v5h-2V4H9zM2 9h2v3h3v2H2zM12 9h2v5H9v-2h3z",
};
/** @typedef {keyof typeof ICONS} Icon */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} name
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** @param {Icon} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("width", "15");
  svg.setAttribute("height", "15");
  svg.setAttribute("aria-hidden", "true");
  svg.style.verticalAlign = "-2px";
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill", "currentColor");
  svg.append(path);
  return svg;
}

/**
 * @param {string} action
 * @param {Icon | ""} symbol
 * @param {string} word
 * @param {string} explained
 */
function button(action, symbol, word, explained) {
  const made = element("button", {
    type: "button",
    "data-action": action,
    "aria-label": explained,
    title: explained,
  });
  if (symbol) made.append(icon(symbol));
  if (word) made.append(element("b", { style: "font-weight:inherit" }, ` ${word}`));
  return made;
}

export function makeButtons() {
  return {
    play: button("play", "play", "Play", "Play"),
    previous: button("previous", "back", "", "Previous frame"),
    next: button("next", "on", "", "Next frame"),
    more: button("more", "more", "", "More controls"),
    first: button("first", "first", "First", "First frame"),
    last: button("last", "last", "Last", "Last frame"),
    "mark-back": button("mark-back", "markBack", "", "Previous mark"),
    "mark-on": button("mark-on", "markOn", "", "Next mark"),
    loop: button("loop", "", "Loop", "Begin again at the end"),
    present: button("present", "present", "Fill the screen", "Fill the screen"),
    keys: button("keys", "", "Keys", "Show the keys"),
  };
}
/** @typedef {ReturnType<typeof makeButtons>} Buttons */
/** @typedef {keyof Buttons} Action */

/**
 * @param {HTMLElement} play its button
 * @param {boolean} playing
 */
export function showPlaying(play, playing) {
  const word = playing ? "Pause" : "Play";
  if (play.getAttribute("aria-label") === word) return;
  play.setAttribute("aria-label", word);
  play.title = word;
  play.replaceChildren(icon(playing ? "pause" : "play"), element("b", {}, ` ${word}`));
}

export function makeSpeed() {
  const speed = element("select", { "aria-label": "Speed", title: "Speed" });
  for (const each of SPEEDS) speed.append(element("option", { value: each }, `${each} ×`));
  return speed;
}

/**
 * What lies under the slider: a bar from mark to mark, with the sign of each, and where it stands.
 * @param {Pick<Scene, "marks" | "n_frames">} scene
 */
export function makeRail({ marks, n_frames }) {
  const last = Math.max(n_frames - 1, 1);
  const inner = [...new Set(marks.map(([frame]) => frame))].filter((frame) => frame > 0);
  const starts = marks.some(([frame]) => !frame) || !inner.length ? [0, ...inner] : inner;
  const parts = starts.map((start, at) => {
    const from = at ? start : 0;
    const end = starts[at + 1] ?? last;
    const [, label = "", sign = ""] = marks.find(([frame]) => frame === start) ?? [];
    const style = `left:${(100 * from) / last}%;width:${(100 * (end - from)) / last}%`;
    const bar = element(
      "i",
      { style, title: label, "data-from": from, "data-to": end },
      element("b"),
    );
    if (sign) bar.prepend(element("s", { class: "stateviz-sign", "data-sign": sign }));
    return bar;
  });
  return [...parts, element("u", { class: "stateviz-thumb" })];
}

/**
 * Shows on a rail how far it is played.
 * @param {HTMLElement} rail
 * @param {number} frame
 * @param {number} last
 */
export function showOnRail(rail, frame, last) {
  for (const bar of rail.querySelectorAll("i")) {
    const [from, to] = [Number(bar.dataset.from), Number(bar.dataset.to)];
    const done = Math.min(Math.max((frame - from) / Math.max(to - from, 1), 0), 1);
    bar.style.setProperty("--done", `${100 * done}%`);
  }
  rail.style.setProperty("--at", `${(100 * frame) / Math.max(last, 1)}%`);
}

/**
 * Words in which "{name}" stands for a choice, with the box of each; the rest is text.
 * @param {string} sentence
 * @param {(name: string) => Node | string} boxOf
 */
function withBoxes(sentence, boxOf) {
  return sentence
    .split(/\{(\w+)\}/)
    .map((part, at) => (at % 2 ? boxOf(part) : part))
    .filter((part) => part !== "");
}

/**
 * A box for a choice.
 * @param {string} name
 * @param {string[]} labels
 */
function makeSelect(name, labels) {
  const select = element("select", { "data-choice": name, "aria-label": name, title: name });
  labels.forEach((label, option) => {
    select.append(element("option", { value: option }, label));
  });
  return select;
}

/**
 * The sentence of a scene with a box for each choice that can be made, and the other choices.
 * @param {Scene} scene
 * @param {{ has: (name: string) => boolean, choose: (name: string, option: number) => void }} clock
 */
export function choiceBoxes(scene, clock) {
  /** @type {Record<string, HTMLSelectElement>} */
  const selects = {};
  const boxOf = (/** @type {string} */ name) => {
    const labels = scene.options[name];
    if (!labels) return `{${name}}`;
    if (labels.length < 2 || !clock.has(name)) return labels[scene.chosen[name]];
    const select = makeSelect(name, labels);
    select.addEventListener("change", () => clock.choose(name, Number(select.value)));
    selects[name] = select;
    return select;
  };
  const parts = withBoxes(scene.sentence, boxOf);
  for (const name of Object.keys(scene.options)) {
    if (scene.sentence.includes(`{${name}}`)) continue;
    const box = boxOf(name);
    if (typeof box !== "string") parts.push(element("label", {}, name, box));
  }
  return { selects, parts };
}

/**
 * Each choice that can be made has its first letter that is still free as its key.
 * @param {Record<string, string[]>} options
 * @param {(name: string) => boolean} canBeMade
 */
export function choiceKeys(options, canBeMade) {
  /** @type {Record<string, string>} */
  const keys = {};
  for (const [name, labels] of Object.entries(options)) {
    if (labels.length < 2 || !canBeMade(name)) continue;
    const free = [...name].find(
      (letter) => /[a-z]/.test(letter) && letter !== "f" && !keys[letter],
    );
    if (free) keys[free] = name;
  }
  return keys;
}

/**
 * The list of keys, as terms and their meanings.
 * @param {{ hasMarks: boolean, hasLanes: boolean }} scene
 * @param {Record<string, string>} choices
 */
export function keyList({ hasMarks, hasLanes }, choices) {
  /** @type {[string, string][]} */
  const marks = hasMarks ? [["[ and ]", "previous, next mark"]] : [];
  /** @type {[string, string][]} */
  const lanes = hasLanes ? [[", and .", "light the previous, next lane (or click it)"]] : [];
  const chosen = Object.entries(choices).map(([key, name]) => [
    `${key}, ${key.toUpperCase()}`,
    `next, previous ${name}`,
  ]);
  return [...KEYS, ...marks, ...lanes, ...chosen].flatMap(([key, what]) => [
    element("dt", {}, key),
    element("dd", {}, what),
  ]);
}
