// Repaints the data of a matplotlib figure, frame by frame, under the stage that matplotlib drew.
// One module for two hosts: an anywidget in a notebook, and a page without a kernel (player.py).

const KERNEL_INTERVAL_MS = 100; // while playing, the kernel hears of the frame no more often
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const PAGE = 10; // frames that Page Up and Page Down move by
const SCENES_KEPT = 16; // what was chosen before is shown again without the kernel

const STYLE = `
.stateviz-player {
  --stateviz-ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, CanvasText));
  --stateviz-faint: color-mix(in srgb, var(--stateviz-ink) 16%, transparent);
  --stateviz-line: color-mix(in srgb, var(--stateviz-ink) 55%, transparent);
  --stateviz-accent: var(--jp-brand-color1, #0072b2);
  color: var(--stateviz-ink); max-width: var(--stateviz-width); margin: 0.25rem 0;
  font: 0.875rem/1.4 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
  container-type: inline-size;
}
.stateviz-player * { box-sizing: border-box; }
.stateviz-picture { position: relative; width: 100%; touch-action: pan-y; }
.stateviz-picture > canvas, .stateviz-picture > svg {
  position: absolute; inset: 0; width: 100%; height: 100%;
}
.stateviz-picture > svg { pointer-events: none; }
.stateviz-choices { display: flex; flex-wrap: wrap; gap: 0.375rem 1rem; margin-bottom: 0.35rem; }
.stateviz-choices label { display: inline-flex; align-items: center; gap: 0.4rem; max-width: 100%; }
.stateviz-player[aria-busy="true"] .stateviz-picture { opacity: 0.45; }
.stateviz-tip {
  position: absolute; z-index: 1; pointer-events: none; white-space: nowrap; padding: 0.15rem 0.5rem;
  border: 1px solid var(--stateviz-line); border-radius: 4px; font-variant-numeric: tabular-nums;
  background: var(--jp-layout-color1, Canvas); color: var(--stateviz-ink);
}
.stateviz-readout {
  display: grid; margin: 0.1rem 0 0.35rem; padding: 0.1rem 0.25rem; white-space: pre-wrap;
  font: 0.9375rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
.stateviz-readout > * { grid-area: 1 / 1; }
.stateviz-readout > :last-child { visibility: hidden; }
.stateviz-controls { display: flex; flex-wrap: wrap; align-items: center; gap: 0.375rem; }
.stateviz-controls button, .stateviz-player select {
  min-height: 34px; min-width: 34px; padding: 0 0.6rem; font: inherit; color: inherit;
  background: transparent; border: 1px solid var(--stateviz-line); border-radius: 6px;
  cursor: pointer;
}
.stateviz-player select { max-width: min(32em, 100%); background: var(--jp-layout-color1, Canvas); }
.stateviz-controls button:hover:not([aria-disabled="true"]) { background: var(--stateviz-faint); }
.stateviz-controls button[aria-disabled="true"] { border-color: var(--stateviz-faint); cursor: default; }
.stateviz-controls button[aria-disabled="true"] > * { opacity: 0.6; }
.stateviz-controls button[data-action="play"] { min-width: 5.6rem; font-weight: 600; }
.stateviz-controls button[aria-pressed="true"], .stateviz-controls button[aria-expanded="true"] {
  background: var(--stateviz-faint); border-color: var(--stateviz-ink);
}
.stateviz-player :focus-visible { outline: 3px solid var(--stateviz-accent); outline-offset: 2px; }
.stateviz-player:focus-visible { outline-offset: 4px; border-radius: 4px; }
.stateviz-track { position: relative; flex: 1 1 100%; display: flex; align-items: center; gap: 0.75rem; }
.stateviz-rail { position: relative; flex: 1; }
.stateviz-slider {
  display: block; width: 100%; min-height: 34px; margin: 0; cursor: pointer;
  accent-color: var(--stateviz-accent);
}
.stateviz-marks { position: absolute; inset: auto 8px 2px 8px; height: 6px; pointer-events: none; }
.stateviz-marks > i {
  position: absolute; width: 2px; height: 6px; margin-left: -1px; background: currentColor;
}
.stateviz-count { min-width: 7.5em; text-align: right; font-variant-numeric: tabular-nums; }
.stateviz-spring { flex: 1; }
.stateviz-keys {
  margin: 0.5rem 0 0; padding: 0.5rem 0.75rem; border: 1px solid var(--stateviz-line);
  border-radius: 6px; display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem;
}
.stateviz-keys dt { font-weight: 600; }
.stateviz-keys dd { margin: 0; }
.stateviz-player [hidden] { display: none; }
.stateviz-player.stateviz-presenting {
  position: fixed; inset: 0; z-index: 100000; max-width: none; margin: 0; padding: 1.5vh 2vw;
  overflow: auto; background: var(--jp-layout-color0, var(--vscode-editor-background, Canvas));
  font-size: max(1rem, 2.1vh);
}
.stateviz-presenting .stateviz-picture {
  width: min(100%, calc((97vh - 15rem) * var(--stateviz-aspect))); margin: 0 auto;
}
.stateviz-presenting .stateviz-readout { font-size: max(1.1rem, 2.6vh); text-align: center; }
@container (max-width: 560px) { .stateviz-controls button > svg + b { display: none; } }
`;

