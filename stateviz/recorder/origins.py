"""How a batch's states began, and which batch of the layer had left them: decided from the numbers.

Nothing here believes a flag where the numbers can tell.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stateviz.recorder.keeping import LayerCall
from stateviz.recording import Origin

_FRESH_ENDS = 32


@dataclass(frozen=True)
class End:
    """Which of a layer's batches left a state, counted among all, and its place if it was kept."""

    batch: int
    record: int | None


@dataclass
class Seen:
    """What is remembered of a layer from batch to batch.

    Attributes:
        sizes: The bytes that each batch takes or would take, of those that `every` asks for and
            the others.
        ends: Which batch left a state, by the state's bits; the last that left it.
        fresh_ends: The last states that a stateless layer left of itself, which nobody may ever
            hand on: they are told apart only once a state is given.
    """

    sizes: list[int] = field(default_factory=list)
    reset_called: bool = False
    last: bytes | None = None
    last_outside_validation: bytes | None = None
    ends: dict[bytes, End] = field(default_factory=dict)
    fresh_ends: deque[tuple[Sequence[np.ndarray], End]] = field(
        default_factory=lambda: deque(maxlen=_FRESH_ENDS)
    )


@dataclass(frozen=True)
class Began:
    """How the states of a batch began, and which batch of the layer had left them."""

    origin: Origin
    zeros: bool
    left_by: End | None = None


def origin_of(call: LayerCall, seen: Seen, *, validating: bool) -> Began:
    zeros = not any(state.any() for state in call.initial_states)
    if not call.stateful and not call.given:
        return Began("fresh" if zeros else "altered", zeros)
    initial = _bits(call.initial_states)
    left_by = _left_by(initial, seen)
    if call.given:
        return Began("given", zeros, None if zeros else left_by)
    # Validation runs inside fit: what it leaves behind is not what the training handed on.
    previous = seen.last if validating else seen.last_outside_validation
    if previous == initial and not (zeros and seen.reset_called):
        return Began("carried", zeros, left_by)
    if zeros:
        return Began("reset", zeros)
    return Began("altered", zeros, left_by)


def origin_of_passed(call: LayerCall, seen: Seen, *, validating: bool) -> Began:
    """How a batch's states began where nobody but the caller keeps a state, as in PyTorch.

    Nothing passed is fresh; zeros that are passed are a reset; what an earlier batch had left, bit
    for bit, is carried; anything else is given.
    """
    zeros = not any(state.any() for state in call.initial_states)
    if not call.given:
        return Began("fresh", zeros)
    if zeros:
        return Began("reset", zeros)
    left_by = _left_by(_bits(call.initial_states), seen)
    return Began("given" if left_by is None else "carried", zeros, left_by)


def _left_by(initial: bytes, seen: Seen) -> End | None:
    """The last batch that had left a state, told by the state's bits."""
    while seen.fresh_ends:
        states, end = seen.fresh_ends.popleft()
        seen.ends[_bits(states)] = end
    return seen.ends.get(initial)


def remember(seen: Seen, call: LayerCall, end: End, *, validating: bool) -> None:
    """Remembers the final states of a batch, to recognise them when another begins with them."""
    seen.reset_called = False
    if not call.stateful and not call.given:
        seen.fresh_ends.append((call.final_states, end))
        return
    seen.last = _bits(call.final_states)
    if not validating:
        seen.last_outside_validation = seen.last
    seen.ends[seen.last] = end


def _bits(arrays: Sequence[np.ndarray]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(repr((array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.digest()
