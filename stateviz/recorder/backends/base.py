"""What the recorder asks of what Keras runs on. A module in this folder answers, one a backend."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from stateviz.recorder.posts import Block

# Takes what was handed out as arrays, and the thread in which it ran; None where nobody knows.
OnHost = Callable[[Any, int | None], None]


class Unseen(Exception):
    """What runs now cannot be handed out, and runs on unharmed."""


class LoopCall(NamedTuple):
    """What Keras gives to a layer's `inner_loop`."""

    sequences: Any
    initial_state: Any
    mask: Any
    training: Any


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
    """A layer's own loop, and what was seen of it.

    Attributes:
        result: What the loop returned, which the layer gets.
        held: What it held; None where that is handed out elsewhere.
        initial_state: What it began with.
        final: Its final states; None where they are read once the layer has kept them.
        derived: Whether what it held was computed beside it.
        same_call: What the call that holds and the one that ends have in common, where they are
            two: what was held waits on the host for how the layer itself ended.
    """

    result: tuple[Any, Any, Any]
    held: Held | None
    initial_state: Any
    final: Any
    derived: bool = False
    same_call: Hashable = None


class Traces(Protocol):
    """The compiled functions of one block."""

    def begin(self) -> None:
        """Has what the block's thread calls from now on traced so that something is seen in it."""

    def forget(self) -> None:
        """Leaves no compiled function behind in which something is seen."""


class Traced(Block):
    """A block that sees what is traced in it, and nothing else."""

    traces: Traces

    def ended(self) -> None:
        """Leaves no compiled function behind in which something is seen."""
        self.traces.forget()


class Backend(Protocol):
    """All that differs from backend to backend."""

    def is_symbolic(self) -> bool:
        """Whether Keras only finds out shapes now, and nothing runs."""

    def run_loop(
        self,
        layer: Any,
        keras_loop: Callable[..., Any],
        call: LoopCall,
        *,
        gates: bool,
    ) -> Looped:
        """Runs a layer's own loop, whose result stays the same bit for bit, and sees its states.

        Raises:
            ValueError: They cannot be seen without changing it.
        """

    def beside(self, layer: Any, call: LoopCall, *, gates: bool) -> tuple[Any, Held]:
        """Runs the loop once more, which adds nothing to any gradient."""

    def on_host(self, function: OnHost, tensors: Any) -> None:
        """Calls a Python function with arrays: at once if eager, else whenever it has run.

        Raises:
            Unseen: Nothing can be handed out here.
        """

    def stepping(self, model: Any, steps: Mapping[str, Callable[..., Any]]) -> dict[str, object]:
        """What stands in a model's methods, so that its compiled steps hand out what they held.

        Args:
            model: The model.
            steps: By the name of each step, what else stands there.
        """

    def traces(self, layers: Callable[[], Sequence[Any]]) -> Traces:
        """The compiled functions of one block, given its layers, which may be built later."""

    def join(self, block: Traced) -> None:
        """Joins whatever stands in the backend's own classes."""

    def refuse(self, trainer: Any) -> None:
        """Raises where a model is compiled in a way in which nothing can be handed out."""
