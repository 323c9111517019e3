"""Arrays of which each is mostly the one before, grown."""

from __future__ import annotations

import numpy as np


class Growing:
    """Keeps arrays of which the next is mostly the last one, grown: only the longest is kept.

    Args:
        lengthens: Whether an array grows by getting longer, or by being filled.
    """

    def __init__(self, *, lengthens: bool) -> None:
        self._fixed_axes = slice(-1 if lengthens else None)
        self.kept: list[np.ndarray] = []
        self._filled: list[int] = []  # how far each is filled
        self._seen: dict[bytes, int] = {}
        self._latest: dict[int, int] = {}  # of each option, the place of its last array

    def place_of(self, option: int, array: np.ndarray, filled: int) -> int:
        """The place of the kept array that begins as this one; `filled` is how far it is filled.

        The last axis of the array is the one that grows.
        """
        for place in (self._latest.get(option), self._seen.get(array.tobytes())):
            if place is None or not self._fit(self.kept[place], array):
                continue
            shared = min(filled, self._filled[place])
            if np.array_equal(array[..., :shared], self.kept[place][..., :shared], equal_nan=True):
                if filled > shared:
                    self.kept[place], self._filled[place] = array, filled
                self._latest[option] = place
                return place
        place = self._latest[option] = len(self.kept)
        self._seen[array.tobytes()] = place
        self.kept.append(array)
        self._filled.append(filled)
        return place

    def _fit(self, one: np.ndarray, other: np.ndarray) -> bool:
        return one.shape[self._fixed_axes] == other.shape[self._fixed_axes]