const KEYS = [
  ["Space", "play or pause"],
  ["Left, Right", "previous, next frame"],
  ["Page Up, Page Down", `${PAGE} frames back, on`],
  ["Home, End", "first, last frame"],
  ["f", "fill the screen; Esc leaves"],
];

// --- The scene -----------------------------------------------------------------------------------

async function unpacked(payload) {
  const packed =
    typeof payload === "string"
      ? Uint8Array.from(atob(payload), (char) => char.charCodeAt(0))
      : new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
  const inflating = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(inflating).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const scene = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  for (const track of scene.tracks) {
    if (track.kind === "line") shareLine(track);
    if (track.kind !== "image") continue;
    track.palette = palette(track.colors);
    track.images = [];
    track.canvases = [];
    const sizes = imageSizes(track);
    for (let place = 0; place < track.pixels; place++) {
      const image = bytes.subarray(at, at + sizes[place]);
      const before = track.images.at(-1);
      // Each image came as its difference from the one before.
      if (before?.length === image.length) for (let i = 0; i < image.length; i++) image[i] ^= before[i];
      track.images.push(image);
      at += image.length;
    }
  }
  return scene;
}

const imageSizes = (track) => {
  const sizes = [];
  for (const state of track.states) if (state) sizes[state.pixels] = state.shape[0] * state.shape[1];
  return sizes;
};

// What a track holds at a frame; `option` is that of the choice that is made in the page.
function stateOf(scene, track, { frame, option }) {
  const varies = track.frames.length > scene.n_frames;
  return track.states[track.frames[varies ? option * scene.n_frames + frame : frame]];
}

function shareLine(track) {
  for (const state of track.states) if (state) state.points = track.lines[state.line].slice(0, state.points);
}

function palette(base64) {
  const rgba = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const colors = new Uint32Array(256); // the last entry stays transparent
  colors.set(new Uint32Array(rgba.buffer));
  return colors;
}

// --- Painting ------------------------------------------------------------------------------------

function paint(context, scene, at, scale, ink) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  const css = (color) =>
    color.startsWith("ink") ? ink(Number(color.slice(4))) : color;
  for (const track of scene.tracks) {
    const state = stateOf(scene, track, at);
    if (!state) continue;
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    if (track.clip) {
      context.beginPath();
      context.rect(...track.clip);
      context.clip();
    }
    PAINTERS[track.kind](context, track, state, css, scale);
    context.restore();
  }
}

