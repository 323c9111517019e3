"""What the recorder asks of what Keras runs on. A module in this folder answers, one a backend."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np

from stateviz.recorder.cells import Observed
from stateviz.recorder.context import Step
from stateviz.recorder.frameworks import keras
from stateviz.recorder.patches import Patch

_in_symbolic_scope = import_module("keras.src.backend.common.symbolic_scope").in_symbolic_scope

# Takes the arrays that a layer emitted.
OnHost = Callable[[Any], int | None]
LayersOf = Callable[[], Sequence[Any]]


class CannotObserve(Exception):
    """What runs or is traced now cannot be observed, and runs on unharmed; the text says why."""


@dataclass
class Backward:
    """The gradients of a loop's states, which come back through it after its states were emitted.

    Attributes:
        deliver: Takes on the host, with the number, `initial` and `after`: dL/d(state) for each
            state before the first timestep, shape (samples, units), and after each timestep of the
            data, shape (samples, timesteps, units). None where nobody waits for them.
        number: What the emitted states were numbered, a tensor in a graph.
    """

    deliver: OnHost | None = None
    number: Any = None


@dataclass(frozen=True)
class LoopCall:
    """A call of a layer's own loop over the timesteps, which is to be observed.

    Attributes:
        layer, keras_loop: The layer and its `inner_loop`.
        sequences, initial_state, mask, training: What Keras gives to it.
        gates: Whether the gates are wanted too.
        backward: Takes the gradients of the states; None where they are not wanted.
    """

    layer: Any
    keras_loop: Callable[..., Any]
    sequences: Any
    initial_state: Any
    mask: Any
    training: Any
    gates: bool = False
    backward: Backward | None = None

    def run(self, loop: Callable[..., Any] | None = None) -> Any:
        """Runs the layer's own loop, or another."""
        loop = loop or self.keras_loop
        return loop(self.sequences, self.initial_state, self.mask, self.training)


@dataclass(frozen=True)
class Held:
    """The tensors that a loop held, each with its time axis first, in the order of reading.

    Attributes:
        states: What the cell returned at each timestep, at a masked timestep perhaps not yet what
            the layer held (see `held_through_mask`).
        inputs: What each part but the first read.
        gates: For each part, its gates.
    """

    states: list[Any]
    inputs: list[Any]
    gates: list[list[Any]]


@dataclass(frozen=True)
class Looped:
    """A layer's own loop, and what was observed of it.

    Attributes:
        result: What the loop returned, which the layer gets.
        held: What it held; None where that is emitted elsewhere, or cannot be.
        initial_state: What it began with.
        final: Its final states; None where they are read once the layer has kept them.
        derived: Whether what it held was computed beside it.
    """

    result: tuple[Any, Any, Any]
    held: Held | None = None
    initial_state: Any = None
    final: Any = None
    derived: bool = False


class Tracing:
    """The compiled functions of one block; on some backends there is nothing to do."""

    def __init__(self, layers: LayersOf) -> None:
        self._layers = layers

    def wait(self) -> None:
        """Waits for what is on its way to the host."""

    def begin(self) -> None:
        """Has what the block's thread calls from now on traced so that it is observed."""

    def end(self) -> list[tuple[str, str]]:
        """Leaves no compiled function behind in which something is observed.

        Returns:
            The layers that ran unobserved, each with the reason.
        """
        return []


class Backend:
    """All that differs from backend to backend."""

    tracing = Tracing
    emits_its_own = False  # whether states that are emitted need no copy: nobody can write to them

    def is_symbolic(self) -> bool:
        """Whether Keras only finds out shapes now, or traces what is not to run here."""
        return bool(_in_symbolic_scope())

    def run_loop(self, call: LoopCall) -> Looped:
        """Runs a layer's own loop, whose result stays the same bit for bit, and observes it.

        Raises:
            CannotObserve: Its states cannot be observed here without changing it.
            ValueError: The layer has to be made another way to be recorded.
        """
        raise NotImplementedError

    def on_host(self, function: OnHost, tensors: Any) -> Any:
        """Calls a Python function with arrays: at once if eager, else whenever it has run.

        Returns:
            What the function returns, in a graph of TensorFlow a tensor; on JAX None.

        Raises:
            CannotObserve: Nothing can be emitted here.
        """
        raise NotImplementedError

    def order(self, step: Step) -> Any:
        """What has the calls of a step reach the host in their order, with the step's number.

        None where they do so anyway; else its `emit(layer, began, send, tensors, result)` calls
        `send` with the tensors and a `number`, as `on_host` does, and gives the layer's result
        and what `on_host` returned.
        """
        return None

    def replacements(
        self, model: Any, steps: Mapping[str, Callable[..., Any]]
    ) -> dict[str, object]:
        """What replaces a model's methods, `steps` among them, so that compiled steps emit too."""
        return dict(steps)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """What is called in the place of a function that Keras compiled in a block."""
        return function

    def patches(self) -> Sequence[Patch]:
        return ()

    def why_no_gradients(self, layer: Any) -> str:
        """Why the gradients of a layer's states cannot be recorded; "" where they can."""
        return ""

    def refuse(self, model: Any) -> None:
        """Raises a ValueError where a model is compiled so that nothing can be observed."""


def callers() -> Iterator[str]:
    """The functions that run in this thread, such as "keras.src.tree.map", the innermost first."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        yield f"{frame.f_globals.get('__name__')}.{frame.f_code.co_name}"
        frame = frame.f_back


def to_numpy(array: Any) -> np.ndarray:
    """An array in a dtype of NumPy's own: bfloat16 as float32, which holds it exactly."""
    plain: np.ndarray = np.asarray(array)
    return plain if plain.dtype.kind in "fiub" else plain.astype(np.float32)


def rolled(layer: Any, cell: Any = None, *, unroll: bool = False) -> Callable[..., Any]:
    """`keras.layers.RNN.inner_loop` for a layer's cell, or another; rolled, where not told."""
    own = SimpleNamespace(
        cell=layer.cell if cell is None else cell,
        go_backwards=layer.go_backwards,
        unroll=unroll,
        stateful=layer.stateful,
        zero_output_for_mask=layer.zero_output_for_mask,
        return_sequences=True,
    )
    return functools.partial(keras.layers.RNN.inner_loop, own)


class ExtraOutputs:
    """What a timestep yields beside its output: each tensor once, such as h, which is the output.

    Args:
        still: Takes a tensor out of the gradient: none may flow through what is only observed.
    """

    def __init__(self, still: Callable[[Any], Any]) -> None:
        self._still = still
        self._places: Any = None

    def of(self, output: Any, states: Any, observed: Observed) -> tuple[Any, ...]:
        """The output, and beside it the states, inputs and gates that are other tensors."""
        wanted = {
            "states": keras.tree.flatten(states),
            "inputs": observed.inputs,
            "gates": observed.gates,
        }
        tensors = [output]

        def place(tensor: Any) -> int:
            for at, known in enumerate(tensors):
                if known is tensor:
                    return at
            tensors.append(tensor)
            return len(tensors) - 1

        self._places = keras.tree.map_structure(place, wanted)
        return (output, *map(self._still, tensors[1:]))

    def held(self, of_place: Callable[[int], Any]) -> Held:
        """What the loop held, given what it yielded at each place."""
        return Held(**keras.tree.map_structure(of_place, self._places))
