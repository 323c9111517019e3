/* The front page moves by itself, once, for whoever has not asked for less motion. */
const player = document.querySelector(".stateviz");
const begin = () => {
  if (!player.querySelector("[data-ready=true]")) return;
  watching.disconnect();
  player.querySelector("[data-action=play]").click();
};
const watching = new MutationObserver(begin);
if (player && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
  watching.observe(player, { attributes: true, childList: true, subtree: true });
  begin();
}
