"""The states that a module's kernels keep to themselves, derived from what the call returned.

A kernel of PyTorch returns h of its last layer at every timestep, and of all layers h and c at the
end. h of the layers below comes from the same kernels, a layer at a time. With all h known, the
gates of all timesteps are one product of matrices, and c follows from them,
c = f * c_before + i * g (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000;
as in PyTorch's documentation of nn.LSTM). No random number is drawn, and nothing has a gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from stateviz.torch.calls import ModuleCall
from stateviz.torch.modules import Recurrent, weights_of

_KERNELS = {
    "LSTM": torch._VF.lstm,
    "GRU": torch._VF.gru,
    "RNN_TANH": torch._VF.rnn_tanh,
    "RNN_RELU": torch._VF.rnn_relu,
}


@dataclass(frozen=True)
class PartStates:
    """One layer in one direction, in the order in which it read: shapes (timesteps, samples, ...).

    Attributes:
        inputs: What it read.
        mask: bool, True = used, shape (timesteps, samples), or None.
        states: h, and c of an LSTM; padding is not yet held.
        gates: An LSTM's four gates or a GRU's three, where they were asked for.
        derived: Whether a state is not what a kernel of the call returned.
    """

    inputs: Tensor
    mask: Tensor | None
    states: list[Tensor]
    gates: list[Tensor]
    derived: bool


def derived(
    module: Recurrent, call: ModuleCall, random: Tensor | None, *, gates: bool, kept: bool = True
) -> Iterator[PartStates]:
    """The states of each part, in the order of PyTorch's h_n.

    Args:
        module: The module that was called.
        call: What it read and returned.
        random: The state of the random numbers before the call, where the call drew some.
        gates: Whether to keep gates too.
        kept: Whether the batch is kept; if not, c has its shape alone.
    """
    directions = 2 if getattr(module, "bidirectional", False) else 1
    weights = weights_of(module)
    is_lstm = len(call.final) > 1
    place = 0
    layers = list(_outputs_of_layers(module, call, random))
    for number, (read, h_of_both) in enumerate(layers):
        for reverse in range(directions):
            h = h_of_both.chunk(directions, -1)[reverse]
            inputs, h, mask = (_turned(each, bool(reverse)) for each in (read, h, call.mask))
            states: list[Tensor] = [h]
            values: list[Tensor] = []
            part = _OneDirection(
                inputs, h, mask, [each[place] for each in call.initial], weights[place]
            )
            if is_lstm:
                values = _lstm_gates(part, 4) if gates else []
                c = part.initial[1].expand(len(h), -1, -1)
                states.append(_c_of(module, call, part) if kept else c)
            elif gates and isinstance(module, nn.GRU | nn.GRUCell):
                values = _gru_gates(part)
            below = number < len(layers) - 1
            yield PartStates(inputs, mask, states, values, is_lstm or below)
            place += 1


def _outputs_of_layers(
    module: Recurrent, call: ModuleCall, random: Tensor | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each layer what it read and h of its directions, padded, (timesteps, samples, ...)."""
    read, padded = call.read, call.inputs
    several = isinstance(module, nn.RNNBase) and module.num_layers > 1
    if several:
        assert isinstance(module, nn.RNNBase)
        with torch.random.fork_rng(devices=[], enabled=random is not None):
            if random is not None:
                torch.set_rng_state(random)
            for layer in range(module.num_layers - 1):
                output = _through_one_layer(module, layer, read, call)
                yield padded, _padded(output)
                drop = module.dropout if module.training else 0.0
                if drop and isinstance(output, PackedSequence):
                    output = output._replace(data=torch.dropout(output.data, drop, True))
                elif drop:
                    output = torch.dropout(output, drop, True)
                read, padded = output, _padded(output)
    yield padded, call.outputs


def _through_one_layer(
    module: nn.RNNBase, layer: int, read: Any, call: ModuleCall
) -> Tensor | PackedSequence:
    """What one layer of a module hands to the layer above, before any dropout."""
    directions = 2 if module.bidirectional else 1
    own = slice(layer * directions, (layer + 1) * directions)
    weights = [each for part in weights_of(module)[own] for each in part]
    begin = [each[own].contiguous() for each in call.initial]
    kernel = _KERNELS[module.mode]
    how = (module.bias, 1, 0.0, module.training, module.bidirectional)
    if isinstance(read, PackedSequence):
        if read.sorted_indices is not None:
            begin = [each.index_select(1, read.sorted_indices) for each in begin]
        state = tuple(begin) if len(begin) > 1 else begin[0]
        data = kernel(read.data, read.batch_sizes, state, weights, *how)[0]
        return read._replace(data=data)
    state = tuple(begin) if len(begin) > 1 else begin[0]
    output: Tensor = kernel(read, state, weights, *how, False)[0]
    return output


