/* The front page's picture moves by itself, once, for whoever has not asked for less motion. */
{
  const front = document.querySelector(".front");
  /* Of the two, a wide one and a narrow one, the one that is seen. A player that nobody could see
     has drawn nothing yet. */
  const seen = () =>
    [...front.querySelectorAll(".stateviz-player[data-ready=true]")].find((each) => each.offsetParent);
  const whenReady = (act) => {
    const player = seen();
    if (player) act(player);
    else requestAnimationFrame(() => whenReady(act));
  };
  const play = () => whenReady((player) => player.querySelector("[data-action=play]").click());

  front.querySelector(".front-again").addEventListener("click", play);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
}
