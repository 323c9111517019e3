"""The gates of one unit: how much of the state was kept, written and shown.

An LSTM has three gates between 0 and 1 and a candidate, a GRU two and a candidate. Each gets a
row over the timesteps; the equation of the cell is filled in with the numbers of one timestep.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from stateviz.drawing import written
from stateviz.recording import BatchRecord, Gates, GRUGates, State

_SYMBOLS = {
    "input": "i",
    "forget": "f",
    "candidate": "g",
    "output": "o",
    "update": "z",
    "reset": "r",
}
# As the state goes through them.
_ORDER = ("forget", "input", "reset", "update", "candidate", "output")


def gates_of(batch: BatchRecord, sample: int, unit: int) -> dict[str, np.ndarray]:
    """One unit's gates by their names, each of shape (timesteps,).

    Empty if none were recorded, or where h is projected, so that its units have no gates.
    """
    if batch.gates is None or batch.is_projected:
        return {}
    named = {each.name: getattr(batch.gates, each.name) for each in fields(batch.gates)}
    return {name: named[name][sample, :, unit] for name in _ORDER if name in named}


def label(name: str) -> str:
    """The gate's name and symbol, such as "forget f"."""
    return f"{name} {_SYMBOLS[name]}"


def symbol(name: str) -> str:
    """The gate's symbol in equations, such as "f"."""
    return _SYMBOLS[name]


def equation(batch: BatchRecord, *, sample: int, unit: int, timestep: int) -> str:
    """How the cell came to its state, in the numbers of a timestep; "" for the initial state.

    Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000) for an LSTM, Cho
    et al. (2014) for a GRU.
    """
    if timestep < 0 or batch.gates is None:
        return ""
    if batch.mask is not None and not batch.mask[sample, timestep]:
        return "this timestep is masked: the gates are not used, the state is held"
    at = (sample, timestep, unit)
    h, h_before = _now_and_before(batch.states[0], at)
    gates = {each.name: float(getattr(batch.gates, each.name)[at]) for each in fields(batch.gates)}
    if isinstance(batch.gates, GRUGates):
        z, g = gates["update"], gates["candidate"]
        return (
            f"h = z × h_before + (1 − z) × g = {_said(z)} × {_said(h_before)} + "
            f"{_said(1 - z)} × {_said(g)} = {_rounded(h)}"
        )
    if "cell" not in batch.state_names:
        return ""
    c, c_before = _now_and_before(batch.state("cell"), at)
    i, f, g, o = (gates[each.name] for each in fields(Gates))
    is_tanh = is_squashed_by_tanh(h, o, c)
    return (
        f"c = f × c_before + i × g = {_said(f)} × {_said(c_before)} + {_said(i)} × {_said(g)} = "
        f"{_rounded(c)}    h = o × {'tanh' if is_tanh else 'activation'}(c) = {_rounded(h)}"
    )


def is_squashed_by_tanh(
    h: np.ndarray | float, o: np.ndarray | float, c: np.ndarray | float
) -> bool:
    """Whether h = o × tanh(c), so that the activation of the recorded cell is tanh."""
    return bool(np.isclose(h, o * np.tanh(c), rtol=1e-2, atol=1e-3).all())


def _now_and_before(state: State, at: tuple[int, int, int]) -> tuple[float, float]:
    sample, timestep, unit = at
    before = state.after[sample, timestep - 1, unit] if timestep else state.initial[sample, unit]
    return float(state.after[at]), float(before)


def _rounded(value: float) -> str:
    return written(value, ".2f")


def _said(value: float) -> str:
    """Two decimals; a negative number in brackets, since it follows a sign."""
    text = _rounded(value)
    return f"({text})" if text.startswith("−") else text
