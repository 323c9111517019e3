// The colours of the reader's theme.

/**
 * @param {HTMLElement} root
 * @returns {import("./painting.js").Theme} colours by their reserved names
 */
export function themeOf(root) {
  const style = getComputedStyle(root);
  const numbers = style.color.match(/[\d.]+/g) ?? ["0", "0", "0"];
  const [red, green, blue, alpha = 1] = numbers.map(Number);
  const dark = red + green + blue > 1.5 * 255; // light words stand on a dark page
  root.dataset.theme = dark ? "dark" : "light";
  return {
    dark,
    token: (name, opacity) => {
      if (name === "ink") return `rgba(${red},${green},${blue},${alpha * opacity})`;
      const color = style.getPropertyValue(`--stateviz-${name}`);
      return opacity < 1 ? `color-mix(in srgb, ${color} ${100 * opacity}%, transparent)` : color;
    },
  };
}
