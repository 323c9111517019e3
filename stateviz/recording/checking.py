"""Whether the parts of a recording fit together, before anything draws or counts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args

from stateviz.recording.layers import LayerRecording
from stateviz.recording.records import ORIGINS, PHASES, BatchRecord, Event, EventKind


def refuse_what_does_not_fit(layers: Sequence[LayerRecording], events: Sequence[Event]) -> None:
    """Looks at every word and every array.

    Raises:
        ValueError: Something contradicts the rest; the message names it.
    """
    names = [layer.name for layer in layers]
    _require(len(set(names)) == len(names), "two layers have one name")
    for layer in layers:
        _check_layer(layer)
        for place, batch in enumerate(layer.batches):
            try:
                _check_batch(batch, place, layer)
            except ValueError as error:
                raise ValueError(f"batch {place} of {layer.name!r}: {error}") from None
    kept = {layer.name: len(layer.batches) for layer in layers}
    for event in events:
        _check_event(event, kept)


def _check_layer(layer: LayerRecording) -> None:
    said = f"layer {layer.name!r}"
    _require(isinstance(layer.name, str) and isinstance(layer.kind, str), f"{said} has no name")
    _require(_is_count(layer.units) and layer.units > 0, f"{said} has {layer.units!r} units")
    flags = (layer.stateful, layer.go_backwards, layer.steps_known)
    _require(
        all(isinstance(flag, bool) for flag in flags), f"{said} is neither so nor not: {flags}"
    )
    _require(isinstance(layer.backend, str), f"{said} ran on {layer.backend!r}")
    within = isinstance(layer.ends_within, float | int) and layer.ends_within >= 0
    _require(within, f"{said} ends within {layer.ends_within!r}")
    if layer.kept_units is not None:
        right = all(_is_count(unit) and unit < layer.units for unit in layer.kept_units)
        _require(right and len(layer.kept_units) > 0, f"{said} has no units {layer.kept_units!r}")


def _check_batch(batch: BatchRecord, place: int, layer: LayerRecording) -> None:
    _require(batch.index == place, f"its index is {batch.index!r}")
    _require(batch.phase is None or batch.phase in PHASES, f"its phase is {batch.phase!r}")
    _require(batch.origin in ORIGINS, f"its origin is {batch.origin!r}")
    for name in ("epoch", "batch", "came_from"):
        value = getattr(batch, name)
        _require(value is None or _is_count(value), f"its {name} is {value!r}")
    source = batch.came_from
    _require(source is None or source < len(layer.batches), f"it came from batch {source!r}")
    _require(batch.training in (None, True, False), f"its training is {batch.training!r}")
    _require(isinstance(batch.go_backwards, bool), "it reads neither forwards nor backwards")
    _require(_is_count(batch.batch_size), f"its batch_size is {batch.batch_size!r}")
    rows = batch.samples
    _require(rows.ndim == 1 and rows.dtype.kind == "i" and len(rows) > 0, "its samples are no rows")
    _require(rows.min() >= 0 and rows.max() < batch.batch_size, "it has no such samples")
    _require(batch.units == layer.kept_units, f"its units are {batch.units!r}")
    _check_arrays(batch, layer)


def _check_arrays(batch: BatchRecord, layer: LayerRecording) -> None:
    _require(len(batch.states) > 0, "it has no state")
    samples, timesteps = len(batch.samples), batch.states[0].after.shape[1:2]
    for place, state in enumerate(batch.states):
        said = f"its state {place}"
        shape = state.after.shape
        _require(shape[:2] == (samples, *timesteps), f"{said} has the shape {shape}")
        for name in ("initial", "final"):
            end = getattr(state, name)
            _require(end.shape == (samples, *shape[2:]), f"{said} is {name} of shape {end.shape}")
            _require(end.dtype.kind in "fiub", f"{said} has the dtype {end.dtype}")
        _require(state.after.dtype.kind in "fiub", f"{said} has the dtype {state.after.dtype}")
    held = batch.states[0].after
    kept = layer.units if layer.kept_units is None else len(layer.kept_units)
    has_units = held.ndim != 3 or held.shape[2] == kept  # a state with more axes has others
    _require(held.ndim >= 2 and has_units, f"it has not {kept} units: {held.shape}")
    if batch.inputs is not None:
        right = batch.inputs.ndim >= 2 and batch.inputs.shape[:2] == held.shape[:2]
        _require(right, f"its inputs have the shape {batch.inputs.shape}")
        _require(batch.inputs.dtype.kind in "fiub", "its inputs are no numbers")
    if batch.mask is not None:
        right = batch.mask.shape == held.shape[:2] and batch.mask.dtype == bool
        _require(right, f"its mask has the shape {batch.mask.shape}")
    for gate in fields(batch.gates) if batch.gates is not None else ():
        values = getattr(batch.gates, gate.name)
        # c has their units, where h is projected onto fewer.
        shapes = {state.after.shape for state in batch.states[:2]}
        _require(values.shape in shapes, f"its gate {gate.name!r} has the shape {values.shape}")
        _require(values.dtype.kind in "f", f"its gate {gate.name!r} holds no numbers")


def _check_event(event: Event, kept: dict[str, int]) -> None:
    said = f"the event {event!r}"
    _require(event.kind in get_args(EventKind), f"{said} is of no kind")
    _require(event.phase is None or event.phase in PHASES, f"{said} has no phase")
    _require(event.origin is None or event.origin in ORIGINS, f"{said} has no origin")
    _require(event.layer is None or event.layer in kept, f"{said} has no layer")
    for name in ("epoch", "batch", "batch_size", "record", "call", "left_by"):
        value = getattr(event, name)
        _require(value is None or _is_count(value), f"{said} has no {name}")
    _require(event.zeros in (None, True, False), f"{said} is neither zero nor not")
    if event.record is not None:
        _require(event.record < kept.get(event.layer or "", 0), f"{said} has no such record")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _require(holds: Any, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
