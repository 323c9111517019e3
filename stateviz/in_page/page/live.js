// Runs a model in the page, once it has been measured against what Keras held.

import { sayWidth } from "../../playing/page/presenting.js";
import { themeOf } from "../../playing/page/theme.js";
import { Letters } from "./letters.js";
import { Net } from "./net.js";
import { agreement } from "./reading.js";
import { Series } from "./series.js";
import { html } from "./strip.js";
import { farFit, Training } from "./training.js";

const BOUND = 1e-4; // of a state, or of 1 where it is smaller

/** @param {{ model: { get: (name: string) => any }, el: HTMLElement }} host */
function render({ model, el }) {
  const content = JSON.parse(model.get("_payload"));
  const root = html("section", { class: "stateviz-live" });
  root.setAttribute("aria-label", content.title);
  // A notebook would take the keys for itself.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);
  sayWidth(root);
  themeOf(root);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => themeOf(root);
  dark.addEventListener("change", theme);
  fill(root, content);
  return () => dark.removeEventListener("change", theme);
}

/** @param {HTMLElement} root @param {any} content */
function fill(root, content) {
  const net = new Net(content.layers);
  const { h, c, output, timesteps } = agreement(net, content.proof);
  const far = Math.max(h, c, output, content.train ? farFit(net, content) : 0);
  const said = far === 0 ? "not at all" : `by at most ${far.toExponential(1)}`;
  const words =
    `Computed in this page. Checked now against ${timesteps} timesteps that Keras ran and ` +
    `stateviz recorded: states${content.train ? ", weights" : ""} and outputs differ ${said}.`;
  root.append(html("p", { class: "stateviz-checked" }, words));
  if (!(far <= BOUND)) {
    const stop = "This is too far: the page does not compute what Keras computes here, and stops.";
    root.append(html("p", { role: "alert" }, stop));
    return;
  }
  const Scene = content.train ? Training : content.vocabulary ? Letters : Series;
  new Scene(root, net, content);
}

export default { render };
