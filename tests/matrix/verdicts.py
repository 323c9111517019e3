"""Whether a configuration is recorded truly and harmlessly in a way: a cell of the table."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from stateviz.recorder.options import Options
from stateviz.recorder.plan import planned
from stateviz.recording import Gates, GRUGates, Recording, RecordingWarning
from tests.matrix.backward import what_is_wrong_back
from tests.matrix.configurations import (
    Configuration,
)
from tests.matrix.data import data_for
from tests.matrix.here import here
from tests.matrix.models import Snapshot, model_of, recurrent_in, values_of
from tests.matrix.way import Way
from tests.references import states_of_cell


@dataclass(frozen=True)
class Outcome:
    """What a configuration did in a way: "true and harmless", "refused" or "Keras fails", and how.

    Attributes:
        verdict: One of these words, or "not ..." where a promise does not hold.
        words: The message of the refusal or of Keras's own error; "" where it was recorded.
    """

    verdict: str
    words: str = ""


def outcome(configuration: Configuration, way: Way) -> Outcome:  # noqa: PLR0911  a verdict each
    """Runs a configuration in a way, without and with the recorder."""
    data = data_for(configuration)
    plain, _ = model_of(configuration, way)
    failure = expected = None
    try:
        expected = way.run(plain, data)
    except here.FAILURES as error:
        failure = error
    model, snapshot = model_of(configuration, way)
    methods = methods_of(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RecordingWarning)
            recording, results = way.recorded(model, data, way.run)
    except RecordingWarning as warning:
        return Outcome("not true", str(warning))
    except here.FAILURES as error:
        if methods_of(model) != methods:
            return Outcome("not put back", str(error))
        refused_before = "gradients=True cannot record" in str(error)  # and Keras fails without too
        if failure is not None and (type(error) is type(failure) or refused_before):
            return Outcome("Keras fails", f"{type(failure).__name__}: {failure}")
        is_refusal = failure is None and isinstance(error, ValueError)
        return Outcome("refused" if is_refusal else "not harmless", str(error))
    if failure is not None:
        return Outcome("not harmless", f"without the recorder Keras fails: {failure}")
    if methods_of(model) != methods:
        return Outcome("not put back", str(set(methods_of(model)) ^ set(methods)))
    changed = what_changed(plain, expected, model, results)
    if changed:
        return Outcome("not harmless", changed)
    wrong = what_is_wrong(configuration, way, model, snapshot, recording)
    return Outcome("not true", wrong) if wrong else Outcome("true and harmless")


def methods_of(model: keras.Model) -> dict[tuple[str, str], int]:
    """The very objects that stand in the instances of a model, its layers and their cells."""
    owners = [model, *model._flatten_layers()]
    names = {"train_step", "test_step", "predict_step", "compile", "call", "build"}
    names |= {"fit", "evaluate", "predict", "inner_loop", "reset_state", "reset_states"}
    names |= {"activation", "recurrent_activation", "train_on_batch"}
    return {
        (owner.path, name): id(vars(owner)[name])
        for owner in owners
        for name in names
        if name in vars(owner)
    }


def what_changed(plain: keras.Model, expected: Any, model: keras.Model, results: Any) -> str:
    """Which bits differ between an unrecorded and a recorded run; "" where none."""
    if not same_bits(results, expected):
        return f"results {expected} became {results}"
    before, after = everything_in(plain), everything_in(model)
    if len(before) != len(after):
        return f"{len(before)} variables became {len(after)}"
    for (name, one_), other in zip(before, [value for _, value in after], strict=True):
        if not same_bits(one_, other):
            return f"{name} differs by {np.abs(np.asarray(one_) - np.asarray(other)).max()}"
    return ""


def everything_in(model: keras.Model) -> list[tuple[str, np.ndarray]]:
    """All that a run can change: weights, seeds, optimizer, metrics and states."""
    variables = [*model.variables, *model.optimizer.variables]
    variables += [v for metric in model.metrics for v in metric.variables]
    variables += [
        state for layer in recurrent_in(model) for state in keras.tree.flatten(layer.states or [])
    ]
    return list(zip([each.path for each in variables], values_of(variables), strict=True))


def same_bits(one_: Any, other: Any) -> bool:
    flat, others = keras.tree.flatten(one_), keras.tree.flatten(other)
    return len(flat) == len(others) and all(
        np.asarray(a).tobytes() == np.asarray(b).tobytes()
        for a, b in zip(flat, others, strict=True)
    )


def what_is_wrong(
    configuration: Configuration,
    way: Way,
    model: keras.Model,
    snapshot: Snapshot,
    recording: Recording,
) -> str:
    """Where a recording differs from NumPy in float64, step by step; "" where nowhere."""
    found = planned(model, Options()).parts
    recurrent = recurrent_in(model)
    variables = [v for layer in recurrent for v in layer.variables]
    changed = not same_bits(snapshot.first, values_of(variables))
    for name, (layer, part) in found.items():
        batches = recording[name].batches
        calls = len(batches) / max(len(snapshot.taken), 1)
        if not batches or calls != int(calls):
            return f"{len(batches)} batches of {name} in {len(snapshot.taken)} runs"
        for batch in batches[:1] if snapshot.first and changed else batches:
            taken = snapshot.first or snapshot.taken[batch.index // int(calls)]
            own = {id(v): value for v, value in zip(variables, taken, strict=True)}
            weights = [own[id(v)] for v in part.cell.weights if id(v) in own and v.trainable]
            derived = recording[name].ends_within > 0 and not (way.in_sight and here.EXACT)
            wrong = what_is_wrong_in(configuration, part.cell, weights, batch, way, derived)
            trained = batch.phase in ("fit", "train_on_batch", "call")
            if not wrong and way.gradients and trained:
                wrong = what_is_wrong_back(configuration, layer, weights, batch)
            if wrong:
                return f"{batch}: {wrong}"
        if layer.stateful and not part.name and here.CARRIES:
            held = values_of(layer.states)
            ends = [batches[-1].final_hidden_state, batches[-1].final_cell_state]
            if not all(map(np.array_equal, held, [end for end in ends if end is not None])):
                return f"{name} holds other states than the last that were recorded"
    return ""


def what_is_wrong_in(
    configuration: Configuration,
    cell: Any,
    weights: Sequence[np.ndarray],
    batch: Any,
    way: Way,
    derived: bool,
) -> str:
    initial = [batch.initial_hidden_state, batch.initial_cell_state]
    states = [batch.hidden_state, batch.cell_state]
    final = [batch.final_hidden_state, batch.final_cell_state]
    for further in batch.states[2:]:
        initial, states = [*initial, further.initial], [*states, further.after]
        final.append(further.final)
    initial, states, final = (
        [each for each in group if each is not None] for group in (initial, states, final)
    )
    tolerance = configuration.tolerance
    if not here.HAS_FLOAT64:
        tolerance = max(tolerance, 1e-5)
    for state, end in zip(states, final, strict=True):
        apart = np.abs(state[:, -1].astype(float) - end).max()
        if not apart <= (tolerance / 10 if derived else 0):
            return "it does not end in the layer's own final state"
    if configuration.random and batch.training:
        expected = by_their_gates(batch)
    else:
        expected = states_of_cell(cell, weights, batch.inputs, initial, batch.mask)
    if expected is None:
        gateless = type(cell).__name__ == "SimpleRNNCell" or not way.gates
        return "" if gateless else "it has no gates"
    for place, (state, right) in enumerate(zip(states, expected, strict=True)):
        off = np.abs(state.astype(float) - right).max()
        if not off <= tolerance:
            return f"state {place} is off by {off:.1e}"
    return ""


def by_their_gates(batch: Any) -> list[np.ndarray] | None:
    """The states as the recorded gates give them, from the recorded state before."""

    def before(initial: np.ndarray, states: np.ndarray) -> np.ndarray:
        return np.concatenate([initial[:, np.newaxis], states[:, :-1]], axis=1)

    gates = batch.gates
    if isinstance(gates, Gates):
        c = gates.forget * before(batch.initial_cell_state, batch.cell_state)
        c = c + gates.input * gates.candidate
        return [gates.output * np.tanh(c), c]
    if isinstance(gates, GRUGates):
        h = before(batch.initial_hidden_state, batch.hidden_state)
        return [gates.update * h + (1 - gates.update) * gates.candidate]
    return None
