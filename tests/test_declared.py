"""What a scene declares of its artists is what walking all its frames would find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.playing.collecting import tracks_of
from stateviz.playing.moving import Appear, Fill, Keyed, Slide
from stateviz.playing.scene import Scene
from tests.building.gradients import falling, trained
from tests.test_motion import a_run, both, played, recorded

DECLARING: dict[str, tuple[Callable[..., Any], set[type]]] = {
    "batches": (played, {Appear, Fill, Slide, Keyed}),
    "compare": (
        lambda run: both(run, a_run("reset", "reset", "reset", "reset", "reset")),
        {Appear, Fill, Slide, Keyed},
    ),
    "resets": (lambda run: stateviz.play_resets(recorded(run)), {Appear, Fill, Keyed}),
    "sequence": (
        lambda run: stateviz.play_sequence(recorded(run)),
        {Appear, Fill, Slide, Keyed},
    ),
    "gradients": (
        lambda run: stateviz.play_gradients(trained(*[falling(10)] * len(run))),
        {Appear, Fill, Slide, Keyed},
    ),
    "backwards": (
        lambda run: stateviz.play_sequence(recorded([replace(run[0], go_backwards=True)])),
        {Appear, Fill, Slide, Keyed},
    ),
}


@pytest.mark.parametrize("name", DECLARING)
def test_what_is_declared_is_what_would_be_found_by_walking(name: str) -> None:
    """The tracks of a scene, against one that sets all artists anew for each frame."""
    play, kinds = DECLARING[name]
    declaring = play(a_run("reset", "carried", "fresh", "given", "altered"))._scene
    option = 0 if declaring.in_page is None else declaring.chosen[declaring.in_page]
    walking = Scene(
        declaring.figure,
        declaring.n_frames,
        describe=declaring.readout,
        parts=[
            Keyed(
                [*declaring.moving.values()],
                range(declaring.n_frames),
                lambda frame, _: declaring.show(frame, declaring.chosen),
            )
        ],
    )
    assert {type(part) for part in declaring.parts} == kinds
    for declared, walked in zip(tracks_of(declaring), tracks_of(walking), strict=True):
        assert declared.artist is walked.artist
        found = shown(declared, declaring.n_frames, option)
        assert all(map(is_near, found, shown(walked, declaring.n_frames)))


def is_near(one: Any, other: Any) -> bool:
    """Whether two states are the same, as far as the last digit that is sent."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_near(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_near, one, other))
    return bool(one == (pytest.approx(other, abs=0.011) if isinstance(one, float) else other))


def shown(track: Any, n_frames: int, option: int = 0) -> list[Any]:
    """What a track holds in each frame, with the arrays that it names."""
    found, place = [], 0
    runs = track.runs.get(option, track.runs[0])
    for frame in range(n_frames):
        place += place + 1 < len(runs) and runs[place + 1][0] == frame
        state = track.states[runs[place][1]]
        if state and "pixels" in state:
            state = state | {"pixels": track.kept[state["pixels"]][:, : state["columns"]].tolist()}
        if state and "line" in state:
            points = track._growing.kept[state["line"]][:, : state["points"]]
            state = state | {"line": np.nan_to_num(points, nan=-1.0).tolist()}
        found.append(state)
    return found
