"""Experiments: the panel runs the program that it shows, and tells what that one did."""

from __future__ import annotations

import base64
import contextlib
import gc
import html
import json
import logging
import re
import signal
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import traitlets as t

import stateviz
from stateviz.course import Experiment, question_program
from stateviz.course import experiment as experiment_of_a_lesson
from stateviz.course.experiments import EXPERIMENTS, recorded_at
from stateviz.course.runs import Outcome, Run, failed, load_outcomes, run, save_outcomes
from tests.building.recordings import there

# It leaves a recording without Keras, so that what stands around it is tested quickly.
MADE_UP = """\
import numpy as np
from tests.building.recordings import a_recording
recording = a_recording({batches}, origin={origin!r})
"""


BOTH = ["carried", "fresh"]


def made_up(*, batches: int = 2, origin: str = "carried") -> str:
    return MADE_UP.format(batches=batches, origin=origin)


@pytest.fixture
def experiment() -> Iterator[Experiment]:
    made = Experiment(made_up, batches=[2, 3], origin=["carried", "fresh"])
    yield made
    made.close()


def test_what_runs_is_what_is_shown_and_counted_as_keras_does(tmp_path: Path) -> None:
    """The counts of the panel against the states of a run of its program alone."""
    experiment = Experiment(
        question_program, stateful=[False, True], validation=[True], predict=["after fit"]
    )
    experiment.choose(stateful=True)
    experiment.run()
    alone: dict[str, Any] = {}
    exec(experiment.program, alone)
    [layer] = alone["recording"].values()
    zeroed = [not batch.initial_cell_state.any() for batch in layer.batches]
    assert len(zeroed) == 2 * (5 + 1) + 5
    assert experiment.readout.startswith(f"{len(zeroed)} batches, {sum(zeroed)} state tensor")
    [shown] = there(experiment.recording).values()
    ends = [there(each.batches[-1].final_cell_state) for each in (shown, layer)]
    assert np.array_equal(*ends)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"stateful": True}, "stateful=True"),
        ({"batch_size": 50}, "batch_size=50"),
        ({"epochs": 3}, "epochs=3"),
        ({"validation": True}, "validation_data"),
        ({"reset_each_epoch": True}, "layer.reset_state()"),
        ({"predict": "twice"}, "model.predict"),
    ],
)
def test_each_choice_stands_in_the_program(choices: dict[str, Any], said: str) -> None:
    assert said in question_program(**choices)
    assert said not in question_program()
    compile(question_program(**choices), "program", "exec")


def test_the_choices_of_predict_are_so_many_calls_of_it_in_their_place() -> None:
    places = {
        choice: re.findall(r"model\.(fit|predict)", question_program(predict=choice))
        for choice in ("never", "before fit", "after fit", "twice")
    }
    assert places == {
        "never": ["fit"],
        "before fit": ["predict", "fit"],
        "after fit": ["fit", "predict"],
        "twice": ["fit", "predict", "predict"],
    }


def test_a_choice_runs_nothing_until_it_is_asked_to(experiment: Experiment) -> None:
    experiment.choose(batches=3, origin="fresh")
    assert (experiment.readout, experiment.recording) == ("", None)
    assert experiment.chosen == {"batches": 3, "origin": "fresh"}
    assert experiment.program == made_up(batches=3, origin="fresh")
    experiment.run()
    assert experiment.readout.startswith("3 batches")
    assert "3 fresh" in experiment.readout


def test_two_runs_are_kept_apart(experiment: Experiment) -> None:
    experiment.run()
    experiment.keep()
    experiment.choose(batches=3)
    experiment.run()
    assert (experiment._kept, experiment._shown) == (0, 2)
    counts = [experiment._results[place]["counts"][0][1] for place in ("0", "2")]
    assert counts == ["2", "3"]
    assert len(there(experiment.recording)["lstm"].batches) == 3


def test_an_error_is_shown_with_its_meaning_and_the_next_run_is_well() -> None:
    experiment = Experiment(question_program, stateful=[True], batch_size=[300, 200], epochs=[1])
    experiment.run()
    assert "Incompatible shapes" in experiment.readout
    assert "divides the number of samples" in experiment.readout
    assert experiment.recording is None
    experiment.choose(batch_size=200)
    experiment.run()
    assert "1 state tensor zeroed, 200 sample states zeroed" in experiment.readout


def test_a_meaning_is_given_only_where_the_first_axis_differs() -> None:
    rows = ValueError("Incompatible shapes: [100,32] vs. [300,32]")
    features = ValueError("Incompatible shapes: [100,32] vs. [100,16]")
    assert "another number of rows" in failed(rows).meaning
    assert failed(features).meaning == failed(ValueError("no ROOM")).meaning == ""


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_all_that_a_lesson_offers_was_recorded_by_the_program_of_today(name: str) -> None:
    assert set(load_outcomes(recorded_at(name))) == set(experiment_of_a_lesson(name)._programs)


