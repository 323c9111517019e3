// The room of a picture: on a small screen it is moved along, and in the presenter's view it fills
// the screen, and the controls hide while nobody uses them.

const IDLE_MS = 2500;

/**
 * Where not all of a picture is seen, shows the part that what moves has come to.
 * @param {HTMLElement} seen
 * @param {number} part of the whole play, from 0 to 1
 */
export function follow(seen, part) {
  const beyond = seen.scrollWidth - seen.clientWidth;
  if (beyond > 0) seen.scrollLeft = beyond * part;
}

/** For the style sheet; a container query freezes in JupyterLab. @param {HTMLElement} root */
export function sayWidth(root) {
  new ResizeObserver(() => {
    root.classList.toggle("stateviz-narrow", root.clientWidth <= 560);
    root.classList.toggle("stateviz-wide", root.clientWidth >= 1216);
  }).observe(root);
}

export class Presenting {
  /**
   * @param {HTMLElement} root of the view
   * @param {HTMLElement} button which begins and ends it
   * @param {AbortSignal} signal ends it all
   * @param {() => void} changed
   */
  constructor(root, button, signal, changed) {
    this.root = root;
    this.button = button;
    this.changed = changed;
    this.waiting = 0;
    document.addEventListener(
      "fullscreenchange",
      () => this.fill(document.fullscreenElement === root),
      { signal },
    );
    for (const event of ["pointermove", "pointerdown", "keydown", "focusin"]) {
      root.addEventListener(event, () => this.used(), { signal });
    }
    signal.addEventListener("abort", () => clearTimeout(this.waiting));
  }

  get fills() {
    return this.root.classList.contains("stateviz-presenting");
  }

  /** Begins or ends it. Where a page may not fill the screen it fills the window. */
  toggle() {
    const { fills, root } = this;
    if (document.fullscreenElement === root) document.exitFullscreen();
    else if (!fills) root.requestFullscreen?.().catch(() => {});
    this.fill(!fills);
    root.focus();
  }

  /** @param {boolean} fills */
  fill(fills) {
    this.root.classList.toggle("stateviz-presenting", fills);
    this.button.setAttribute("aria-pressed", String(fills));
    this.used();
    this.changed();
  }

  /** Shows the controls, for a while. */
  used() {
    clearTimeout(this.waiting);
    this.root.classList.remove("stateviz-idle");
    if (!this.fills) return;
    this.waiting = window.setTimeout(() => this.root.classList.add("stateviz-idle"), IDLE_MS);
  }
}
