"""Recording a predict against other ways to get h and c after every timestep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import stateviz
from benchmarks.measuring import in_turn, progress, ratios
from benchmarks.report import Row, Target, Topic
from benchmarks.workloads import NO_BOUND, unwatched_functions
from stateviz.recording import BatchRecord

States = tuple[np.ndarray, np.ndarray]
Way = Callable[[np.ndarray], States]

_SAMPLES = 1000
_UNITS = 32
_PREFIXES = 20
_TOLERANCE = 1e-5

_PREDICT, _ON_BATCH = "recorded predict", "recorded predict_on_batch"
_EVERY_PREFIX = "a predict on every prefix"
_TWIN = "a stateful twin, predict on each timestep"
_TWIN_ON_BATCH = "a stateful twin, predict_on_batch on each timestep"
_CELL = "a loop over layer.cell in eager mode"
_UNRECORDED = "the same predict, unrecorded (no states)"
_UNRECORDED_ON_BATCH = "the same predict_on_batch, unrecorded (no states)"
_WHOLE_BLOCK = "a whole record block, with its trace"

_ROWS = [
    (_EVERY_PREFIX, _PREDICT, Target(10, at_least=True)),
    (_TWIN, _PREDICT, Target(50, at_least=True)),
    (_TWIN_ON_BATCH, _ON_BATCH, Target(50, at_least=True)),
    (_CELL, _PREDICT, Target(2, at_least=True)),
    (_CELL, _ON_BATCH, None),
    (_UNRECORDED, _PREDICT, None),
    (_UNRECORDED_ON_BATCH, _ON_BATCH, None),
    (_WHOLE_BLOCK, _PREDICT, None),
]


@dataclass(frozen=True)
class _Setting:
    timesteps: int
    batch_size: int
    targets: bool = True

    def __str__(self) -> str:
        return f"({_SAMPLES}, {self.timesteps}, 1), batch_size={self.batch_size}"


_SETTINGS = [_Setting(20, 200), _Setting(400, 200), _Setting(20, _SAMPLES, targets=False)]


def measure(repeats: int) -> Topic:
    rows = []
    for setting in _SETTINGS:
        progress(f"[rivals, {setting}] tracing all ways and comparing their states")
        with ExitStack() as stack:
            ways = _Ways(setting, stack)
            times = in_turn(ways.runs(), repeats=repeats, what=f"rivals, {setting}")
        rows += _rows(setting, times, extrapolated=setting.timesteps / len(ways.prefixes))
    return Topic(
        "Recording predict, and other ways to the same states",
        f"An LSTM of {_UNITS} units predicts {_SAMPLES} samples, in batches of 200 as in the "
        "question that this project answers. Each way gives h and c after every timestep as NumPy "
        f"arrays, which agree with the recorded ones to {_TOLERANCE:g} (asserted). All are built "
        "and traced before, the recorded model in its block too. The ratio is the other way's time "
        "by that of the recorded one: above 1, recording is faster.",
        "ratio",
        rows,
        [
            f"The 400 prefixes of the longer sequences would take too long. There {_PREFIXES} "
            "of them, evenly spaced from the shortest to the longest, are predicted and compared, "
            "and their time is extrapolated to all 400. All other ways run in full.",
            "The twin is given twice: with Keras's predict, as answers on the web show it, and "
            "with predict_on_batch, which spares Keras's set-up of a predict at every timestep. "
            "What the second can lose is little: an unrecorded predict_on_batch, which yields no "
            "states at all, is the most that any recorder could reach.",
            "With all samples in one batch there is less to save, as a predict of so little data "
            "is mostly Keras's own set-up: compare it with the same predict unrecorded.",
        ],
    )


def _rows(setting: _Setting, times: dict[str, list[float]], *, extrapolated: float) -> list[Row]:
    rows = []
    for rival, ours, target in _ROWS:
        scale = extrapolated if rival == _EVERY_PREFIX else 1
        note = f", extrapolated from {_PREFIXES} prefixes" if scale > 1 else ""
        ratio = ratios([scale * each for each in times[rival]], times[ours])
        what = f"{setting}: {rival}{note}, by {ours}"
        rows.append(Row(what, ratio, target if setting.targets else None))
    return rows


@dataclass(frozen=True)
class _Models:
    """The same LSTM three times: to record, with its states returned, and stateful."""

    recorded: keras.Model
    plain: keras.Model
    returning: keras.Model
    stateful: keras.Model


def _make_models(batch_size: int) -> _Models:
    keras.utils.set_random_seed(0)
    any_length, one_timestep = (None, 1), (1, 1)
    recorded = _model(keras.Input(any_length))
    models = _Models(
        recorded=recorded,
        plain=_model(keras.Input(any_length)),
        returning=_model(keras.Input(any_length), return_state=True),
        stateful=_model(
            keras.Input(batch_shape=(batch_size, *one_timestep)), return_state=True, stateful=True
        ),
    )
    for each in (models.plain, models.returning, models.stateful):
        each.get_layer("lstm").set_weights(recorded.get_layer("lstm").get_weights())
    return models


def _model(inputs: keras.KerasTensor, **options: bool) -> keras.Model:
    return keras.Model(inputs, keras.layers.LSTM(_UNITS, name="lstm", **options)(inputs))


class _Ways:
    """All ways to the states, each warm, and each compared with the recorded states."""

    def __init__(self, setting: _Setting, stack: ExitStack) -> None:
        random = np.random.default_rng(0)
        timesteps = setting.timesteps
        self._X = random.normal(size=(_SAMPLES, timesteps, 1)).astype(np.float32)
        self._options = {"batch_size": setting.batch_size, "verbose": 0}
        count = min(_PREFIXES, timesteps)
        self.prefixes = np.unique(np.linspace(1, timesteps, count).round().astype(int))
        self._models = _make_models(setting.batch_size)
        self._recording = stack.enter_context(
            stateviz.record(self._models.recorded, max_bytes=NO_BOUND)
        )
        h, c = self._recorded(self._X)
        every = np.arange(timesteps)
        for name, way in self._rivals().items():
            chosen = self.prefixes - 1 if name == _EVERY_PREFIX else every
            with unwatched_functions():
                states = way(self._X)
            for ours, theirs in zip((h, c), states, strict=True):
                np.testing.assert_allclose(ours[:, chosen], theirs, rtol=0, atol=_TOLERANCE)
        with unwatched_functions():
            self._unrecorded(self._X)
            self._unrecorded_on_batch(self._X)

    def runs(self) -> Mapping[str, Callable[[], object]]:
        runs = {name: _unwatched(way, self._X) for name, way in self._rivals().items()}
        return {
            _PREDICT: lambda: self._recorded(self._X),
            _ON_BATCH: lambda: self._recorded_on_batch(self._X),
            **runs,
            _UNRECORDED: _unwatched(self._unrecorded, self._X),
            _UNRECORDED_ON_BATCH: _unwatched(self._unrecorded_on_batch, self._X),
            _WHOLE_BLOCK: _unwatched(self._whole_block, self._X),
        }

    def _rivals(self) -> Mapping[str, Way]:
        return {
            _EVERY_PREFIX: self._prefixes_predicted,
            _TWIN: self._twin_predicts,
            _TWIN_ON_BATCH: self._twin_predicts_on_batch,
            _CELL: self._cell_called,
        }

    def _batches(self, X: np.ndarray) -> list[np.ndarray]:
        return np.split(X, len(X) // self._options["batch_size"])

    def _recorded(self, X: np.ndarray) -> States:
        self._models.recorded.predict(X, **self._options)
        return self._taken()

    def _recorded_on_batch(self, X: np.ndarray) -> States:
        for batch in self._batches(X):
            self._models.recorded.predict_on_batch(batch)
        return self._taken()

    def _taken(self) -> States:
        """What was recorded, which is then forgotten."""
        batches = self._recording["lstm"].batches
        states = _joined([_states(batch) for batch in batches])
        batches.clear()
        return states

    def _unrecorded(self, X: np.ndarray) -> None:
        self._models.plain.predict(X, **self._options)

    def _unrecorded_on_batch(self, X: np.ndarray) -> None:
        for batch in self._batches(X):
            self._models.plain.predict_on_batch(batch)

    def _whole_block(self, X: np.ndarray) -> States:
        with stateviz.record(self._models.plain, max_bytes=NO_BOUND) as recording:
            self._models.plain.predict(X, **self._options)
        return _joined([_states(batch) for batch in recording["lstm"].batches])

    def _prefixes_predicted(self, X: np.ndarray) -> States:
        model = self._models.returning
        return _stacked([model.predict(X[:, :end], **self._options) for end in self.prefixes])

    def _twin_predicts(self, X: np.ndarray) -> States:
        return self._twin_steps(X, lambda x: self._models.stateful.predict(x, **self._options))

    def _twin_predicts_on_batch(self, X: np.ndarray) -> States:
        return self._twin_steps(X, self._models.stateful.predict_on_batch)

    def _twin_steps(self, X: np.ndarray, step: Callable[[np.ndarray], list[Any]]) -> States:
        by_batch = []
        for batch in self._batches(X):
            self._models.stateful.get_layer("lstm").reset_state()
            by_batch.append(_stacked([step(batch[:, t : t + 1]) for t in range(X.shape[1])]))
        return _joined(by_batch)

    def _cell_called(self, X: np.ndarray) -> States:
        return _joined([self._cell_loops(batch) for batch in self._batches(X)])

    def _cell_loops(self, X: np.ndarray) -> States:
        cell = self._models.returning.get_layer("lstm").cell
        state = [keras.ops.zeros((len(X), _UNITS))] * 2
        after_each = []
        for t in range(X.shape[1]):
            output, state = cell(X[:, t], state)
            after_each.append((output, *map(keras.ops.convert_to_numpy, state)))
        return _stacked(after_each)


def _states(batch: BatchRecord) -> States:
    assert batch.cell_state is not None
    return batch.hidden_state, batch.cell_state


def _joined(by_batch: list[States]) -> States:
    h, c = (np.concatenate(states) for states in zip(*by_batch, strict=True))
    return h, c


def _stacked(after_each: list[Any]) -> States:
    """Of (output, h, c) after each timestep, h and c of shape (samples, timesteps, units)."""
    _, h, c = zip(*after_each, strict=True)
    return np.stack(h, axis=1), np.stack(c, axis=1)


def _unwatched(way: Callable[[np.ndarray], object], X: np.ndarray) -> Callable[[], None]:
    def run() -> None:
        with unwatched_functions():
            way(X)

    return run
