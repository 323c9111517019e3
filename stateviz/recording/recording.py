"""A `Recording`: what the recurrent layers of a model held, to keep, save, open and read.

It needs neither Keras nor TensorFlow. It is what `stateviz.record` fills, what the drawings read
and what `save` and `load` keep on disk.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stateviz.recording import storage
from stateviz.recording.arrays import same_content
from stateviz.recording.finding import Findings
from stateviz.recording.findings import findings_of
from stateviz.recording.layers import LayerRecording, unknown_layer
from stateviz.recording.records import Event
from stateviz.recording.resets import Resets, count_resets
from stateviz.recording.story import story_of


class RecordingWarning(UserWarning):
    """Something was not recorded; the model itself ran on unharmed."""


class Recording(Mapping[str, LayerRecording]):
    """The states of a model's recurrent layers, at every timestep of every batch.

    Made by `stateviz.record` and opened by `stateviz.load`. It maps the name of each layer to its
    `LayerRecording`: `recording["lstm"]`. Two recordings are equal if they hold the same, bit for
    bit.

    Attributes:
        layers: The names of the layers.
        events: Phases and epochs that began and ended, batches, `reset_state` calls, in order.
        stopped: Why recording stopped before the block ended, or "".
        nbytes: The memory that the recorded arrays take, in bytes.
    """

    def __init__(
        self, layers: Sequence[LayerRecording], events: Sequence[Event] = (), stopped: str = ""
    ) -> None:
        self._layers = {layer.name: layer for layer in layers}
        self.events = list(events)
        self.stopped = stopped

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(self._layers)

    def __getitem__(self, name: str) -> LayerRecording:
        if name in self._layers:
            return self._layers[name]
        raise KeyError(unknown_layer(name, self.layers))

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __contains__(self, name: object) -> bool:
        return name in self._layers

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._layers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recording):
            return NotImplemented
        return same_content(list(self._parts()), list(other._parts()))

    # It grows while it is recorded, so it cannot be a key.
    __hash__ = None  # type: ignore[assignment]

    def _parts(self) -> tuple[list[LayerRecording], list[Event], str]:
        return list(self._layers.values()), self.events, self.stopped

    @property
    def nbytes(self) -> int:
        return sum(batch.nbytes for layer in self._layers.values() for batch in layer.batches)

    def resets(self, layer: str | None = None) -> Resets:
        """Counts the states that began from zeros, for each layer, call, phase and epoch.

        It counts every batch that the layers processed, also those that a filter did not keep.

        Args:
            layer: Count this layer only; all layers where None.

        Returns:
            A table with a `ResetCount` a row, and totals.
        """
        layers = list(self._layers.values()) if layer is None else [self[layer]]
        return count_resets(layers, self.events)

    def findings(self) -> Findings:
        """What happened to the states that their owner would not expect.

        Returns:
            A list with a `stateviz.Finding` each, with its evidence and its cure; empty where
            nothing is odd.
        """
        layers, events, _ = self._parts()
        return findings_of(layers, events)

    def save(self, path: str | Path) -> Path:
        """Writes the recording to an `.npz` file that `stateviz.load` opens, without pickle.

        Args:
            path: Where to; ".npz" is added if it has no such ending.

        Returns:
            The path that was written.

        The file is written whole or not at all: whatever ends the writing, an old file stays.

        Raises:
            FileNotFoundError: The folder does not exist.
            IsADirectoryError: The path is a folder.
            OSError: It cannot be written, for example because the disk is full.
        """
        path = _named(path)
        storage.write(path, storage.Contents(*self._parts()))
        return path

    def __repr__(self) -> str:
        return "\n".join("    " * line.indented + line.text for line in story_of(*self._parts()))

    def _repr_html_(self) -> str:
        rows = [
            "<div style='padding-left:{}em{}'>{}</div>".format(
                1.5 * line.indented,
                "" if line.indented else ";font-weight:bold",
                html.escape(line.text),
            )
            for line in story_of(*self._parts())
        ]
        return "<div style='line-height:1.6'>" + "".join(rows) + "</div>"


def load(path: str | Path) -> Recording:
    """Opens a recording that `Recording.save` wrote. Needs neither Keras nor TensorFlow.

    Args:
        path: The `.npz` file; ".npz" may be left out, as in `save`.

    Raises:
        FileNotFoundError: There is no such file.
        RecordingFileError: The file is damaged, cut short, not a recording, or written by a newer
            version.
    """
    given, named = Path(path), _named(path)
    parts = storage.read(given if given.is_file() else named)
    return Recording(parts.layers, parts.events, parts.stopped)


def _named(path: str | Path) -> Path:
    given, path = str(path), Path(path)
    if given.endswith(("/", "\\")) or path.is_dir():
        raise IsADirectoryError(f"{given!r} is a folder. Give the name of a file in it.")
    return path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
