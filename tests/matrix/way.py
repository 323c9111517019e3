"""What a way to run a model is, and how it is recorded meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

import stateviz
from stateviz.recording import Recording
from tests.matrix.configurations import FEATURES, TIMESTEPS
from tests.matrix.data import Data

Run = Callable[..., Any]  # of a model, its data, and callbacks if there are any


def recorded_in_a_block(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model, gates=True) as recording:
        results = run(model, data)
    return recording, results


def recorded_without_gates(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model) as recording:
        results = run(model, data)
    return recording, results


def recorded_with_gradients(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model, gates=True, gradients=True) as recording:
        results = run(model, data)
    return recording, results


def recorded_by_the_callback(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    recorder = stateviz.StateRecorder(gates=True)
    results = run(model, data, [recorder])
    return recorder.recording, results


def recorded_in_a_thread(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    returned: list[Any] = []

    def target() -> None:
        try:
            returned.append(recorded_in_a_block(model, data, run))
        except Exception as error:
            returned.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    if isinstance(returned[0], Exception):
        raise returned[0]
    recording, results = returned[0]
    return recording, results


def recorded_in_nested_blocks(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model) as outer, stateviz.record(model, gates=True) as recording:
        results = run(model, data)
    assert [len(outer[name].batches) for name in outer] == [
        len(recording[name].batches) for name in recording
    ]
    return recording, results


def recorded_in_the_second_block(model: keras.Model, data: Data, run: Run) -> tuple[Recording, Any]:
    with stateviz.record(model):
        pass
    return recorded_in_a_block(model, data, run)


def recorded_beside_another_model(
    model: keras.Model, data: Data, run: Run
) -> tuple[Recording, Any]:
    # Made before the seed is set again, so that it does not move the other's random numbers.
    seeds = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    kept = None if seeds is None else keras.ops.convert_to_numpy(seeds.state)
    other = keras.Sequential(
        [keras.Input((TIMESTEPS, FEATURES)), keras.layers.LSTM(2, seed=1, name="other")]
    )
    if kept is not None:
        seeds.state.assign(kept)
    with stateviz.record(other) as beside:
        recording, results = recorded_in_a_block(model, data, run)
        other(np.zeros((2, TIMESTEPS, FEATURES), "float32"))
    assert len(beside["other"].batches) == 1
    return recording, results


@dataclass(frozen=True)
class Way:
    """A way to run a model.

    Attributes:
        name: What the page calls it.
        run: Runs a model on data, and with a callback if `recorded` brings one.
        compile_options: For `model.compile`.
        model_class: The class of the model.
        recorded: Runs it while it is recorded.
        in_sight: Whether the test sees the weights at each batch. Where it does not, as under XLA,
            which calls no host, NumPy has the weights that the model began with: if they changed
            until the end, the first batch alone is compared.
    """

    name: str
    run: Callable[..., Any]
    compile_options: dict[str, Any] = field(default_factory=dict)
    model_class: type[keras.Model] = keras.Model
    recorded: Callable[[keras.Model, Data, Run], tuple[Recording, Any]] = recorded_in_a_block
    in_sight: bool = True

    @property
    def gates(self) -> bool:
        """Whether gates are recorded too."""
        return self.recorded is not recorded_without_gates

    @property
    def gradients(self) -> bool:
        """Whether gradients are recorded too."""
        return self.recorded is recorded_with_gradients
