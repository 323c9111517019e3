// The clock of a player, one for all its views: which frame is shown, and what was chosen.

import { beginnings, isBetween, nextStop, placeAt, stillOf } from "./motion.js";
import { unpacked } from "./payload.js";
import { laneCount } from "./pointing.js";

/** @import { Chosen, Scene } from "./payload.js" */
/**
 * @typedef {object} Traits Of the widget; see player.py.
 * @property {number} frame
 * @property {boolean} playing
 * @property {number} interval_ms
 * @property {boolean} loop
 * @property {Chosen} chosen
 * @property {boolean} _live whether a kernel can make other scenes
 * @property {DataView | string} _payload
 * @property {string} _own_id
 */
/**
 * @typedef {object} Model anywidget's, or in a page without a kernel what player.py puts there.
 * @property {<Name extends keyof Traits>(name: Name) => Traits[Name]} get
 * @property {<Name extends keyof Traits>(name: Name, value: Traits[Name]) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, heard: () => void) => void} on
 * @property {(event: string, heard: () => void) => void} off
 */
/** @typedef {{ show: () => void }} Shown a view */
/** @typedef {{ time: number, at: number, rate: number }} Start where in the scene's time at which time */

const KERNEL_INTERVAL_MS = 100; // while playing, the kernel hears of the frame no more often
const SCENES_KEPT = 16; // what was chosen before is shown again without the kernel
export const SPEEDS = [0.25, 0.5, 1, 2, 4];

/**
 * Where in the scene's time play is, and whether that is the end of it.
 * @param {Start} start
 * @param {number} now milliseconds
 * @param {Float64Array} begin when each frame begins, and the end
 * @param {boolean} loop
 */
export function timeAt(start, now, begin, loop) {
  // The time that the browser gives can lie before the click.
  const time = start.time + Math.max(0, now - start.at) * start.rate;
  const [last, end] = begin.slice(-2);
  if (loop) return { time: time % end, over: false };
  return { time: Math.min(time, last), over: time >= last };
}

/**
 * What a scene shows, save for the choice that is made in the page.
 * @param {Pick<Scene, "options" | "in_page">} scene
 * @param {Chosen} chosen
 */
export function keyOf(scene, chosen) {
  const shown = Object.keys(scene.options).map((name) => [
    name,
    name === scene.in_page || chosen[name],
  ]);
  return JSON.stringify(shown);
}

/**
 * The next frame with a mark in a direction, if there is one.
 * @param {[number, string, string][]} marks
 * @param {number} frame
 * @param {1 | -1} direction
 */
export function nextMark(marks, frame, direction) {
  const frames = marks.map(([marked]) => marked).sort((a, b) => a - b);
  const beyond = frames.filter((marked) => direction * (marked - frame) > 0);
  return direction > 0 ? beyond[0] : beyond.at(-1);
}

export class Clock {
  /**
   * @param {Model} model
   * @param {Scene} scene
   */
  constructor(model, scene) {
    this.model = model;
    /** @type {Set<Shown>} */
    this.views = new Set();
    /** @type {Map<string, Scene>} by what they show, those that came from the kernel so far */
    this.scenes = new Map();
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.speed = this.calm.matches ? SPEEDS[0] : 1;
    this.playing = false;
    /** @type {{ to: number } | null} what is on its way to a stop, without being played */
    this.moving = null;
    /** @type {number | null} the lane that is lit */
    this.lit = null;
    this.waiting = false;
    this.request = 0;
    this.told = { frame: model.get("frame"), at: 0 };
    /** @type {Start} */
    this.start = { time: 0, at: 0, rate: 0 };
    this.scene = scene;
    this.chosen = scene.chosen;
    this.last = 0;
    this.frame = 0;
    this.part = 0; // of a frame of a motion, how much has passed
    this.begin = beginnings(scene, 1);
    this.use(scene, scene.chosen);
    this.scenes.set(keyOf(scene, scene.chosen), scene);
    /** @type {[string, () => void][]} */
    this.heard = [
      ["change:chosen", () => this.showChosen()],
      ["change:_payload", async () => this.take(await unpacked(model.get("_payload")))],
      ["change:frame", () => this.hearFrame()],
      ["change:playing", () => this.play(model.get("playing"))],
      ["change:interval_ms", () => this.retime()],
      ["change:loop", () => this.redraw()],
    ];
    for (const [event, act] of this.heard) model.on(event, act);
    if (model.get("playing")) this.play(true);
  }

  close() {
    cancelAnimationFrame(this.request);
    this.playing = false;
    for (const [event, act] of this.heard) this.model.off(event, act);
  }

  hearFrame() {
    const frame = this.model.get("frame");
    // While the page plays, what comes back from the kernel is an echo of the past.
    if (this.playing || this.moving || frame === this.frame) return;
    if (isBetween(this.scene, frame)) this.go(frame, { tell: false });
    if (isBetween(this.scene, this.frame) || nextStop(this.scene, this.frame, 1) === frame) {
      this.step(1);
    } else {
      this.go(frame, { tell: false });
    }
  }

  retime() {
    this.begin = beginnings(this.scene, this.model.get("interval_ms"), this.calm.matches);
    this.start = { time: this.time, at: performance.now(), rate: this.speed };
    this.redraw();
  }