def _padded(output: Tensor | PackedSequence) -> Tensor:
    return pad_packed_sequence(output)[0] if isinstance(output, PackedSequence) else output


def _turned(tensor: Any, reverse: bool) -> Any:
    return tensor.flip(0) if reverse and tensor is not None else tensor


@dataclass(frozen=True)
class _OneDirection:
    """One layer in one direction, in the order of reading: shapes (timesteps, samples, ...)."""

    inputs: Tensor
    h: Tensor
    mask: Tensor | None
    initial: list[Tensor]
    weights: list[Tensor]

    def in_its_own_precision(self) -> Any:
        """Products in the precision of the weights, whatever autocast says around it."""
        return torch.autocast(self.h.device.type, enabled=False)


def _c_of(module: Recurrent, call: ModuleCall, part: _OneDirection) -> Tensor:
    """The c after each timestep, shape (timesteps, samples, units)."""
    if isinstance(module, nn.LSTMCell):
        return call.final[1]
    # The kernels round to 16 bits, so that only they come to the same numbers.
    in_half_precision = call.outputs.dtype in (torch.float16, torch.bfloat16)
    return _stepped(module, part) if in_half_precision else _c_from_gates(part)


def _lstm_gates(part: _OneDirection, first: int) -> list[Tensor]:
    with part.in_its_own_precision():
        i, f, g, *o = _preactivations(part, first)
        return [i.sigmoid_(), f.sigmoid_(), g.tanh_(), *(each.sigmoid_() for each in o)]


def _c_from_gates(part: _OneDirection) -> Tensor:
    """The c after each timestep: forget * c_before + input * candidate."""
    input_gate, forget, candidate = _lstm_gates(part, 3)  # c needs no output gate
    new = input_gate * candidate
    c = part.initial[1].to(new.dtype)
    kept = []
    for t in range(len(new)):
        after = torch.addcmul(new[t], forget[t], c)
        c = after if part.mask is None else torch.where(part.mask[t, :, None], after, c)
        kept.append(c)
    return torch.stack(kept)


def _stepped(module: nn.LSTM, part: _OneDirection) -> Tensor:
    state = [each[None] for each in part.initial]
    how = (module.bias, 1, 0.0, module.training, False, False)
    kept = []
    for t in range(len(part.inputs)):
        _, *after = torch._VF.lstm(part.inputs[t : t + 1], tuple(state), part.weights, *how)
        if part.mask is not None:
            used = part.mask[t, :, None]
            after = [torch.where(used, new, old) for new, old in zip(after, state, strict=True)]
        state = after
        kept.append(state[1][0])
    return torch.stack(kept)


def _gru_gates(part: _OneDirection) -> list[Tensor]:
    """The gates of a GRU in the order update, reset, candidate; of torch.nn.GRU z, r and n."""
    w_ih, w_hh, *biases = part.weights
    b_ih, b_hh = biases[:2] if biases else (None, None)
    with part.in_its_own_precision():
        read = linear(part.inputs.to(w_ih.dtype), w_ih, b_ih).chunk(3, -1)
        held = linear(_before(part).to(w_hh.dtype), w_hh, b_hh).chunk(3, -1)
        reset, update = (read[0] + held[0]).sigmoid(), (read[1] + held[1]).sigmoid()
        return [update, reset, (read[2] + reset * held[2]).tanh()]


def _preactivations(part: _OneDirection, gates: int) -> list[Tensor]:
    """What the first of an LSTM's four gates are made of, in one product for all timesteps."""
    w_ih, w_hh, *others = part.weights
    first = gates * (len(w_hh) // 4)
    bias = others[0][:first] + others[1][:first] if len(others) >= 2 else None
    total = linear(part.inputs.to(w_ih.dtype), w_ih[:first], bias)
    before = _before(part).to(w_hh.dtype)
    total.view(-1, first).addmm_(before.reshape(-1, before.shape[-1]), w_hh[:first].t())
    return list(total.chunk(gates, -1))


def _before(part: _OneDirection) -> Tensor:
    """The h before each timestep; at padding it is held."""
    h, initial = part.h, part.initial[0].to(part.h.dtype)
    if part.mask is not None:
        timesteps = torch.arange(len(h), device=h.device)[:, None]
        last = torch.where(part.mask, timesteps, -1).cummax(0).values[..., None]
        held = h.gather(0, last.clamp(min=0).expand_as(h))
        h = torch.where(last < 0, initial, held)
    return torch.cat([initial[None], h[:-1]])
