// The control panel of an experiment: choices, the program that they mean, and what it did. The
// hosts are those of a player (player.js).

import { element } from "../../playing/page/controls.js";
import { mount } from "../../playing/page/mounting.js";
import { sayWidth } from "../../playing/page/presenting.js";
import { joined, left } from "./stepping.js";

/** @typedef {[string, string[]][]} Offers the labels of the options, by the name of the choice */
/**
 * @typedef {object} Outcome See outcome.py.
 * @property {[string, string][]} counts
 * @property {string} table
 * @property {string} payload
 * @property {number} interval_ms
 * @property {number} n_frames
 * @property {string} error
 * @property {string} meaning
 * @property {number} run which run of this panel it was
 */
/**
 * @typedef {object} Traits See widget.py.
 * @property {Offers} _offers
 * @property {string[]} _programs for each combination of the options, the last choice fastest
 * @property {number[]} _chosen
 * @property {Record<string, Outcome>} _results by the place of their program
 * @property {number} _shown
 * @property {number} _kept
 * @property {{ places?: number[] } & Partial<Outcome>} _together both runs in one picture, if any
 * @property {string} _status
 * @property {boolean} _busy
 * @property {boolean} _live
 * @property {string} _own_id
 */
/**
 * @typedef {object} PanelModel
 * @property {<Name extends keyof Traits>(name: Name) => Traits[Name]} get
 * @property {<Name extends keyof Traits>(name: Name, value: Traits[Name]) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, heard: () => void) => void} on
 * @property {(event: string, heard: () => void) => void} off
 * @property {(message: { do: string, chosen?: number[] }) => void} send
 */

/**
 * Which of the programs is meant.
 * @param {Offers} offers
 * @param {number[]} chosen
 */
export function placeOf(offers, chosen) {
  return offers.reduce((place, [, labels], i) => place * labels.length + chosen[i], 0);
}

/**
 * What a program was chosen by.
 * @param {Offers} offers
 * @param {number} place
 */
export function choicesAt(offers, place) {
  let left = place;
  const found = [];
  for (const [name, labels] of [...offers].reverse()) {
    found.unshift(`${name}=${labels[left % labels.length]}`);
    left = Math.floor(left / labels.length);
  }
  return found;
}

/**
 * The lines of a program, and whether each is new against another one.
 * @param {string} program
 * @param {string} before
 * @returns {[string, boolean][]}
 */
export function linesOf(program, before) {
  const old = new Set(before.split("\n"));
  return program
    .trimEnd()
    .split("\n")
    .map((line) => [line, line !== "" && !old.has(line)]);
}

let panels = 0; // without a kernel no panel has an id of its own

class Panel {
  /**
   * @param {PanelModel} model
   * @param {HTMLElement} el
   */
  constructor(model, el) {
    this.model = model;
    this.id = model.get("_own_id") || `panel ${++panels}`;
    this.before = model.get("_programs")[this.place];
    this.selects = model.get("_offers").map(([name, labels], at) => this.select(name, labels, at));
    this.program = element("code");
    this.copy = element("button", { type: "button", class: "stateviz-copy" }, "Copy");
    this.run = element("button", { type: "button", class: "stateviz-run" }, "▶ Run");
    this.stop = element("button", { type: "button" }, "Stop");
    this.keep = element("button", { type: "button" }, "Keep this run");
    this.bar = element("progress", { "aria-label": "The program runs" });
    this.status = element("span", { role: "status" });
    this.newest = element("section", { class: "stateviz-outcome" });
    this.kept = element("section", { class: "stateviz-outcome" });
    this.both = element("section", { class: "stateviz-both" });
    /** @type {Map<HTMLElement, { key: string, note: HTMLElement, undo: () => void }>} */
    this.mounted = new Map();
    this.asked = false;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.root = this.laidOut();
    el.append(this.root);
    sayWidth(this.root);
    this.run.addEventListener("click", () => this.ask());
    this.stop.addEventListener("click", () => model.send({ do: "stop" }));
    this.keep.addEventListener("click", () => this.set("_kept", model.get("_shown")));
    this.copy.addEventListener("click", () => this.toClipboard());
    // A notebook would take the keys for itself.
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    this.heard = () => this.show();
    this.names = ["_chosen", "_results", "_shown", "_kept", "_together", "_status", "_busy"];
    for (const name of this.names) model.on(`change:${name}`, this.heard);
    this.show();
  }

