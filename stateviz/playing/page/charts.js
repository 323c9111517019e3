// Draws values (rows, columns) as small area charts or as threads, as artists.py does in matplotlib.

/** @import { ImageState, ImageTrack } from "./payload.js" */
/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */
/**
 * @typedef {object} Values What is drawn of an image.
 * @property {Uint8Array} levels
 * @property {[number, number]} shape rows and columns
 * @property {[number, number]} limits
 * @property {Uint32Array} palette
 * @property {number[]} bold of threads those that are
 * @property {number} unit pixels of the canvas in a pixel of CSS
 */

const EMPTY = 255;
const MIDDLE = 127; // the level of zero
const LARGEST = 254;
const BEYOND = "#808080"; // under a value that is cut off
const OUTLINE = 1.5; // CSS pixels
const [LINE, HALO] = [1.75, 1.5];
const TOOTH = 1;
const POINTS = 0.75; // in a CSS pixel

/**
 * A chart of all columns; it is kept until there is another room for it, or another lane is lit.
 * @param {ImageTrack} track
 * @param {ImageState} state
 * @param {Uint32Array} palette
 * @param {[number, number]} room in device pixels
 * @param {number} scale device pixels a point
 * @param {number | null} lit
 */
export function chartCanvas(track, state, palette, [width, height], scale, lit) {
  const row = track.chart === "row" ? (lit ?? 0) : null;
  const kept = track.canvases[state.pixels];
  const size = kept && kept.canvas.width === width && kept.canvas.height === height;
  if (size && kept.palette === palette && kept.row === row) return kept.canvas;
  const canvas = new OffscreenCanvas(Math.max(width, 1), Math.max(height, 1));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  draw(context, track, valuesOf(track, state, palette, scale), [width, height], row);
  track.canvases[state.pixels] = { canvas, palette, row };
  return canvas;
}

/**
 * A chart of one column, in the place where the context stands.
 * @param {Context} context
 * @param {ImageTrack} track
 * @param {ImageState} state
 * @param {Uint32Array} palette
 * @param {[number, number]} room in device pixels
 * @param {number} scale
 */
export function paintColumn(context, track, state, palette, room, scale) {
  draw(context, track, valuesOf(track, state, palette, scale), room, null);
}

/**
 * @param {ImageTrack} track
 * @param {ImageState} state
 * @param {Uint32Array} palette
 * @param {number} scale
 * @returns {Values}
 */
function valuesOf({ images, limits, bold }, { pixels, shape }, palette, scale) {
  return { levels: images[pixels], shape, limits, palette, bold, unit: scale * POINTS };
}

/**
 * @param {Context} context
 * @param {ImageTrack} track
 * @param {Values} values
 * @param {[number, number]} room
 * @param {number | null} row the only one to draw, if any
 */
function draw(context, { chart }, values, room, row) {
  if (chart === "threads") drawThreads(context, values, room);
  else if (chart === "lines") drawLines(context, values, room);
  else drawAreas(context, row === null ? values : onlyRow(values, row), room);
}

/**
 * @param {Values} values
 * @param {number} row
 * @returns {Values}
 */
function onlyRow({ levels, shape: [rows, columns], ...rest }, row) {
  const at = Math.min(row, rows - 1) * columns;
  return { ...rest, levels: levels.subarray(at, at + columns), shape: [1, columns] };
}

/**
 * A colour of a table as CSS has it.
 * @param {Uint32Array} palette
 * @param {number} level
 */
function cssOf(palette, level) {
  const [red, green, blue, alpha] = new Uint8Array(palette.buffer, 4 * level, 4);
  return `rgba(${red},${green},${blue},${alpha / 255})`;
}

/**
 * How high above zero a level is, in halves of a row: from -1 to 1.
 * @param {number} level
 */
export function shareOf(level) {
  return (level - MIDDLE) / MIDDLE;
}

/**
 * @param {Context} context
 * @param {Values} values
 * @param {[number, number]} room
 */
function drawAreas(context, { levels, shape: [rows, columns], palette, unit }, [width, height]) {
  const [wide, pitch] = [width / columns, height / rows];
  const half = Math.max(pitch / 2 - unit, 0.5);
  const colors = Array.from({ length: EMPTY }, (_, level) => cssOf(palette, level));
  const x = Array.from({ length: columns + 1 }, (_, at) => Math.round(at * wide));
  context.setLineDash([]);
  for (let row = 0; row < rows; row++) {
    const zero = (row + 0.5) * pitch;
    const own = levels.subarray(row * columns, (row + 1) * columns);
    own.forEach((level, column) => {
      if (level === EMPTY || level === MIDDLE) return;
      context.fillStyle = colors[level];
      context.fillRect(x[column], zero, x[column + 1] - x[column], -half * shareOf(level));
    });
    const y = (/** @type {number} */ level) => zero - half * shareOf(level);
    context.lineWidth = OUTLINE * unit;
    context.strokeStyle = colors[LARGEST - 1];
    drawEdge(context, own, x, y, (level) => level > MIDDLE);
    context.strokeStyle = colors[1];
    drawEdge(context, own, x, y, (level) => level < MIDDLE);
    // What goes on beyond the lane.
    context.lineWidth = 2 * OUTLINE * unit;
    context.strokeStyle = BEYOND;
    drawEdge(context, own, x, y, (level) => level === 0 || level === LARGEST);
  }
}

