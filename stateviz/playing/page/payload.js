// What Python sends of a scene, described and decoded: the one contract between the two languages.
// Python packs it in stateviz/playing/packing.py and tracks.py; both sides are tested against it.

/** @typedef {[number, number]} Point x and y in points (1/72 inch) from the stage's upper left */
/** @typedef {[number, number, number, number]} Box left, top, width and height, in points */
/**
 * @typedef {string} Color a CSS colour, "" for none, or a reserved one and its opacity, such as
 *   "ink 0.8": the reader's text colour
 */

/**
 * @typedef {object} ImageState What an image shows in a frame.
 * @property {[Point, Point]} corners upper left and lower right; mirrored where they are swapped
 * @property {[number, number]} shape rows and columns
 * @property {number} pixels which of the track's images
 * @property {number} columns how many of its columns are filled
 * @property {number} opacity
 */
/**
 * @typedef {object} LineState
 * @property {Color} color
 * @property {number} width in points; 0 for markers alone
 * @property {number[]} dash lengths in points; [] for a solid line
 * @property {Color} marker_color
 * @property {Color} marker_edge
 * @property {number} marker_width of the edge, in points
 * @property {number} line which of the track's lines
 * @property {number} points how many of its points are shown
 */
/**
 * @typedef {object} TextState
 * @property {Point} at
 * @property {string} text
 * @property {Color} color
 * @property {number} size in points
 * @property {boolean} bold
 * @property {[string, string]} align matplotlib's horizontal and vertical alignment
 */
/**
 * @typedef {object} RectangleState
 * @property {Box} box
 * @property {Color} face
 * @property {Color} edge
 * @property {number} width of the edge, in points
 * @property {number[]} dash of the edge, in points; [] for a solid one
 */

/**
 * @template State
 * @typedef {object} Moving What every kind of track has.
 * @property {Box | null} clip nothing is drawn outside of it
 * @property {(State | null)[]} states the distinct ones; null where the artist is hidden
 * @property {number[][]} frames for each option of `in_page`, or once for all: a frame, the state
 *   that is shown from then on, a later frame, its state, and so on
 */
/**
 * @typedef {object} PackedImage
 * @property {"image"} kind
 * @property {string} colors 255 colours, RGBA, in base64; value 255 means "nothing here"
 * @property {string | null} dark_colors those on a dark page; null where they are the same
 * @property {"areas" | "row" | "lines" | "threads"} chart how its values are drawn; see charts.js
 * @property {number[]} bold of threads those that are
 * @property {boolean} lanes whether each row is a lane, which a click lights
 * @property {string | null} hover what to say under the pointer: "unit {y}: {value:.2f}"
 * @property {string[]} rows the names of its rows, for {y}; none where they are counted
 * @property {[number, number, number, number]} extent left, right, bottom and top, in data
 * @property {[number, number]} limits the values of the first and the last colour
 * @property {number[]} scales what the values of each row are multiplied by; [] where by nothing
 * @property {number} pixels how many images follow, each as its difference (xor) from the last
 */
/**
 * @typedef {object} PackedLine
 * @property {"line"} kind
 * @property {Point[] | null} marker an outline about the origin
 * @property {(Point | null)[][]} lines null where a line is interrupted
 */
/**
 * @typedef {object} Pick A place where a click chooses an option.
 * @property {string} choice its name, or "" where the option is a stop
 * @property {"x" | "y"} axis
 * @property {number} start where on that axis option 0 begins
 * @property {Box} box
 * @property {[number, number]} limits of the axis, from the left or from the top
 */
/**
 * @typedef {object} Described All of a scene but its tracks.
 * @property {string} title
 * @property {[Box, string][]} notes what is said of a place: of a shortened title all of it
 * @property {string} stage SVG
 * @property {[number, number]} size width and height, in points
 * @property {number} n_frames
 * @property {number[]} stops the frames at which one stops step by step
 * @property {number | null} begins the frame to begin at when this scene was chosen
 * @property {number} poster the frame that tells the most, for paper
 * @property {number} between_ms how long each of the other frames stands, which are motion
 * @property {string[]} readouts of each frame, for each option of `in_page` in turn
 * @property {string} sentence what is shown, in which "{unit}" stands for the choice; "" for none
 * @property {[number, string, string][]} marks frames with a label, and a sign or ""
 * @property {Record<string, string[]>} options what can be chosen: the labels by the choice
 * @property {Chosen} chosen
 * @property {string | null} in_page the choice whose options are all here
 * @property {Pick[]} picks
 */
