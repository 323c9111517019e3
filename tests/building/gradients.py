"""Recordings with gradients that were chosen, not trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stateviz.recording import Gradients, Recording
from tests.building.recordings import SAMPLES, TIMESTEPS, UNITS, a_recording


def gradients(norms: Sequence[float], cell: Sequence[float] | None = None) -> Gradients:
    """Gradients whose norms are these, at the border and after each timestep; c's like h's."""
    found = []
    for wanted in (norms, norms if cell is None else cell):
        shape = (SAMPLES, len(wanted), UNITS)
        ones = np.ones(shape) / np.sqrt(SAMPLES * UNITS)
        values = (ones * np.asarray(wanted)[:, np.newaxis]).astype("float32")
        found += [values[:, 0], values[:, 1:]]
    return Gradients(*found)


def trained(*norms: Sequence[float], **words: Any) -> Recording:
    """A recording with a batch for each of these, of as many timesteps."""
    recording = a_recording(len(norms), **words)
    layer, events = recording["lstm"], recording.events
    for place, (batch, of) in enumerate(zip(layer.batches, norms, strict=True)):
        steps = len(of) - 1
        states = tuple(
            replace(state, after=np.resize(state.after, (SAMPLES, steps, UNITS)))
            for state in batch.states
        )
        new = replace(batch, states=states, gradients=gradients(of))
        events[events.index(batch)] = layer.batches[place] = new
    return recording


def falling(times: float, steps: int = TIMESTEPS) -> list[float]:
    """Norms that fall so many times at each timestep on their way back to the border."""
    return [times ** (place - steps) for place in range(steps + 1)]
