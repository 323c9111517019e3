// The controls of a player: its buttons with their icons, its keys, and the boxes of its choices.

import { SPEEDS } from "./clock.js";

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
  previous: "M11 3v10L4 8z",
  play: "M4 3v10l9-5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  next: "M5 3v10l7-5z",
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
    first: button("first", "first", "", "First frame"),
    previous: button("previous", "previous", "Previous", "Previous frame"),
    play: button("play", "play", "Play", "Play"),
    next: button("next", "next", "Next", "Next frame"),
    last: button("last", "last", "", "Last frame"),
    "mark-back": button("mark-back", "markBack", "", "Previous mark"),
    "mark-on": button("mark-on", "markOn", "", "Next mark"),
    loop: button("loop", "", "Loop", "Begin again at the end"),
    present: button("present", "present", "", "Fill the screen"),
    keys: button("keys", "", "?", "Show the keys"),
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
 * A box for a choice.
 * @param {string} name
 * @param {string[]} labels
 * @param {boolean} enabled
 */
export function makeSelect(name, labels, enabled) {
  const select = element("select", { "data-choice": name });
  labels.forEach((label, option) => {
    select.append(element("option", { value: option }, label));
  });
  select.disabled = !enabled;
  if (!enabled) select.title = "Run this cell to choose: it needs Python";
  return select;
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
