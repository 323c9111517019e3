"""The host's side of a record block: takes each batch, says how its states began, and keeps it."""

from __future__ import annotations

import math
import threading
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from stateviz.recorder.awaited import AwaitedGradients, gradients_kept
from stateviz.recorder.context import STEPS, Step
from stateviz.recorder.keeping import Kept, LayerCall, ends_apart
from stateviz.recorder.options import Options
from stateviz.recorder.origins import Origins
from stateviz.recording import (
    BatchRecord,
    Event,
    Phase,
    Recording,
    RecordingWarning,
    Source,
    State,
)
from stateviz.recording.arrays import arrays_in
from stateviz.recording.records import NUMBERED_PHASES, EventKind


@dataclass(eq=False)
class _Method:
    """A method of a model that runs now.

    Attributes:
        call: The number of the user's call that it is, or is part of.
        thread: The thread that runs it.
        counted: How many batches each layer has processed in it.
        first: The number of each layer's first batch in this epoch.
    """

    name: Phase | None
    call: int | None = None
    thread: int = field(default_factory=threading.get_ident)
    epoch: int | None = None
    in_epoch: bool = False
    counted: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)


_NO_METHOD = _Method("call")
NO_NUMBERS = (
    "where its tensors hold no numbers that could be read, as in a vmap, inside of torch.func.grad "
    'or on the device "meta". Call it outside of that too'
)
Arrays = Sequence[np.ndarray]
_OF_THE_USER = 6  # the stack's level whose line opened the block