  get place() {
    return placeOf(this.model.get("_offers"), this.model.get("_chosen"));
  }

  /**
   * @param {string} name
   * @param {string[]} labels
   * @param {number} at
   */
  select(name, labels, at) {
    const options = labels.map((label, option) => element("option", { value: option }, label));
    const made = element("select", { "aria-label": name, "data-choice": name }, ...options);
    made.disabled = labels.length < 2;
    made.addEventListener("change", () => {
      this.before = this.model.get("_programs")[this.place];
      const chosen = [...this.model.get("_chosen")];
      chosen[at] = Number(made.value);
      if (!this.model.get("_busy")) this.model.set("_status", ""); // it told of other choices
      this.set("_chosen", chosen);
    });
    return made;
  }

  laidOut() {
    const choices = this.selects.map((select) =>
      element("label", {}, element("code", {}, select.dataset.choice ?? ""), select),
    );
    return element(
      "div",
      { class: "stateviz-experiment", role: "group", "aria-label": "Experiment" },
      element(
        "div",
        { class: "stateviz-panel" },
        element(
          "div",
          { class: "stateviz-offers" },
          ...choices,
          element("div", { class: "stateviz-acts" }, this.run, this.stop, this.keep),
        ),
        element("div", { class: "stateviz-program" }, this.copy, element("pre", {}, this.program)),
      ),
      element("div", { class: "stateviz-status" }, this.bar, this.status),
      element("div", { class: "stateviz-outcomes" }, this.kept, this.newest),
      this.both,
    );
  }

