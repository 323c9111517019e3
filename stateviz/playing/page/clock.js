// The clock of a player, one for all its views: which frame is shown, and what was chosen.

import { unpacked } from "./payload.js";

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
/** @typedef {{ frame: number, at: number, rate: number }} Start when play began; frames a ms */

const KERNEL_INTERVAL_MS = 100; // while playing, the kernel hears of the frame no more often
const SCENES_KEPT = 16; // what was chosen before is shown again without the kernel
export const SPEEDS = [0.25, 0.5, 1, 2, 4];

/**
 * The frame to show at a time, and whether it is the end of play.
 * @param {Start} start
 * @param {number} now milliseconds
 * @param {number} last
 * @param {boolean} loop
 */
export function frameAt(start, now, last, loop) {
  // The time that the browser gives can lie before the click.
  const passed = Math.floor(Math.max(0, now - start.at) * start.rate);
  const frame = start.frame + passed;
  if (loop) return { frame: frame % (last + 1), over: false };
  return { frame: Math.min(frame, last), over: frame >= last };
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
 * @param {[number, string][]} marks
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
    this.speed = matchMedia("(prefers-reduced-motion: reduce)").matches ? SPEEDS[0] : 1;
    this.playing = false;
    this.waiting = false;
    this.request = 0;
    this.told = { frame: model.get("frame"), at: 0 };
    /** @type {Start} */
    this.start = { frame: 0, at: 0, rate: 0 };
    this.scene = scene;
    this.chosen = scene.chosen;
    this.last = 0;
    this.frame = 0;
    this.use(scene, scene.chosen);
    this.scenes.set(keyOf(scene, scene.chosen), scene);
    /** @type {[string, () => void][]} */
    this.heard = [
      ["change:chosen", () => this.showChosen()],
      ["change:_payload", async () => this.take(await unpacked(model.get("_payload")))],
      ["change:frame", () => this.hearFrame()],
      ["change:playing", () => this.play(model.get("playing"))],
      ["change:interval_ms", () => this.redraw()],
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
    // While the page plays, what comes back from the kernel is an echo of the past.
    if (!this.playing) this.go(this.model.get("frame"), { tell: false });
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
    this.scene = scene;
    this.chosen = chosen;
    this.waiting = false;
    this.last = scene.n_frames - 1;
    this.play(false);
    this.frame = Math.min(this.model.get("frame"), this.last);
    this.redraw();
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

  get at() {
    const { in_page } = this.scene;
    return { frame: this.frame, option: in_page === null ? 0 : this.chosen[in_page] };
  }

  get readout() {
    return this.scene.readouts[this.at.option * this.scene.n_frames + this.frame];
  }

  /**
   * @param {number} frame
   * @param {{ tell?: boolean }} how
   */
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

  /**
   * Stops, goes to a frame, and says so to the kernel.
   * @param {number} frame
   */
  jump(frame) {
    this.play(false);
    this.go(frame);
  }

  /** @param {boolean} playing */
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

  /** @param {number} now */
  tick(now) {
    if (!this.playing) return;
    if (this.start.rate !== this.rate()) {
      this.start = { frame: this.frame, at: now, rate: this.rate() };
    }
    const { frame, over } = frameAt(this.start, now, this.last, this.model.get("loop"));
    if (frame !== this.frame) this.go(frame);
    if (over) this.play(false);
    else this.request = requestAnimationFrame((later) => this.tick(later));
  }
}
