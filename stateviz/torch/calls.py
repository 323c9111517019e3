"""One call of a recurrent module: what went in and came out, padded, with its time axis first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from stateviz.torch.modules import Recurrent


@dataclass(frozen=True)
class ModuleCall:
    """What a call of a module read and returned, rows in the order of the caller.

    Attributes:
        read: What it read as its kernels take it: shape (timesteps, samples, features), or packed.
        inputs: The same padded, shape (timesteps, samples, features).
        outputs: h of the last layer, shape (timesteps, samples, directions * units).
        given: Whether a state was passed.
        initial: For h, and for c of an LSTM, shape (parts, samples, units).
        final: The same after the last timestep.
        mask: bool, True = used, shape (timesteps, samples), or None.
    """

    read: Tensor | PackedSequence
    inputs: Tensor
    outputs: Tensor
    given: bool
    initial: Sequence[Tensor]
    final: Sequence[Tensor]
    mask: Tensor | None


def call_of(module: Recurrent, args: Sequence[Any], kwargs: Any, returned: Any) -> ModuleCall:
    read = kwargs["input"] if "input" in kwargs else args[0]
    passed = kwargs.get("hx", args[1] if len(args) > 1 else None)
    if isinstance(module, nn.RNNCellBase):
        return _of_cell(module, read, passed, returned)
    outputs, final = returned
    packed = isinstance(read, PackedSequence)
    unbatched = not packed and read.dim() == 2
    mask = None
    if packed:
        inputs, lengths = pad_packed_sequence(read)
        outputs, _ = pad_packed_sequence(outputs)
        mask = (torch.arange(len(inputs))[:, None] < lengths).to(inputs.device)
    elif unbatched:
        inputs = read = read.unsqueeze(1)
        outputs = outputs.unsqueeze(1)
    elif module.batch_first:
        inputs = read = read.transpose(0, 1)
        outputs = outputs.transpose(0, 1)
    else:
        inputs = read
    ends = [_batched(each, unbatched) for each in together(final)]
    begin = [torch.zeros_like(each) for each in ends]
    if passed is not None:
        begin = [_batched(each, unbatched) for each in together(passed)]
    return ModuleCall(read, inputs, outputs, passed is not None, begin, ends, mask)


def _of_cell(module: nn.RNNCellBase, read: Tensor, passed: Any, returned: Any) -> ModuleCall:
    """A call of a cell is a sequence of one timestep."""

    def of_one_timestep(tensor: Tensor) -> Tensor:
        return tensor.reshape(1, -1, tensor.shape[-1])

    ends = [of_one_timestep(each) for each in together(returned)]
    begin = [torch.zeros_like(each) for each in ends]
    if passed is not None:
        begin = [of_one_timestep(each) for each in together(passed)]
    read = of_one_timestep(read)
    return ModuleCall(read, read, ends[0], passed is not None, begin, ends, None)


def rows(tensor: Tensor) -> np.ndarray:
    """An array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    tensor = tensor.detach().cpu()
    array: np.ndarray = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return array


def on_host(tensor: Tensor) -> np.ndarray:
    """The same with the samples first, shape (samples, timesteps, ...)."""
    return rows(tensor).swapaxes(0, 1)


def together(states: Any) -> list[Tensor]:
    return [states] if isinstance(states, Tensor) else list(states)


def _batched(state: Tensor, unbatched: bool) -> Tensor:
    return state.unsqueeze(1) if unbatched else state
