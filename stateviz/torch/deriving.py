"""The states that a module's kernels keep to themselves, derived from what the call returned.

A kernel of PyTorch returns h of its last layer at every timestep, and of all layers h and c at the
end. h of the layers below comes from the same kernels, a layer at a time. With all h known, the
gates of all timesteps are one product of matrices, and c follows from them,
c = f * c_before + i * g (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000;
as in PyTorch's documentation of nn.LSTM). No random number is drawn, and nothing has a gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from stateviz.recorder.keeping import Later
from stateviz.torch.calls import ModuleCall, on_host, rows
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
    states: list[Tensor | Later]
    gates: list[Tensor]
    derived: bool


def derived(
    module: Recurrent, call: ModuleCall, random: Tensor | None, *, gates: bool
) -> Iterator[PartStates]:
    """The states of each part, in the order of PyTorch's h_n.

    Args:
        module: The module that was called.
        call: What it read and returned.
        random: The state of the random numbers before the call, where the call drew some.
        gates: Whether to keep gates too.
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
            initial = [each[place] for each in call.initial]
            states: list[Tensor | Later] = [h]
            values: list[Tensor] = []
            if is_lstm:
                of_part = (inputs, h, mask, initial, weights[place])
                if gates or call.in_half_precision:
                    c, values = _lstm(module, call, *of_part, gates)
                    states.append(c)
                else:
                    states.append(_c_later(module, call, *of_part))
            elif gates and len(weights[place][0]) == 3 * module.hidden_size:
                values = _gru_gates(inputs, h, mask, initial[0], weights[place])
            below = number < len(layers) - 1
            yield PartStates(inputs, mask, states, values if gates else [], is_lstm or below)
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


def _lstm(
    module: Recurrent,
    call: ModuleCall,
    inputs: Tensor,
    h: Tensor,
    mask: Tensor | None,
    initial: list[Tensor],
    weights: list[Tensor],
    gates: bool,
) -> tuple[Tensor, list[Tensor]]:
    """C after each timestep, and the gates in the order input, forget, candidate, output."""
    by_kernel = call.in_half_precision and isinstance(module, nn.LSTM)
    values: list[Tensor] = []
    if gates or not by_kernel:
        # c needs the first three of the four gates.
        before = _before(h, initial[0], mask)
        i, f, g, *o = _preactivations(inputs, before, weights, 4 if gates else 3)
        values = [i.sigmoid_(), f.sigmoid_(), g.tanh_(), *(each.sigmoid_() for each in o)]
    if by_kernel:
        return _stepped(module, inputs, mask, initial, weights), values
    new, forget = values[0] * values[2], values[1]
    c = initial[1].to(new.dtype)
    kept = []
    for t in range(len(inputs)):
        after = torch.addcmul(new[t], forget[t], c)
        c = after if mask is None else torch.where(mask[t, :, None], after, c)
        kept.append(c)
    return torch.stack(kept), values


def _c_later(
    module: Recurrent,
    call: ModuleCall,
    inputs: Tensor,
    h: Tensor,
    mask: Tensor | None,
    initial: list[Tensor],
    weights: list[Tensor],
) -> Later:
    """C after each timestep, computed when it is read: the training need not wait for it."""
    # Whatever the caller and its optimizer may change in place until then.
    inputs, h, initial = inputs.clone(), h.clone(), [each.clone() for each in initial]
    weights = [each.detach().clone() for each in weights]

    def compute() -> np.ndarray:
        with torch.no_grad(), torch.autocast(h.device.type, enabled=False):
            return on_host(_lstm(module, call, inputs, h, mask, initial, weights, False)[0])

    like = rows(initial[1][:1])
    held = sum(each.nbytes for each in (inputs, h, *initial, *weights))
    return Later((h.shape[1], h.shape[0], like.shape[-1]), like.dtype, compute, held)


def _stepped(
    module: nn.LSTM,
    inputs: Tensor,
    mask: Tensor | None,
    initial: list[Tensor],
    weights: list[Tensor],
) -> Tensor:
    """C after each timestep from the kernel itself, one timestep after the other."""
    state = [each[None] for each in initial]
    how = (module.bias, 1, 0.0, module.training, False, False)
    kept = []
    for t in range(len(inputs)):
        _, *after = torch._VF.lstm(inputs[t : t + 1], tuple(state), weights, *how)
        if mask is not None:
            used = mask[t, :, None]
            after = [torch.where(used, new, old) for new, old in zip(after, state, strict=True)]
        state = after
        kept.append(state[1][0])
    return torch.stack(kept)


def _gru_gates(
    inputs: Tensor, h: Tensor, mask: Tensor | None, initial: Tensor, weights: list[Tensor]
) -> list[Tensor]:
    """The gates of a GRU in the order update, reset, candidate; of torch.nn.GRU r, z and n."""
    w_ih, w_hh, *biases = weights
    b_ih, b_hh = biases[:2] if biases else (None, None)
    read = linear(inputs, w_ih, b_ih).chunk(3, -1)
    held = linear(_before(h, initial, mask).to(w_hh.dtype), w_hh, b_hh).chunk(3, -1)
    reset, update = (read[0] + held[0]).sigmoid(), (read[1] + held[1]).sigmoid()
    return [update, reset, (read[2] + reset * held[2]).tanh()]


def _preactivations(
    inputs: Tensor, before: Tensor, weights: list[Tensor], gates: int
) -> Sequence[Tensor]:
    """What the first of an LSTM's four gates are made of, in one product for all timesteps."""
    w_ih, w_hh, *others = weights
    first = gates * (len(w_hh) // 4)
    bias = others[0][:first] + others[1][:first] if len(others) >= 2 else None
    total = linear(inputs.to(w_ih.dtype), w_ih[:first], bias)
    held = before.to(w_hh.dtype).reshape(-1, before.shape[-1])
    total.view(-1, first).addmm_(held, w_hh[:first].t())
    return list(total.chunk(gates, -1))


def _before(h: Tensor, initial: Tensor, mask: Tensor | None) -> Tensor:
    """H before each timestep; at padding it is held."""
    if mask is not None:
        timesteps = torch.arange(len(h), device=h.device)[:, None]
        last = torch.where(mask, timesteps, -1).cummax(0).values[..., None]
        held = h.gather(0, last.clamp(min=0).expand_as(h))
        h = torch.where(last < 0, initial.to(h.dtype), held)
    return torch.cat([initial[None].to(h.dtype), h[:-1]])
