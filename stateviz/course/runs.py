"""Runs the text of a program, in a thread that can be stopped, and keeps what it recorded."""

from __future__ import annotations

import base64
import ctypes
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stateviz.playing.player import Player
from stateviz.recording import Recording
from stateviz.writing import atomic_write

_MOST_WORDS = 600
_PROGRESS_S = 0.2
# Where in TensorFlow's graph it happened, of which its messages tell much.
_WHERE = re.compile(r"File |Detected at |Stack trace for |\[\[|\^|.*defined at \(most recent call")
# What Keras says, as a pattern, and what it means for the state.
_MEANINGS = (
    (
        r"stateful.*needs to know its batch size",
        "A stateful layer keeps one row of state for each row of the batch, so it must know the "
        "size of the batch beforehand, and every batch must have that size. Choose a batch size "
        "that divides the number of samples.",
    ),
    (
        # They differ in their first axis alone.
        r"Incompatible shapes: \[\d+((?:,\d+)*)\] vs\. \[\d+\1\]",
        "A batch came that has another number of rows than the model was built for: mostly the "
        "last, short one. Choose a batch size that divides the number of samples.",
    ),
    (
        r"^MemoryError|ResourceExhausted|\bOOM\b",
        "The machine has not enough memory for this. Choose smaller numbers.",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What a program did.

    Attributes:
        readout: The counts in words, or the error and what it means.
        counts: Words and numbers that stand large: ("batches", "10").
        table: The counts by phase and epoch, as HTML.
        payload: What a player shows of it, as the page gets it; nothing after an error.
        interval_ms: How long a stop of that player stands.
        n_frames: How many frames it has.
        error: What Keras said where it raised.
        meaning: What that means, where it is known.
    """

    readout: str
    counts: tuple[tuple[str, str], ...] = ()
    table: str = ""
    payload: bytes = b""
    interval_ms: int = 0
    n_frames: int = 0
    error: str = ""
    meaning: str = ""

    def for_page(self) -> dict[str, Any]:
        """As the page gets it: plain values, and the payload in base64."""
        return asdict(self) | {"payload": base64.b64encode(self.payload).decode()}

    @classmethod
    def from_page(cls, values: dict[str, Any]) -> Outcome:
        """The same, read back."""
        counts = tuple((str(name), str(number)) for name, number in values["counts"])
        payload = base64.b64decode(values["payload"])
        return cls(**{**values, "counts": counts, "payload": payload})


def run(program: str, namespace: dict[str, Any]) -> Recording:
    """Runs a program.

    Args:
        program: Python that leaves a `recording`.
        namespace: Where its names go; who looks there meanwhile sees the recording grow.

    Raises:
        NameError: It left no recording.
    """
    with _no_advice_on_retracing():
        exec(compile(program, "<experiment>", "exec"), namespace)
    recording = namespace.get("recording")
    if not isinstance(recording, Recording):
        raise NameError(
            "The program left no recording. It must have a line "
            "`with stateviz.record(model) as recording:`."
        )
    return recording


@contextmanager
def _no_advice_on_retracing() -> Iterator[None]:
    """TensorFlow warns of many small models, of which an experiment makes one a run."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def outcome_of(recording: Recording, scene: Callable[[Recording], Player]) -> Outcome:
    """What a recording shows: its counts, and a scene to play."""
    resets = recording.resets()
    batches = sum(count.batches for count in resets)
    counts = (
        _counted(batches, "batch", "batches"),
        _counted(resets.state_tensors_zeroed, "state tensor zeroed", "state tensors zeroed"),
        _counted(resets.sample_states_zeroed, "sample state zeroed", "sample states zeroed"),
    )
    origins = ", ".join(f"{count:,} {origin}" for origin, count in resets.origins.items())
    player = scene(recording)
    words = ", ".join(f"{number} {name}" for name, number in counts)
    try:
        return Outcome(
            f"{words} (began: {origins})",
            counts,
            resets._repr_html_(),
            player.payload,
            player.interval_ms,
            player.n_frames,
        )
    finally:
        player.close()


def _counted(number: int, one: str, many: str) -> tuple[str, str]:
    return one if number == 1 else many, f"{number:,}"


def failed(error: Exception) -> Outcome:
    """What is told of an error."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in plain.splitlines()]
    message = " ".join(line for line in lines if line and not _WHERE.match(line))
    text = f"{type(error).__name__}: {message}"
    if len(text) > _MOST_WORDS:
        text = text[:_MOST_WORDS].rsplit(" ", 1)[0] + " ..."
    meaning = next((words for pattern, words in _MEANINGS if re.search(pattern, text)), "")
    return Outcome("\n".join(filter(None, [text, meaning])), error=text, meaning=meaning)


class Run:
    """A run in a thread of its own: an interrupt meets that thread alone, and no bookkeeping.

    Args:
        make: Makes the outcome, and puts names into what it is given.
    """

    def __init__(self, make: Callable[[dict[str, Any]], Outcome]) -> None:
        self.names: dict[str, Any] = {}
        self._make = make
        self._outcome: Outcome | None = None
        self._lock = threading.Lock()
        self._can_be_stopped = True
        # Until Python 3.12 an interrupted Thread.join marks a running thread as stopped:
        # https://github.com/python/cpython/issues/90882
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._act, daemon=True)
        self._thread.start()

    def wait(self, report: Callable[[dict[str, Any]], None]) -> Outcome | None:
        """Waits for the outcome; None if the run was stopped.

        Args:
            report: Is called a few times a second with the names so far.

        Raises:
            KeyboardInterrupt: The caller was interrupted; the run has ended then too.
        """
        try:
            while not self._ended.wait(_PROGRESS_S):
                report(self.names)
        except KeyboardInterrupt:
            self.stop()
            self._ended.wait()
            raise
        return self._outcome

    def stop(self) -> None:
        """Interrupts the run at its next line, as the stop button of a notebook does."""
        with self._lock:
            if self._can_be_stopped:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
                )

    def _act(self) -> None:
        try:
            self._outcome = self._make(self.names)
        except KeyboardInterrupt:
            pass
        finally:
            self._end()

    def _end(self) -> None:
        """An interrupt that is still on its way arrives here, where it does no harm."""
        try:
            with self._lock:
                self._can_be_stopped = False
        except KeyboardInterrupt:
            self._end()
        self._ended.set()


def save_outcomes(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Writes outcomes by their program, one a line."""
    rows = [
        json.dumps({"program": program, **outcome.for_page()})
        for program, outcome in sorted(outcomes.items())
    ]
    with atomic_write(path) as beside:
        beside.write_text("[\n" + ",\n".join(rows) + "\n]\n", encoding="utf-8")


def load_outcomes(path: Path) -> dict[str, Outcome]:
    """Reads them back.

    Raises:
        FileNotFoundError: There is no such file.
    """
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {row.pop("program"): Outcome.from_page(row) for row in rows}
