"""The experiments of the lessons: which choices each offers, and what they do, recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stateviz.course import programs
from stateviz.course.keras2 import load_keras2
from stateviz.course.panel import Experiment
from stateviz.playing.player import Player
from stateviz.recording import Recording
from stateviz.scenes import compare, play_batches, play_cell, play_resets, play_sequence

_RECORDED = Path(__file__).with_name("files") / "recorded"


@dataclass(frozen=True)
class _Offer:
    program: Callable[..., str]
    scene: Callable[[Recording], Player]
    choices: dict[str, Sequence[Any]]


def _unit_0(recording: Recording) -> Player:
    """How one unit goes through the run, with its sign."""
    return play_resets(recording, unit=0)


def _beside_keras2(recording: Recording) -> Player:
    """The last epoch of `fit` and `predict`, under what Keras 2 did."""
    [layer] = recording.values()
    old = load_keras2("counting", stateful=layer.stateful)
    return compare(old, recording, names=("Keras 2", "today"), batches=[2, 3, 4, 5])


_BOTH = [False, True]
_OFFERS = {
    "forget_gate": _Offer(programs.forget_program, play_cell, {"forget_bias": [30.0, 0.0, -30.0]}),
    "last_batch": _Offer(
        programs.last_batch_program, play_batches, {"batch_size": [200, 300, 949]}
    ),
    "padding": _Offer(
        programs.padding_program,
        play_sequence,
        {"mask": _BOTH, "padding": ["after", "before"]},
    ),
    "order_of_rows": _Offer(
        programs.order_program, play_batches, {"order": [(0, 1, 2), (2, 0, 1), (2, 1, 0)]}
    ),
    "who_resets": _Offer(
        programs.question_program,
        play_resets,
        {
            "stateful": [True],
            "validation": _BOTH,
            "reset_each_epoch": _BOTH,
            "predict": ["never", "before fit", "after fit", "twice"],
        },
    ),
    "broken_stream": _Offer(
        programs.broken_stream_program, play_batches, {"samples": [8, 9, 6], "shuffle": _BOTH}
    ),
    "switch": _Offer(
        programs.switch_program, _unit_0, {"recurrent_weight": [2.0, 1.0, 0.5], "gap": [100, 1000]}
    ),
    "growing": _Offer(
        programs.growing_program,
        _unit_0,
        {"forget_bias": [30.0, 1.0, 0.0], "reset_each_epoch": _BOTH},
    ),
    "keep_less": _Offer(
        programs.keep_program,
        play_batches,
        {"layers": ["weeks", "seasons"], "samples": [None, (0,)], "every": [1, 2]},
    ),
    "deleted_line": _Offer(
        programs.deleted_line_program,
        _beside_keras2,
        {"stateful": [True, False], "line": ["deleted", "mended"]},
    ),
    "backends": _Offer(
        programs.backends_program,
        play_batches,
        {"backend": ["tensorflow", "jax", "torch"], "kept_by": ["the layer", "the program"]},
    ),
}

EXPERIMENTS = tuple(_OFFERS)


def recorded_at(name: str) -> Path:
    """Where the outcomes of an experiment stand."""
    return _RECORDED / f"{name}.json"


def experiment(name: str) -> Experiment:
    """Makes one of the experiments of the lessons.

    Args:
        name: One of `EXPERIMENTS`.

    Raises:
        ValueError: There is none of this name.

    Example:
        >>> experiment("order_of_rows")
        Experiment(order=(0, 1, 2))
    """
    if name not in _OFFERS:
        raise ValueError(f"There is no experiment {name!r}; there are {', '.join(_OFFERS)}.")
    offer, recorded = _OFFERS[name], recorded_at(name)
    return Experiment(
        offer.program,
        scene=offer.scene,
        recorded=recorded if recorded.exists() else None,
        **offer.choices,
    )
