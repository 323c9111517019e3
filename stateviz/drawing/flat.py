"""Batches for pictures: the spatial axes of a ConvLSTM laid out as units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stateviz.recording import BatchRecord, State


def flat(batch: BatchRecord) -> BatchRecord:
    """The same batch with the spatial axes of a ConvLSTM laid out as units.

    Args:
        batch: A batch of any layer; one without spatial axes is returned as it is.

    Returns:
        A batch whose inputs and states have the shapes (samples, timesteps, features) and (samples,
        timesteps, units), a place after the other as `numpy.reshape` takes them. Gates and states
        beyond the second are left out.
    """
    inputs = batch.inputs
    read = () if inputs is None else (inputs,)
    if all(array.ndim == 3 for array in (*read, *(state.after for state in batch.states))):
        return batch
    if inputs is not None:
        inputs = inputs.reshape(*inputs.shape[:2], -1)
    if all(state.after.ndim == 3 for state in batch.states):
        return replace(batch, inputs=inputs)
    return replace(
        batch,
        states=tuple(map(_flat_state, batch.states[:2])),
        inputs=inputs,
        gates=None,
        units=None,  # a place of one filter is no unit of the layer
    )


def _flat_state(state: State) -> State:
    samples, timesteps = state.after.shape[:2]

    def laid_out(array: np.ndarray, *axes: int) -> np.ndarray:
        return array.reshape(*axes, -1)

    return State(
        laid_out(state.initial, samples),
        laid_out(state.after, samples, timesteps),
        laid_out(state.final, samples),
    )
