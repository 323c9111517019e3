"""How a batch's states began, and which batch of the layer had left them: decided from the numbers.

Nothing here believes a flag where the numbers can tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stateviz.recorder.keeping import LayerCall
from stateviz.recording import Origin


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
    """

    sizes: list[int] = field(default_factory=list)
    reset_called: bool = False
    last: bytes | None = None
    last_outside_validation: bytes | None = None
    ends: dict[bytes, End] = field(default_factory=dict)


@dataclass(frozen=True)
class Began:
    """How the states of a batch began, and which batch of the layer had left them."""

    origin: Origin
    zeros: bool
    left_by: End | None = None


def origin_of(call: LayerCall, seen: Seen, *, validating: bool) -> Began:
    """How a batch's states began, observed from the numbers."""
    zeros = not any(state.any() for state in call.initial_states)
    if not call.stateful and not call.given:
        return Began("fresh" if zeros else "altered", zeros)
    initial = _bits(call.initial_states)
    left_by = seen.ends.get(initial)
    if call.given:
        return Began("given", zeros, None if zeros else left_by)
    # Validation runs inside fit: what it leaves behind is not what the training handed on.
    previous = seen.last if validating else seen.last_outside_validation
    if previous == initial and not (zeros and seen.reset_called):
        return Began("carried", zeros, left_by)
    if zeros:
        return Began("reset", zeros)
    return Began("altered", zeros, left_by)


def remember(seen: Seen, call: LayerCall, end: End, *, validating: bool) -> None:
    """Remembers the final states of a batch, to recognise them when another begins with them."""
    seen.reset_called = False
    if not call.stateful and not call.given:
        return
    seen.last = _bits(call.final_states)
    if not validating:
        seen.last_outside_validation = seen.last
    seen.ends[seen.last] = end


def _bits(arrays: Sequence[np.ndarray]) -> bytes:
    """What tells states apart, bit for bit."""
    told = hashlib.blake2b(digest_size=16)
    for array in arrays:
        told.update(repr((array.dtype.str, array.shape)).encode())
        told.update(array.tobytes())
    return told.digest()