// An image in its colours, one canvas pixel a value, but in no more pixels than there is room for:
// a pixel of several values has their mean colour. To leave some out would show equal images at two
// places as different. It is kept until there is another room for it.
function colored(track, place, [rows, columns], width, height) {
  const size = [Math.min(columns, Math.max(width, 1)), Math.min(rows, Math.max(height, 1))];
  const kept = track.canvases[place];
  if (kept?.width === size[0] && kept.height === size[1]) return kept;
  const image = new ImageData(...size);
  const colors = new Uint8Array(track.palette.buffer);
  const levels = track.images[place];
  // The values that pixel `at` of `many` touches, of `count` in a row or column.
  const touched = (at, many, count) => [Math.floor((at * count) / many), Math.ceil(((at + 1) * count) / many)];
  for (let y = 0; y < size[1]; y++) {
    const [top, bottom] = touched(y, size[1], rows);
    for (let x = 0; x < size[0]; x++) {
      const [left, right] = touched(x, size[0], columns);
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
      const mean = count ? [...sum.map((each) => each / count), 255] : [0, 0, 0, 0];
      image.data.set(mean, 4 * (y * size[0] + x));
    }
  }
  track.canvases[place] = new OffscreenCanvas(...size);
  track.canvases[place].getContext("2d").putImageData(image, 0, 0);
  return track.canvases[place];
}

const PAINTERS = {
  image(context, track, state, css, scale) {
    // Whole device pixels, so that edges are sharp.
    const [[x0, y0], [x1, y1]] = state.corners.map((corner) => corner.map((v) => Math.round(v * scale)));
    const [width, height] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
    context.setTransform(x1 < x0 ? -1 : 1, 0, 0, y1 < y0 ? -1 : 1, x0, y0);
    context.beginPath();
    context.rect(0, 0, Math.round((width * state.columns) / state.shape[1]), height);
    context.clip();
    context.imageSmoothingEnabled = false;
    context.drawImage(colored(track, state.pixels, state.shape, width, height), 0, 0, width, height);
  },

  line(context, track, state, css) {
    if (state.width && state.color) {
      context.beginPath();
      let drawing = false;
      for (const point of state.points) {
        if (point) context[drawing ? "lineTo" : "moveTo"](...point);
        drawing = Boolean(point);
      }
      context.strokeStyle = css(state.color);
      context.lineWidth = state.width;
      context.lineJoin = "round";
      context.setLineDash(state.dash);
      context.stroke();
    }
    if (!track.marker || !state.marker_color) return;
    context.fillStyle = css(state.marker_color);
    for (const point of state.points) {
      if (!point) continue;
      context.beginPath();
      for (const [dx, dy] of track.marker) context.lineTo(point[0] + dx, point[1] + dy);
      context.fill();
    }
  },

  text(context, track, state, css) {
    context.translate(...state.at);
    context.rotate((-state.turn * Math.PI) / 180);
    context.font = `${state.bold ? "bold " : ""}${state.size}px "DejaVu Sans", system-ui, sans-serif`;
    context.fillStyle = css(state.color);
    context.textAlign = state.align[0];
    const baselines = { baseline: "alphabetic", center: "middle", center_baseline: "middle" };
    context.textBaseline = baselines[state.align[1]] ?? state.align[1];
    const lines = state.text.split("\n");
    const height = 1.2 * state.size;
    const up = { top: 0, center: 0.5, center_baseline: 0.5 }[state.align[1]] ?? 1;
    lines.forEach((text, place) => {
      context.fillText(text, 0, (place - up * (lines.length - 1)) * height);
    });
  },

  rectangle(context, track, state, css) {
    if (state.face) {
      context.fillStyle = css(state.face);
      context.fillRect(...state.box);
    }
    if (state.edge && state.width) {
      context.strokeStyle = css(state.edge);
      context.lineWidth = state.width;
      context.strokeRect(...state.box);
    }
  },
};

// --- What is under the pointer -------------------------------------------------------------------

const filledIn = (format, values) =>
  format.replace(/\{(\w+)(?::\.(\d)f)?\}/g, (_, name, digits) =>
    digits === undefined ? String(Math.round(values[name])) : values[name].toFixed(Number(digits)),
  );

function wordsAt(scene, at, x, y) {
  for (const track of [...scene.tracks].reverse()) {
    const state = track.hover && stateOf(scene, track, at);
    if (!state) continue;
    const values = track.kind === "image" ? imageAt(track, state, x, y) : lineAt(scene, track, state, x, y);
    if (values) return filledIn(track.hover, values);
  }
  return "";
}

