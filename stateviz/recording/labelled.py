"""Recorded arrays with named axes, for xarray, and counts as a table, for pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from stateviz.recording.records import BatchRecord

if TYPE_CHECKING:
    import xarray


def optional(package: str, what: str) -> Any:
    """A package that stateviz does without, or an ImportError that says how to get it."""
    try:
        return import_module(package)
    except ImportError as error:
        raise ImportError(
            f"{what} needs {package}, which is not installed here. Run: pip install {package}"
        ) from error


def dataset_of(
    batches: Sequence[BatchRecord],
    stacked: Callable[[str], np.ndarray],
    *,
    units: Sequence[int],
    attributes: dict[str, Any],
) -> xarray.Dataset:
    """Batches of a layer with named axes; see `LayerRecording.to_xarray`.

    Args:
        batches: The batches, at least one.
        stacked: Gives an array of all batches, by its name in `BatchRecord`.
        units: The numbers of the units that were kept.
        attributes: What to note of the layer.
    """
    package = optional("xarray", "to_xarray()")
    states = stacked("hidden_state")
    first = batches[0]
    timesteps = np.arange(first.timesteps)
    of_batch = {
        "phase": [batch.phase or "" for batch in batches],
        "origin": [batch.origin for batch in batches],
        "epoch": [_number(batch.epoch) for batch in batches],
        "batch_in_epoch": [_number(batch.batch) for batch in batches],
    }
    coordinates = {
        "batch": [batch.index for batch in batches],
        **{name: ("batch", values) for name, values in of_batch.items()},
        "sample": first.samples,
        "timestep": timesteps[::-1] if first.go_backwards else timesteps,
    }
    if states.ndim == 4:
        coordinates["unit"] = list(units)
    variables = dict(_variables(batches, stacked))
    data: xarray.Dataset = package.Dataset(variables, coords=coordinates, attrs=attributes)
    return data


def _number(value: int | None) -> float:
    return np.nan if value is None else value


def _variables(
    batches: Sequence[BatchRecord], stacked: Callable[[str], np.ndarray]
) -> Iterator[tuple[str, tuple[list[str], np.ndarray]]]:
    """Each array, by its name, with the names of its axes."""
    first = batches[0]
    spatial = first.hidden_state.ndim - 2
    unit = ["unit"] if spatial == 1 else [f"unit_axis_{place}" for place in range(spatial)]
    timed, at_once = ["batch", "sample", "timestep"], ["batch", "sample"]
    sources = [batch.sources for batch in batches]
    yield "origins", (at_once, stacked("origins"))
    yield "source_layer", (at_once, np.array([[s.layer if s else "" for s in b] for b in sources]))
    yield "source_batch", (at_once, np.array([[s.batch if s else -1 for s in b] for b in sources]))
    yield "source_row", (at_once, np.array([[s.row if s else -1 for s in b] for b in sources]))
    for name in first.state_names:
        yield f"initial_{name}_state", ([*at_once, *unit], stacked(f"initial_{name}_state"))
        yield f"{name}_state", ([*timed, *unit], stacked(f"{name}_state"))
        yield f"final_{name}_state", ([*at_once, *unit], stacked(f"final_{name}_state"))
    if first.inputs is not None:
        feature = ["feature"] if spatial == 1 else [f"feature_axis_{i}" for i in range(spatial)]
        yield "inputs", ([*timed, *feature], stacked("inputs"))
    if all(batch.mask is not None for batch in batches):
        yield "mask", (timed, stacked("mask"))
    if first.gates is not None:
        for gate in fields(first.gates):
            values = np.stack([getattr(batch.gates, gate.name) for batch in batches])
            yield f"{gate.name}_gate", ([*timed, *unit], values)
    found = [batch.gradients for batch in batches if batch.gradients is not None]
    for name in first.state_names if len(found) == len(batches) else ():
        for state, axes in ((f"initial_{name}_state", at_once), (f"{name}_state", timed)):
            values = np.stack([getattr(each, state) for each in found])
            yield f"{state}_gradient", ([*axes, *unit], values)