  /**
   * @template {keyof Traits} Name
   * @param {Name} name
   * @param {Traits[Name]} value
   */
  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
    this.show();
  }

  /** Runs the program; without a kernel, shows what was recorded. */
  ask() {
    const { model, place } = this;
    this.asked = true; // it plays when it has run
    if (model.get("_live")) {
      // What was chosen just now may still wait to be sent: a message overtakes it.
      model.send({ do: "run", chosen: model.get("_chosen") });
      return;
    }
    const there = String(place) in model.get("_results");
    this.set("_status", there ? "" : "This one was not recorded: it needs a kernel. Copy it.");
    if (there) this.set("_shown", place);
  }

  async toClipboard() {
    await navigator.clipboard?.writeText(this.model.get("_programs")[this.place]);
    this.copy.textContent = "Copied";
    setTimeout(() => (this.copy.textContent = "Copy"), 1500);
  }

  show() {
    const { model, place } = this;
    const [shown, kept, busy] = [model.get("_shown"), model.get("_kept"), model.get("_busy")];
    for (const [at, select] of this.selects.entries()) {
      select.value = String(model.get("_chosen")[at]);
    }
    const lines = linesOf(model.get("_programs")[place], this.before);
    this.program.replaceChildren(
      ...lines.map(([line, isNew]) => element(isNew ? "mark" : "span", {}, `${line}\n`)),
    );
    this.run.disabled = busy;
    this.stop.hidden = !busy;
    this.keep.hidden = busy || shown < 0 || shown === kept;
    this.bar.hidden = !busy;
    this.status.textContent = model.get("_status") || this.hint(shown, busy);
    const { places = [], ...together } = model.get("_together");
    const joint = places[0] === kept && places[1] === shown;
    this.fill(this.newest, shown, shown === place ? "" : "of other choices", joint);
    this.fill(this.kept, kept === shown ? -1 : kept, "kept", joint);
    this.fillBoth(joint ? /** @type {Outcome} */ (together) : null, places.join(" "));
    this.newest.classList.toggle("stateviz-stale", shown !== place);
    this.root.dataset.shown = String(shown);
    this.root.dataset.busy = String(busy);
  }

  /**
   * @param {number} shown
   * @param {boolean} busy
   */
  hint(shown, busy) {
    if (busy || shown === this.place) return "";
    if (!this.model.get("_live") && !(String(this.place) in this.model.get("_results")))
      return "These choices were not recorded: they need a kernel.";
    return shown < 0 ? "Predict what will be counted. Then press Run." : "Press Run.";
  }

  /**
   * @param {HTMLElement} room
   * @param {number} place
   * @param {string} note
   * @param {boolean} joint whether it is played in the picture of both
   */
  fill(room, place, note, joint) {
    const outcome = this.model.get("_results")[String(place)];
    const key = outcome ? `${place} ${outcome.run} ${joint}` : "";
    const now = this.mounted.get(room);
    const said = note && ` (${note})`;
    if ((now?.key ?? "") === key) {
      if (now) now.note.textContent = said; // what plays there goes on
      return;
    }
    now?.undo();
    this.mounted.delete(room);
    room.replaceChildren();
    if (!outcome) return;
    const title = choicesAt(this.model.get("_offers"), place).join(", ");
    const words = element("span", {}, said);
    const heading = element("h4", {}, element("code", {}, title), words);
    room.append(heading, ...contentOf(outcome));
    const undo = outcome.payload && !joint ? this.play(room, outcome, place) : () => {};
    this.mounted.set(room, { key, note: words, undo });
  }

  /**
   * @param {Outcome | null} together
   * @param {string} places
   */
  fillBoth(together, places) {
    const key = together ? `${places} ${together.payload.length}` : "";
    const now = this.mounted.get(this.both);
    if ((now?.key ?? "") === key) return;
    now?.undo();
    this.mounted.delete(this.both);
    this.both.replaceChildren();
    if (!together) return;
    const undo = this.play(this.both, together, ++panels); // a clock of its own
    this.mounted.set(this.both, { key, note: this.both, undo });
  }

  /**
   * Puts the outcome's player into a room; that of a kept run goes in step with the newest.
   * @param {HTMLElement} room
   * @param {Outcome} outcome
   * @param {number} place
   */
  play(room, outcome, place) {
    const el = element("div");
    room.append(el);
    // A clock of its own: that of the other room may still be about to go.
    const where = room === this.kept ? "kept" : room === this.both ? "both" : "newest";
    const member = joined(this, `${this.id} ${place} ${outcome.run} ${where}`, outcome);
    const made = mount({ model: member.model, el });
    if (this.asked && where !== "kept" && !this.calm.matches) {
      made.then(() => el.querySelector("[data-action=play]")?.dispatchEvent(new Event("click")));
    }
    this.asked = false;
    return () => {
      left(this, member);
      made.then((undo) => undo());
    };
  }

  close() {
    for (const name of this.names) this.model.off(`change:${name}`, this.heard);
    for (const { undo } of this.mounted.values()) undo();
    this.root.remove();
  }
}

/**
 * The counts as large numbers, and the table; or an error and what it means.
 * @param {Outcome} outcome
 */
function contentOf({ counts, table, error, meaning }) {
  if (error) {
    const said = element("pre", { class: "stateviz-error" }, error);
    return meaning ? [said, element("p", {}, meaning)] : [said];
  }
  const tiles = counts.map(([name, number]) =>
    element("div", {}, element("b", {}, number), " ", element("span", {}, name)),
  );
  const rows = element("details", {}, element("summary", {}, "by phase and epoch"));
  rows.append(tableOf(table));
  return [element("div", { class: "stateviz-counts" }, ...tiles), rows];
}

/**
 * A table with the words of another: what a file holds is never taken for a page.
 * @param {string} html
 */
function tableOf(html) {
  const table = element("table", {});
  for (const { cells } of new DOMParser()
    .parseFromString(html, "text/html")
    .querySelectorAll("tr")) {
    const copies = [...cells].map((cell) =>
      element(cell.tagName === "TH" ? "th" : "td", {}, cell.textContent ?? ""),
    );
    table.append(element("tr", {}, ...copies));
  }
  return table;
}

/** @param {{ model: PanelModel, el: HTMLElement }} host */
function render({ model, el }) {
  const panel = new Panel(model, el);
  return () => panel.close();
}

export default { render };
