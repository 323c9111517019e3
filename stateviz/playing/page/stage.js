// The stage: what matplotlib drew of a scene and what never changes.

const ALLOWED = new Set("svg defs g path use clippath rect pattern image text tspan".split(" "));

/** The stage without what could act: a payload may come from a file. @param {string} svg */
export function drawn(svg) {
  const { body } = new DOMParser().parseFromString(svg, "text/html");
  for (const each of body.querySelectorAll("*")) {
    if (!ALLOWED.has(each.tagName.toLowerCase())) each.remove();
    for (const { name, value } of [...each.attributes]) {
      const own = name.endsWith("href") ? /^(#|data:image\/png)/ : /^(?!.*url\((?!["']?#))/is;
      if (name.startsWith("on") || !own.test(value)) each.removeAttribute(name);
    }
  }
  return body.children;
}
