"""Records modules of PyTorch through hooks that stand in none of them.

PyTorch offers hooks for all modules at once, so a module that is copied, pickled or saved in a
block is what it would be without one.
"""

from __future__ import annotations

import functools
import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)

from stateviz.recorder.capture import NO_NUMBERS, Capture
from stateviz.recorder.context import Step
from stateviz.recorder.keeping import LayerCall
from stateviz.recorder.options import Options
from stateviz.recorder.origins import Origins
from stateviz.recorder.patches import Block, open_blocks
from stateviz.recording import LayerRecording, Phase, Recording, Source
from stateviz.torch.calls import ModuleCall, call_of, on_host, rows
from stateviz.torch.deriving import PartStates, derived
from stateviz.torch.gradients import Found, follow, refuse_projections
from stateviz.torch.modules import (
    Recurrent,
    parts_of,
    recurrent_modules,
    weights_version,
)

_Parts = Sequence[LayerRecording | None]  # of a module; None for what is not recorded
_phases: list[tuple[Phase, ExitStack]] = []
_epoch: list[int] = []  # of the fit, once it is told
_COMPILED = "compiled or traced, where nothing can be observed; run the module itself"
_NOTHING_RAN = (
    "nothing was recorded: no hook of a recurrent module was called. A forward that is called by "
    "its name, as in lstm.forward(x), passes over them: write lstm(x). So does a module that "
    "torch.compile compiled whole before the block: compile it inside"
)


def _past_dynamo(method: Callable[..., None]) -> Callable[..., None]:
    """Has torch.compile run a method as it is, which it would compile as a part of the model."""
    as_it_is = functools.cache(lambda: torch.compiler.disable(method))

    @functools.wraps(method)
    def run(*args: Any) -> None:
        # The compiler is loaded by whoever compiles.
        (as_it_is() if "torch._dynamo" in sys.modules else method)(*args)

    return run


@contextmanager
def record(
    module: nn.Module,
    *,
    layers: str | Sequence[str] | None = None,
    samples: int | Sequence[int] | slice | None = None,
    units: int | Sequence[int] | slice | None = None,
    every: int = 1,
    gates: bool = False,
    gradients: bool = False,
    inputs: bool = True,
    max_bytes: int | str = 2**30,
) -> Iterator[Recording]:
    """Records what the nn.LSTM, nn.GRU and nn.RNN in a module hold, and cells stepped by hand.

    h of the last layer is what the module returned, bit for bit. What its kernels keep to
    themselves, c at each timestep and the layers below, is derived beside the call and checked
    against the h and c that the module returned at the end; `LayerRecording.ends_within` says how
    far they are apart. Outputs, gradients, weights and random numbers stay bit for bit the same.

    The origins say what was passed as `hx`: "fresh" nothing, "carried" what an earlier call had
    left, "reset" zeros, "given" anything else. Each call of a cell is a batch of one timestep.

    Args:
        module: A module; all in it are recorded, each under its path, such as "encoder.lstm". A
            layer of several has the suffix of its weights: "lstm/l0", "lstm/l0_reverse".
        layers, samples, units, every, gates, gradients, inputs, max_bytes: See `stateviz.record`;
            every batch is a call of the module. The gradients are derived, as c is.

    Yields:
        The `Recording`, which fills while the block runs.

    Raises:
        TypeError: `module` is no module of PyTorch.
        ValueError: Nothing in it can be recorded, it is compiled, or an argument is out of range.

    Example:
        >>> import stateviz.torch, torch
        >>> lstm = torch.nn.LSTM(input_size=1, hidden_size=4, batch_first=True)
        >>> with stateviz.torch.record(lstm) as recording:
        ...     _, state = lstm(torch.ones(5, 20, 1))
        ...     _ = lstm(torch.ones(5, 20, 1), state)
        >>> [batch.origin for batch in recording["lstm"].batches]
        ['fresh', 'carried']
        >>> recording["lstm"].cell_state.shape
        (2, 5, 20, 4)
    """
    options = Options(
        layers=layers,
        samples=samples,
        units=units,
        every=every,
        gates=gates,
        gradients=gradients,
        inputs=inputs,
        max_bytes=max_bytes,
    )
    modules = recurrent_modules(module)
    if options.gradients:
        refuse_projections(modules)
    with RecordedModule(modules, options) as block:
        yield block.capture.recording