class Capture:
    """Fills one recording while a block is open; what it is told may come from any thread."""

    def __init__(
        self,
        recording: Recording,
        options: Options,
        origins: Origins | None = None,
    ) -> None:
        self.options = options
        self._origins = origins or Origins()
        self.recording = recording
        self._open = True
        self._lock = threading.RLock()
        self._running: list[_Method] = []
        self._calls = 0
        # The bytes of each batch of each layer, of those that `every` asks for and the others.
        self._sizes: dict[str, list[int]] = {name: [] for name in recording.layers}
        self._reset_called: set[str] = set()
        self._expected: dict[str, np.ndarray] = {}
        self._bytes_kept = 0
        self._full = False
        self.failure: Exception | None = None
        self._ends_differ: set[str] = set()
        self._unseen: dict[str, str] = {}
        self._rows_asked_for: dict[str, int] = {}
        self._awaited = AwaitedGradients()

    @property
    def phase_name(self) -> Phase | None:
        return self._running[-1].name if self._running else None

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        if name == "validation":
            method = replace(self._running[-1], name=name, counted=Counter(), first={})
        else:
            method = _Method(name, self._calls)
            self._calls += 1
        self._running.append(method)
        self._note("phase began", method)
        try:
            yield
        finally:
            if method in self._running:  # not where an error has ended the block before
                self._note("phase ended", method)
                self._running.remove(method)

    def epoch_began(self, epoch: int) -> None:
        method = self._current_method()
        if method.in_epoch and method.epoch == epoch:
            return  # A callback and the list that it is in may both tell it.
        method.epoch, method.in_epoch = epoch, True
        method.first.clear()
        self._note("epoch began", method)

    def epoch_ended(self, _: int | None = None) -> None:
        method = self._current_method()
        if method.in_epoch:
            method.in_epoch = False
            self._note("epoch ended", method)

    def reset_called(self, name: str) -> None:
        if self._open:
            self._reset_called.add(name)
            self._note("reset_state", self._current_method(), layer=name)

    def _last(self, name: str) -> Event | None:
        batches = (event for event in reversed(self.recording.events) if event.layer == name)
        return next((event for event in batches if event.kind == "batch"), None)

    def sources_of_last(self, name: str) -> list[Source]:
        """The known sources of a layer's last batch."""
        last = self._last(name)
        sources = [start.source for start in last.starts] if last else []
        return [source for source in sources if source is not None and source.certain]

    def not_detached(self, name: str, *, outlived_a_step: bool) -> None:
        """Notes that a layer's last batch was given a state with the graph of its gradient."""
        last = self._last(name)
        if self._open and last is not None:
            self._note_of(last, "graph outlived a step" if outlived_a_step else "not detached")

    def expect_zeros(self, rows: np.ndarray) -> None:
        """Expects that these rows of the next batch of each layer begin from zeros."""
        self._expected = dict.fromkeys(self.recording.layers, rows)

    def _compare_with_expected(self, happened: Event, expected: np.ndarray) -> None:
        zeros = [start.zeros for start in happened.starts for _ in range(start.rows)]
        if len(expected) != len(zeros):
            warnings.warn(
                f"stateviz.torch.starts got {len(expected)} rows, and {happened.layer!r} then ran "
                f"on {len(zeros)}: they were not compared.",
                RecordingWarning,
                stacklevel=2,
            )
        elif np.any(expected & ~np.array(zeros)):
            self._note_of(happened, "episode went on")

    def _note_of(self, batch: Event, kind: EventKind) -> None:
        words = ("phase", "epoch", "layer", "batch", "batch_size", "call")
        self.recording.events.append(Event(kind, **{each: getattr(batch, each) for each in words}))

    def ran_unseen(self, name: str, why: str) -> None:
        """Notes that a layer ran in a way in which nothing of it can be observed."""
        self._unseen[name] = why

    def keeps_next(self, name: str) -> bool:
        """Whether the next batch of a layer is one that is asked for."""
        return not self._full and len(self._sizes[name]) % self.options.every == 0

    def take(self, name: str, call: LayerCall) -> None:
        """Receives one batch of one layer."""
        with self._taking(name) as goes_on:
            if goes_on:
                self._take(name, call)

    @contextmanager
    def _taking(self, name: str) -> Iterator[bool]:
        """Whether to take more, one thing at a time. No error of it ever reaches the training."""
        try:
            with self._lock:
                yield self._open and self.failure is None
        except Exception as error:
            self.failed(name, error)

    def take_gradients(
        self, name: str, at: tuple[int, int], initial: Arrays, after: Arrays
    ) -> None:
        """Receives the gradients of the states of a batch that was taken before.

        Args:
            at: The number of its step, and the layer's call in that.
            initial, after: For each state, of all rows and units.
        """
        with self._taking(name) as goes_on:
            batch = self._awaited.batch_of(name, at) if goes_on else None
            if batch is None:
                return
            place, record = batch
            kept = gradients_kept(self.options, record, initial, after)
            size = sum(each.nbytes for each in arrays_in(kept))
            self._sizes[name][place] += size
            if kept and record and self._has_room(size, self._current_method()):
                # They come once its forward pass is recorded, so the record has to be completed.
                object.__setattr__(record, "gradients", kept)

    def failed(self, name: str, error: Exception) -> None:
        """Ends the recording at an error of our own, which is told when the block ends."""
        self.failure = error
        self._note("recording stopped", self._current_method(), layer=name)

    def reopen(self) -> None:
        self._running.clear()  # An interrupt may have left a method there that runs no more.
        self._open = True

    def close(self, never_built: Collection[str] = (), if_nothing_ran: str = "") -> None:
        """Ends the recording and warns of whatever it lacks."""
        if not self._open:
            return
        self._open = False
        lacks = list(self._what_it_lacks(never_built))
        if if_nothing_ran and not lacks and not any(self._sizes.values()):
            lacks = [if_nothing_ran]
        for text in lacks:
            sentence = text[0].upper() + text[1:] + "."
            if sentence not in self.recording.stopped:
                self.recording.stopped = " ".join(filter(None, [self.recording.stopped, sentence]))
                warnings.warn(sentence, RecordingWarning, stacklevel=_OF_THE_USER)

    def _what_it_lacks(self, never_built: Collection[str]) -> Iterator[str]:
        if isinstance(self.failure, MemoryError):
            yield (
                "recording stopped where the memory of this machine ran out; the model ran on "
                "unharmed. A smaller max_bytes, or every=, samples= or units= keep less"
            )
        elif self.failure is not None:
            yield (
                f"recording stopped at an error of stateviz itself ({self.failure!r}); the model "
                f"ran on unharmed. Please report it"
            )
        if self._ends_differ:
            yield (
                f"the recorded states of {', '.join(sorted(self._ends_differ))} do not end in the "
                f"layer's own final states, so they are not what the layer computed. Please report "
                f"it"
            )
        for why in dict.fromkeys(self._unseen.values()):
            names_of = sorted(name for name, reason in self._unseen.items() if reason == why)
            yield f"not recorded: {', '.join(map(repr, names_of))} ran, but {why}"
        if never_built and any(self._sizes.values()):
            names = ", ".join(map(repr, never_built))
            yield f"not recorded: {names} was never built, so it never ran"
        yield from self._without_rows()
        if self.options.gradients and self.failure is None:
            yield from self._awaited.lacking(name for name, sizes in self._sizes.items() if sizes)
        if self._full:
            yield self._of_the_bound()

    def _without_rows(self) -> Iterator[str]:
        if self.options.samples is None or self.failure is not None or self._full:
            return
        for name, rows in self._rows_asked_for.items():
            if not self.recording[name].batches:
                yield (
                    f"no row of {name!r} was kept: its largest batch has {rows} rows, 0 to "
                    f"{rows - 1}, and samples={self.options.samples!r} asks for others"
                )

    def _of_the_bound(self) -> str:
        """What the memory bound left out, and what would have fitted in this very run."""
        options = self.options
        sizes = self._sizes.values()

        def needed(every: int) -> int:
            return sum(sum(of_layer[::every]) for of_layer in sizes)

        kept = sum(len(self.recording[name].batches) for name in self.recording.layers)
        asked = sum(len(of_layer[:: options.every]) for of_layer in sizes)
        longest = max(map(len, sizes))
        fits = (n for n in range(options.every + 1, longest + 1) if needed(n) <= options.most_bytes)
        every = next(fits, None)
        would = [f"every={every}"] if every else []
        would += [f"max_bytes={needed(options.every):,}"]
        return (
            f"recording stopped at the memory bound max_bytes={options.most_bytes:,}: the first "
            f"{kept:,} of {asked:,} batches were kept, all were counted. {' or '.join(would)} "
            f"would have fitted; samples= or units= keep less of each"
        )

    def _note(self, kind: EventKind, method: _Method, layer: str | None = None) -> None:
        if self._open:
            name = None if method is _NO_METHOD else method.name
            self.recording.events.append(
                Event(kind, phase=name, epoch=method.epoch, layer=layer, call=method.call)
            )

    def _current_method(self) -> _Method:
        own = [each for each in self._running if each.thread == threading.get_ident()]
        return next(reversed(own or self._running), _NO_METHOD)

    def _method_of(self, step: Step | None) -> _Method:
        """The method that runs a step; what is called outside of a step is a call of its own."""
        if step is None:
            return _NO_METHOD
        possible = [each for each in self._running if _step_of(each) == step.method]
        if len({each.thread for each in possible}) > 1:
            # Several threads run such steps, and a graph does not know for whom it runs.
            names = {each.name for each in possible}
            return _Method(names.pop() if len(names) == 1 else None)
        return next(reversed(possible or self._running), _NO_METHOD)

    def _take(self, name: str, call: LayerCall) -> None:
        method = self._method_of(call.step)
        batch = None
        if method.name in NUMBERED_PHASES and method.call is not None:
            number = method.counted[name] if call.number is None else call.number
            method.counted[name] += 1
            batch = number - method.first.setdefault(name, number)
        starts = self._origins.of(name, call, reset_called=name in self._reset_called)
        self._reset_called.discard(name)
        kept = Kept(self.options, call)
        number, is_asked_for = len(self._sizes[name]), self.keeps_next(name)
        self._sizes[name].append(kept.nbytes)
        words: dict[str, Any] = {
            "phase": method.name,
            "epoch": method.epoch,
            "layer": name,
            "batch": batch,
            "batch_size": kept.batch_size,
            "call": method.call,
            "starts": starts,
        }
        happened = Event("batch", **words)
        index = None
        if is_asked_for and self._fits(name, kept, method):
            index = len(self.recording[name].batches)
            happened = record = self._record(name, call, kept, words | {"index": index})
            self.recording[name].batches.append(record)
        self._origins.remember(name, call, number, index)
        if self.options.gradients and call.gradients_at is not None:
            self._awaited.expect(name, call.gradients_at, number, happened)
        self.recording.events.append(happened)
        if len(call.inputs) < kept.batch_size:
            self._note_of(happened, "one row repeated")
        if name in self._expected:
            self._compare_with_expected(happened, self._expected.pop(name))

    def _compare_ends(self, name: str, state: State, derived: bool) -> None:
        """Holds what was recorded against the layer's own final state."""
        apart = ends_apart(state)
        if math.isinf(apart):
            self._ends_differ.add(name)
        elif derived:
            layer = self.recording[name]
            layer.ends_within = max(layer.ends_within, apart)

    def _fits(self, name: str, kept: Kept, method: _Method) -> bool:
        """Whether a batch that was asked for has rows, and room under the memory bound."""
        rows = max(self._rows_asked_for.get(name, 0), kept.batch_size)
        self._rows_asked_for[name] = rows
        return bool(len(kept.rows)) and self._has_room(kept.nbytes, method)

    def _has_room(self, size: int, method: _Method) -> bool:
        """Whether as many bytes fit under the memory bound, where they are counted then."""
        if not self._full and self._bytes_kept + size > self.options.most_bytes:
            self._full = True
            self._note("recording stopped", method)
        self._bytes_kept += 0 if self._full else size
        return not self._full

    def _record(self, name: str, call: LayerCall, kept: Kept, words: dict[str, Any]) -> BatchRecord:
        mask = None if call.mask is None else kept.rows_of(call.mask)
        states = kept.states(mask)
        for state in states:
            self._compare_ends(name, state, call.derived)
        return BatchRecord(
            **words,
            training=call.training,
            samples=kept.rows,
            states=states,
            inputs=kept.rows_of(call.inputs) if self.options.inputs else None,
            mask=mask,
            go_backwards=call.go_backwards,
            gates=kept.gates() if self.options.gates else None,
            units=self.recording[name].kept_units,
        )


def _step_of(method: _Method) -> str | None:
    name = "evaluate" if method.name == "validation" else method.name
    return STEPS.get(name) if name else None
