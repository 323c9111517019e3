"""Keras on PyTorch: the layer's own loop runs in Python, and is looked at timestep by timestep."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

from stateviz.recorder.backend import checked, keras
from stateviz.recorder.backends.base import Held, LoopCall, Looped, OnHost, Traced
from stateviz.recorder.cells import Observed, observed, observing_one, parts_of
from stateviz.recorder.replacing import replaced

torch = checked("torch")
in_symbolic_scope = import_module("keras.src.backend.common.symbolic_scope").in_symbolic_scope

# The gates that Keras's loops without a cell compute within a timestep, in their order, by their
# places in a recording; the candidate has place 2.
_GATES_OF_LOOP = {"LSTM": (1, 0, 3), "GRU": (0, 1)}


def is_symbolic() -> bool:
    """Whether Keras only finds out shapes now, and nothing runs."""
    return bool(in_symbolic_scope())


class _Timesteps:
    """What a layer's loop computed, a timestep after the other.

    Args:
        layer: The layer.
        gates: Whether its gates are wanted too.
    """

    def __init__(self, layer: keras.layers.RNN, *, gates: bool) -> None:
        self._layer, self._gates = layer, gates
        self._parts = parts_of(layer)
        self._by_cell: list[tuple[list[Any], Observed]] = []
        self._activated: list[tuple[Any, Any]] = []
        self._gated: list[Any] = []

    def run(self, keras_loop: Callable[..., Any], call: LoopCall) -> tuple[Any, Any, Any]:
        """Runs the loop, and looks at each timestep."""
        cell = self._layer.cell
        stand_ins: list[tuple[object, str, object]] = [(cell, "call", self._calling(cell.call))]
        if self._may_pass_over_its_cell:
            stand_ins += [
                (cell, "activation", self._activating(cell.activation)),
                (cell, "recurrent_activation", self._gating(cell.recurrent_activation)),
            ]
        with observing_one, replaced(stand_ins):
            result: tuple[Any, Any, Any] = keras_loop(*call)
            return result

    def held(self, timesteps: int, initial_state: Any) -> Held | None:
        """All that was held, with its time axis first; None where too little was seen."""
        if len(self._by_cell) >= timesteps:
            # Keras's loop calls the cell once more before it begins, to find out shapes.
            seen = self._by_cell[-timesteps:]
            return Held(
                _stacked([states for states, _ in seen]),
                _stacked([looked.inputs for _, looked in seen]),
                [
                    _stacked([looked.gates[place] for _, looked in seen])
                    for place in range(len(self._parts))
                ],
            )
        kind = next(filter(self._is, _GATES_OF_LOOP), None)
        if kind is None or len(self._gated) != len(_GATES_OF_LOOP[kind]) * timesteps:
            return None
        gates = self._gates_of_loop(kind)
        states = self._of_lstm(gates) if kind == "LSTM" else _of_gru(gates, initial_state)
        return Held(states, [], [gates if self._gates else []])

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
            looked = Observed()
            # Here the activations are the cell's own again, for `observed` to look at.
            with observed(self._parts, looked, gates=self._gates):
                output, after = keras_call(*args, **kwargs)
            inputs = [each.detach() for each in looked.inputs]
            gates = [[each.detach() for each in of_part] for of_part in looked.gates]
            states = [each.detach() for each in keras.tree.flatten(after)]
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


def run_loop(
    layer: keras.layers.RNN, keras_loop: Callable[..., Any], call: LoopCall, *, gates: bool
) -> Looped:
    """Runs a layer's loop, and looks at its cell or, where it calls none, at its activations."""
    # A stateful layer changes its variables in place, once the loop has run.
    before = keras.tree.map_structure(_still, call.initial_state)
    steps = _Timesteps(layer, gates=gates)
    result = steps.run(keras_loop, call)
    held = steps.held(call.sequences.shape[1], before)
    if held is not None:
        return Looped(result, held, before, result[2])
    # A fused kernel, which yields no c inside the sequence.
    _, held = beside(layer, call._replace(initial_state=before), gates=gates)
    return Looped(result, held, before, result[2], derived=True)


def beside(layer: keras.layers.RNN, call: LoopCall, *, gates: bool) -> tuple[Any, Held]:
    """Runs the loop a second time, through the cell and without a gradient."""
    steps = _Timesteps(layer, gates=gates)
    rolled = SimpleNamespace(
        cell=layer.cell,
        go_backwards=layer.go_backwards,
        unroll=layer.unroll,
        stateful=layer.stateful,
        zero_output_for_mask=layer.zero_output_for_mask,
        return_sequences=True,
    )
    with torch.no_grad():
        result = steps.run(functools.partial(keras.layers.RNN.inner_loop, rolled), call)
    held = steps.held(call.sequences.shape[1], call.initial_state)
    assert held is not None
    return result, held


def _still(state: Any) -> Any:
    return keras.ops.convert_to_tensor(state).detach().clone()


def on_host(function: OnHost, tensors: Any) -> None:
    """Calls a Python function with arrays, at once."""
    function(keras.tree.map_structure(_plain, tensors), threading.get_ident())


def _plain(tensor: Any) -> np.ndarray:
    """An array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    tensor = keras.ops.convert_to_tensor(tensor).detach()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    array: np.ndarray = tensor.cpu().numpy()
    return array


def stepping(model: keras.Model, steps: Mapping[str, Callable[..., Any]]) -> dict[str, object]:
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


_WHY_IT_FAILS = (
    "On PyTorch Keras (as of 3.15.1) cannot train a stateful LSTM or GRU, recorded or not: it sets "
    "the states in place, which the gradient still needs. Make the layer with use_cudnn=False: "
    "that loop copies them, and carries them on as TensorFlow does."
)


class Traces:
    """Nothing is compiled, so nothing is traced."""

    def begin(self) -> None:
        """Nothing."""

    def forget(self) -> None:
        """Nothing."""


def traces(layers: Callable[[], Sequence[keras.layers.RNN]]) -> Traces:
    """The compiled functions of one block: none."""
    return Traces()


def join(block: Traced) -> None:
    """Stands in nothing of PyTorch's own."""


def refuse(trainer: keras.Model) -> None:
    """Raises where a model is compiled by torch.compile, which may not run Python on the way."""
    if getattr(trainer, "jit_compile", False) is True and not trainer.run_eagerly:
        raise ValueError(
            f"The model {trainer.name!r} is compiled by torch.compile (jit_compile=True), where "
            f"nothing can be looked at while it runs. Compile it with "
            f"model.compile(..., jit_compile=False) to record it."
        )
