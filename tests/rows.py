"""A ledger, kept by hand beside a program, of where the rows of states come from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stateviz.recording import LayerRecording

# Zeros, what nobody has recorded, or a row that a layer had left: the layer, its batch, the row.
Row = tuple[str, int, int] | str
ZEROS, OUTSIDE = "zeros", "outside"


@dataclass
class Ledger:
    """What some layers left, and with what each of their batches began, row by row.

    Attributes:
        left: For each layer the final states of each batch, shape (rows, units) each.
        expected: For each layer, for each batch, its rows: the word and where it came from.
    """

    left: dict[str, list[list[np.ndarray]]] = field(default_factory=dict)
    expected: dict[str, list[list[tuple[str, Row]]]] = field(default_factory=dict)

    def began(self, layer: str, words: list[str], rows: list[Row]) -> None:
        self.expected.setdefault(layer, []).append(list(zip(words, rows, strict=True)))

    def ended(self, layer: str, states: list[np.ndarray]) -> list[Row]:
        """Writes down what a batch left, and where its rows will have come from."""
        batches = self.left.setdefault(layer, [])
        batches.append(states)
        return [(layer, len(batches) - 1, row) for row in range(len(states[0]))]

    def some_row(self, random: np.random.Generator, units: int) -> tuple[Row, list[np.ndarray]]:
        """A row to begin with: zeros, random numbers, or one that some layer had left."""
        known = [(layer, batch) for layer, each in self.left.items() for batch in range(len(each))]
        kind = random.integers(4)
        count = len(next(iter(self.left.values()))[0]) if known else 2
        if kind == 0:
            return ZEROS, [np.zeros(units, "f")] * count
        if kind == 1 or not known:
            return OUTSIDE, [random.normal(size=units).astype("f") for _ in range(count)]
        layer, batch = known[random.integers(len(known))]
        states = self.left[layer][batch]
        row = int(random.integers(len(states[0])))
        return (layer, batch, row), [state[row] for state in states]

    def compare(self, layer: LayerRecording) -> None:
        """Holds a recording against the ledger."""
        assert len(layer.batches) == len(self.expected[layer.name])
        for batch, expected in zip(layer.batches, self.expected[layer.name], strict=True):
            words = [word for word, _ in expected]
            assert batch.origins.tolist() == words
            assert batch.origin == (words[0] if len({*words}) == 1 else "mixed")
            for source, (_, row) in zip(batch.sources, expected, strict=True):
                found = None if source is None else (source.layer, source.batch, source.row)
                assert found == (row if isinstance(row, tuple) else None)
                assert source is None or (source.certain and source.index == source.batch)
            zeros = sum(row == ZEROS for _, row in expected)
            assert batch.zero_rows == zeros