  /** Where in the scene's time the clock stands. */
  get time() {
    const [begin, end] = [this.begin[this.frame], this.begin[this.frame + 1]];
    return begin + this.part * (end - begin);
  }

  redraw() {
    for (const view of this.views) view.show();
  }

  /**
   * What was kept and is shown already comes from the kernel a second time: nothing is stopped.
   * @param {Scene} scene
   */
  take(scene) {
    const key = keyOf(scene, scene.chosen);
    const kept = this.scenes.get(key);
    if (kept && kept === this.scene && !this.waiting) return;
    const [oldest] = this.scenes.keys();
    if (this.scenes.size >= SCENES_KEPT) this.scenes.delete(oldest);
    this.scenes.set(key, scene);
    this.use(scene, scene.chosen);
  }

  /**
   * @param {Scene} scene
   * @param {Chosen} chosen
   */
  use(scene, chosen) {
    const rests = scene !== this.scene && this.frame === this.scene.poster;
    this.scene = scene;
    this.chosen = chosen;
    this.waiting = false;
    this.last = scene.n_frames - 1;
    this.play(false);
    this.halt();
    if (this.lit !== null && this.lit >= laneCount(scene)) this.lit = null;
    const frame = rests ? scene.poster : (this.model.get("frame") ?? scene.poster);
    this.frame = Math.min(scene.begins ?? frame, this.last);
    this.part = 0;
    this.retime();
  }

  /**
   * Whether an option can be shown: in the page, or by a kernel.
   * @param {string} name
   */
  has(name) {
    return name === this.scene.in_page || Boolean(this.model.get("_live"));
  }

  /**
   * @param {string} name
   * @param {number} option
   */
  choose(name, option) {
    if (!this.has(name) || this.chosen[name] === option) return;
    this.model.set("chosen", { ...this.chosen, [name]: option });
    this.model.save_changes();
    this.showChosen();
  }

  /** From the page where the scene is there; else it is on its way from the kernel. */
  showChosen() {
    const chosen = this.model.get("chosen");
    const scene = this.scenes.get(keyOf(this.scene, chosen));
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

  /** What is shown: for who wants no motion, a still stands for all of it. */
  get at() {
    const { in_page } = this.scene;
    const option = in_page === null ? 0 : this.chosen[in_page];
    if (this.calm.matches) return { frame: stillOf(this.scene, this.frame), part: 0, option };
    return { frame: this.frame, part: this.part, option };
  }

  get readout() {
    return this.scene.readouts[this.at.option * this.scene.n_frames + this.frame];
  }

  /**
   * Goes to the next or the previous stop; forwards, what lies between is passed in motion.
   * @param {1 | -1} direction
   */
  step(direction) {
    const { scene } = this;
    // Who steps on while something moves wants it to be there.
    const from = this.moving && direction > 0 ? this.moving.to : this.frame;
    const moved = from !== this.frame;
    this.play(false);
    this.halt();
    const to = nextStop(scene, from, direction);
    if (direction < 0 || to - from < 2) {
      this.go(to);
      return;
    }
    if (moved) this.go(from);
    this.moving = { to };
    // A motion begins where the frame before it ends.
    const time = isBetween(scene, from) ? this.time : this.begin[from + 1];
    this.start = { time, at: performance.now(), rate: this.speed };
    this.request = requestAnimationFrame((now) => this.tick(now));
    this.redraw();
  }

  /**
   * @param {number} frame
   * @param {{ tell?: boolean }} how
   */
  go(frame, { tell = true } = {}) {
    this.frame = Math.min(Math.max(frame, 0), this.last);
    this.part = 0;
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

  /**
   * Stops, goes to a frame, and says so to the kernel.
   * @param {number} frame
   */
  jump(frame) {
    this.play(false);
    this.halt();
    this.go(frame);
  }

  /**
   * Lights a lane, or none; that one again puts it out.
   * @param {number | null} lane
   */
  light(lane) {
    const count = laneCount(this.scene);
    const there = lane !== null && lane >= 0 && lane < count && lane !== this.lit;
    this.lit = there ? lane : null;
    this.redraw();
  }

  /** Ends what moves, wherever it is. */
  halt() {
    cancelAnimationFrame(this.request);
    this.moving = null;
  }

  /** @param {boolean} playing */
  play(playing) {
    // Said again, as by an echo of the kernel's, it stops nothing.
    if (playing === this.playing) return;
    this.playing = playing;
    this.halt();
    if (playing) {
      if (this.frame === this.last) this.go(0);
      this.start = { time: this.time, at: performance.now(), rate: this.speed };
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

  /** @param {number} now */
  tick(now) {
    const { moving } = this;
    if (!this.playing && !moving) return;
    if (this.start.rate !== this.speed) {
      this.start = { time: this.time, at: now, rate: this.speed };
    }
    const loop = this.model.get("loop") && !moving;
    const { time, over } = timeAt(this.start, now, this.begin, loop);
    const { frame, part } = placeAt(this.begin, time);
    if (moving && frame >= moving.to) {
      this.jump(moving.to);
      return;
    }
    const between = isBetween(this.scene, frame);
    if (frame !== this.frame || between) {
      this.frame = frame;
      this.part = between ? part : 0;
      this.redraw();
      if (!moving) this.tell();
    }
    if (over) this.play(false);
    else this.request = requestAnimationFrame((later) => this.tick(later));
  }
}
