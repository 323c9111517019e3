"""Keras on PyTorch: the layer's own loop runs in Python, and is seen at timestep by timestep."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stateviz.recorder.backends import base
from stateviz.recorder.capture import NO_NUMBERS
from stateviz.recorder.cells import Observed, observed, observing_one, parts_of
from stateviz.recorder.frameworks import checked, keras
from stateviz.recorder.patches import patched

torch = checked("torch")

# The gates that Keras's loops without a cell compute within a timestep, in their order, by their
# places in a recording; the candidate has place 2.
_GATES_OF_LOOP = {"LSTM": (1, 0, 3), "GRU": (0, 1)}


class _Timesteps:
    """What a layer's loop computed, a timestep after the other."""

    def __init__(self, call: base.LoopCall) -> None:
        self._call, self._layer, self._gates = call, call.layer, call.gates
        self._parts = parts_of(call.layer)
        self._by_cell: list[tuple[list[Any], Observed]] = []
        self._activated: list[tuple[Any, Any]] = []
        self._gated: list[Any] = []
        self._after: list[list[Any]] = []  # with their graph

    def run(self, loop: Callable[..., Any] | None = None) -> tuple[Any, Any, Any]:
        cell = self._layer.cell
        replacements: list[tuple[object, str, object]] = [(cell, "call", self._calling(cell.call))]
        if self._may_pass_over_its_cell:
            replacements += [
                (cell, "activation", self._activating(cell.activation)),
                (cell, "recurrent_activation", self._gating(cell.recurrent_activation)),
            ]
        with observing_one, patched(replacements):
            result: tuple[Any, Any, Any] = self._call.run(loop)
            return result

    def held(self, initial_state: Any) -> base.Held | None:
        """All that was held, with its time axis first; None where too little was seen."""
        timesteps = self._call.sequences.shape[1]
        if len(self._by_cell) >= timesteps:
            # Keras's loop calls the cell once more before it begins, to find out shapes.
            by_cell = self._by_cell[-timesteps:]
            return base.Held(
                _stacked([states for states, _ in by_cell]),
                _stacked([seen.inputs for _, seen in by_cell]),
                [
                    _stacked([seen.gates[place] for _, seen in by_cell])
                    for place in range(len(self._parts))
                ],
            )
        kind = next(filter(self._is, _GATES_OF_LOOP), None)
        if kind is None or len(self._gated) != len(_GATES_OF_LOOP[kind]) * timesteps:
            return None
        gates = self._gates_of_loop(kind)
        states = self._of_lstm(gates) if kind == "LSTM" else _of_gru(gates, initial_state)
        return base.Held(states, [], [gates if self._gates else []])

    def follow(self, backward: base.Backward) -> None:
        """Sends the gradients of the states, once all of a backward pass have come back."""
        initial, timesteps = self._call.initial_state, self._call.sequences.shape[1]
        flat = [*initial, *itertools.chain(*self._after[-timesteps:])]
        if not all(each.requires_grad for each in flat):
            return

        def send(gradients: Sequence[Any]) -> None:
            if backward.deliver is None or gradients[0] is None:
                return
            came = [x if y is None else y for x, y in zip(zeros, gradients, strict=True)]
            at_the_start, n = came[: len(initial)], len(initial)
            after = [torch.stack(came[n + place :: n], 1) for place in range(n)]
            if self._layer.go_backwards:
                after = [each.flip(1) for each in after]
            tensors = {"number": backward.number, "initial": at_the_start, "after": after}
            BACKEND.on_host(backward.deliver, tensors)

        zeros = [torch.zeros_like(each) for each in flat]
        torch.autograd.graph.register_multi_grad_hook(flat, send)

    def _gates_of_loop(self, kind: str) -> list[Any]:
        places = _GATES_OF_LOOP[kind]
        gates: list[Any] = [None] * (len(places) + 1)
        for place, gate in enumerate(places):
            gates[gate] = torch.stack(self._gated[place :: len(places)])
        every = 2 if kind == "LSTM" else 1
        gates[2] = torch.stack([given for _, given in self._activated[::every]])
        return gates

    def _of_lstm(self, gates: Sequence[Any]) -> list[Any]:
        """The states: c is what the second activation of a timestep reads."""
        c, squashed = map(torch.stack, zip(*self._activated[1::2], strict=True))
        return [gates[3] * squashed, c]

    @property
    def _may_pass_over_its_cell(self) -> bool:
        return any(map(self._is, _GATES_OF_LOOP)) and self._layer.use_cudnn in ("auto", True)

    def _is(self, kind: str) -> bool:
        return isinstance(self._layer, getattr(keras.layers, kind))

    def _calling(self, keras_call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(keras_call)
        def call(*args: Any, **kwargs: Any) -> Any:
            seen = Observed()
            # Here the activations are the cell's own again, for `observed` to look at.
            with observed(self._parts, seen, gates=self._gates):
                output, after = keras_call(*args, **kwargs)
            inputs = [each.detach() for each in seen.inputs]
            gates = [[each.detach() for each in of_part] for of_part in seen.gates]
            self._after.append(keras.tree.flatten(after))
            states = [each.detach() for each in self._after[-1]]
            self._by_cell.append((states, Observed(inputs, gates)))
            return output, after

        return call

    def _activating(self, activation: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def activate(read: Any) -> Any:
            given = activation(read)
            self._activated.append((read.detach(), given.detach()))
            return given

        return activate

    def _gating(self, activation: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def gate(read: Any) -> Any:
            given = activation(read)
            self._gated.append(given.detach())
            return given

        return gate


def _of_gru(gates: Sequence[Any], initial_state: Any) -> list[Any]:
    """The state of Keras's loop without a cell, by its own operations, so bit for bit."""
    [h] = keras.tree.flatten(initial_state)
    states = []
    for update, _, candidate in zip(*gates, strict=True):
        h = update * h + (1.0 - update) * candidate
        states.append(h)
    return [torch.stack(states)]


def _stacked(timesteps: Sequence[Sequence[Any]]) -> list[Any]:
    return [torch.stack(each) for each in zip(*timesteps, strict=True)]


def _still(state: Any) -> Any:
    return keras.ops.convert_to_tensor(state).detach().clone()


def _to_numpy(tensor: Any) -> np.ndarray:
    """An array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    tensor = keras.ops.convert_to_tensor(tensor).detach()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    array: np.ndarray = tensor.cpu().numpy()
    return array


_WHY_IT_FAILS = (
    "On PyTorch Keras (as of 3.15.1) cannot train a stateful LSTM or GRU, recorded or not: it sets "
    "the states in place, which the gradient still needs. Make the layer with use_cudnn=False: "
    "that loop copies them, and carries them on as TensorFlow does."
)


class PyTorch(base.Backend):
    """Keras on PyTorch: nothing is compiled, so nothing is traced."""

    def is_symbolic(self) -> bool:
        """Whether Keras only finds out shapes now, or this is computed once more for a gradient."""
        return super().is_symbolic() or torch._C._current_graph_task_id() != -1

    def run_loop(self, call: base.LoopCall) -> base.Looped:
        """Runs a layer's loop, and observes its cell or, where it calls none, its activations."""
        # A stateful layer changes its variables in place, once the loop has run.
        before = keras.tree.map_structure(_still, call.initial_state)
        backward = call.backward
        if backward is not None:
            initial = [
                # Of what others compute with too, only what comes back through this layer.
                each.view_as(each) if each.requires_grad else _still(each).requires_grad_()
                for each in map(keras.ops.convert_to_tensor, call.initial_state)
            ]
            call = replace(call, initial_state=initial)
        steps = _Timesteps(call)
        result = steps.run()
        if backward is not None:
            steps.follow(backward)
        held = steps.held(before)
        if held is not None:
            return base.Looped(result, held, before, result[2])
        # A fused kernel, which yields no c inside the sequence.
        again = _Timesteps(replace(call, initial_state=before))
        with torch.no_grad():
            again.run(base.rolled(call.layer, unroll=call.layer.unroll))
        return base.Looped(result, again.held(before), before, result[2], derived=True)

    def on_host(self, function: base.OnHost, tensors: Any) -> int | None:
        try:
            arrays = keras.tree.map_structure(_to_numpy, tensors)
        except (RuntimeError, NotImplementedError) as error:
            raise base.CannotObserve(NO_NUMBERS) from error
        return function(arrays)

    def replacements(
        self, model: keras.Model, steps: Mapping[str, Callable[..., Any]]
    ) -> dict[str, object]:
        """A train step that explains the error of a stateful layer."""
        train = steps["train_step"]

        @functools.wraps(train)
        def train_step(*args: Any, **kwargs: Any) -> Any:
            try:
                return train(*args, **kwargs)
            except RuntimeError as error:
                if "modified by an inplace operation" in str(error):
                    error.add_note(_WHY_IT_FAILS)
                raise

        return {**steps, "train_step": train_step}

    def why_no_gradients(self, layer: keras.layers.RNN) -> str:
        if getattr(layer, "use_cudnn", False):
            return "may run on a fused kernel, which yields none. Make it with use_cudnn=False"
        return ""

    def refuse(self, model: keras.Model) -> None:
        """Raises where a model is compiled by torch.compile, which may not run Python."""
        if getattr(model, "jit_compile", False) is True and not model.run_eagerly:
            raise ValueError(
                f"The model {model.name!r} is compiled by torch.compile (jit_compile=True), where "
                f"nothing can be observed while it runs. Compile it with "
                f"model.compile(..., jit_compile=False) to record it."
            )


BACKEND = PyTorch()