/**
 * The edge of an area, over the columns with some levels.
 * @param {Context} context
 * @param {Uint8Array} levels
 * @param {number[]} x where each column begins, and the end
 * @param {(level: number) => number} y
 * @param {(level: number) => boolean} chosen
 */
function drawEdge(context, levels, x, y, chosen) {
  context.beginPath();
  let drawing = false;
  levels.forEach((level, column) => {
    const there = level !== EMPTY && chosen(level);
    if (there) context[drawing ? "lineTo" : "moveTo"](x[column], y(level));
    if (there) context.lineTo(x[column + 1], y(level));
    drawing = there;
  });
  context.stroke();
}

/**
 * @param {Context} context
 * @param {Values} values
 * @param {[number, number]} room
 */
function drawLines(context, { levels, shape: [rows, columns], palette, unit }, [width, height]) {
  const pitch = height / rows;
  context.lineJoin = "round";
  context.setLineDash([]);
  context.beginPath();
  for (let row = 0; row < rows; row++) {
    let drawing = false;
    levels.subarray(row * columns, (row + 1) * columns).forEach((level, column) => {
      const there = level !== EMPTY;
      const y = (row + 0.5 - shareOf(level) / 2) * pitch;
      if (there) context[drawing ? "lineTo" : "moveTo"](((column + 0.5) * width) / columns, y);
      drawing = there;
    });
  }
  for (const [pen, level] of [
    [LINE + HALO, MIDDLE],
    [LINE, LARGEST],
  ]) {
    context.lineWidth = pen * unit;
    context.strokeStyle = cssOf(palette, level);
    context.stroke();
  }
}

/**
 * @param {Context} context
 * @param {Values} values
 * @param {[number, number]} room
 */
function drawThreads(context, values, [width, height]) {
  const { shape, limits, palette, unit, bold } = values;
  const [low, high] = limits;
  const zero = (high / (high - low)) * height;
  const all = Array.from({ length: shape[0] }, (_, row) => row);
  const strength = shape[1] > 1 ? Math.min(Math.max(2 / Math.sqrt(shape[0]), 0.06), 0.8) : 0.55;
  context.lineJoin = "round";
  context.setLineDash([]);
  /** @type {[number[], number, number][]} */
  const kinds = [
    [all, TOOTH, strength],
    [shape[1] > 1 ? bold : [], OUTLINE, 1],
  ];
  for (const [rows, pen, alpha] of kinds) {
    for (const [top, bottom, level] of [
      [0, zero, EMPTY - 2],
      [zero, height, 1],
    ]) {
      context.save();
      context.beginPath();
      context.rect(0, top, width, bottom - top);
      context.clip();
      context.strokeStyle = cssOf(palette, level);
      context.globalAlpha *= alpha;
      context.lineWidth = pen * unit;
      for (const row of rows) {
        context.beginPath();
        addThread(context, values, row, [width, height]);
        context.stroke();
      }
      context.restore();
    }
  }
}

/**
 * @param {Context} context
 * @param {Values} values
 * @param {number} row
 * @param {[number, number]} room
 */
function addThread(context, { levels, shape: [, columns] }, row, [width, height]) {
  const wide = width / columns;
  let drawing = false;
  for (let column = 0; column < columns; column++) {
    const level = levels[row * columns + column];
    const y = height * (1 - (level + 0.5) / EMPTY);
    if (level !== EMPTY && columns === 1) {
      context.moveTo(0.1 * wide, y);
      context.lineTo(0.9 * wide, y);
    } else if (level !== EMPTY) {
      context[drawing ? "lineTo" : "moveTo"]((column + 0.5) * wide, y);
    }
    drawing = level !== EMPTY;
  }
}

/**
 * One thread over all others, as far as the columns are filled; the context is in points.
 * @param {CanvasRenderingContext2D} context
 * @param {ImageTrack} track
 * @param {ImageState} state
 * @param {number} row
 * @param {string} color
 */
export function paintThread(context, track, state, row, color) {
  const [[left, top], [right, bottom]] = state.corners;
  const values = valuesOf(track, state, track.palettes.light, 1);
  context.save();
  context.translate(left, top);
  context.beginPath();
  context.rect(0, 0, ((right - left) * state.columns) / state.shape[1], bottom - top);
  context.clip();
  context.beginPath();
  addThread(context, values, row, [right - left, bottom - top]);
  context.strokeStyle = color;
  context.lineWidth = 2 * OUTLINE * POINTS;
  context.setLineDash([]);
  context.stroke();
  context.restore();
}

/**
 * The row whose thread is nearest to a height, at a column; null where there is none.
 * @param {Pick<ImageTrack, "images">} track
 * @param {ImageState} state
 * @param {number} column
 * @param {number} down from the top, 0 to 1
 */
export function nearestRow(track, { pixels, shape: [rows, columns] }, column, down) {
  let [nearest, distance] = [/** @type {number | null} */ (null), Number.POSITIVE_INFINITY];
  for (let row = 0; row < rows; row++) {
    const level = track.images[pixels][row * columns + column];
    const away = level === EMPTY ? distance : Math.abs(1 - (level + 0.5) / EMPTY - down);
    if (away < distance) [nearest, distance] = [row, away];
  }
  return nearest;
}
