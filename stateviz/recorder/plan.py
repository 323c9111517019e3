"""What recording a model will touch, found in one walk through its layers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stateviz.recorder.backends import backend
from stateviz.recorder.cells import RecordedCell, parts_of
from stateviz.recorder.frameworks import keras
from stateviz.recorder.layers import layers_below, unique_names
from stateviz.recorder.options import Options
from stateviz.recording import LayerRecording, Recording, RecordingWarning

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
        models: The model and the models in it: whatever can be fitted on its own.
    """

    parts: _Parts
    bidirectional: Sequence[keras.layers.Bidirectional]
    models: Sequence[keras.Model]

    @property
    def layers(self) -> list[keras.layers.RNN]:
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
                    backend=keras.backend.backend(),
                )
                for name, (layer, part) in self.parts.items()
            ]
        )


def planned(model: Any, options: Options) -> Plan:
    """Finds what to record of a model.

    Raises:
        TypeError: It is not a Keras layer.
        ValueError: It has no recurrent layer that can be recorded or none of that name, or is
            compiled with `jit_compile=True`.
    """
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(
            f"Expected a Keras model or layer; got {type(model).__name__}: {model!r}. Modules of "
            f"PyTorch are recorded by stateviz.torch.record; models of tf_keras (Keras 2) are not."
        )
    everything = list(layers_below(model))
    parts, others = _parts(everything)
    if not parts:
        raise ValueError(_nothing_to_record(model, everything, others))
    left_out = _left_out(others, everything) if options.layers is None else ()
    if left_out:
        warnings.warn(f"Not recorded: {'; '.join(left_out)}.", RecordingWarning, stacklevel=4)
    chosen = options.chosen(list(parts))
    parts = {name: part for name, part in parts.items() if name in chosen}
    models = [each for _, each in everything if isinstance(each, keras.Model)]
    for each in models:
        backend.refuse(each)
    if options.gradients:
        _refuse_gradients(parts, models)
    return Plan(
        parts=parts,
        bidirectional=[
            each for _, each in everything if isinstance(each, keras.layers.Bidirectional)
        ],
        models=models,
    )


def _refuse_gradients(parts: _Parts, models: Sequence[Any]) -> None:
    """Raises a ValueError where dL/dh cannot be recorded of all that is recorded."""
    own = "is not made of one cell of LSTM, GRU or SimpleRNN, and only these can be followed back"
    for name, (layer, part) in parts.items():
        why = backend.why_no_gradients(layer) if part.follows_gradients else own
        if why:
            raise ValueError(
                f"gradients=True cannot record {name!r}: it {why}. layers= chooses others."
            )
    for model in models:
        optimizer = getattr(model, "optimizer", None)
        scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        if scales or getattr(optimizer, "loss_scale_factor", None):
            raise ValueError(
                f"gradients=True cannot record {model.name!r}, whose optimizer multiplies the loss "
                f"by a scale, as mixed_float16 needs. Train it in float32 or mixed_bfloat16."
            )


_Layers = dict[str, keras.layers.RNN]
_Parts = dict[str, tuple[keras.layers.RNN, RecordedCell]]


def _parts(everything: Sequence[tuple[str, Any]]) -> tuple[_Parts, _Layers]:
    """All that can be recorded, and the recurrent layers that cannot, by name."""
    recurrent = {path: each for path, each in everything if isinstance(each, keras.layers.RNN)}
    supported = {
        path: each for path, each in recurrent.items() if type(each).inner_loop in _KERAS_LOOPS
    }
    parts: _Parts = {}
    for name, layer in unique_names(supported).items():
        if not layer.built and getattr(layer.cell, "state_size", None) is None:
            raise ValueError(
                f"The layer {name!r} is not built yet, and its cell does not know its state_size "
                f"before. Give the model a keras.Input, or call it once on a batch."
            )
        for part in parts_of(layer):
            parts[f"{name}/{part.name}" if part.name else name] = (layer, part)
    return parts, {path: each for path, each in recurrent.items() if path not in supported}


def _nothing_to_record(model: Any, everything: Sequence[tuple[str, Any]], others: _Layers) -> str:
    if not model.built and not others:
        return (
            f"The model is not built yet ({model.name!r} has no weights), so its recurrent layers "
            f"are not there to be recorded. Give it a keras.Input, or call it once on a batch, "
            f"before it is recorded."
        )
    kinds = ", ".join(sorted({type(each).__name__ for _, each in everything})) or "no layers"
    return (
        f"The model {model.name!r} has no layer that can be recorded: it has "
        f"{'; '.join(_left_out(others, everything)) or kinds}. Expected a recurrent layer of "
        f"Keras: an LSTM, a GRU, a SimpleRNN, a ConvLSTM, or an RNN around cells of any kind."
    )


def _left_out(others: _Layers, everything: Sequence[tuple[str, Any]]) -> list[str]:
    """What keeps a state and cannot be recorded, each kind with the reason."""
    wrappers = [(x, y) for x, y in everything if isinstance(y, keras.layers.TorchModuleWrapper)]
    kinds = {
        "which runs a loop of its own instead of Keras's inner_loop": [
            f"{name!r} ({type(layer).__name__})" for name, layer in others.items()
        ],
        "which the model steps by hand; put the cell into keras.layers.RNN(cell) to record it": [
            repr(each) for each in _stepped_by_hand(everything)
        ],
        "around a module of PyTorch's own; stateviz.torch.record(layer.module) records it": [
            repr(path)
            for path, layer in wrappers
            if any(hasattr(inner, "hidden_size") for inner in layer.module.modules())
        ],
    }
    return [f"{', '.join(names)}, {why}" for why, names in kinds.items() if names]


def _stepped_by_hand(everything: Sequence[tuple[str, Any]]) -> list[str]:
    """The recurrent cells that no recurrent layer steps through time."""
    inside = {
        id(inner)
        for _, each in everything
        if isinstance(each, keras.layers.RNN | keras.layers.StackedRNNCells)
        for inner in each._flatten_layers(include_self=False)
    }
    return [
        f"{each.name} ({type(each).__name__})"
        for _, each in everything
        if hasattr(each, "state_size")
        and not isinstance(each, keras.layers.RNN)
        and id(each) not in inside
    ]
