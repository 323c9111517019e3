"""What recording a model will touch, found in one walk through its layers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stateviz.recorder.backend import keras
from stateviz.recorder.cells import Part, parts_of
from stateviz.recorder.layers import layers_below, unique_names
from stateviz.recorder.options import Options
from stateviz.recording import LayerRecording, Recording, RecordingWarning
from stateviz.recording.layers import unknown_layer

_KERAS_LOOPS = tuple(
    each.inner_loop
    for each in (keras.layers.RNN, keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN)
)


@dataclass(frozen=True)
class Plan:
    """What is recorded of a model, and what stands around it.

    Attributes:
        parts: What is recorded, by its name in the recording: a layer, and which of its cells.
        bidirectional: The Bidirectional layers, which may call neither of their layers.
        time_distributed: The TimeDistributed layers that hold a recorded layer, and which.
        trainers: The model and the models in it: whatever can be fitted on its own.
    """

    parts: dict[str, tuple[keras.layers.RNN, Part]]
    bidirectional: Sequence[keras.layers.Bidirectional]
    time_distributed: Sequence[tuple[keras.layers.TimeDistributed, keras.layers.RNN]]
    trainers: Sequence[keras.Model]

    @property
    def layers(self) -> list[keras.layers.RNN]:
        """The recorded layers, each once."""
        return list({id(layer): layer for layer, _ in self.parts.values()}.values())

    def names_of(self, layer: keras.layers.RNN) -> list[str | None]:
        """The name in the recording of each of a layer's parts; None where it is not recorded."""
        names = {part.name: name for name, (owner, part) in self.parts.items() if owner is layer}
        return [names.get(part.name) for part in parts_of(layer)]

    def recording(self, options: Options) -> Recording:
        """An empty recording of it.

        Raises:
            ValueError: A layer has no such unit.
        """
        return Recording(
            [
                LayerRecording(
                    name=name,
                    kind=part.kind,
                    units=part.units,
                    stateful=bool(layer.stateful),
                    go_backwards=bool(layer.go_backwards),
                    kept_units=options.kept_units(name, part.units),
                )
                for name, (layer, part) in self.parts.items()
            ]
        )


def planned(model: Any, options: Options) -> Plan:
    """Finds what to record of a model.

    Raises:
        TypeError: It is not a Keras layer.
        ValueError: It is not built, has no recurrent layer that can be recorded or none of that
            name, or is compiled with XLA.
    """
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(
            f"stateviz.record takes a Keras model or layer; received {type(model).__name__}: "
            f"{model!r}."
        )
    everything = list(layers_below(model))
    parts, others = _parts(model, everything)
    if options.layers is None:
        if others:
            warnings.warn(
                f"Not recorded: {_with_their_own_loops(others)}.", RecordingWarning, stacklevel=4
            )
    else:
        parts = _named(parts, options.layers)
    recorded = {id(layer) for layer, _ in parts.values()}
    trainers = [each for _, each in everything if isinstance(each, keras.Model)]
    for trainer in trainers:
        refuse_xla(trainer)
    return Plan(
        parts=parts,
        bidirectional=[
            each for _, each in everything if isinstance(each, keras.layers.Bidirectional)
        ],
        time_distributed=[
            (each, inner)
            for _, each in everything
            if isinstance(each, keras.layers.TimeDistributed)
            for _, inner in layers_below(each)
            if id(inner) in recorded
        ],
        trainers=trainers,
    )


_Layers = dict[str, keras.layers.RNN]
_Parts = dict[str, tuple[keras.layers.RNN, Part]]


def _parts(
    model: keras.layers.Layer, everything: Sequence[tuple[str, keras.layers.Layer]]
) -> tuple[_Parts, _Layers]:
    """All that can be recorded, by its name, and the recurrent layers that cannot, by theirs."""
    recurrent = [(path, layer) for path, layer in everything if isinstance(layer, keras.layers.RNN)]
    unbuilt = [layer.name for _, layer in recurrent if not layer.built]
    if unbuilt or not (model.built or recurrent):
        which = f"layer {unbuilt[0]!r}" if unbuilt else f"{model.name!r}"
        raise ValueError(
            f"The model is not built yet ({which} has no weights), so its recurrent layers cannot "
            f"be recorded. Give it a keras.Input, or call it once on a batch, before it is "
            f"recorded."
        )
    supported: _Layers = {}
    others: _Layers = {}
    for path, layer in recurrent:
        (supported if type(layer).inner_loop in _KERAS_LOOPS else others)[path] = layer
    if not supported:
        has = ", ".join(sorted({type(each).__name__ for _, each in everything})) or "no layers"
        raise ValueError(
            f"The model {model.name!r} has no layer that can be recorded: it has "
            f"{_with_their_own_loops(others) or has}. Expected a recurrent layer of Keras: an "
            f"LSTM, a GRU, a SimpleRNN, a ConvLSTM, or an RNN around cells of any kind."
        )
    parts = {
        f"{name}/{part.name}" if part.name else name: (layer, part)
        for name, layer in unique_names(supported).items()
        for part in parts_of(layer)
    }
    return parts, others


def _named(parts: _Parts, wanted: str | Sequence[str]) -> _Parts:
    """The parts of these names, and those below a name."""
    chosen: set[str] = set()
    for name in [wanted] if isinstance(wanted, str) else wanted:
        below = [each for each in parts if each == name or each.startswith(f"{name}/")]
        if not below:
            raise ValueError(unknown_layer(name, tuple(parts)))
        chosen.update(below)
    return {name: part for name, part in parts.items() if name in chosen}


def _with_their_own_loops(layers: _Layers) -> str:
    named = ", ".join(f"{name!r} ({type(layer).__name__})" for name, layer in layers.items())
    return named and f"{named}, which runs a loop of its own instead of Keras's inner_loop"


def refuse_xla(trainer: Any) -> None:
    """Raises where a model is compiled with XLA, which cannot call the host."""
    if getattr(trainer, "jit_compile", False) is True and not trainer.run_eagerly:
        raise ValueError(
            f"The model {trainer.name!r} is compiled with XLA (jit_compile=True), where no "
            f"state can be handed out while it runs. Compile it with "
            f"model.compile(..., jit_compile=False) to record it; the results then differ by "
            f"rounding only."
        )