@contextmanager
def phase(name: Phase) -> Iterator[None]:
    """Names what runs, for all recordings: PyTorch has no fit that could be seen.

    Args:
        name: "fit", "validation" (inside "fit"), "evaluate" or "predict".

    Raises:
        ValueError: There is no such phase, or validation is not inside of "fit".

    Example:
        >>> import stateviz.torch, torch
        >>> lstm = torch.nn.LSTM(1, 4)
        >>> with stateviz.torch.record(lstm) as recording, stateviz.torch.phase("fit"):
        ...     for number in range(3):
        ...         stateviz.torch.epoch(number)
        ...         _ = lstm(torch.ones(20, 5, 1))
        >>> [(batch.phase, batch.epoch) for batch in recording["lstm"].batches]
        [('fit', 0), ('fit', 1), ('fit', 2)]
    """
    named = ("fit", "validation", "evaluate", "predict")
    if name not in named:
        raise ValueError(f"`name` must be one of {', '.join(named)}; got {name!r}.")
    if name == "validation" and (not _phases or _phases[-1][0] != "fit"):
        raise ValueError('The phase "validation" is inside of "fit"; use "evaluate" here.')
    if name == "fit":
        _epoch.clear()
    with ExitStack() as stack:
        _phases.append((name, stack))
        stack.callback(_phases.remove, (name, stack))
        for block in _open():
            stack.enter_context(block.capture.phase(name))
        yield


def epoch(number: int) -> None:
    """Says that an epoch, numbered from 0, begins in the phase "fit", for all recordings."""
    _epoch[:] = [number]
    for block in _open():
        if block.capture.phase_name == "fit":
            block.capture.epoch_began(number)


def starts(mask: Any) -> None:
    """Says which rows begin an episode in the next call of each module, for all open recordings.

    A row that does not begin from zeros there is a finding of the recording.

    Args:
        mask: True or 1 for a row that begins an episode, shape (samples,): the last step's `done`.

    Example:
        >>> import stateviz.torch, torch
        >>> lstm = torch.nn.LSTM(1, 4)
        >>> state = torch.ones(1, 2, 4), torch.ones(1, 2, 4)
        >>> with stateviz.torch.record(lstm) as recording:
        ...     stateviz.torch.starts(torch.tensor([False, True]))
        ...     _ = lstm(torch.ones(20, 2, 1), state)
        >>> [finding.kind for finding in recording.findings()]
        ['an episode began with the state of another']
    """
    rows = torch.as_tensor(mask).detach().cpu().numpy().astype(bool).ravel()
    for block in _open():
        block.capture.expect_zeros(rows)


def _open() -> list[RecordedModule]:
    return [block for block in open_blocks() if isinstance(block, RecordedModule)]


