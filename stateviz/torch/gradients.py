"""What comes back to the states of a module, derived from what comes back to all that it returned.

PyTorch's kernels keep the gradients of their own timesteps to themselves. Each layer is stepped
once more by the equations in PyTorch's documentation of nn.LSTM, nn.GRU and nn.RNN, the last layer
first, and PyTorch takes the gradients of these steps. Nothing is written into any `grad`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from stateviz.torch.calls import ModuleCall, together
from stateviz.torch.deriving import PartStates
from stateviz.torch.modules import Recurrent, weights_of

# Of each part, dL/d(state) of h and c: before the first timestep, shape (samples, units), and after
# each timestep in the order of reading, shape (timesteps, samples, units).
Found = list[tuple[list[Tensor], list[Tensor]]]


def refuse_projections(modules: dict[str, Recurrent]) -> None:
    for path, module in modules.items():
        if getattr(module, "proj_size", 0):
            raise ValueError(f"gradients=True cannot record {path!r}, which has a proj_size.")


def follow(
    module: Recurrent,
    call: ModuleCall,
    parts: Sequence[PartStates],
    returned: Any,
    arrived: Callable[[Callable[[], Found]], None],
) -> bool:
    """Has the gradients of a call's states derived once they come back to what it returned.

    Args:
        arrived: Is given what derives them, in the backward pass.

    Returns:
        Whether any can come back.
    """
    is_cell = isinstance(module, nn.RNNCellBase)
    outputs, final = (None, returned) if is_cell else returned
    of_all = outputs.data if isinstance(outputs, nn.utils.rnn.PackedSequence) else outputs
    flat = [*([] if is_cell else [of_all]), *together(final)]
    if not all(each.requires_grad for each in flat):
        return False

    def derived(gradients: Sequence[Tensor | None]) -> Found:
        pairs = zip(flat, gradients, strict=True)
        came = [torch.zeros_like(x) if y is None else y.detach() for x, y in pairs]
        of_outputs = torch.zeros_like(call.outputs)
        of_final = came
        if not is_cell:
            of_outputs, of_final = _as_in(call, outputs, came[0]), came[1:]
        shapes = [each.shape for each in call.final]
        of_final = [each.reshape(shape) for each, shape in zip(of_final, shapes, strict=True)]
        own = is_cell and len(flat) > 1 and flat[0].grad_fn is not flat[1].grad_fn
        return _derived(module, call, parts, of_outputs, of_final, returns_its_c=own)

    torch.autograd.graph.register_multi_grad_hook(flat, lambda came: arrived(lambda: derived(came)))
    return True


def _as_in(call: ModuleCall, outputs: Any, came: Tensor) -> Tensor:
    """The gradient of the outputs in the axes of a call: (timesteps, samples, units), padded."""
    if isinstance(outputs, nn.utils.rnn.PackedSequence):
        return nn.utils.rnn.pad_packed_sequence(outputs._replace(data=came))[0]
    if came.dim() == 2:
        return came.unsqueeze(1)
    return came if came.shape == call.outputs.shape else came.transpose(0, 1)


def _derived(
    module: Recurrent,
    call: ModuleCall,
    parts: Sequence[PartStates],
    of_outputs: Tensor,
    of_final: Sequence[Tensor],
    *,
    returns_its_c: bool,
) -> Found:
    directions = 2 if getattr(module, "bidirectional", False) else 1
    found: Found = []
    for first in range(len(parts) - directions, -1, -directions):
        of_inputs = torch.zeros_like(parts[first].inputs)
        of_layer = []
        for reverse in range(directions):
            place = first + reverse
            of_h = of_outputs.chunk(directions, -1)[reverse]
            weights = [each.detach() for each in weights_of(module)[place]]
            initial = [each[place] for each in call.initial]
            with torch.enable_grad(), torch.autocast(of_h.device.type, enabled=False):
                step = _Steps(module, weights, returns_its_c=returns_its_c)
                ends = [each[place] for each in of_final]
                before, after, read = step.back(
                    parts[place], initial, of_h.flip(0) if reverse else of_h, ends
                )
            of_layer.append((before, after))
            of_inputs += read.flip(0) if reverse else read
        found = of_layer + found
        of_outputs = of_inputs
        if first and module.training and module.dropout:
            # What a layer reads is what the one below returned, times 1 / (1 - p) or 0.
            kept = parts[first].inputs != 0
            of_outputs = torch.where(kept, of_inputs / (1 - module.dropout), 0.0)
    return found


class _Steps:
    """One layer in one direction, a timestep at a time.

    Args:
        returns_its_c: Whether what comes back to the c that was returned is all of it: also what
            came through the h of its timestep, which a fused kernel keeps to itself.
    """

    def __init__(
        self, module: Recurrent, weights: Sequence[Tensor], *, returns_its_c: bool
    ) -> None:
        self._module, self._returns_its_c = module, returns_its_c
        self._w_ih, self._w_hh, *biases = weights
        both: Sequence[Tensor | None] = biases[:2] or (None, None)
        self._b_ih, self._b_hh = both

    def back(
        self, part: PartStates, initial: Sequence[Tensor], of_h: Tensor, of_final: Sequence[Tensor]
    ) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """The gradients at the initial states, after each timestep, and at the inputs."""
        dtype = self._w_ih.dtype
        read = part.inputs.detach().to(dtype).requires_grad_()
        begin = [each.detach().to(dtype).requires_grad_() for each in initial]
        states, after = begin, []
        for t in range(len(read)):
            after.append(self._step(read[t], states))  # at padding not what is held
            held = states
            states = after[-1]
            if part.mask is not None:
                used = part.mask[t, :, None]
                pairs = zip(states, held, strict=True)
                states = [torch.where(used, new, old) for new, old in pairs]
        hs = torch.stack([new[0] for new in after])
        if part.mask is not None:
            hs = hs * part.mask[..., None]
        of_final = list(of_final)
        if self._returns_its_c:
            whole = (hs * of_final[0].to(dtype)).sum()
            of_final[1] = of_final[1] - torch.autograd.grad(whole, states[1], retain_graph=True)[0]
        loss = (hs * of_h.to(dtype)).sum()
        for state, end in zip(states, of_final, strict=True):
            loss = loss + (state * end.to(dtype)).sum()
        flat = [*begin, read, *(each for new in after for each in new)]
        came = torch.autograd.grad(loss, flat, materialize_grads=True)
        n = len(begin)
        return [*came[:n]], [torch.stack(came[n + 1 + place :: n]) for place in range(n)], came[n]

    def _step(self, x: Tensor, states: Sequence[Tensor]) -> list[Tensor]:
        h = states[0]
        of_x = linear(x, self._w_ih, self._b_ih)
        of_h = linear(h, self._w_hh, self._b_hh)
        if isinstance(self._module, nn.LSTM | nn.LSTMCell):
            i, f, g, o = (of_x + of_h).chunk(4, 1)
            c = f.sigmoid() * states[1] + i.sigmoid() * g.tanh()
            return [o.sigmoid() * c.tanh(), c]
        if isinstance(self._module, nn.GRU | nn.GRUCell):
            (r, z, n), (h_r, h_z, h_n) = of_x.chunk(3, 1), of_h.chunk(3, 1)
            z = (z + h_z).sigmoid()
            n = (n + (r + h_r).sigmoid() * h_n).tanh()
            return [(1 - z) * n + z * h]
        is_relu = getattr(self._module, "nonlinearity", "tanh") == "relu"
        return [(of_x + of_h).relu() if is_relu else (of_x + of_h).tanh()]
