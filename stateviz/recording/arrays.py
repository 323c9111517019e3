"""The arrays that a batch holds: states, gates and gradients, equal where their content is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

import numpy as np


class ByContent:
    """Equal to what holds the same: arrays are compared bit for bit, with shape and dtype."""

    def __eq__(self, other: object) -> bool:
        return same_content(self, other) if isinstance(other, type(self)) else NotImplemented

    # Content can change, and arrays have no hash.
    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class State(ByContent):
    """One state of a layer, such as h or c, in one batch.

    Attributes:
        initial: Before the first timestep, shape (samples, units).
        after: After each timestep, shape (samples, timesteps, units).
        final: After the last timestep, shape (samples, units).
    """

    initial: np.ndarray
    after: np.ndarray
    final: np.ndarray


@dataclass(frozen=True, eq=False)
class Gates(ByContent):
    """The gates of an LSTM at each timestep, each of shape (samples, timesteps, units).

    The names are those of Hochreiter and Schmidhuber (1997) and Gers et al. (2000) as Keras
    computes them: `c = forget * c_before + input * candidate` and `h = output * activation(c)`.
    """

    input: np.ndarray
    forget: np.ndarray
    candidate: np.ndarray
    output: np.ndarray


@dataclass(frozen=True, eq=False)
class GRUGates(ByContent):
    """The gates of a GRU at each timestep, each of shape (samples, timesteps, units).

    Cho et al. (2014), with the update gate as Keras computes it:
    `h = update * h_before + (1 - update) * candidate`; `reset` says how much of `h_before` the
    candidate sees.
    """

    update: np.ndarray
    reset: np.ndarray
    candidate: np.ndarray


GATES: tuple[type[Gates] | type[GRUGates], ...] = (Gates, GRUGates)


@dataclass(frozen=True, eq=False)
class Gradients(ByContent):
    """dL/dh and dL/dc: how much the loss changes with a state, through all that came after it.

    L is the loss as the training minimises it: averaged over the batch where that is, with its
    weights. At a timestep that a mask leaves out, it is the gradient of the state that is held. It
    says how much the loss depends on a state, not how much is learned.

    Attributes:
        initial_hidden_state, initial_cell_state: At the state before the first timestep, shape
            (samples, units): where the gradient leaves the batch, and is dropped unless another
            layer computed that state. The cell's are None for a layer that has none.
        hidden_state, cell_state: After each timestep, shape (samples, timesteps, units).
    """

    initial_hidden_state: np.ndarray
    hidden_state: np.ndarray
    initial_cell_state: np.ndarray | None = None
    cell_state: np.ndarray | None = None

    def norms(self, name: Literal["hidden", "cell"]) -> np.ndarray:
        """The norm of dL/dh or dL/dc over all samples and units, at the border and each timestep.

        Returns:
            Shape (1 + timesteps,), float64.
        """
        after = self.hidden_state if name == "hidden" else self.cell_state
        initial = self.initial_hidden_state if name == "hidden" else self.initial_cell_state
        if after is None or initial is None:
            raise ValueError(f"These gradients have no state {name!r}.")
        both = np.concatenate([initial[:, np.newaxis], after], axis=1).astype(np.float64)
        norms: np.ndarray = np.sqrt(np.square(both).sum(axis=(0, 2)))
        return norms


def arrays_in(value: object) -> Iterator[np.ndarray]:
    """Every array that a record, a state or a tuple of them holds."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from arrays_in(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from arrays_in(getattr(value, field.name))


def same_content(one: Any, other: Any) -> bool:
    """Whether two values hold the same; arrays bit for bit, so that NaN equals itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return bool(alike and one.tobytes() == other.tobytes())
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same_content, one, other))
    if isinstance(one, ByContent) and is_dataclass(one):
        names = [field.name for field in fields(one)]
        return all(same_content(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)
