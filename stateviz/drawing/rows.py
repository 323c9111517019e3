"""Which rows of the data the lanes of a batch read, and whether in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from stateviz.drawing import write
from stateviz.drawing.lanes import lay_out
from stateviz.playing.theme import soft
from stateviz.recording import BatchRecord

_MOST_ROWS = 6


@dataclass(frozen=True)
class Rows:
    """Which rows of the data the lanes of a batch read.

    Attributes:
        read: The row of each lane, int64, shape (samples,); -1 where it is no row of the data.
        in_order: The row that the lane reads where the data are read in order, shape (samples,).
    """

    read: np.ndarray
    in_order: np.ndarray

    @property
    def torn(self) -> np.ndarray:
        """Whether a lane reads another row than in order, bool, shape (samples,)."""
        torn: np.ndarray = (self.read != self.in_order) & (self.read >= 0)
        return torn

    def name(self, lane: int) -> str:
        """The row that a lane reads: with ≠ where it is not in order, ? where it is no row."""
        row = int(self.read[lane])
        return "?" if row < 0 else f"≠{row}" if self.torn[lane] else str(row)


def rows_read(batches: Sequence[BatchRecord], data: np.ndarray) -> list[Rows]:
    """Finds which rows of the data the lanes of each batch read.

    Of equal rows the one is taken that is in order, so that they do not look shuffled.

    Args:
        batches: Batches whose inputs were recorded.
        data: Shape (rows, timesteps, features).

    Returns:
        The rows of each batch.

    Raises:
        ValueError: The inputs were not recorded, or no lane reads a row of the data.
    """
    full_batch = max((batch.batch_size for batch in batches), default=0)
    found: list[Rows] = []
    read_shape: tuple[int, ...] = ()
    places: dict[bytes, list[int]] = {}
    for batch in batches:
        if batch.inputs is None:
            raise ValueError(
                f"Which rows a lane reads cannot be known: the inputs of {batch.layer!r} were not "
                f"recorded. Record without inputs=False, or leave out data."
            )
        if not places:
            read_shape = batch.inputs.shape[1:]
            for row, values in enumerate(np.asarray(data, batch.inputs.dtype)):
                places.setdefault(values.tobytes(), []).append(row)
        in_order = (batch.batch or 0) * full_batch + batch.samples
        inputs = batch.inputs[:, ::-1] if batch.go_backwards else batch.inputs
        known = [places.get(values.tobytes(), [-1]) for values in inputs]
        read = [row if row in rows else rows[0] for row, rows in zip(in_order, known, strict=True)]
        found.append(Rows(np.array(read, np.int64), in_order))
    if found and all((rows.read < 0).all() for rows in found):
        raise ValueError(
            f"No lane read a row of data, whose shape is {np.shape(data)}; the layer "
            f"{batches[0].layer!r} read sequences of shape {read_shape}. Give the "
            f"data as this layer reads them: (rows, timesteps, features)."
        )
    return found


def draw_rows(ax: Axes, batches: Sequence[BatchRecord], rows: Sequence[Rows]) -> list[Text]:
    """Writes before each lane of each batch the row of the data that it reads.

    A row that is not in order is bold and has a sign of its own. With many lanes every n-th one
    is named.
    """
    texts = []
    layout = lay_out(batches)
    for start, of_batch in zip(layout.starts, rows, strict=True):
        count = len(of_batch.read)
        for lane in range(0, count, -(-count // _MOST_ROWS)):
            torn = bool(of_batch.torn[lane])
            look: dict[str, Any] = {"ha": "right", "color": soft(1 if torn else 0.66), "zorder": 8}
            look["weight"] = "bold" if torn else "normal"
            at = start - 0.5 - 10 / layout.column, lane + 11 / layout.pitch
            texts.append(write(ax, *at, of_batch.name(lane), **look))
    return texts


def said_of_rows(rows: Sequence[Rows]) -> str:
    """Whether the lanes read the rows of the data in their order, in words."""
    torn = sum(int(each.torn.sum()) for each in rows)
    count = sum(len(each.read) for each in rows)
    unknown = sum(int((each.read < 0).sum()) for each in rows)
    words = f"{torn} of {count} rows of the data out of order (≠)" if torn else "rows in order"
    return words + (f", {unknown} not of the data (?)" if unknown else "")
