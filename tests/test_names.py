"""Names are text, in any script and of any length; a film and a question keep their time."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import pytest

import stateviz
from stateviz.course import play_question
from stateviz.playing.export import _as_played
from stateviz.playing.stage import poster_png
from stateviz.recording import LayerRecording, Recording
from stateviz.recording.records import Origin
from tests.building.payload import Unpacked
from tests.building.recordings import UNITS
from tests.test_motion import a_run

NAMES = ["$$", "a$b_{c$", "<b>%s</b> {x}", "層の名前"]


def named(name: str, *origins: Origin) -> Recording:
    run = a_run(*(origins or ("reset", "carried", "fresh")))
    batches = [replace(batch, layer=name) for batch in run]
    return Recording([LayerRecording(name, "LSTM", UNITS, True, batches)])


def every_scene(name: str) -> list[stateviz.Player]:
    recording = named(name)
    return [
        stateviz.play_sequence(recording),
        stateviz.play_batches(recording),
        stateviz.play_resets(recording),
        stateviz.play_answer(recording),
        stateviz.compare(recording, recording, names=(name, f"b{name}")),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_drawn_as_it_was_typed_and_without_a_warning(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for player in every_scene(name):
            assert poster_png(player.figure)
            texts: list[Any] = player.figure.findobj(match=lambda each: hasattr(each, "get_text"))
            with_name = [text for text in texts if name in text.get_text()]
            assert name in player.title or with_name
            assert not any(text.get_parse_math() for text in with_name)


def test_a_name_in_another_script_is_drawn_by_the_page_and_no_other() -> None:
    def drawn_by_the_page(name: str) -> list[str]:
        recording = named("lstm")
        tracks = Unpacked(stateviz.compare(recording, recording, names=(name, "b"))).scene["tracks"]
        states = [track["states"] for track in tracks if track["kind"] == "text"]
        return [state["text"] for each in states for state in each if state]

    assert any("層の名前" in text for text in drawn_by_the_page("層の名前"))
    assert not any("слой" in text for text in drawn_by_the_page("слой"))  # the font has it


def test_in_a_film_each_frame_stands_as_long_as_when_played() -> None:
    player = stateviz.play_batches(named("lstm"))
    scene = player._scene
    assert scene.pace is not None
    fps, frames = _as_played(scene, player.interval_ms)
    assert fps == pytest.approx(1000 / scene.pace.between_ms)
    pictures = dict(frames)
    assert {pictures[frame] for frame in pictures if frame not in player.stops} == {1}
    assert pictures[player.stops[0]] / fps * 1000 == pytest.approx(player.interval_ms, rel=0.5)


def counted(player: stateviz.Player) -> list[str]:
    player.frame = player.n_frames - 1
    texts = [text.get_text() for text in player.figure.texts]
    return [text for text in texts if text.isdigit() or "from" in text]


def test_the_question_is_played_without_its_answer_unless_it_is_asked_for() -> None:
    both = (
        named("lstm", "fresh", "fresh", "fresh", "fresh", "fresh"),
        named("lstm", "reset", "carried", "carried", "carried", "carried"),
    )
    assert counted(play_question(both)) == []
    told = play_question(both, counts=True)
    assert counted(told) == ["5", "starts\nfrom zero", "1", "start\nfrom zero"]
    assert told.readout == "batch 4: LSTM(8) 5, LSTM(8, stateful=True) 1"