/** @typedef {Record<string, number>} Chosen the option of each choice, 0-based */
/** @typedef {Moving<ImageState> & PackedImage} PackedImageTrack */
/** @typedef {Moving<LineState> & PackedLine} LineTrack */
/** @typedef {Moving<TextState> & { kind: "text" }} TextTrack */
/** @typedef {Moving<RectangleState> & { kind: "rectangle" }} RectangleTrack */
/** @typedef {PackedImageTrack | LineTrack | TextTrack | RectangleTrack} PackedTrack */
/** @typedef {Described & { tracks: PackedTrack[] }} Payload the JSON text */

/**
 * @typedef {object} Decoded
 * @property {{ light: Uint32Array, dark: Uint32Array }} palettes 256 colours; the last is transparent
 * @property {Uint8Array[]} images
 * @property {Painted[]} canvases the images as they were painted last
 */
/** @typedef {{ canvas: OffscreenCanvas, palette: Uint32Array, row?: number | null }} Painted */
/** @typedef {PackedImageTrack & Decoded} ImageTrack */
/** @typedef {ImageTrack | LineTrack | TextTrack | RectangleTrack} Track */
/** @typedef {Described & { tracks: Track[] }} Scene the payload with its images */
/** @typedef {{ frame: number, option: number }} At a frame, and the option of `in_page` */

/**
 * Undoes what `packing.packed` does.
 * @param {DataView | string} payload bytes, or base64
 * @returns {Promise<Scene>}
 */
export async function unpacked(payload) {
  const packed =
    typeof payload === "string"
      ? fromBase64(payload)
      : new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength).slice();
  const inflating = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(inflating).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  /** @type {Payload} */
  const described = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  const tracks = described.tracks.map((track) => {
    if (track.kind !== "image") return track;
    const sizes = imageSizes(track);
    const images = separated(bytes.subarray(at), sizes);
    at += sizes.reduce((sum, size) => sum + size, 0);
    const light = palette(track.colors);
    const dark = track.dark_colors === null ? light : palette(track.dark_colors);
    return { ...track, palettes: { light, dark }, images, canvases: [] };
  });
  return { ...described, tracks };
}

/**
 * How many pixels each image of a track has.
 * @param {PackedImageTrack} track
 */
export function imageSizes(track) {
  /** @type {number[]} */
  const sizes = Array(track.pixels).fill(0);
  for (const state of track.states) {
    if (state) sizes[state.pixels] = state.shape[0] * state.shape[1];
  }
  return sizes;
}

/**
 * The images of these sizes; of equal size, each came as its difference from the one before.
 * @param {Uint8Array} bytes
 * @param {number[]} sizes
 */
export function separated(bytes, sizes) {
  /** @type {Uint8Array[]} */
  const images = [];
  let at = 0;
  for (const size of sizes) {
    const image = bytes.slice(at, at + size);
    const before = images.at(-1);
    if (before?.length === size) {
      for (let i = 0; i < size; i++) image[i] ^= before[i];
    }
    images.push(image);
    at += size;
  }
  return images;
}

/** @param {string} colors RGBA in base64 */
export function palette(colors) {
  const found = new Uint32Array(256); // the last entry stays transparent
  found.set(new Uint32Array(fromBase64(colors).buffer));
  return found;
}

/** @param {string} text */
function fromBase64(text) {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/**
 * What a track holds at a frame.
 * @template State
 * @param {Moving<State>} track
 * @param {At} at
 * @returns {State | null}
 */
export function stateOf(track, { frame, option }) {
  const runs = track.frames[option] ?? track.frames[0];
  let [low, high] = [0, runs.length / 2];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (runs[2 * middle] <= frame) low = middle;
    else high = middle;
  }
  return track.states[runs[2 * low + 1]];
}