def test_what_was_recorded_is_what_a_run_tells_today() -> None:
    today = experiment_of_a_lesson("order_of_rows")
    outcomes = load_outcomes(recorded_at("order_of_rows"))
    for order in today.options["order"]:
        today.choose(order=order)
        today.run()
        assert today.readout == outcomes[today.program].readout


def test_a_long_error_is_cut_at_a_word_and_loses_the_lines_that_say_where() -> None:
    error = ValueError("first\n  File somewhere\n[[node]]\n" + "word " * 500)
    assert failed(error).readout.startswith("ValueError: first word word")
    assert failed(error).readout.endswith("word ...")
    assert len(failed(error).readout) < 610


def test_a_run_is_quiet_and_leaves_the_logging_as_it_was() -> None:
    level = logging.getLogger("tensorflow").level
    seen: list[int] = []
    program = f"seen.append(__import__('logging').getLogger('tensorflow').level)\n{made_up()}"
    run(program, {"seen": seen})
    assert seen == [logging.ERROR]
    assert logging.getLogger("tensorflow").level == level


def test_a_program_without_a_recording_says_what_it_lacks() -> None:
    experiment = Experiment(lambda *, n=1: f"x = {n}", n=[1])
    experiment.run()
    assert "with stateviz.record(model) as recording" in experiment.readout


@pytest.mark.parametrize(
    ("offers", "error", "words"),
    [
        ({"bach": [1]}, TypeError, "the program knows batches, origin"),
        ({"batches": []}, ValueError, "batches has no options"),
        ({"batches": range(501)}, ValueError, "501 programs"),
    ],
)
def test_what_cannot_be_offered(offers: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Experiment(made_up, **offers)


def test_what_cannot_be_chosen(experiment: Experiment) -> None:
    with pytest.raises(ValueError, match="Unknown choice 'units'; available"):
        experiment.choose(units=3)
    with pytest.raises(ValueError, match=r"`batches` must be one of \[2, 3\]"):
        experiment.choose(batches=4)
    with pytest.raises(t.TraitError, match="not places among the options"):
        experiment._chosen = [5, 0]
    experiment.run()
    assert experiment.readout.startswith("2 batches")


def program_threads() -> list[str]:
    """The programs that run on: each would take its share of the processor for good."""
    deadline = time.monotonic() + 5
    while True:  # a thread that has ended its program needs a moment more
        left = [each.name for each in threading.enumerate() if "(_act)" in each.name]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.01)


def test_a_stop_that_comes_late_or_twice_slows_nothing_down() -> None:
    for _ in range(200):
        late = Run(lambda _: failed(ValueError("done")))
        late.stop()
        late.stop()
        late.wait(lambda _: None)
        late.stop()
    assert program_threads() == []


def asked(experiment: Experiment, what: str) -> None:
    """As a button of the page."""
    experiment._hear(experiment, {"do": what, "chosen": experiment._chosen}, [])


def test_the_button_runs_what_the_page_shows_though_it_has_not_said_so_before() -> None:
    experiment = Experiment(made_up, batches=[2, 3])
    experiment._hear(experiment, {"do": "run", "chosen": [1]}, [])
    experiment.wait(60)
    assert experiment.chosen == {"batches": 3}
    assert experiment.readout.startswith("3 batches")
    with pytest.raises(t.TraitError, match="not places among the options"):
        experiment._hear(experiment, {"do": "run", "chosen": [2]}, [])
    assert not experiment._busy


def test_the_button_runs_beside_the_kernel_and_can_stop_it() -> None:
    endless = "import time\nwhile True:\n    time.sleep(0.01)\n"
    experiment = Experiment(lambda *, n=1: endless, n=[1])
    asked(experiment, "run")
    deadline = time.monotonic() + 30
    while not experiment._busy and time.monotonic() < deadline:
        time.sleep(0.01)
    assert experiment._busy
    with pytest.raises(RuntimeError, match="runs already"):
        Experiment(made_up, batches=[1]).run()
    asked(experiment, "stop")
    experiment.wait(30)
    assert not experiment._busy
    assert experiment._status.startswith("Stopped")
    assert experiment.readout == ""
    Experiment(made_up, batches=[1]).run()  # the next one may run


def test_a_stopped_fit_leaves_the_model_as_it_was() -> None:
    """An interrupt within Keras, wherever it is: the next run is recorded as ever."""
    experiment = Experiment(question_program, stateful=[True], epochs=[1, 500])
    experiment.choose(epochs=500)
    asked(experiment, "run")
    deadline = time.monotonic() + 60
    while "batches recorded" not in experiment._status and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "batches recorded" in experiment._status
    asked(experiment, "stop")
    experiment.wait(60)
    assert not experiment._busy
    experiment.choose(epochs=1)
    experiment.run()
    assert experiment.readout.startswith("5 batches, 1 state tensor zeroed")


