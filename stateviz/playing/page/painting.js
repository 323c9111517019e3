// Paints what a scene holds at a frame on a canvas under the stage.

import { chartCanvas, paintColumn, paintThread } from "./charts.js";
import { paintLine } from "./lines.js";
import { onTheWay } from "./motion.js";
import { stateOf } from "./payload.js";

/** @import { At, Box, Color, ImageState, ImageTrack, LineState } from "./payload.js" */
/** @import { LineTrack, RectangleState, Scene, TextState, Track } from "./payload.js" */
/** @typedef {(color: Color) => string} Css */
/** @typedef {{ token: (name: string, opacity: number) => string, dark: boolean }} Theme */
/** @typedef {At & { part: number }} Now and how much of a frame of a motion has passed, 0 to 1 */

const LEAST_LANE = 3; // points

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Now} at
 * @param {number} scale device pixels a point
 * @param {Theme} theme
 * @param {number | null} lit the lane that is lit
 */
export function paint(context, scene, at, scale, theme, lit) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  const css = (/** @type {Color} */ color) => {
    const [, name, opacity] = /^([a-z]+) ([\d.]+)$/.exec(color) ?? [];
    return name ? theme.token(name, Number(opacity)) : color;
  };
  for (const track of scene.tracks) {
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    if (track.clip) {
      context.beginPath();
      context.rect(...track.clip);
      context.clip();
    }
    paintTrack(context, track, at, { css, scale, dark: theme.dark, lit });
    context.restore();
  }
  if (lit === null) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  for (const track of scene.tracks) {
    const state = track.kind === "image" && track.lanes ? stateOf(track, at) : null;
    if (!state || track.kind !== "image") continue;
    const ink = theme.token("ink", 1);
    if (track.chart === "threads") paintThread(context, track, state, lit, ink);
    else paintLit(context, laneBox(state, lit), ink);
  }
}

/**
 * Where a lane of an image is, in points, but never too low to be seen.
 * @param {ImageState} state
 * @param {number} lane
 * @returns {Box}
 */
export function laneBox({ corners: [[left, top], [right, bottom]], shape: [lanes] }, lane) {
  const each = (bottom - top) / lanes;
  const seen = Math.max(each, LEAST_LANE);
  return [left, top + (lane + 0.5) * each - seen / 2, right - left, seen];
}

/**
 * Frames a lane.
 * @param {CanvasRenderingContext2D} context
 * @param {Box} lane
 * @param {string} color
 */
function paintLit(context, lane, color) {
  context.strokeStyle = color;
  context.lineWidth = 1.6;
  context.setLineDash([]);
  context.strokeRect(...lane);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Track} track
 * @param {Now} at
 * @param {{ css: Css, scale: number, dark: boolean, lit: number | null }} how
 */
function paintTrack(context, track, at, { css, scale, dark, lit }) {
  const next = { frame: at.frame + 1, option: at.option };
  if (track.kind === "image") {
    const state = moved(stateOf(track, at), stateOf(track, next), at.part, ["corners", "opacity"]);
    if (state) paintImage(context, track, state, { scale, dark, lit });
  } else if (track.kind === "line") {
    const state = stateOf(track, at);
    const shown = state && lineOnTheWay(track, state, stateOf(track, next), at.part);
    if (shown) paintLine(context, shown.track, shown.state, css);
  } else if (track.kind === "text") {
    const state = moved(stateOf(track, at), stateOf(track, next), at.part, ["at"]);
    if (state) paintText(context, state, css);
  } else {
    const state = moved(stateOf(track, at), stateOf(track, next), at.part, ["box"]);
    if (state) paintRectangle(context, state, css);
  }
}

/**
 * A state with some of what it holds on the way to that of the next frame.
 * @template {object} State
 * @param {State | null} state
 * @param {State | null} next
 * @param {number} part
 * @param {(keyof State)[]} moving
 * @returns {State | null}
 */
export function moved(state, next, part, moving) {
  if (!part || !state || !next || state === next) return state;
  const found = { ...state };
  for (const name of moving) found[name] = onTheWay(state[name], next[name], part);
  return found;
}

/**
 * A line whose points are on the way to those of the next frame, where it has as many then.
 * @param {LineTrack} track
 * @param {LineState} state
 * @param {LineState | null} next
 * @param {number} part
 */
function lineOnTheWay(track, state, next, part) {
  if (!part || !next || state.line === next.line || state.points !== next.points)
    return { track, state };
  const [from, to] = [track.lines[state.line], track.lines[next.line]];
  if (from.length !== to.length) return { track, state };
  const lines = [onTheWay(from, to, part)];
  return { track: { ...track, lines }, state: { ...state, line: 0 } };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {ImageTrack} track
 * @param {ImageState} state
 * @param {{ scale: number, dark: boolean, lit: number | null }} how
 */
function paintImage(context, track, state, { scale, dark, lit }) {
  // Whole device pixels, so that edges are sharp.
  const [[x0, y0], [x1, y1]] = state.corners.map((corner) =>
    corner.map((v) => Math.round(v * scale)),
  );
  const [width, height] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
  context.setTransform(x1 < x0 ? -1 : 1, 0, 0, y1 < y0 ? -1 : 1, x0, y0);
  const palette = dark ? track.palettes.dark : track.palettes.light;
  context.globalAlpha = state.opacity;
  if (state.shape[1] === 1) {
    if (state.columns) paintColumn(context, track, state, palette, [width, height], scale);
    return;
  }
  // A thread goes on to the middle of a column.
  const isLine = track.chart === "threads" || track.chart === "lines";
  const columns = state.columns - (isLine && state.columns < state.shape[1] ? 0.5 : 0);
  context.beginPath();
  context.rect(0, 0, Math.round((width * Math.max(columns, 0)) / state.shape[1]), height);
  context.clip();
  context.imageSmoothingEnabled = false;
  const canvas = chartCanvas(track, state, palette, [width, height], scale, lit);
  context.drawImage(canvas, 0, 0, width, height);
}

const FONTS = '"DejaVu Sans", system-ui, sans-serif';
/** @type {Record<string, CanvasTextBaseline>} */
const BASELINES = {
  baseline: "alphabetic",
  bottom: "bottom",
  center: "middle",
  center_baseline: "middle",
  top: "top",
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {TextState} state
 * @param {Css} css
 */
function paintText(context, state, css) {
  const [across, down] = state.align;
  context.translate(...state.at);
  context.font = `${state.bold ? "bold " : ""}${state.size}px ${FONTS}`;
  context.fillStyle = css(state.color);
  context.textAlign = /** @type {CanvasTextAlign} */ (across);
  context.textBaseline = BASELINES[down];
  const lines = state.text.split("\n");
  const height = 1.2 * state.size;
  const up = { top: 0, center: 0.5, center_baseline: 0.5 }[down] ?? 1;
  lines.forEach((text, place) => {
    context.fillText(text, 0, (place - up * (lines.length - 1)) * height);
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {RectangleState} state
 * @param {Css} css
 */
function paintRectangle(context, state, css) {
  if (state.face) {
    context.fillStyle = css(state.face);
    context.fillRect(...state.box);
  }
  if (state.edge && state.width) {
    context.strokeStyle = css(state.edge);
    context.lineWidth = state.width;
    context.setLineDash(state.dash);
    context.strokeRect(...state.box);
  }
}
