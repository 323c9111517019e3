// Paints lines and their markers. A long line that grows is not drawn anew at each frame: what it
// had drawn before is kept as a picture.

/** @import { Box, Color, LineState, LineTrack, Point } from "./payload.js" */
/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */
/** @typedef {{ css: (color: Color) => string, scale: number }} How device pixels a point */
/** @typedef {{ look: string, context: OffscreenCanvasRenderingContext2D, points: number }} Kept */

const STEP = 128; // points; so many are drawn anew at most

/** @type {WeakMap<LineTrack, Kept>} */
const kept = new WeakMap();

/**
 * @param {CanvasRenderingContext2D} context
 * @param {LineTrack} track
 * @param {LineState} state
 * @param {How} how
 */
export function paintLine(context, track, state, { css, scale }) {
  const shown = { ...state, color: css(state.color), marker_color: css(state.marker_color) };
  const whole = state.points - (state.points % STEP);
  if (whole) {
    const { canvas } = context;
    const box = pixelBox(track.clip ?? [0, 0, canvas.width / scale, canvas.height / scale], scale);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(soFar(track, shown, whole, box, scale), box[0], box[1]);
    context.restore();
  }
  paintPart(context, track, shown, whole);
}

/**
 * The whole device pixels that a box touches.
 * @param {Box} box in points
 * @param {number} scale
 * @returns {Box}
 */
export function pixelBox([left, top, width, height], scale) {
  const [x, y] = [Math.floor(left * scale), Math.floor(top * scale)];
  const right = Math.ceil((left + width) * scale);
  const bottom = Math.ceil((top + height) * scale);
  return [x, y, Math.max(right - x, 1), Math.max(bottom - y, 1)];
}

/**
 * The picture of a line's first points; it goes on from the one before, where that has no more.
 * @param {LineTrack} track
 * @param {LineState} state
 * @param {number} whole how many points
 * @param {Box} box in device pixels
 * @param {number} scale
 */
function soFar(track, state, whole, [left, top, width, height], scale) {
  const { line, color, width: pen, dash, marker_color } = state;
  const look = JSON.stringify([line, color, pen, dash, marker_color, left, top, width, height]);
  let found = kept.get(track);
  if (found?.look !== look || found.points > whole) {
    const canvas = new OffscreenCanvas(width, height);
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(scale, 0, 0, scale, -left, -top);
    found = { look, context, points: 0 };
    kept.set(track, found);
  }
  if (found.points < whole) {
    paintPart(found.context, track, { ...state, points: whole }, found.points);
    found.points = whole;
  }
  return found.context.canvas;
}

/**
 * Paints what comes after the first points: the line goes on from the last of them.
 * @param {Context} context
 * @param {LineTrack} track
 * @param {LineState} state its colours as CSS has them
 * @param {number} first
 */
function paintPart(context, track, state, first) {
  const points = track.lines[state.line];
  if (state.width && state.color) {
    context.beginPath();
    let drawing = false;
    for (let place = Math.max(first - 1, 0); place < state.points; place++) {
      const point = points[place];
      if (point) context[drawing ? "lineTo" : "moveTo"](...point);
      drawing = Boolean(point);
    }
    context.strokeStyle = state.color;
    context.lineWidth = state.width;
    context.lineJoin = "round";
    context.setLineDash(state.dash);
    context.lineDashOffset = first ? lengthTo(points, first - 1) : 0;
    context.stroke();
  }
  if (!track.marker || !state.marker_color) return;
  context.fillStyle = state.marker_color;
  context.beginPath();
  for (let place = first; place < state.points; place++) {
    const point = points[place];
    if (point) addMarker(context, track.marker, point);
  }
  context.fill();
}

/** @type {WeakMap<(Point | null)[], Float64Array>} how long the line is up to each point */
const lengths = new WeakMap();

/**
 * How long a line is from where it last began to a place, in points: there its dashes go on.
 * @param {(Point | null)[]} points
 * @param {number} place
 */
export function lengthTo(points, place) {
  let found = lengths.get(points);
  if (!found) {
    found = new Float64Array(points.length);
    for (let at = 1; at < points.length; at++) {
      const [from, to] = [points[at - 1], points[at]];
      if (from && to) found[at] = found[at - 1] + Math.hypot(to[0] - from[0], to[1] - from[1]);
    }
    lengths.set(points, found);
  }
  return found[place];
}

/**
 * @param {Context} context
 * @param {Point[]} marker
 * @param {Point} point
 */
function addMarker(context, marker, [x, y]) {
  marker.forEach(([dx, dy], corner) => {
    context[corner ? "lineTo" : "moveTo"](x + dx, y + dy);
  });
}
