"""The control panel of an experiment."""

from __future__ import annotations

import base64
import html
import itertools
import json
import math
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import traitlets as t
from tqdm.auto import tqdm

from stateviz.course.runs import (
    Outcome,
    Run,
    failed,
    load_outcomes,
    outcome_of,
    run,
    save_outcomes,
)
from stateviz.playing import page
from stateviz.playing.player import Player
from stateviz.playing.reruns import made_by_this_run
from stateviz.recording import Recording
from stateviz.scenes import compare, play_batches

_PAGE = Path(__file__).with_name("page") / "experiment.js"
_MOST_PROGRAMS = 500
_one_at_a_time = threading.Lock()  # the seeds and the compiled functions of Keras are shared


class Experiment(page.PageWidget):
    """A control panel over real Keras: choices, the program that they mean, and what it did.

    "Run" runs exactly the program that is shown, under `stateviz.record`. What was recorded
    beforehand is shown without a kernel too. A run can be kept, and the next one stands beside it:
    lanes in one picture (`compare`), named by the choices that differ; other scenes, and what was
    recorded beforehand, one under the other, on one clock where they have as many frames.

    Args:
        program: Writes the program, a text of Python that leaves a `recording`, from the choices.
        scene: Plays the recording.
        recorded: A file of outcomes that `record_all` wrote, for pages without a kernel.
        offers: For each choice, by the name of a keyword of `program`, its options, of which the
            first is chosen at the beginning.

    Raises:
        TypeError: `program` has no such keyword.
        ValueError: A choice has no options, or all choices together have too many.

    Example:
        >>> from stateviz.course import question_program
        >>> experiment = Experiment(question_program, stateful=[False, True], epochs=[1])
        >>> experiment.choose(stateful=True)
        >>> experiment.run()
        >>> experiment.readout
        '5 batches, 1 state tensor zeroed, 200 sample states zeroed (began: 4 carried, 1 reset)'
        >>> experiment
        Experiment(stateful=True, epochs=1)
    """

    _esm: ClassVar[str] = page.script(_PAGE)
    _css: ClassVar[str] = page.style() + _PAGE.with_suffix(".css").read_text(encoding="utf-8")

    _offers = t.List(t.Any()).tag(sync=True)
    _programs = t.List(t.Unicode()).tag(sync=True)
    _chosen = t.List(t.Int()).tag(sync=True)
    _results = t.Dict(t.Any(), t.Unicode()).tag(sync=True)
    _shown = t.Int(-1).tag(sync=True)
    _kept = t.Int(-1).tag(sync=True)
    _together = t.Dict().tag(sync=True)
    _status = t.Unicode().tag(sync=True)
    _busy = t.Bool(False).tag(sync=True)
    _live = t.Bool(True).tag(sync=True)
    _own_id = t.Unicode().tag(sync=True)
    _running: Run | None = None

    def __init__(
        self,
        program: Callable[..., str],
        *,
        scene: Callable[[Recording], Player] = play_batches,
        recorded: str | Path | None = None,
        **offers: Sequence[Any],
    ) -> None:
        _refuse_unfit(program, offers)
        self._options = {name: tuple(options) for name, options in offers.items()}
        self._scene = scene
        self._recorded = {} if recorded is None else load_outcomes(Path(recorded))
        self._outcomes: dict[int, Outcome] = {}
        self._recordings: dict[int, Recording] = {}
        self._runs = itertools.count()
        self._page_is_done = threading.Event()
        self._page_is_done.set()
        choices = itertools.product(*self._options.values())
        # What runs is chosen from these by its place: nothing that a page sends is ever code.
        self._texts = [program(**dict(zip(self._options, each, strict=True))) for each in choices]
        super().__init__(
            _offers=[[name, list(map(str, each))] for name, each in self._options.items()],
            _programs=self._texts,
            _chosen=[0] * len(self._options),
        )
        self._own_id = self.model_id or ""
        self.on_msg(self._hear)
        made_by_this_run(self)

    @property
    def options(self) -> dict[str, tuple[Any, ...]]:
        """What can be chosen."""
        return dict(self._options)

    @property
    def chosen(self) -> dict[str, Any]:
        """What is chosen now."""
        places = zip(self._options.items(), self._chosen, strict=True)
        return {name: options[place] for (name, options), place in places}

    @property
    def program(self) -> str:
        """The program that the choices mean."""
        return self._texts[self._place]

    @property
    def _place(self) -> int:
        place = 0
        for options, chosen in zip(self._options.values(), self._chosen, strict=True):
            place = place * len(options) + chosen
        return place

    def choose(self, **options: Any) -> None:
        """Chooses, as the boxes of the panel do; nothing runs yet.

        Raises:
            ValueError: There is no such choice or no such option.
        """
        chosen = list(self._chosen)
        for name, option in options.items():
            if name not in self._options:
                available = ", ".join(self._options)
                raise ValueError(f"Unknown choice {name!r}; available: {available}.")
            known = self._options[name]
            if option not in known:
                raise ValueError(f"`{name}` must be one of {list(known)}; got {option!r}.")
            chosen[list(self._options).index(name)] = known.index(option)
        self._chosen = chosen

    def run(self) -> None:
        """Runs the program and shows what it did. An error of the program is shown, not raised.

        Raises:
            RuntimeError: An experiment runs already.
        """
        self._run(self._place)

    def stop(self) -> None:
        """Ends the run; nothing happens where none runs."""
        running = self._running
        if running is not None:
            running.stop()

    def keep(self) -> None:
        """Keeps the run that is shown, so that the next one stands beside it."""
        self._kept = self._shown

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the run that "Run" began in the page has ended.

        Args:
            timeout: How long at most, in seconds.
        """
        self._page_is_done.wait(timeout)

    @property
    def recording(self) -> Recording | None:
        """What the run that is shown recorded; None before a run, and after an error."""
        return self._recordings.get(self._shown)

    @property
    def readout(self) -> str:
        """The counts of the run that is shown, or its error and what it means; "" before a run."""
        outcome = self._outcomes.get(self._shown)
        return outcome.readout if outcome else ""

    def record_all(self, path: str | Path) -> None:
        """Runs every program that can be chosen, and writes what they did for `recorded`.

        Args:
            path: Where to, a name that ends in .json.
        """
        outcomes: dict[str, Outcome] = {}
        for program in tqdm(self._texts, desc=f"experiments of {Path(path).name}"):
            outcomes[program] = self._outcome(program, {})
        save_outcomes(Path(path), outcomes)

    def close(self) -> None:
        """Ends the experiment and its run, and lets go of what it recorded."""
        self.stop()
        super().close()
        self._recordings, self._outcomes, self._recorded = {}, {}, {}
        self._results, self._together = {}, {}

    def _outcome(self, program: str, namespace: dict[str, Any]) -> Outcome:
        try:
            return outcome_of(run(program, namespace), self._scene)
        except Exception as error:
            return failed(error)

    def _run(self, place: int) -> None:
        if not _one_at_a_time.acquire(blocking=False):
            raise RuntimeError("An experiment runs already. Wait for it, or press Stop there.")
        try:
            self._status = "Building ..." if "keras" in sys.modules else "Loading Keras ..."
            self._running = running = Run(lambda names: self._outcome(self._texts[place], names))
            self._busy = True
            outcome = running.wait(self._tell)
        finally:
            self._busy = False
            self._running = None  # it holds all that the program made
            _one_at_a_time.release()
        if outcome is not None and self.comm is not None:  # it may have been closed meanwhile
            self._take(place, outcome, running.names.get("recording"))
        self._status = "" if outcome else "Stopped: nothing is shown of a run that did not end."

    def _tell(self, names: Mapping[str, Any]) -> None:
        """Tells how far a run is."""
        recording = names.get("recording")
        if isinstance(recording, Recording):
            many = sum(len(layer.batches) for layer in recording.values())
            self._status = f"Running: {many:,} batches recorded ..."

    def _take(self, place: int, outcome: Outcome, recording: Any) -> None:
        self._outcomes[place] = outcome
        self._recordings.pop(place, None)
        if isinstance(recording, Recording) and not outcome.error:
            self._recordings[place] = recording
        result = outcome.for_page() | {"run": next(self._runs)}
        with self.hold_sync():
            self._results = {**self._results, str(place): result}
            self._shown = place

    @t.observe("_kept", "_shown", "_results")
    def _join(self, _: Any) -> None:
        """Puts the kept run and the newest into one picture, where both are lanes."""
        places = [self._kept, self._shown]
        both = [self._recordings.get(place) for place in places]
        self._together = {}
        if places[0] == places[1] or None in both or self._scene is not play_batches:
            return
        try:
            player = compare(*both, names=self._names_of(places))  # type: ignore[arg-type]
        except ValueError:  # they have other layers
            return
        self._together = {
            "places": places,
            "payload": base64.b64encode(player.payload).decode(),
            "interval_ms": player.interval_ms,
            "n_frames": player.n_frames,
        }
        player.close()

    def _names_of(self, places: Sequence[int]) -> tuple[str, str]:
        """What two runs were chosen by, as far as it differs."""
        choices = [*itertools.product(*self._options.values())]
        pair = [choices[place] for place in places]
        differ = [at for at, (one, other) in enumerate(zip(*pair, strict=True)) if one != other]
        names = [*self._options]
        one, other = (", ".join(f"{names[at]}={own[at]}" for at in differ) for own in pair)
        return one, other

    def _hear(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        if content.get("do") == "stop":
            self.stop()
        elif content.get("do") == "run" and not self._busy:
            self._chosen = content["chosen"]
            self._page_is_done.clear()
            threading.Thread(target=self._run_asked, args=(self._place,), daemon=True).start()

    def _run_asked(self, place: int) -> None:
        try:
            self._run(place)
        except RuntimeError as error:  # another experiment runs
            self._status = str(error)
        finally:
            self._page_is_done.set()

    @t.validate("_chosen")
    def _check_chosen(self, proposal: Any) -> list[int]:
        chosen: list[int] = proposal["value"]
        fits = len(chosen) == len(self._options) and all(
            isinstance(place, int) and 0 <= place < len(options)
            for place, options in zip(chosen, self._options.values(), strict=False)
        )
        if not fits:
            raise t.TraitError(f"{chosen} are not places among the options {self._options}.")
        return chosen

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}={option!r}" for name, option in self.chosen.items())
        return f"Experiment({chosen})"

    def _html(self) -> str:
        """The panel as a piece of HTML that needs no kernel, with what was recorded beforehand."""
        recorded = {
            str(place): self._recorded[program].for_page() | {"run": 0}
            for place, program in enumerate(self._texts)
            if program in self._recorded
        }
        values = {
            "_offers": self._offers,
            "_programs": self._texts,
            "_chosen": [0] * len(self._options),
            "_results": recorded,
            "_shown": -1,
            "_kept": -1,
            "_together": {},
            "_status": "",
            "_busy": False,
            "_live": False,
            "_own_id": "",
        }
        return _SNIPPET.format(
            values=html.escape(json.dumps(values)),
            program=html.escape(self._texts[0]),
            style=self._css,
            script=page.inline_script(_PAGE),
            host=_HOST,
        )


def _refuse_unfit(program: Callable[..., str], offers: Mapping[str, Sequence[Any]]) -> None:
    known = signature(program).parameters
    unknown = [name for name in offers if name not in known]
    if unknown:
        raise TypeError(f"{unknown[0]!r} cannot be offered: the program knows {', '.join(known)}.")
    empty = [name for name, options in offers.items() if not options]
    if empty:
        raise ValueError(f"{empty[0]} has no options. Give a list, such as {empty[0]}=[1, 2].")
    many = math.prod(map(len, offers.values()))
    if many > _MOST_PROGRAMS:
        raise ValueError(
            f"These choices make {many:,} programs; an experiment has at most {_MOST_PROGRAMS}. "
            "Offer fewer choices or options."
        )


_SNIPPET = """<div data-stateviz-experiment="{values}"><pre>{program}</pre>\
<p><small>An experiment, which needs scripts. To use it in a notebook, run this cell, or trust the \
notebook: “Trust Notebook” in the list of commands (Ctrl+Shift+C).</small></p></div><style>
{style}</style><script type="module">
{script}
{host}</script>"""

# Stands in for the widget's model where there is no kernel.
_HOST = """for (const el of document.querySelectorAll("[data-stateviz-experiment]")) {
  const values = JSON.parse(el.dataset.statevizExperiment);
  el.removeAttribute("data-stateviz-experiment");
  el.replaceChildren();
  const heard = {};
  const model = {
    get: (name) => values[name],
    set: (name, value) => {
      values[name] = value;
      for (const act of heard[`change:${name}`] ?? []) act();
    },
    on: (event, act) => (heard[event] ??= new Set()).add(act),
    off: (event, act) => heard[event]?.delete(act),
    save_changes() {}, send() {},
  };
  playerModule.render({ model, el });
}
"""