function imageAt(track, state, x, y) {
  const [[x0, y0], [x1, y1]] = state.corners;
  const [across, down] = [(x - x0) / (x1 - x0), (y - y0) / (y1 - y0)];
  if (!(across >= 0 && across < 1 && down >= 0 && down < 1)) return null;
  const [rows, columns] = state.shape;
  const [row, column] = [Math.floor(down * rows), Math.floor(across * columns)];
  if (column >= state.columns) return null;
  const level = track.images[state.pixels][row * columns + column];
  if (level === 255) return null;
  const [left, right, bottom, top] = track.extent;
  const [low, high] = track.limits;
  return {
    x: left + ((column + 0.5) / columns) * (right - left),
    y: top + ((row + 0.5) / rows) * (bottom - top),
    value: low + ((level + 0.5) / 255) * (high - low),
  };
}

function lineAt(scene, track, state, x, y) {
  let nearest = null;
  let distance = 8; // points
  for (const point of state.points) {
    if (!point) continue;
    const away = Math.hypot(point[0] - x, point[1] - y);
    if (away < distance) [nearest, distance] = [point, away];
  }
  if (!nearest || !track.data) return null;
  const [[left, bottom], [right, top]] = track.data;
  const [width, height] = scene.size;
  return {
    x: left + (nearest[0] / width) * (right - left),
    y: bottom + (1 - nearest[1] / height) * (top - bottom),
    get value() { return this.y; },
  };
}

// The choice and the option that a click at a place makes, if any.
function pickAt(scene, x, y) {
  for (const { choice, axis, start, box: [left, top, width, height], limits: [low, high] } of scene.picks) {
    const part = axis === "x" ? (x - left) / width : (y - top) / height;
    const other = axis === "x" ? (y - top) / height : (x - left) / width;
    if (!(part >= 0 && part < 1 && other >= 0 && other < 1)) continue;
    const option = Math.floor(low + part * (high - low) - start);
    if (option >= 0 && option < scene.options[choice].length) return { choice, option };
  }
  return null;
}

// --- The clock, one for all views of a player ----------------------------------------------------

const clocks = new Map();

class Clock {
  constructor(model, scene) {
    this.model = model;
    this.views = new Set();
    this.scenes = new Map(); // by what they show, those that came from the kernel so far
    this.speed = matchMedia("(prefers-reduced-motion: reduce)").matches ? SPEEDS[0] : 1;
    this.playing = false;
    this.told = { frame: model.get("frame"), at: 0 };
    this.take(scene);
    // While the page plays, what comes back from the kernel is an echo of the past.
    this.heard = () => { if (!this.playing) this.go(this.model.get("frame"), { tell: false }); };
    this.startedOrStopped = () => this.play(this.model.get("playing"));
    this.changed = () => this.redraw();
    this.chose = () => this.showChosen();
    this.received = async () => this.take(await unpacked(model.get("_payload")));
    model.on("change:chosen", this.chose);
    model.on("change:_payload", this.received);
    model.on("change:frame", this.heard);
    model.on("change:playing", this.startedOrStopped);
    model.on("change:interval_ms", this.changed);
    model.on("change:loop", this.changed);
    if (model.get("playing")) this.play(true);
  }

  close() {
    cancelAnimationFrame(this.request);
    this.playing = false;
    this.model.off("change:chosen", this.chose);
    this.model.off("change:_payload", this.received);
    this.model.off("change:frame", this.heard);
    this.model.off("change:playing", this.startedOrStopped);
    this.model.off("change:interval_ms", this.changed);
    this.model.off("change:loop", this.changed);
  }

  redraw() {
    for (const view of this.views) view.show();
  }

  // What a scene shows, save for the choice that is made in the page.
  keyOf(scene, chosen) {
    const shown = Object.keys(scene.options).map((name) => [name, name === scene.in_page || chosen[name]]);
    return JSON.stringify(shown);
  }

  // What was kept and is shown already comes from the kernel a second time: nothing is stopped.
  take(scene) {
    const key = this.keyOf(scene, scene.chosen);
    const kept = this.scenes.get(key);
    if (kept && kept === this.scene && !this.waiting) return;
    if (this.scenes.size >= SCENES_KEPT) this.scenes.delete(this.scenes.keys().next().value);
    this.scenes.set(key, scene);
    this.use(scene, scene.chosen);
  }

