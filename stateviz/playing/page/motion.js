// Motion: how long each frame stands, where play is at a time, and what lies between two frames.

/** @import { Scene } from "./payload.js" */
/** @typedef {{ frame: number, part: number }} Place a frame, and how much of it has passed, 0 to 1 */

/**
 * When each frame begins, in milliseconds at speed 1; the end is last.
 * @param {Pick<Scene, "n_frames" | "stops" | "between_ms">} scene
 * @param {number} interval how long a stop stands, in milliseconds
 * @param {boolean} [calm] whether motion is left out
 */
export function beginnings({ n_frames, stops, between_ms }, interval, calm = false) {
  const found = new Float64Array(n_frames + 1);
  const isStop = new Set(stops);
  for (let frame = 0; frame < n_frames; frame++) {
    found[frame + 1] = found[frame] + (isStop.has(frame) ? interval : calm ? 0 : between_ms);
  }
  return found;
}

/**
 * The frame that stands at a time.
 * @param {Float64Array} begin when each frame begins, and the end
 * @param {number} time
 * @returns {Place}
 */
export function placeAt(begin, time) {
  const last = begin.length - 2;
  if (time < 0) return { frame: 0, part: 0 };
  if (time >= begin[last]) return { frame: last, part: 0 };
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (begin[middle] <= time) low = middle;
    else high = middle;
  }
  return { frame: low, part: (time - begin[low]) / (begin[low + 1] - begin[low]) };
}

/**
 * The nearest stop in a direction; the frame itself where there is none.
 * @param {Pick<Scene, "stops">} scene
 * @param {number} frame
 * @param {1 | -1} direction
 */
export function nextStop({ stops }, frame, direction) {
  const beyond = stops.filter((stop) => direction * (stop - frame) > 0);
  return (direction > 0 ? beyond[0] : beyond.at(-1)) ?? frame;
}

/**
 * The frame some stops further on, or back.
 * @param {Pick<Scene, "stops">} scene
 * @param {number} frame
 * @param {number} many
 */
export function stopsAway(scene, frame, many) {
  let found = frame;
  for (let step = 0; step < Math.abs(many); step++) {
    found = nextStop(scene, found, many > 0 ? 1 : -1);
  }
  return found;
}

/**
 * Whether a frame is motion.
 * @param {Pick<Scene, "stops">} scene
 * @param {number} frame
 */
export function isBetween({ stops }, frame) {
  return !stops.includes(frame);
}

/**
 * The frame in the middle of a motion: the still that stands for it where motion is not wanted.
 * @param {Pick<Scene, "stops">} scene
 * @param {number} frame
 */
export function stillOf(scene, frame) {
  if (!isBetween(scene, frame)) return frame;
  const before = nextStop(scene, frame, -1);
  const first = before < frame ? before + 1 : 0;
  return Math.floor((first + nextStop(scene, frame, 1)) / 2);
}

/**
 * A state on the way to the next one: numbers are in between, all else is as it is.
 * @template State
 * @param {State} one
 * @param {State} next
 * @param {number} part of the way, 0 to 1
 * @returns {State}
 */
export function onTheWay(one, next, part) {
  if (typeof one === "number" && typeof next === "number") {
    return /** @type {State} */ (one + part * (next - one));
  }
  if (Array.isArray(one) && Array.isArray(next) && one.length === next.length) {
    return /** @type {State} */ (one.map((each, at) => onTheWay(each, next[at], part)));
  }
  return one;
}
