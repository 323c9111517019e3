"""Which modules of PyTorch are recorded, what each of their layers is called, and its weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, TypeAlias

import torch
from torch import nn

from stateviz.recording import LayerRecording, RecordingWarning

Recurrent: TypeAlias = Any  # nn.RNNBase or nn.RNNCellBase
_OWN = tuple(
    kind.forward for kind in (nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, nn.GRUCell, nn.RNNCell)
)


def recurrent_modules(module: nn.Module) -> dict[str, Recurrent]:
    """The modules that can be recorded, by their paths.

    Raises:
        TypeError: It is no module of PyTorch.
        ValueError: There is none, or it is a script of torch.jit, which calls no hook.
    """
    kind = type(module).__name__
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"Expected a torch.nn.Module; got {kind}. Keras models are recorded by stateviz.record."
        )
    module = getattr(module, "_orig_mod", module)  # what torch.compile has wrapped
    if isinstance(module, torch.jit.ScriptModule):
        raise ValueError("A script calls no hook: record and run what torch.jit.script was given.")
    found = {
        path or type(each).__name__.lower(): each
        for path, each in module.named_modules()
        if isinstance(each, nn.RNNBase | nn.RNNCellBase)
    }
    own = {path: each for path, each in found.items() if type(each).forward in _OWN}
    if not own:
        why = f"; {', '.join(found)} has a forward of its own, which is not known" if found else ""
        if any(type(each).__module__.startswith("keras") for each in module.modules()):
            why = "; its layers are Keras's, which stateviz.record records"
        if any("quantiz" in type(each).__module__ for each in module.modules()):
            why = "; it is quantized: record the module that was quantized"
        raise ValueError(f"{kind} has no nn.LSTM, nn.GRU, nn.RNN or cell of these{why}.")
    for path in found.keys() - own.keys():
        kind = type(found[path]).__name__
        why = f"Not recorded: {path!r} is a {kind} with a forward of its own, which is not known."
        warnings.warn(why, RecordingWarning, stacklevel=2)
    for path, each in own.items():
        _refuse_dropout_on_a_gpu(path, each)
    return own


def _refuse_dropout_on_a_gpu(path: str, module: Recurrent) -> None:
    drops_out = getattr(module, "dropout", 0) and module.num_layers > 1
    if drops_out and any(each.device.type != "cpu" for each in module.parameters()):
        raise ValueError(
            f"{path!r} drops out between its layers on a GPU, where the masks cannot be drawn "
            f"again. Use modules of one layer with nn.Dropout between them, or the CPU."
        )


def parts_of(path: str, module: Recurrent) -> Iterator[LayerRecording]:
    """An empty recording of each layer of a module in each direction, in the order of its h_n.

    Where there are several, each has the suffix of its weights: "lstm/l0", "lstm/l1_reverse". Its
    units are those of h, which are fewer than those of c where `proj_size` says so.
    """
    is_cell = isinstance(module, nn.RNNCellBase)
    units = module.hidden_size if is_cell else module.proj_size or module.hidden_size
    directions = ("",) if is_cell or not module.bidirectional else ("", "_reverse")
    layers = 1 if is_cell else module.num_layers
    for layer in range(layers):
        for suffix in directions:
            yield LayerRecording(
                name=f"{path}/l{layer}{suffix}" if layers * len(directions) > 1 else path,
                kind=type(module).__name__,
                units=units,
                stateful=False,
                go_backwards=bool(suffix),
                steps_known=False,
                backend="torch",
            )


def weights_of(module: Recurrent) -> list[list[torch.Tensor]]:
    """For each part its weights: of the input, of h, their biases if any, of the projection."""
    if isinstance(module, nn.RNNBase):
        return [list(each) for each in module.all_weights]
    names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if module.bias else [])]
    return [[getattr(module, name) for name in names]]


def weights_version(module: nn.Module) -> int:
    """A number that grows whenever a weight is changed in place, as an optimizer does."""
    return sum(each._version for each in module.parameters())
