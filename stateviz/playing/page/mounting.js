// Puts a view of a player on a page; all views of one player share a clock.

import { Clock } from "./clock.js";
import { unpacked } from "./payload.js";
import { sayWidth } from "./presenting.js";
import { View } from "./view.js";

/** @import { Model } from "./clock.js" */

/** @type {Map<string | object, Promise<Clock>>} */
const clocks = new Map();

/** The clock of all views of a player. @param {Model} model @param {string | object} id */
function clockOf(model, id) {
  const known = clocks.get(id);
  if (known) return known;
  const made = unpacked(model.get("_payload")).then((scene) => new Clock(model, scene));
  clocks.set(id, made);
  return made;
}

/** @param {{ model: Model, el: HTMLElement }} host */
export async function mount({ model, el }) {
  const id = model.get("_own_id") || {}; // without a kernel each player has but one view
  const clock = await clockOf(model, id);
  const view = new View(clock, el);
  sayWidth(view.root);
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
