/* What is wider than the page can be scrolled without a mouse too. */
{
  const reachable = () => {
    for (const each of document.querySelectorAll("article pre, article .table-wrapper")) {
      if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
      else each.removeAttribute("tabindex");
    }
  };
  addEventListener("load", reachable);
  addEventListener("resize", reachable);
  addEventListener("toggle", reachable, true); // of a fold, which does not bubble
}