  use(scene, chosen) {
    this.scene = scene;
    this.chosen = chosen;
    this.waiting = false;
    this.last = scene.n_frames - 1;
    this.play(false);
    this.frame = Math.min(this.model.get("frame"), this.last);
    this.redraw();
  }

  // Whether an option can be shown: in the page, or by a kernel.
  has(name) {
    return name === this.scene.in_page || Boolean(this.model.get("_live"));
  }

  choose(name, option) {
    if (!this.has(name) || this.chosen[name] === option) return;
    this.model.set("chosen", { ...this.chosen, [name]: option });
    this.model.save_changes();
    this.showChosen();
  }

  // From the page where the scene is there; else it is on its way from the kernel.
  showChosen() {
    const chosen = this.model.get("chosen");
    const scene = this.scenes.get(this.keyOf(this.scene, chosen));
    if (scene === this.scene) {
      this.chosen = chosen;
      this.waiting = false;
    } else if (scene) {
      this.use(scene, chosen);
    } else {
      this.waiting = true;
    }
    this.redraw();
  }

  get at() {
    return { frame: this.frame, option: this.chosen[this.scene.in_page] ?? 0 };
  }

  get readout() {
    return this.scene.readouts[this.at.option * this.scene.n_frames + this.frame];
  }

  go(frame, { tell = true } = {}) {
    this.frame = Math.min(Math.max(frame, 0), this.last);
    this.redraw();
    if (tell) this.tell();
  }

  tell() {
    const now = performance.now();
    if (this.playing && now - this.told.at < KERNEL_INTERVAL_MS) return;
    if (this.told.frame === this.frame && this.model.get("frame") === this.frame) return;
    this.told = { frame: this.frame, at: now };
    this.model.set("frame", this.frame);
    this.model.save_changes();
  }

  // Stops, goes to a frame, and says so to the kernel.
  jump(frame) {
    this.play(false);
    this.go(frame);
  }

  play(playing) {
    if (playing === this.playing) return;
    this.playing = playing;
    cancelAnimationFrame(this.request);
    if (playing) {
      if (this.frame === this.last) this.go(0);
      this.start = { frame: this.frame, at: performance.now(), rate: this.rate() };
      this.request = requestAnimationFrame((now) => this.tick(now));
    } else {
      this.tell();
    }
    if (this.model.get("playing") !== playing) {
      this.model.set("playing", playing);
      this.model.save_changes();
    }
    this.redraw();
  }

  rate() {
    return this.speed / this.model.get("interval_ms"); // frames a millisecond
  }

  tick(now) {
    if (!this.playing) return;
    if (this.start.rate !== this.rate()) {
      this.start = { frame: this.frame, at: now, rate: this.rate() };
    }
    // The time that the browser gives can lie before the click.
    const passed = Math.floor(Math.max(0, now - this.start.at) * this.start.rate);
    let frame = this.start.frame + passed;
    if (frame > this.last && this.model.get("loop")) frame %= this.last + 1;
    if (frame !== this.frame) this.go(frame);
    if (frame >= this.last && !this.model.get("loop")) this.play(false);
    else this.request = requestAnimationFrame((later) => this.tick(later));
  }
}

async function clockOf(model) {
  const id = model.get("_own_id") || {}; // without a kernel each player has but one view
  if (!clocks.has(id)) clocks.set(id, unpacked(model.get("_payload")).then((scene) => new Clock(model, scene)));
  return [id, await clocks.get(id)];
}

// --- One view ------------------------------------------------------------------------------------

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

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

