// One view of a player: the picture, the readout, the controls, and what they do.

import { nextMark } from "./clock.js";
import {
  choiceBoxes,
  choiceKeys,
  element,
  keyList,
  makeButtons,
  makeRail,
  makeSpeed,
  PAGE,
  showOnRail,
  showPlaying,
} from "./controls.js";
import { isBetween, stopsAway } from "./motion.js";
import { paint } from "./painting.js";
import { laneAt, laneCount, litWords, offerOf, pickAt, wordsAt } from "./pointing.js";
import { follow, Presenting } from "./presenting.js";
import { drawn } from "./stage.js";
import { themeOf } from "./theme.js";

/** @import { Clock } from "./clock.js" */
/** @import { Action, Buttons } from "./controls.js" */
/** @import { Scene } from "./payload.js" */

export class View {
  /**
   * @param {Clock} clock
   * @param {HTMLElement} el
   */
  constructor(clock, el) {
    this.clock = clock;
    this.scene = clock.scene;
    this.listening = new AbortController();
    this.canvas = element("canvas", { role: "img" });
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.picture = element("div", { class: "stateviz-picture" });
    this.window = element("div", { class: "stateviz-window" }, this.picture);
    this.choices = element("div", { class: "stateviz-choices" });
    this.tip = element("div", { class: "stateviz-tip", hidden: "" });
    this.words = element("span");
    // Keeps the room for every frame's words.
    this.longest = element("span", { "aria-hidden": "true" });
    this.readout = element(
      "div",
      { class: "stateviz-readout", "aria-live": "polite" },
      this.words,
      this.longest,
    );
    /** @type {Buttons} */
    this.buttons = makeButtons();
    this.slider = element("input", {
      type: "range",
      class: "stateviz-slider",
      min: 0,
      step: 1,
      "aria-label": "Frame",
    });
    this.marks = element("div", { class: "stateviz-marks" });
    this.more = element("div", { class: "stateviz-more", hidden: "" });
    this.speed = makeSpeed();
    this.keys = element("dl", { class: "stateviz-keys", hidden: "" });
    /** @type {Record<string, HTMLSelectElement>} */
    this.selects = {};
    /** @type {string | null} */
    this.shown = null;
    this.root = this.laidOut();
    this.adopt(clock.scene);
    el.append(this.root);
    const { signal } = this.listening;
    this.printing = false;
    this.presenting = new Presenting(this.root, this.buttons.present, signal, () => this.show());
    this.acts = this.actions();
    this.listen();
    this.sizes = new ResizeObserver(() => this.show());
    this.sizes.observe(this.picture);
    this.themes = new MutationObserver(() => this.show());
    this.themes.observe(document.body, { attributes: true });
  }

  laidOut() {
    const { play, previous, next, more, ...others } = this.buttons;
    const rail = element("div", { class: "stateviz-rail" }, this.marks, this.slider);
    const controls = element(
      "div",
      { class: "stateviz-controls" },
      play,
      previous,
      next,
      rail,
      more,
    );
    this.more.append(...Object.values(others), this.speed);
    return element(
      "div",
      {
        class: "stateviz-player",
        role: "group",
        tabindex: "0",
        "data-lm-suppress-shortcuts": "true",
      },
      this.choices,
      this.window,
      this.readout,
      controls,
      this.more,
      this.keys,
    );
  }

  /**
   * Takes over what belongs to a scene and not to a frame.
   * @param {Scene} scene
   */
  adopt(scene) {
    this.scene = scene;
    this.shown = null;
    const [width, height] = scene.size;
    this.picture.style.aspectRatio = `${width}/${height}`;
    this.picture.replaceChildren(this.canvas);
    this.picture.append(...drawn(scene.stage), this.tip);
    this.root.style.setProperty("--stateviz-width", `${(width * 96) / 72}px`);
    this.root.style.setProperty("--stateviz-aspect", String(width / height));
    this.root.setAttribute("aria-label", `Player: ${scene.title}`);
    this.canvas.setAttribute("aria-label", scene.title);
    const longest = scene.readouts.reduce((a, b) => (b.length > a.length ? b : a));
    const lanes = laneCount(scene);
    this.longest.textContent = longest + (lanes ? litWords(scene, lanes - 1) : "");
    this.slider.max = String(scene.n_frames - 1);
    this.marks.replaceChildren(...makeRail(scene));
    this.buttons["mark-back"].hidden = this.buttons["mark-on"].hidden = !scene.marks.length;
    this.adoptChoices(scene);
    const has = { hasMarks: scene.marks.length > 0, hasLanes: lanes > 1 };
    this.keys.replaceChildren(...keyList(has, this.choiceKeys()));
  }

