// What is under the pointer, and what a click there chooses.

import { nearestRow } from "./charts.js";
import { stateOf } from "./payload.js";

/** @import { At, ImageState, ImageTrack, Scene } from "./payload.js" */
/** @import { Described } from "./payload.js" */
/** @typedef {{ x: number, y: number, value: number }} Values */

/**
 * "unit {y}: {value:.2f}" with its values filled in; {{ and }} stand for braces.
 * @param {string} format
 * @param {Values} values
 * @param {string[]} [rows] the names of the rows, for {y}
 */
export function filledIn(format, values, rows = []) {
  const places = /\{\{|\}\}|\{(x|y|value)(?::\.(\d)f)?\}/g;
  return format.replace(places, (found, name, digits) => {
    if (name === undefined) return found[0];
    if (name === "y" && rows.length) return rows[Math.round(values.y)] ?? "";
    const value = values[/** @type {keyof Values} */ (name)];
    return digits === undefined ? String(Math.round(value)) : value.toFixed(Number(digits));
  });
}

/**
 * What to say of a place; "" where there is nothing.
 * @param {Scene} scene
 * @param {At} at
 * @param {number} x in points on the stage
 * @param {number} y
 */
export function wordsAt(scene, at, x, y) {
  for (const [[left, top, width, height], words] of scene.notes) {
    if (x >= left && x < left + width && y >= top && y < top + height) return words;
  }
  for (const track of [...scene.tracks].reverse()) {
    if (track.kind !== "image" || !track.hover) continue;
    const state = stateOf(track, at);
    const values = state && imageAt(track, state, x, y);
    if (values) return filledIn(track.hover, values, track.rows);
  }
  return "";
}

/**
 * The value of an image at a place on the stage; null where it has none.
 * @param {Pick<ImageTrack, "images" | "extent" | "limits" | "scales" | "chart">} track
 * @param {ImageState} state
 * @param {number} x
 * @param {number} y
 * @returns {Values | null}
 */
export function imageAt(track, state, x, y) {
  const [[x0, y0], [x1, y1]] = state.corners;
  const [across, down] = [(x - x0) / (x1 - x0), (y - y0) / (y1 - y0)];
  if (!(across >= 0 && across < 1 && down >= 0 && down < 1)) return null;
  const [rows, columns] = state.shape;
  const column = Math.floor(across * columns);
  const row =
    track.chart === "threads" ? nearestRow(track, state, column, down) : Math.floor(down * rows);
  if (row === null || column >= state.columns) return null;
  const level = track.images[state.pixels][row * columns + column];
  if (level === 255) return null;
  const [left, right, bottom, top] = track.extent;
  const [low, high] = track.limits;
  return {
    x: left + ((column + 0.5) / columns) * (right - left),
    y: top + ((row + 0.5) / rows) * (bottom - top),
    value: (low + ((level + 0.5) / 255) * (high - low)) * (track.scales[row] ?? 1),
  };
}

/**
 * The choice and the option that a click at a place makes, if any; with no name, the stop.
 * @param {Pick<Described, "picks" | "options" | "stops">} scene
 * @param {number} x
 * @param {number} y
 */
export function pickAt(scene, x, y) {
  for (const pick of scene.picks) {
    const [left, top, width, height] = pick.box;
    const [low, high] = pick.limits;
    const [across, down] = [(x - left) / width, (y - top) / height];
    const [part, other] = pick.axis === "x" ? [across, down] : [down, across];
    if (!(part >= 0 && part < 1 && other >= 0 && other < 1)) continue;
    const option = Math.floor(low + part * (high - low) - pick.start);
    const count = pick.choice ? scene.options[pick.choice].length : scene.stops.length;
    if (option >= 0 && option < count) {
      return { choice: pick.choice, option };
    }
  }
  return null;
}

/**
 * The lane at a place on the stage; null where there is none.
 * @param {Pick<Scene, "tracks">} scene
 * @param {At} at
 * @param {number} x in points on the stage
 * @param {number} y
 */
export function laneAt(scene, at, x, y) {
  for (const track of scene.tracks) {
    if (track.kind !== "image" || !track.lanes) continue;
    const state = stateOf(track, at);
    if (!state) continue;
    const [[left, top], [right, bottom]] = state.corners;
    const [across, down] = [(x - left) / (right - left), (y - top) / (bottom - top)];
    if (!(across >= 0 && across < 1 && down >= 0 && down < 1)) continue;
    if (track.chart !== "threads") return Math.floor(down * state.shape[0]);
    const row = nearestRow(track, state, Math.floor(across * state.shape[1]), down);
    if (row !== null) return row; // a gap has threads of its own
  }
  return null;
}

/**
 * How many lanes a scene has.
 * @param {Pick<Scene, "tracks">} scene
 */
export function laneCount(scene) {
  for (const track of scene.tracks) {
    if (track.kind === "image" && track.lanes) return track.states[0]?.shape[0] ?? 0;
  }
  return 0;
}

/**
 * What is said while a lane is lit.
 * @param {Pick<Scene, "tracks">} scene
 * @param {number} lane
 */
export function litWords(scene, lane) {
  for (const track of scene.tracks) {
    if (track.kind !== "image" || !track.lanes || !track.hover) continue;
    const [word] = track.hover.split(" ");
    return `   (${word} ${track.rows[lane] ?? lane} is lit)`;
  }
  return "";
}

/**
 * What a click would do, in words; "" where nothing.
 * @param {{ choice: string } | null} pick
 * @param {number | null} lane
 * @param {number | null} lit the lane that is lit
 */
export function offerOf(pick, lane, lit) {
  if (pick) return pick.choice ? "click to choose" : "click to go there";
  if (lane === null) return "";
  return lane === lit ? "click to put it out" : "click to keep it lit";
}