function icon(name) {
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

function button(action, symbol, word, explained) {
  const made = element("button", { type: "button", "data-action": action, "aria-label": explained, title: explained });
  if (symbol) made.append(icon(symbol));
  if (word) made.append(element("b", { style: "font-weight:inherit" }, ` ${word}`));
  return made;
}

class View {
  constructor(clock, el) {
    this.clock = clock;
    this.listening = new AbortController();
    this.canvas = element("canvas", { role: "img" });
    this.context = this.canvas.getContext("2d");
    this.picture = element("div", { class: "stateviz-picture" });
    this.choices = element("div", { class: "stateviz-choices" });
    this.tip = element("div", { class: "stateviz-tip", hidden: "" });
    this.words = element("span");
    this.longest = element("span", { "aria-hidden": "true" }); // keeps the room for every frame's words
    this.readout = element("div", { class: "stateviz-readout", "aria-live": "polite" }, this.words, this.longest);
    this.buttons = Object.fromEntries(
      [
        ["first", "first", "", "First frame"],
        ["previous", "previous", "Previous", "Previous frame"],
        ["play", "play", "Play", "Play"],
        ["next", "next", "Next", "Next frame"],
        ["last", "last", "", "Last frame"],
        ["mark-back", "markBack", "", "Previous mark"],
        ["mark-on", "markOn", "", "Next mark"],
        ["loop", "", "Loop", "Begin again at the end"],
        ["present", "present", "", "Fill the screen"],
        ["keys", "", "?", "Show the keys"],
      ].map(([action, ...look]) => [action, button(action, ...look)]),
    );
    this.slider = element("input", {
      type: "range", class: "stateviz-slider", min: 0, step: 1, "aria-label": "Frame",
    });
    this.marks = element("div", { class: "stateviz-marks" });
    this.count = element("span", { class: "stateviz-count" });
    this.speed = element("select", { "aria-label": "Speed", title: "Speed" });
    for (const speed of SPEEDS) this.speed.append(element("option", { value: speed }, `${speed} ×`));
    this.keys = element("dl", { class: "stateviz-keys", hidden: "" });
    const { loop, present, keys, ...moving } = this.buttons;
    this.root = element(
      "div",
      {
        class: "stateviz-player", role: "group", tabindex: "0", "data-lm-suppress-shortcuts": "true",
      },
      element("style", {}, STYLE),
      this.choices,
      this.picture,
      this.readout,
      element(
        "div",
        { class: "stateviz-controls" },
        element("div", { class: "stateviz-track" }, element("div", { class: "stateviz-rail" }, this.slider, this.marks), this.count),
        ...Object.values(moving),
        element("span", { class: "stateviz-spring" }),
        this.speed,
        loop,
        present,
        keys,
      ),
      this.keys,
    );
    this.adopt(clock.scene);
    el.append(this.root);
    this.listen();
  }

  // Takes over what belongs to a scene and not to a frame.
  adopt(scene) {
    this.scene = scene;
    this.shown = null;
    const [width, height] = scene.size;
    this.picture.style.aspectRatio = `${width}/${height}`;
    this.picture.replaceChildren(this.canvas);
    this.picture.insertAdjacentHTML("beforeend", scene.stage);
    this.picture.append(this.tip);
    this.root.style.setProperty("--stateviz-width", `${(width * 96) / 72}px`);
    this.root.style.setProperty("--stateviz-aspect", width / height);
    this.root.setAttribute("aria-label", `Player: ${scene.title}`);
    this.canvas.setAttribute("aria-label", scene.title);
    this.longest.textContent = scene.readouts.reduce((a, b) => (b.length > a.length ? b : a));
    this.slider.max = scene.n_frames - 1;
    this.marks.replaceChildren(
      ...scene.marks.map(([frame, label]) =>
        element("i", { style: `left:${(100 * frame) / Math.max(scene.n_frames - 1, 1)}%`, title: label }),
      ),
    );
    for (const name of ["mark-back", "mark-on"]) this.buttons[name].hidden = !scene.marks.length;
    this.adoptChoices(scene);
    this.keys.replaceChildren(
      ...this.keyList().flatMap(([key, what]) => [element("dt", {}, key), element("dd", {}, what)]),
    );
  }

  adoptChoices(scene) {
    const focused = this.choices.contains(document.activeElement) && document.activeElement.dataset.choice;
    this.selects = {};
    this.choices.replaceChildren();
    for (const [name, labels] of Object.entries(scene.options)) {
      if (labels.length < 2) continue;
      const select = element("select", { "data-choice": name });
      labels.forEach((label, option) => select.append(element("option", { value: option }, label)));
      select.disabled = !this.clock.has(name);
      if (select.disabled) select.title = "Run this cell to choose: it needs Python";
      select.addEventListener("change", () => this.clock.choose(name, Number(select.value)));
      this.selects[name] = select;
      this.choices.append(element("label", {}, name, select));
    }
    this.choices.hidden = !this.choices.children.length;
    this.selects[focused]?.focus();
  }

  keyList() {
    const chosen = Object.entries(this.choiceKeys()).map(([key, name]) => [
      `${key}, ${key.toUpperCase()}`, `next, previous ${name}`,
    ]);
    return [...KEYS, ...(this.scene.marks.length ? [["[ and ]", "previous, next mark"]] : []), ...chosen];
  }

  // Each choice has its first letter that is still free.
  choiceKeys() {
    const keys = {};
    for (const [name, labels] of Object.entries(this.scene.options)) {
      if (labels.length < 2 || !this.clock.has(name)) continue;
      const free = [...name].find((letter) => /[a-z]/.test(letter) && letter !== "f" && !keys[letter]);
      if (free) keys[free] = name;
    }
    return keys;
  }

  listen() {
    const { clock } = this;
    const on = (target, kind, act) => target.addEventListener(kind, act, { signal: this.listening.signal });
    const acts = {
      first: () => clock.jump(0),
      previous: () => clock.jump(clock.frame - 1),
      play: () => clock.play(!clock.playing),
      next: () => clock.jump(clock.frame + 1),
      last: () => clock.jump(clock.last),
      "mark-back": () => this.toMark(-1),
      "mark-on": () => this.toMark(1),
      loop: () => {
        clock.model.set("loop", !clock.model.get("loop"));
        clock.model.save_changes();
        clock.redraw();
      },
      present: () => this.present(),
      keys: () => {
        this.keys.hidden = !this.keys.hidden;
        this.buttons.keys.setAttribute("aria-expanded", String(!this.keys.hidden));
      },
    };
    for (const [action, made] of Object.entries(this.buttons)) on(made, "click", acts[action]);
    on(this.slider, "input", () => clock.jump(Number(this.slider.value)));
    on(this.speed, "change", () => { clock.speed = Number(this.speed.value); clock.redraw(); });
    const byKey = {
      ArrowLeft: acts.previous, ArrowDown: acts.previous, ArrowRight: acts.next, ArrowUp: acts.next,
      PageUp: () => clock.jump(clock.frame - PAGE), PageDown: () => clock.jump(clock.frame + PAGE),
      Home: acts.first, End: acts.last, " ": acts.play, "?": acts.keys,
      "[": acts["mark-back"], "]": acts["mark-on"], f: acts.present,
    };
    const byChoice = (key) => {
      const name = this.choiceKeys()[key.toLowerCase()];
      if (!name) return null;
      const option = clock.chosen[name] + (key === key.toLowerCase() ? 1 : -1);
      return () => option in this.scene.options[name] && clock.choose(name, option);
    };
    on(this.root, "keydown", (event) => {
      const leaves = event.key === "Escape" && this.root.classList.contains("stateviz-presenting");
      const act = leaves ? acts.present : (byKey[event.key] ?? byChoice(event.key));
      if (event.ctrlKey || event.metaKey || event.altKey || !act) return;
      // A notebook would take the keys for itself.
      event.stopPropagation();
      const ownMeaning =
        event.target.tagName === "SELECT" || (event.key === " " && event.target.tagName === "BUTTON");
      if (ownMeaning) return;
      event.preventDefault();
      act();
    });
    on(this.picture, "pointermove", (event) => this.point(event));
    on(this.picture, "pointerleave", () => (this.tip.hidden = true));
    on(this.picture, "click", (event) => {
      const pick = this.pick(event);
      if (pick) clock.choose(pick.choice, pick.option);
    });
    on(document, "fullscreenchange", () => this.presenting(document.fullscreenElement === this.root));
    const repaint = () => this.show();
    this.sizes = new ResizeObserver(repaint);
    this.sizes.observe(this.picture);
    this.themes = new MutationObserver(repaint);
    this.themes.observe(document.body, { attributes: true });
    on(matchMedia("(prefers-color-scheme: dark)"), "change", repaint);
  }

  close() {
    this.listening.abort();
    this.sizes.disconnect();
    this.themes.disconnect();
    this.root.remove();
  }

  toMark(direction) {
    const frames = this.scene.marks.map(([frame]) => frame).sort((a, b) => a - b);
    const beyond = frames.filter((frame) => direction * (frame - this.clock.frame) > 0);
    if (beyond.length) this.clock.jump(direction > 0 ? beyond[0] : beyond.at(-1));
  }

  // The place of the pointer, in points on the stage.
  place(event) {
    const box = this.picture.getBoundingClientRect();
    const [width, height] = this.scene.size;
    return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
  }

  pick(event) {
    const pick = pickAt(this.scene, ...this.place(event));
    return pick && this.clock.has(pick.choice) ? pick : null;
  }

  // A presenter's view. Where a page may not fill the screen it fills the window.
  present() {
    const fills = this.root.classList.contains("stateviz-presenting");
    if (document.fullscreenElement === this.root) document.exitFullscreen();
    else if (!fills) this.root.requestFullscreen?.().catch(() => {});
    this.presenting(!fills);
    this.root.focus();
  }

  presenting(fills) {
    this.root.classList.toggle("stateviz-presenting", fills);
    this.buttons.present.setAttribute("aria-pressed", String(fills));
    this.show();
  }

  point(event) {
    const box = this.picture.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const pick = this.pick(event);
    const pointed = wordsAt(this.scene, this.clock.at, ...this.place(event));
    const words = pick ? [pointed, "click to choose"].filter(Boolean).join("  ·  ") : pointed;
    this.picture.style.cursor = pick ? "pointer" : "";
    this.tip.hidden = !words;
    this.tip.textContent = words;
    const toLeft = x > box.width / 2;
    this.tip.style.left = toLeft ? "" : `${x + 14}px`;
    this.tip.style.right = toLeft ? `${box.width - x + 14}px` : "";
    this.tip.style.top = `${Math.max(0, y - 32)}px`;
  }

  show() {
    const { clock, canvas } = this;
    if (this.scene !== clock.scene) this.adopt(clock.scene);
    const { scene } = this;
    const { frame, playing, last, readout } = clock;
    const sharp = window.devicePixelRatio || 1;
    const wide = Math.round(this.picture.clientWidth * sharp);
    const high = Math.round(this.picture.clientHeight * sharp);
    if (!wide) return; // not on the page, or folded away
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    paint(this.context, scene, clock.at, wide / scene.size[0], inkOf(this.root));
    if (this.shown !== readout) this.words.textContent = readout;
    this.shown = readout;
    // A screen reader could not keep up with every frame; it hears the one at which play stops.
    this.readout.setAttribute("aria-live", playing ? "off" : "polite");
    this.slider.value = frame;
    this.slider.setAttribute("aria-valuetext", readout);
    this.count.textContent = `frame ${frame} of ${last}`;
    this.speed.value = clock.speed;
    this.buttons.loop.setAttribute("aria-pressed", String(clock.model.get("loop")));
    const word = playing ? "Pause" : "Play";
    if (this.buttons.play.getAttribute("aria-label") !== word) {
      this.buttons.play.setAttribute("aria-label", word);
      this.buttons.play.title = word;
      this.buttons.play.replaceChildren(icon(word.toLowerCase()), element("b", {}, ` ${word}`));
    }
    for (const name of ["first", "previous"]) this.buttons[name].setAttribute("aria-disabled", String(frame === 0));
    for (const name of ["next", "last"]) this.buttons[name].setAttribute("aria-disabled", String(frame === last));
    for (const [name, select] of Object.entries(this.selects)) {
      // While another scene is on its way the box shows what was chosen.
      if (!clock.waiting) select.value = clock.chosen[name];
    }
    this.root.setAttribute("aria-busy", String(clock.waiting));
    this.root.dataset.frame = frame;
    this.root.dataset.playing = playing;
    this.root.dataset.ready = "true";
  }
}

// The reader's text colour at a given opacity.
function inkOf(root) {
  const [red, green, blue, alpha = 1] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  return (opacity) => `rgba(${red},${green},${blue},${alpha * opacity})`;
}

async function render({ model, el }) {
  const [id, clock] = await clockOf(model);
  const view = new View(clock, el);
  clock.views.add(view);
  view.show();
  return () => {
    clock.views.delete(view);
    view.close();
    if (clock.views.size) return;
    clock.close();
    clocks.delete(id);
  };
}

const playerModule = { render };
export default playerModule;