def test_an_interrupt_of_the_cell_is_an_interrupt(experiment: Experiment) -> None:
    interrupted = Experiment(lambda *, n=1: "while True: pass", n=[1])
    threading.Timer(0.5, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    assert not interrupted._busy
    assert program_threads() == []
    experiment.run()
    assert experiment.readout


def test_a_kept_run_and_the_next_are_one_picture_named_by_what_differs() -> None:
    with contextlib.closing(Experiment(made_up, batches=[2, 3], origin=BOTH)) as experiment:
        experiment.run()
        experiment.keep()
        assert experiment._together == {}
        experiment.choose(origin="fresh")
        experiment.run()
        together = experiment._together
        assert together["places"] == [0, 1]
        player = stateviz.compare(
            *experiment._recordings.values(), names=("origin=carried", "origin=fresh")
        )
        assert base64.b64decode(together["payload"]) == player.payload
        assert together["n_frames"] == player.n_frames
        experiment.choose(batches=3)  # not of one length: the longer one goes on alone
        experiment.run()
        assert experiment._together["places"] == [0, 3]
        experiment.keep()
        assert experiment._together == {}


def test_what_cannot_be_one_picture_stays_two() -> None:
    def resets(recording: stateviz.Recording) -> stateviz.Player:
        return stateviz.play_resets(recording)

    of_no_lanes = Experiment(made_up, scene=resets, batches=[2, 3])
    of_other_sizes = experiment_of_a_lesson("last_batch")
    for made, other in ((of_no_lanes, {"batches": 3}), (of_other_sizes, {"batch_size": 300})):
        made.run()
        made.keep()
        made.choose(**other)
        made.run()
        assert len(made._recordings) == 2
        assert made._together == {}
        made.close()


def values_of(page: str) -> dict[str, Any]:
    [values] = re.findall(r'data-stateviz-experiment="([^"]*)"', page)
    found: dict[str, Any] = json.loads(html.unescape(values))
    return found


def test_without_a_kernel_it_shows_what_was_recorded_of_the_same_program(tmp_path: Path) -> None:
    offers: dict[str, Any] = {"batches": [2, 3], "origin": ["carried"]}
    experiment = Experiment(made_up, **offers)
    experiment.record_all(tmp_path / "all.json")
    experiment.run()
    again = Experiment(made_up, recorded=tmp_path / "all.json", **offers)
    values = values_of(again._html())
    assert values["_live"] is False
    assert values["_results"]["0"] == json.loads(json.dumps(experiment._results["0"]))
    assert values["_results"]["1"]["counts"][0] == ["batches", "3"]
    # Another program at the same place is not what was recorded.
    other = Experiment(made_up, recorded=tmp_path / "all.json", batches=[4, 3], origin=["carried"])
    assert list(values_of(other._html())["_results"]) == ["1"]


def test_outcomes_are_read_as_they_were_written(tmp_path: Path) -> None:
    outcomes = {
        "a": Outcome("2 batches", (("batches", "2"),), "<table>", b"\0\xff", 100, 3),
        "b": failed(ValueError("no")),
    }
    save_outcomes(tmp_path / "x.json", outcomes)
    assert load_outcomes(tmp_path / "x.json") == outcomes


def test_a_notebook_gets_the_panel_and_its_still_form(
    experiment: Experiment,
) -> None:
    data, _ = experiment._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert html.escape(experiment.program) in data["text/html"]


def test_closing_ends_the_run_and_lets_go_of_it() -> None:
    experiment = Experiment(lambda *, n=1: "while True: pass", n=[1])
    asked(experiment, "run")
    deadline = time.monotonic() + 30
    while not experiment._busy and time.monotonic() < deadline:
        time.sleep(0.01)
    experiment.close()
    experiment.wait(30)
    assert program_threads() == []
    Experiment(made_up, batches=[1]).run()  # the next one may run


def test_what_a_page_sends_is_never_run(experiment: Experiment) -> None:
    for code in (["raise SystemExit"] * 4, [], [MADE_UP]):
        experiment.set_state({"_programs": code})  # as a message of the page
        asked(experiment, "run")
        experiment.wait(30)
        assert experiment.program == made_up()
        assert experiment.readout.startswith("2 batches")
    assert made_up() in experiment._html().replace("&#x27;", "'")


def test_a_closed_experiment_keeps_nothing_alive() -> None:
    experiment = Experiment(made_up, batches=[2])
    experiment.run()
    recording = weakref.ref(experiment.recording)
    assert recording() is not None
    experiment.close()
    gc.collect()
    assert recording() is None
