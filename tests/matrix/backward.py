"""Whether recorded gradients are those of the equations: each from the one a timestep later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.matrix.configurations import Configuration
from tests.references import STEPS, Step

_EPS = 1e-6


def what_is_wrong_back(
    configuration: Configuration, layer: Any, weights: Sequence[np.ndarray], batch: Any
) -> str:
    """Where a batch's gradients differ from NumPy in float64; "" where nowhere.

    What comes back to the states before a timestep is what came back to those after it, through
    the timestep's equations, whose derivatives are taken by central differences. To h there may
    come more, where it is read at that timestep.
    """
    gradients = batch.gradients
    if gradients is None:
        one_row_repeated = len(batch.inputs) and np.ptp(batch.inputs, axis=0).max() == 0
        return "" if one_row_repeated else "it has no gradients"
    if configuration.random:
        return ""
    step = STEPS[type(layer.cell).__name__](layer.cell, [w.astype(float) for w in weights])
    names = ["hidden", "cell"][: len(batch.states)]
    back = [_columns(gradients, f"{name}_state") for name in names]
    held = [np.concatenate([s.initial[:, None], s.after], 1).astype(float) for s in batch.states]
    scale = max(np.abs(each).max() for each in back)
    tolerance = 10 * max(configuration.tolerance, 1e-9) * scale  # of central differences too
    mask = np.ones(back[0].shape[:2], bool) if batch.mask is None else batch.mask
    for t in range(batch.timesteps - 1, -1, -1):
        after = [each[:, t + 1] for each in back]
        if len(after) > 1:  # to c also through h of its own timestep, which the step has in it
            after[1] = after[1] - _through_h(layer.cell, after[0], *(s[:, t + 1] for s in held))
            is_last = t == batch.timesteps - 1
            if is_last and not layer.return_state and np.abs(after[1]).max() > tolerance:
                return f"dL/dc after the last timestep is off by {np.abs(after[1]).max():.1e}"
        before = [each[:, t] for each in held]
        expected = _vector_jacobian(
            step, _right(layer.cell), batch.inputs[:, t].astype(float), before, after
        )
        found = [each[:, t] for each in back]
        if len(found) > 1:  # the initial state was not computed here, held or not
            computed = mask[:, :t].any(axis=1, keepdims=True)
            found[1] = found[1] - computed * _through_h(layer.cell, found[0], *before)
        for name, one, other in zip(names, found, expected, strict=True):
            read_in_between = name == "hidden" and layer.return_sequences and t
            off = np.abs(one - other)[mask[:, t]].max(initial=0)
            if not read_in_between and not off <= tolerance:
                return f"dL/d({name} state) before t = {t} is off by {off:.1e} of {scale:.1e}"
    return ""


def _columns(gradients: Any, name: str) -> np.ndarray:
    """At the border and after each timestep, shape (samples, 1 + timesteps, units), float64."""
    initial, after = getattr(gradients, f"initial_{name}"), getattr(gradients, name)
    return np.concatenate([initial[:, None], after], axis=1).astype(float)


def _through_h(cell: Any, of_h: np.ndarray, h: np.ndarray, c: np.ndarray) -> np.ndarray:
    """What comes back to c through h = o * activation(c)."""

    def activated(value: np.ndarray) -> Any:
        return np.array(cell.activation(value), dtype=float)

    slope = (activated(c + _right(cell)) - activated(c - _EPS)) / (_right(cell) + _EPS)
    value = activated(c)
    output = np.divide(h, value, out=np.zeros_like(h), where=value != 0)
    found: np.ndarray = of_h * output * slope
    return found


def _right(cell: Any) -> float:
    """How far to the right a difference is taken: not at all at the bend of relu, as in Keras."""
    return 0.0 if cell.activation.__name__ == "relu" else _EPS


def _vector_jacobian(
    step: Step,
    right: float,
    x: np.ndarray,
    before: Sequence[np.ndarray],
    of_after: Sequence[np.ndarray],
) -> list[np.ndarray]:
    found = []
    for place, state in enumerate(before):
        came = np.zeros_like(state)
        for unit in range(state.shape[1]):
            moved = []
            for eps in (right, -_EPS):
                states = [each.copy() for each in before]
                states[place][:, unit] += eps
                moved.append(step(x, states))
            for one, other, of in zip(*moved, of_after, strict=True):
                came[:, unit] += ((one - other) / (right + _EPS) * of).sum(axis=1)
        found.append(came)
    return found
