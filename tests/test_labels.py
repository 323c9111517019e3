"""Letters and words under the timesteps of a sequence."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

import stateviz
from tests.building.recordings import SAMPLES, UNITS, a_recording


def recording(timesteps: int, **words: Any) -> stateviz.Recording:
    states = np.random.default_rng(0).normal(size=(SAMPLES, timesteps, UNITS))
    return a_recording(2, hidden_state=states, cell_state=states, inputs=None, **words)


def under(player: stateviz.Player) -> dict[int, Text]:
    """What stands under the last panel, by the place in the order of reading."""
    [ax] = [ax for ax in player.figure.axes if ax.get_label() == "reading"]
    texts = [text for text in ax.texts if text.get_fontweight() != "bold"]
    start = round(player.figure.axes[1].get_xlim()[1] + 0.5) - player.n_frames + 1
    return {round(text.get_position()[0]) - start: text for text in texts}


def words_under(player: stateviz.Player) -> dict[int, str]:
    return {place: text.get_text() for place, text in under(player).items()}


def test_each_character_stands_under_its_timestep_and_in_its_readout() -> None:
    player = stateviz.play_sequence(recording(7), labels="Shall I")
    texts = words_under(player)
    assert [texts[t] for t in range(7)] == list("Shall·I")
    player.frame = 0
    assert "'S'" not in player.readout
    for t, letter in enumerate("Shall·I"):
        player.frame = t + 1
        assert player.readout.startswith(f"t = {t} '{letter}'")


def test_a_layer_that_reads_backwards_has_the_labels_of_what_it_read() -> None:
    player = stateviz.play_sequence(recording(3, go_backwards=True), labels="abc")
    texts = words_under(player)
    assert [texts[t] for t in range(3)] == ["c", "b", "a"]
    player.frame = 1
    assert player.readout.startswith("t = 2 'c'")


def test_words_that_do_not_fit_are_told_in_the_readout_alone() -> None:
    words = ["understanding", "of", "extraordinarily", "long", "sentences"] * 4
    player = stateviz.play_sequence(recording(20), labels=words)
    shown = list(under(player).values())
    assert 3 < len(shown) < 20
    boxes = [text.get_window_extent() for text in shown]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    player.frame = 3
    assert "'extraordinarily'" in player.readout


def test_the_labels_of_one_sample_are_not_shown_for_another() -> None:
    player = stateviz.play_sequence(recording(7), labels="Shall I", sample=1)
    player.choose(unit=1)
    assert words_under(player)[3] == "l"
    player.choose(sample=0)
    assert words_under(player) == {}
    player.choose(sample=1)
    assert words_under(player)[3] == "l"


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        ("Shall", ValueError, "this batch has 7, and 5 were given"),
        (["Shall", "I"], ValueError, "2 were given"),
        (range(7), TypeError, "`labels` must be a text or a list"),
    ],
)
def test_labels_that_do_not_fit(labels: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        stateviz.play_sequence(recording(7), labels=labels)


def test_markup_is_text() -> None:
    assert words_under(stateviz.play_sequence(recording(3), labels="$a$"))[0] == "$"
