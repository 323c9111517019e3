// The presenter's view: a player that fills the screen. Its controls hide while nobody uses them.

const IDLE_MS = 2500;

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