  /** @param {Scene} scene */
  adoptChoices(scene) {
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const focused = this.choices.contains(active) ? active?.dataset.choice : undefined;
    this.choices.replaceChildren();
    const { selects, parts } = choiceBoxes(scene, this.clock);
    this.selects = selects;
    this.choices.append(...parts);
    this.choices.hidden = !this.choices.childNodes.length;
    if (focused) this.selects[focused]?.focus();
  }

  choiceKeys() {
    return choiceKeys(this.scene.options, (name) => this.clock.has(name));
  }

  /** @returns {Record<Action, () => void>} */
  actions() {
    const { clock } = this;
    return {
      first: () => clock.jump(0),
      previous: () => clock.step(-1),
      play: () => clock.play(!clock.playing),
      next: () => clock.step(1),
      last: () => clock.jump(clock.last),
      "mark-back": () => this.toMark(-1),
      "mark-on": () => this.toMark(1),
      loop: () => {
        clock.model.set("loop", !clock.model.get("loop"));
        clock.model.save_changes();
        clock.redraw();
      },
      present: () => this.presenting.toggle(),
      more: () => this.unfold(this.more, this.buttons.more),
      keys: () => this.unfold(this.keys, this.buttons.keys),
    };
  }

  /**
   * Shows what was hidden, or hides it.
   * @param {HTMLElement} what
   * @param {HTMLElement} button
   */
  unfold(what, button) {
    what.hidden = !what.hidden;
    button.setAttribute("aria-expanded", String(!what.hidden));
  }

