// Decodes a payload, base64 on stdin, with the page's own code, and says as JSON what each frame shows.

import { readFileSync } from "node:fs";
import { stateOf, unpacked } from "../../stateviz/playing/page/payload.js";

/** @import { At, Moving, Track } from "../../stateviz/playing/page/payload.js" */

/**
 * @param {Track} track
 * @param {At} at
 */
function shown(track, at) {
  if (track.kind === "image") {
    const state = stateOf(track, at);
    return state && { ...state, levels: [...track.images[state.pixels]] };
  }
  if (track.kind === "line") {
    const state = stateOf(track, at);
    return state && { ...state, points: track.lines[state.line].slice(0, state.points) };
  }
  return stateOf(/** @type {Moving<object>} */ (track), at);
}

const scene = await unpacked(readFileSync(0, "utf8").trim());
const options = scene.in_page === null ? 1 : scene.options[scene.in_page].length;
const frames = Array.from({ length: options }, (_, option) =>
  Array.from({ length: scene.n_frames }, (_, frame) =>
    scene.tracks.map((track) => shown(track, { frame, option })),
  ),
);
process.stdout.write(JSON.stringify({ kinds: scene.tracks.map(({ kind }) => kind), frames }));
