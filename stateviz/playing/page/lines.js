// Paints lines and their markers.

/** @import { Color, LineState, LineTrack, Point } from "./payload.js" */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Pick<LineTrack, "lines" | "marker">} track
 * @param {LineState} state
 * @param {(color: Color) => string} css
 */
export function paintLine(context, track, state, css) {
  const points = track.lines[state.line].slice(0, state.points);
  if (state.width && state.color) {
    context.beginPath();
    let drawing = false;
    for (const point of points) {
      if (point) context[drawing ? "lineTo" : "moveTo"](...point);
      drawing = Boolean(point);
    }
    context.strokeStyle = css(state.color);
    context.lineWidth = state.width;
    context.lineJoin = "round";
    context.setLineDash(state.dash);
    context.stroke();
  }
  if (!track.marker) return;
  context.beginPath();
  for (const point of points) {
    if (point) addMarker(context, track.marker, point);
  }
  if (state.marker_color) {
    context.fillStyle = css(state.marker_color);
    context.fill();
  }
  if (state.marker_edge && state.marker_width) {
    context.strokeStyle = css(state.marker_edge);
    context.lineWidth = state.marker_width;
    context.setLineDash([]);
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Point[]} marker
 * @param {Point} point
 */
function addMarker(context, marker, [x, y]) {
  marker.forEach(([dx, dy], corner) => {
    context[corner ? "lineTo" : "moveTo"](x + dx, y + dy);
  });
  context.closePath();
}