class RecordedModule(Block):
    """One recording of the modules in a module, by path, for as long as it is open."""

    def __init__(self, modules: dict[str, Recurrent], options: Options) -> None:
        super().__init__()
        parts = {path: list(parts_of(path, each)) for path, each in modules.items()}
        together = {part.name: part for each in parts.values() for part in each}
        wanted = options.chosen(list(together))
        layers = [part for name, part in together.items() if name in wanted]
        for layer in layers:
            layer.kept_units = options.kept_units(layer.name, layer.units)
        self.capture = Capture(Recording(layers), options, Origins(caller_keeps=True))
        # The modules are kept, so that no other takes their identity.
        self._modules = {
            id(each): (each, [part if part.name in wanted else None for part in parts[path]])
            for path, each in modules.items()
            if any(part.name in wanted for part in parts[path])
        }
        self._handles: list[Any] = []
        self._random = threading.local()
        self._serial = itertools.count()
        # Of each layer its module, and the version of the weights in each batch.
        self._versions: dict[str, tuple[Recurrent, list[int]]] = {}

    def open(self) -> None:
        super().open()
        for name, stack in _phases:  # named before the block
            stack.enter_context(self.capture.phase(name))
            for number in _epoch if name == "fit" else ():
                self.capture.epoch_began(number)
        self._handles.append(register_module_forward_pre_hook(self._before))
        self._handles.append(register_module_forward_hook(self._after, with_kwargs=True))

    def close(self) -> None:
        super().close()
        while self._handles:
            self._handles.pop().remove()
        self.capture.close(if_nothing_ran=_NOTHING_RAN)

    @_past_dynamo
    def _before(self, module: nn.Module, args: Any) -> None:
        if self._passes_over(module) or _compiled():
            return
        if getattr(module, "dropout", 0) and module.training and module.num_layers > 1:
            self._random.state = torch.get_rng_state()

    @_past_dynamo
    def _after(self, module: nn.Module, args: Any, kwargs: Any, returned: Any) -> None:
        if self._passes_over(module):
            return
        _, parts = self._modules[id(module)]
        why_unseen = _COMPILED if _compiled() else "" if _has_numbers(returned) else NO_NUMBERS
        if why_unseen:
            for part in filter(None, parts):
                self.capture.ran_unseen(part.name, why_unseen)
        else:
            self._take(module, parts, args, kwargs, returned)

    def _passes_over(self, module: nn.Module) -> bool:
        """Also over what the backward pass computes once more, as torch.utils.checkpoint does."""
        over = self.closed or self.capture.failure is not None or id(module) not in self._modules
        return over or bool(torch._C._current_graph_task_id() != -1)

    def _take(self, module: Any, parts: _Parts, args: Any, kwargs: Any, returned: Any) -> None:
        random = getattr(self._random, "state", None)
        self._random.state = None
        try:
            with torch.no_grad():
                call = call_of(module, args, kwargs, returned)
                kept = any(self.capture.keeps_next(part.name) for part in parts if part)
                gates = self.capture.options.gates
                of_parts = derived(module, call, random, gates=gates, kept=kept)
                held = list(of_parts)
                at = self._follow(module, parts, call, held, returned)
                for place, (part, states) in enumerate(zip(parts, held, strict=True)):
                    if part is not None:
                        self._deliver(module, part, place, call, states, at)
            self._look_at_the_graph(module, parts, args, kwargs)
        except Exception as error:  # none of our own ever reaches the training
            self.capture.failed(next(filter(None, parts)).name, error)

    def _follow(
        self,
        module: Any,
        parts: _Parts,
        call: ModuleCall,
        held: Sequence[PartStates],
        returned: Any,
    ) -> tuple[int, int] | None:
        """Takes the gradients of a call's states once they come back: with what, or None."""
        if not self.capture.options.gradients:
            return None
        at = 0, next(self._serial)

        def arrived(derive: Callable[[], Found]) -> None:
            if self.closed or self.capture.failure is not None:
                return
            try:
                for part, (initial, after) in zip(parts, derive(), strict=True):
                    if part is not None:
                        arrays = list(map(rows, initial)), list(map(on_host, after))
                        self.capture.take_gradients(part.name, at, *arrays)
            except Exception as error:  # none of our own ever reaches the training
                self.capture.failed(next(filter(None, parts)).name, error)

        return at if follow(module, call, held, returned, arrived) else None

    def _deliver(
        self,
        module: Any,
        part: LayerRecording,
        place: int,
        call: ModuleCall,
        held: PartStates,
        gradients_at: tuple[int, int] | None,
    ) -> None:
        part.stateful |= call.given
        self.capture.take(
            part.name,
            LayerCall(
                step=Step(id(module), "forward"),
                place=0,
                given=call.given,
                stateful=call.given,
                training=module.training,
                go_backwards=part.go_backwards,
                derived=held.derived,
                inputs=on_host(held.inputs),
                initial_states=[rows(each[place]) for each in call.initial],
                states=list(map(on_host, held.states)),
                final_states=[rows(each[place]) for each in call.final],
                gates=list(map(on_host, held.gates)),
                mask=None if held.mask is None else on_host(held.mask),
                units=part.units,
                unit_axis=-1,
                initial_address=call.initial[0][place].data_ptr(),
                final_address=call.final[0][place].data_ptr(),
                gradients_at=gradients_at,
            ),
        )

    def _look_at_the_graph(self, module: Any, parts: _Parts, args: Any, kwargs: Any) -> None:
        """Notes a state that was handed on with the graph of a batch before the weights changed."""
        passed = kwargs.get("hx", args[1] if len(args) > 1 else None)
        states = [passed] if isinstance(passed, Tensor) else passed or ()
        has_graph = any(each.grad_fn is not None for each in states)
        version = weights_version(module)
        for part in filter(None, parts):
            self._versions.setdefault(part.name, (module, []))[1].append(version)
            if has_graph:
                sources = self.capture.sources_of_last(part.name)
                is_older = any(map(self._has_changed_since, sources))
                self.capture.not_detached(part.name, outlived_a_step=is_older)

    def _has_changed_since(self, source: Source) -> bool:
        """Whether the weights of a layer have changed since it left a state."""
        module, versions = self._versions[source.layer]
        return versions[source.batch] != weights_version(module)


def _has_numbers(returned: Any) -> bool:
    """Whether a result can be read, which inside of a transform, or without storage, it cannot."""
    outputs: Any = returned[0] if isinstance(returned, tuple) else returned
    try:
        return bool(outputs.data.data_ptr())
    except RuntimeError:
        return False


def _compiled() -> bool:
    return bool(torch.jit.is_tracing() or torch.compiler.is_compiling())
