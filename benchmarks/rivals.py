"""Recording a predict against other ways to get h and c after every timestep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

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
_SHORT, _LONG = 20, 400
_PREFIXES = 20
_TOLERANCE = 1e-5

_PREDICT, _ON_BATCH = "recorded predict", "recorded predict_on_batch"
_EVERY_PREFIX = "a predict on every prefix"
_TWIN = "a stateful twin, predict on each timestep"
_TWIN_ON_BATCH = "a stateful twin, predict_on_batch on each timestep"
_CELL = "a loop over layer.cell in eager mode"
_UNRECORDED = "the same predict, unrecorded (no states)"
_WHOLE_BLOCK = "a whole record block, with its trace"

_ROWS = [
    (_EVERY_PREFIX, _PREDICT, Target(10, at_least=True)),
    (_TWIN, _PREDICT, Target(50, at_least=True)),
    (_TWIN_ON_BATCH, _PREDICT, Target(50, at_least=True)),
    (_CELL, _PREDICT, Target(2, at_least=True)),
    (_TWIN_ON_BATCH, _ON_BATCH, None),
    (_CELL, _ON_BATCH, None),
    (_UNRECORDED, _PREDICT, None),
    (_WHOLE_BLOCK, _PREDICT, None),
]


def measure(repeats: int) -> Topic:
    rows = []
    for timesteps in (_SHORT, _LONG):
        shape = f"({_SAMPLES}, {timesteps}, 1)"
        progress(f"[rivals, {shape}] tracing all ways and comparing their states")
        with ExitStack() as stack:
            ways = _Ways(timesteps, stack)
            times = in_turn(ways.runs(), repeats=repeats, what=f"rivals, {shape}")
        rows += _rows(shape, times, extrapolated=timesteps / len(ways.prefixes))
    return Topic(
        "Recording predict, and other ways to the same states",
        f"An LSTM of {_UNITS} units predicts {_SAMPLES} samples in one batch. Each way gives h and "
        f"c after every timestep as NumPy arrays, which agree with the recorded ones to "
        f"{_TOLERANCE:g} (asserted). All are built and traced before, the recorded model in its "
        "block too. The ratio is the other way's time by that of the recorded predict: above 1, "
        "recording is faster.",
        "ratio",
        rows,
        [
            f"The {_LONG} prefixes of the longer sequences would take too long. There {_PREFIXES} "
            f"of them, evenly spaced from the shortest to the longest, are predicted and compared, "
            f"and their time is extrapolated to all {_LONG}. All other ways run in full.",
            "The twin is given twice: with Keras's predict, as answers on the web show it, and "
            "with predict_on_batch, which spares Keras's set-up of a predict at every timestep. "
            "Against recording with predict_on_batch both sides are spared it.",
        ],
    )


def _rows(shape: str, times: dict[str, list[float]], *, extrapolated: float) -> list[Row]:
    rows = []
    for rival, ours, target in _ROWS:
        scale = extrapolated if rival == _EVERY_PREFIX else 1
        note = f", extrapolated from {_PREFIXES} prefixes" if scale > 1 else ""
        ratio = ratios([scale * each for each in times[rival]], times[ours])
        rows.append(Row(f"{shape}: {rival}{note}, by {ours}", ratio, target))
    return rows


@dataclass(frozen=True)
class _Models:
    """The same LSTM three times: to record, with its states returned, and stateful."""

    recorded: keras.Model
    plain: keras.Model
    returning: keras.Model
    stateful: keras.Model


def _make_models() -> _Models:
    keras.utils.set_random_seed(0)
    any_length, one_timestep = (None, 1), (1, 1)
    recorded = _model(keras.Input(any_length))
    models = _Models(
        recorded=recorded,
        plain=_model(keras.Input(any_length)),
        returning=_model(keras.Input(any_length), return_state=True),
        stateful=_model(
            keras.Input(batch_shape=(_SAMPLES, *one_timestep)), return_state=True, stateful=True
        ),
    )
    for each in (models.plain, models.returning, models.stateful):
        each.get_layer("lstm").set_weights(recorded.get_layer("lstm").get_weights())
    return models


def _model(inputs: keras.KerasTensor, **options: bool) -> keras.Model:
    return keras.Model(inputs, keras.layers.LSTM(_UNITS, name="lstm", **options)(inputs))


class _Ways:
    """All ways to the states, each warm, and each compared with the recorded states."""

    def __init__(self, timesteps: int, stack: ExitStack) -> None:
        random = np.random.default_rng(0)
        self._X = random.normal(size=(_SAMPLES, timesteps, 1)).astype(np.float32)
        count = min(_PREFIXES, timesteps)
        self.prefixes = np.unique(np.linspace(1, timesteps, count).round().astype(int))
        self._models = _make_models()
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

    def runs(self) -> Mapping[str, Callable[[], object]]:
        runs = {name: _unwatched(way, self._X) for name, way in self._rivals().items()}
        return {
            _PREDICT: lambda: self._recorded(self._X),
            _ON_BATCH: lambda: self._recorded_on_batch(self._X),
            **runs,
            _UNRECORDED: _unwatched(self._unrecorded, self._X),
            _WHOLE_BLOCK: _unwatched(self._whole_block, self._X),
        }

    def _rivals(self) -> Mapping[str, Way]:
        return {
            _EVERY_PREFIX: self._prefixes_predicted,
            _TWIN: self._twin_predicts,
            _TWIN_ON_BATCH: self._twin_predicts_on_batch,
            _CELL: self._cell_called,
        }

    def _recorded(self, X: np.ndarray) -> States:
        self._models.recorded.predict(X, batch_size=_SAMPLES, verbose=0)
        return _states(self._recording["lstm"].batches.pop())

    def _recorded_on_batch(self, X: np.ndarray) -> States:
        self._models.recorded.predict_on_batch(X)
        return _states(self._recording["lstm"].batches.pop())

    def _unrecorded(self, X: np.ndarray) -> None:
        self._models.plain.predict(X, batch_size=_SAMPLES, verbose=0)

    def _whole_block(self, X: np.ndarray) -> States:
        with stateviz.record(self._models.plain, max_bytes=NO_BOUND) as recording:
            self._models.plain.predict(X, batch_size=_SAMPLES, verbose=0)
        return _states(recording["lstm"].batches[0])

    def _prefixes_predicted(self, X: np.ndarray) -> States:
        model = self._models.returning
        return _stacked(
            [model.predict(X[:, :end], batch_size=_SAMPLES, verbose=0) for end in self.prefixes]
        )

    def _twin_predicts(self, X: np.ndarray) -> States:
        twin = self._models.stateful
        twin.get_layer("lstm").reset_state()
        return _stacked(
            [
                twin.predict(X[:, t : t + 1], batch_size=_SAMPLES, verbose=0)
                for t in range(X.shape[1])
            ]
        )

    def _twin_predicts_on_batch(self, X: np.ndarray) -> States:
        twin = self._models.stateful
        twin.get_layer("lstm").reset_state()
        return _stacked([twin.predict_on_batch(X[:, t : t + 1]) for t in range(X.shape[1])])

    def _cell_called(self, X: np.ndarray) -> States:
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


def _stacked(after_each: list) -> States:
    """Of (output, h, c) after each timestep, h and c of shape (samples, timesteps, units)."""
    _, h, c = zip(*after_each, strict=True)
    return np.stack(h, axis=1), np.stack(c, axis=1)


def _unwatched(way: Callable[[np.ndarray], object], X: np.ndarray) -> Callable[[], None]:
    def run() -> None:
        with unwatched_functions():
            way(X)

    return run
