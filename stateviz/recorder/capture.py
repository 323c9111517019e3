"""The host's side of a record block: takes each batch, says how its states began, and keeps it."""

from __future__ import annotations

import math
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from stateviz.recorder.context import STEPS, Step
from stateviz.recorder.keeping import Kept, LayerCall, ends_apart
from stateviz.recorder.options import Options
from stateviz.recorder.origins import Began, End, Seen, origin_of, remember
from stateviz.recording import (
    BatchRecord,
    Event,
    Phase,
    Recording,
    RecordingWarning,
    State,
)
from stateviz.recording.records import NUMBERED_PHASES, EventKind


@dataclass(eq=False)
class _Method:
    """A method of a model that runs now, and how many batches each layer has processed in it.

    Attributes:
        call: The number of the user's call that it is, or is part of.
        thread: The thread that runs it.
    """

    name: Phase | None
    call: int | None = None
    thread: int = field(default_factory=threading.get_ident)
    epoch: int | None = None
    batches: Counter[str] = field(default_factory=Counter)


_NO_METHOD = _Method("call")
_OF_THE_USER = 6  # the stack's level whose line opened the block


class Capture:
    """Fills one recording while a block is open; what it is told may come from any thread."""

    def __init__(
        self,
        recording: Recording,
        options: Options,
        decide: Callable[..., Began] | None = None,
    ) -> None:
        self.options = options
        self._decide = decide
        self.recording = recording
        self._open = True
        self._lock = threading.RLock()
        self._running: list[_Method] = []
        self._calls = 0
        self._seen = {name: Seen() for name in recording.layers}
        self._bytes_kept = 0
        self._full = False
        self._failure: Exception | None = None
        self._ends_differ: set[str] = set()
        self._unseen: dict[str, str] = {}
        self._rows_asked_for: dict[str, int] = {}

    @property
    def phase_name(self) -> Phase | None:
        return self._running[-1].name if self._running else None

    @contextmanager
    def phase(self, name: Phase) -> Iterator[None]:
        if name == "validation":
            method = replace(self._running[-1], name=name, batches=Counter())
        else:
            method = _Method(name, self._calls)
            self._calls += 1
        self._running.append(method)
        self._note("phase began", method)
        try:
            yield
        finally:
            self._note("phase ended", method)
            self._running.remove(method)

    def epoch_began(self, epoch: int) -> None:
        method = self._here()
        method.epoch = epoch
        method.batches.clear()
        self._note("epoch began", method)

    def epoch_ended(self) -> None:
        self._note("epoch ended", self._here())

    def reset_called(self, name: str) -> None:
        if self._open:
            self._seen[name].reset_called = True
            self._note("reset_state", self._here(), layer=name)

    def not_detached(self, name: str, *, outlived_a_step: bool) -> None:
        """Notes that a layer's last batch was given a state with the graph of its gradient."""
        batches = (event for event in reversed(self.recording.events) if event.layer == name)
        last = next((event for event in batches if event.kind == "batch"), None)
        if not self._open or last is None:
            return
        kind: EventKind = "graph outlived a step" if outlived_a_step else "not detached"
        self.recording.events.append(
            replace(last, kind=kind, origin=None, zeros=None, left_by=None)
        )

    def ran_unseen(self, name: str, why: str) -> None:
        """Notes that a layer ran in a way in which nothing of it can be observed."""
        self._unseen[name] = why

    def keeps_next(self, name: str) -> bool:
        """Whether the next batch of a layer is one that is asked for."""
        return not self._full and len(self._seen[name].sizes) % self.options.every == 0

    def take(self, name: str, call: LayerCall) -> None:
        """Receives one batch of one layer. No error of its own ever reaches the training."""
        if not self._open or self._failure is not None:
            return
        try:
            with self._lock:
                self._take(name, call)
        except Exception as error:
            self.failed(name, error)

    @property
    def has_failed(self) -> bool:
        return self._failure is not None

    def failed(self, name: str, error: Exception) -> None:
        """Ends the recording at an error of our own, which is told when the block ends."""
        self._failure = error
        self._note("recording stopped", self._here(), layer=name)

    def reopen(self) -> None:
        self._running.clear()  # An interrupt may have left a method there that runs no more.
        self._open = True

    def close(self, never_built: Collection[str] = ()) -> None:
        """Ends the recording and warns of whatever it lacks."""
        if not self._open:
            return
        self._open = False
        for text in self._what_it_lacks(never_built):
            sentence = text[0].upper() + text[1:] + "."
            if sentence not in self.recording.stopped:
                self.recording.stopped = " ".join(filter(None, [self.recording.stopped, sentence]))
                warnings.warn(sentence, RecordingWarning, stacklevel=_OF_THE_USER)

    def _what_it_lacks(self, never_built: Collection[str]) -> Iterator[str]:
        if isinstance(self._failure, MemoryError):
            yield (
                "recording stopped where the memory of this machine ran out; the model ran on "
                "unharmed. A smaller max_bytes, or every=, samples= or units= keep less"
            )
        elif self._failure is not None:
            yield (
                f"recording stopped at an error of stateviz itself ({self._failure!r}); the model "
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
        if never_built and any(seen.sizes for seen in self._seen.values()):
            names = ", ".join(map(repr, never_built))
            yield f"not recorded: {names} was never built, so it never ran"
        yield from self._without_rows()
        if self._full:
            yield self._of_the_bound()

    def _without_rows(self) -> Iterator[str]:
        if self.options.samples is None or self._failure is not None or self._full:
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
        sizes = [np.array(seen.sizes) for seen in self._seen.values()]

        def needed(every: int) -> int:
            return sum(int(of_layer[::every].sum()) for of_layer in sizes)

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

    def _here(self) -> _Method:
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
            method.batches[name] += call.place == 0
            batch = method.batches[name] - 1
        seen = self._seen[name]
        decide = self._decide or origin_of
        began = decide(call, seen, validating=method.name == "validation")
        kept = Kept(self.options, call)
        number, is_asked_for = len(seen.sizes), self.keeps_next(name)
        seen.sizes.append(kept.nbytes)
        record = None
        if is_asked_for and self._fits(name, kept, method):
            record = self._record(name, call, kept, method, batch, began)
            self.recording[name].batches.append(record)
        index = None if record is None else record.index
        remember(seen, call, End(number, index), validating=method.name == "validation")
        happened = Event(
            "batch",
            phase=method.name,
            epoch=method.epoch,
            layer=name,
            batch=batch,
            origin=began.origin,
            batch_size=kept.batch_size,
            record=index,
            call=method.call,
            zeros=began.zeros,
            left_by=None if began.left_by is None else began.left_by.batch,
        )
        self.recording.events.append(happened)
        if len(call.inputs) < kept.batch_size:
            self.recording.events.append(
                replace(happened, kind="one row repeated", origin=None, zeros=None, left_by=None)
            )

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
        if not len(kept.rows):
            return False
        if self._bytes_kept + kept.nbytes > self.options.most_bytes:
            self._full = True
            self._note("recording stopped", method)
            return False
        self._bytes_kept += kept.nbytes
        return True

    def _record(
        self,
        name: str,
        call: LayerCall,
        kept: Kept,
        method: _Method,
        batch: int | None,
        began: Began,
    ) -> BatchRecord:
        mask = None if call.mask is None else kept.rows_of(call.mask)
        states = kept.states(mask)
        for state in states:
            self._compare_ends(name, state, call.derived)
        return BatchRecord(
            layer=name,
            index=len(self.recording[name].batches),
            phase=method.name,
            epoch=method.epoch,
            batch=batch,
            training=call.training,
            origin=began.origin,
            came_from=None if began.left_by is None else began.left_by.record,
            batch_size=kept.batch_size,
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
