// Paints what a scene holds at a frame on a canvas under the stage.

import { paintLine } from "./lines.js";
import { onTheWay } from "./motion.js";
import { stateOf } from "./payload.js";

/** @import { At, Box, Color, ImageState, ImageTrack } from "./payload.js" */
/** @import { RectangleState, Scene, TextState, Track } from "./payload.js" */
/** @typedef {(color: Color) => string} Css */
/** @typedef {{ ink: (opacity: number) => string, paper: (opacity: number) => string, dark: boolean }} Theme */
/** @typedef {At & { part: number }} Now and how much of a frame of a motion has passed, 0 to 1 */

const LEAST_LANE = 3; // points
const DARK_PAPER = 17; // as dark as a dark page

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
    const [name, opacity] = color.split(" ");
    return name === "ink" || name === "paper" ? theme[name](Number(opacity)) : color;
  };
  for (const track of scene.tracks) {
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    if (track.clip) {
      context.beginPath();
      context.rect(...track.clip);
      context.clip();
    }
    paintTrack(context, track, at, { css, scale, dark: theme.dark });
    context.restore();
  }
  if (lit === null) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  for (const track of scene.tracks) {
    const state = track.kind === "image" && track.lanes ? stateOf(track, at) : null;
    if (state) paintLit(context, laneBox(state, lit), boxOf(state), theme);
  }
}

/**
 * Where an image stands, in points.
 * @param {ImageState} state
 * @returns {Box}
 */
function boxOf({ corners: [[left, top], [right, bottom]] }) {
  return [left, top, right - left, bottom - top];
}

/**
 * Where a lane of an image is, in points, but never too low to be seen.
 * @param {ImageState} state
 * @param {number} lane
 * @returns {Box}
 */
export function laneBox(state, lane) {
  const [left, top, width, height] = boxOf(state);
  const each = height / state.shape[0];
  const seen = Math.max(each, LEAST_LANE);
  return [left, top + (lane + 0.5) * each - seen / 2, width, seen];
}

/**
 * Dims the other lanes, and frames this one.
 * @param {CanvasRenderingContext2D} context
 * @param {Box} lane
 * @param {Box} all
 * @param {Theme} theme
 */
function paintLit(context, [left, top, width, height], [, first, , whole], { ink, paper }) {
  context.fillStyle = paper(0.68);
  context.fillRect(left, first, width, Math.max(0, top - first));
  context.fillRect(left, top + height, width, Math.max(0, first + whole - top - height));
  context.strokeStyle = ink(1);
  context.lineWidth = 1.2;
  context.setLineDash([]);
  context.strokeRect(left, top, width, height);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Track} track
 * @param {Now} at
 * @param {{ css: Css, scale: number, dark: boolean }} how
 */
function paintTrack(context, track, at, { css, scale, dark }) {
  const next = { frame: at.frame + 1, option: at.option };
  if (track.kind === "image") {
    const state = moved(stateOf(track, at), stateOf(track, next), at.part, ["corners", "opacity"]);
    if (state) paintImage(context, track, state, { scale, dark });
  } else if (track.kind === "line") {
    const state = stateOf(track, at);
    if (state) paintLine(context, track, state, { css, scale });
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
 * @param {CanvasRenderingContext2D} context
 * @param {ImageTrack} track
 * @param {ImageState} state
 * @param {{ scale: number, dark: boolean }} how
 */
function paintImage(context, track, state, { scale, dark }) {
  // Whole device pixels, so that edges are sharp.
  const [[x0, y0], [x1, y1]] = state.corners.map((corner) =>
    corner.map((v) => Math.round(v * scale)),
  );
  const [width, height] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
  context.setTransform(x1 < x0 ? -1 : 1, 0, 0, y1 < y0 ? -1 : 1, x0, y0);
  context.beginPath();
  context.rect(0, 0, Math.round((width * state.columns) / state.shape[1]), height);
  context.clip();
  context.imageSmoothingEnabled = false;
  context.globalAlpha = state.opacity;
  const palette = dark ? track.palettes.dark : track.palettes.light;
  context.drawImage(coloredCanvas(track, state, palette, width, height), 0, 0, width, height);
}

/**
 * An image in its colours; it is kept until there is another room for it.
 * @param {ImageTrack} track
 * @param {ImageState} state
 * @param {Uint32Array} palette
 * @param {number} width of the room, in device pixels
 * @param {number} height
 */
function coloredCanvas(track, { pixels, shape }, palette, width, height) {
  const [rows, columns] = shape;
  const size = {
    width: Math.min(columns, Math.max(width, 1)),
    height: Math.min(rows, Math.max(height, 1)),
  };
  const kept = track.canvases[pixels];
  const { canvas: known } = kept ?? {};
  if (kept?.palette === palette && known?.width === size.width && known.height === size.height)
    return known;
  const colors = meanColors(track.images[pixels], shape, palette, size);
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.putImageData(new ImageData(colors, size.width, size.height), 0, 0);
  track.canvases[pixels] = { canvas, palette };
  return canvas;
}

/**
 * The colours of an image, RGBA, one pixel a value, but in no more pixels than there is room for: a
 * pixel of several values has their mean colour. To leave some out would show equal images at two
 * places as different.
 * @param {Uint8Array} levels
 * @param {[number, number]} shape rows and columns
 * @param {Uint32Array} palette
 * @param {{ width: number, height: number }} room at most the columns and the rows
 */
export function meanColors(levels, [rows, columns], palette, { width, height }) {
  const colors = new Uint8Array(palette.buffer);
  const mean = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const down = touched(y, height, rows);
    for (let x = 0; x < width; x++) {
      const color = meanOf(levels, columns, down, touched(x, width, columns), colors);
      if (color) mean.set(color, 4 * (y * width + x));
    }
  }
  return mean;
}

/**
 * The mean colour of some rows and columns; null where there is nothing.
 * @param {Uint8Array} levels
 * @param {number} columns in a row
 * @param {number[]} rows first and end
 * @param {number[]} across first and end of the columns
 * @param {Uint8Array} colors
 */
function meanOf(levels, columns, [top, bottom], [left, right], colors) {
  const sum = [0, 0, 0];
  let count = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const color = 4 * levels[row * columns + column];
      if (!colors[color + 3]) continue; // nothing here
      for (let channel = 0; channel < 3; channel++) sum[channel] += colors[color + channel];
      count++;
    }
  }
  return count ? [...sum.map((each) => each / count), 255] : null;
}

/**
 * The values that pixel `at` of `many` touches, of `count` in a row or column: first and end.
 * @param {number} at
 * @param {number} many
 * @param {number} count
 */
export function touched(at, many, count) {
  return [Math.floor((at * count) / many), Math.ceil(((at + 1) * count) / many)];
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
  context.rotate((-state.turn * Math.PI) / 180);
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

/**
 * The reader's text colour at a given opacity, and a colour that stands out from it.
 * @param {Element} root
 * @returns {Theme}
 */
export function themeOf(root) {
  const numbers = getComputedStyle(root).color.match(/[\d.]+/g) ?? ["0", "0", "0"];
  const [red, green, blue, alpha = 1] = numbers.map(Number);
  const dark = red + green + blue > 1.5 * 255; // light words stand on a dark page
  const paper = dark ? DARK_PAPER : 255;
  return {
    dark,
    ink: (opacity) => `rgba(${red},${green},${blue},${alpha * opacity})`,
    paper: (opacity) => `rgba(${paper},${paper},${paper},${opacity})`,
  };
}