  listen() {
    const { clock, listening } = this;
    const heard = { signal: listening.signal };
    for (const [action, made] of Object.entries(this.buttons)) {
      made.addEventListener("click", this.acts[/** @type {Action} */ (action)], heard);
    }
    this.slider.addEventListener("input", () => clock.jump(Number(this.slider.value)), heard);
    // Let go, it stands where something was recorded.
    this.slider.addEventListener(
      "change",
      () => {
        if (isBetween(this.scene, clock.frame)) clock.step(1);
      },
      heard,
    );
    this.speed.addEventListener(
      "change",
      () => {
        clock.speed = Number(this.speed.value);
        clock.redraw();
      },
      heard,
    );
    this.root.addEventListener("keydown", (event) => this.pressed(event), heard);
    this.picture.addEventListener("pointermove", (event) => this.point(event), heard);
    this.picture.addEventListener("pointerleave", () => this.hideTip(), heard);
    this.picture.addEventListener(
      "click",
      (event) => {
        const pick = this.pick(event);
        if (pick?.choice) clock.choose(pick.choice, pick.option);
        else if (pick) clock.jump(this.scene.stops[pick.option]);
        else clock.light(this.lane(event));
        this.point(event);
      },
      heard,
    );
    // On paper stands the frame that tells the most.
    for (const event of ["beforeprint", "afterprint"]) {
      const print = () => this.print(event === "beforeprint");
      window.addEventListener(event, print, heard);
    }
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => this.show(), heard);
  }

  /**
   * What a key does, if anything.
   * @param {string} key
   * @returns {(() => void) | undefined}
   */
  actOf(key) {
    const { acts, clock } = this;
    /** @type {Record<string, () => void>} */
    const byKey = {
      ArrowLeft: acts.previous,
      ArrowDown: acts.previous,
      ArrowRight: acts.next,
      ArrowUp: acts.next,
      PageUp: () => clock.jump(stopsAway(this.scene, clock.frame, -PAGE)),
      PageDown: () => clock.jump(stopsAway(this.scene, clock.frame, PAGE)),
      Home: acts.first,
      End: acts.last,
      " ": acts.play,
      "?": acts.keys,
      "[": acts["mark-back"],
      "]": acts["mark-on"],
      f: acts.present,
    };
    if (laneCount(this.scene) > 1) {
      byKey[","] = () => clock.light((clock.lit ?? laneCount(this.scene)) - 1);
      byKey["."] = () => clock.light((clock.lit ?? -1) + 1);
    }
    if (key === "Escape" && this.presenting.fills) return acts.present;
    if (byKey[key]) return byKey[key];
    const name = this.choiceKeys()[key.toLowerCase()];
    if (!name) return undefined;
    const option = clock.chosen[name] + (key === key.toLowerCase() ? 1 : -1);
    return () => {
      if (option in this.scene.options[name]) clock.choose(name, option);
    };
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const act = this.actOf(event.key);
    if (event.ctrlKey || event.metaKey || event.altKey || !act) return;
    // A notebook would take the keys for itself.
    event.stopPropagation();
    const { tagName } = /** @type {HTMLElement} */ (event.target);
    const ownMeaning = tagName === "SELECT" || (event.key === " " && tagName === "BUTTON");
    if (ownMeaning) return;
    event.preventDefault();
    act();
  }

  close() {
    this.listening.abort();
    this.sizes.disconnect();
    this.themes.disconnect();
    this.root.remove();
  }

  /** @param {1 | -1} direction */
  toMark(direction) {
    const frame = nextMark(this.scene.marks, this.clock.frame, direction);
    if (frame !== undefined) this.clock.jump(frame);
  }

  /**
   * The place of the pointer, in points on the stage.
   * @param {MouseEvent} event
   * @returns {[number, number]}
   */
  place(event) {
    const box = this.picture.getBoundingClientRect();
    const [width, height] = this.scene.size;
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return [(x / box.width) * width, (y / box.height) * height];
  }

  /** @param {MouseEvent} event */
  pick(event) {
    const pick = pickAt(this.scene, ...this.place(event));
    return pick && (!pick.choice || this.clock.has(pick.choice)) ? pick : null;
  }

  /** @param {boolean} printing */
  print(printing) {
    this.printing = printing;
    this.show();
  }

  /** @param {MouseEvent} event */
  lane(event) {
    return laneCount(this.scene) > 1
      ? laneAt(this.scene, this.clock.at, ...this.place(event))
      : null;
  }

  hideTip() {
    this.tip.hidden = true;
  }

  /** @param {MouseEvent} event */
  point(event) {
    const box = this.picture.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const pick = this.pick(event);
    const pointed = wordsAt(this.scene, this.clock.at, ...this.place(event));
    const lane = pick ? null : this.lane(event);
    const offer = offerOf(pick, lane, this.clock.lit);
    const words = [pointed, offer].filter(Boolean).join("  ·  ");
    this.picture.style.cursor = pick || lane !== null ? "pointer" : "";
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
    const sharp = window.devicePixelRatio || 1;
    const wide = Math.round(this.picture.clientWidth * sharp);
    const high = Math.round(this.picture.clientHeight * sharp);
    if (!wide) return; // not on the page, or folded away
    if (canvas.width !== wide || canvas.height !== high) {
      [canvas.width, canvas.height] = [wide, high];
    }
    const at = this.printing ? { ...clock.at, frame: this.scene.poster, part: 0 } : clock.at;
    paint(this.context, this.scene, at, wide / this.scene.size[0], themeOf(this.root), clock.lit);
    if (clock.playing || clock.moving) follow(this.window, clock.frame / Math.max(clock.last, 1));
    this.showWords();
    this.showControls();
    this.root.setAttribute("aria-busy", String(clock.waiting));
    this.root.dataset.frame = String(clock.frame);
    this.root.dataset.playing = String(clock.playing);
    this.root.dataset.moving = String(clock.moving !== null);
    this.root.dataset.lit = String(clock.lit ?? "");
    this.root.dataset.ready = "true";
  }

  showWords() {
    const { frame, playing, last, lit } = this.clock;
    const said = this.printing ? this.scene.readouts[this.scene.poster] : this.clock.readout;
    const readout = said + (lit === null ? "" : litWords(this.scene, lit));
    if (this.shown !== readout) this.words.textContent = readout;
    this.shown = readout;
    // A screen reader could not keep up with every frame; it hears the one at which play stops.
    this.readout.setAttribute("aria-live", playing ? "off" : "polite");
    this.slider.value = String(frame);
    this.slider.setAttribute("aria-valuetext", readout);
    this.slider.title = `frame ${frame} of ${last}`;
    showOnRail(this.marks, frame, last);
  }

  showControls() {
    const { clock, buttons } = this;
    this.speed.value = String(clock.speed);
    buttons.loop.setAttribute("aria-pressed", String(clock.model.get("loop")));
    showPlaying(buttons.play, clock.playing);
    const [isFirst, isLast] = [clock.frame === 0, clock.frame === clock.last].map(String);
    for (const each of [buttons.first, buttons.previous])
      each.setAttribute("aria-disabled", isFirst);
    for (const each of [buttons.next, buttons.last]) each.setAttribute("aria-disabled", isLast);
    // While another scene is on its way the boxes show what was chosen.
    if (clock.waiting) return;
    for (const [name, select] of Object.entries(this.selects)) {
      select.value = String(clock.chosen[name]);
    }
  }
}
