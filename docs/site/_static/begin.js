/* The front page's picture moves by itself, once, for whoever has not asked for less motion; who
   chooses the other answer sees it at the same place. */
{
  const answer = document.querySelector(".answer");
  const chosen = () => answer.querySelector("input:checked").value;
  const playerOf = (value) =>
    answer.querySelector(`[data-answer="${value}"] .stateviz-player[data-ready=true]`);
  const play = (player) => player.querySelector("[data-action=play]").click();
  const isPlaying = (player) => player.dataset.playing === "true";
  let shown = chosen();

  const show = () => {
    for (const part of answer.querySelectorAll("[data-answer]")) {
      part.hidden = part.dataset.answer !== chosen();
    }
  };

  const change = () => {
    const before = playerOf(shown);
    shown = chosen();
    show();
    if (before) whenReady((after) => goOn(before, after));
  };

  /* A player that nobody could see has drawn nothing yet. */
  const whenReady = (act) => {
    const player = playerOf(shown);
    if (player) act(player);
    else requestAnimationFrame(() => whenReady(act));
  };

  const goOn = (before, after) => {
    const playing = isPlaying(before);
    if (playing) play(before);
    const slider = after.querySelector(".stateviz-slider");
    slider.value = before.querySelector(".stateviz-slider").value;
    slider.dispatchEvent(new Event("input"));
    if (playing && !isPlaying(after)) play(after);
  };

  show();
  answer.addEventListener("change", change);
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) whenReady(play);
}
