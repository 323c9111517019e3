"""Where each row of a batch's initial states came from: decided from the numbers, row by row.

Nothing here believes a flag where the numbers can tell.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stateviz.recorder.keeping import LayerCall
from stateviz.recording import Origin, Source, Start

_MOST_ROWS = 2**17  # the last that were left, in all layers, are looked up


@dataclass(frozen=True, eq=False)
class _Left:
    """The final states of a batch: whose they are, and a fingerprint of each row."""

    layer: str
    batch: int
    index: int | None
    rows: list[bytes]
    zeros: list[bool]

    def source(self, row: int, *, certain: bool = True) -> Source:
        return Source(self.layer, self.batch, row, self.index, certain)


# By its fingerprint the last batches of a layer that had left a row, and which row of each.
_Table = dict[bytes, list[tuple[_Left, int]]]
_MOST_ALIKE, _MOST_ADDRESSES = 4, 256


class Origins:
    """What the layers of a recording left, and what batches began with of it.

    Args:
        caller_keeps: Whether the caller keeps the states and hands them over, as in PyTorch: then
            zeros that are passed are a reset, and what an earlier call had left is carried.
    """

    def __init__(self, *, caller_keeps: bool = False) -> None:
        self._caller_keeps = caller_keeps
        self._last: dict[str, _Left] = {}
        self._by_address: dict[int | None, _Left] = {}
        self._left: deque[_Left] = deque()  # not in the tables yet: most are never looked up
        self._rows_left = 0
        self._tables: dict[str, _Table] = {}
        self._old_tables: dict[str, _Table] = {}
        self._rows_in_tables = 0

    def of(self, layer: str, call: LayerCall, *, reset_called: bool) -> tuple[Start, ...]:
        """How the rows of a batch began; `reset_state` may have been called before it."""
        zeros = _are_zeros(call.initial_states)
        is_kept = call.given or (call.stateful and not self._caller_keeps)
        word: Origin = "given" if call.given and not self._caller_keeps else "reset"
        if not is_kept:
            word = "fresh"
        # The tensor that was handed over tells more than the batch before.
        address = call.initial_address if call.given else None
        handed = None if address is None else self._by_address.get(address)
        last = self._last.get(layer)
        # Zeros too are carried, if nobody reset them.
        may_stay = is_kept and not call.given and not reset_called and last and any(last.zeros)
        if all(zeros) and not may_stay:
            return (Start(len(zeros), word, zeros=True),)
        if not is_kept:
            return _joined([Start(1, word if zero else "altered", zero) for zero in zeros])
        rows = _fingerprints(call.initial_states)
        whole = next((each for each in (handed, last) if each and each.rows == rows), None)
        if whole is not None and not any(zeros):
            return (Start(len(rows), self._word(call, layer, whole), source=whole.source(0)),)
        starts = []
        for row, (bits, zero) in enumerate(zip(rows, zeros, strict=True)):
            stays = last is not None and handed is None and last.rows[row : row + 1] == [bits]
            if zero and not (stays and may_stay):
                starts.append(Start(1, word, zeros=True))
            elif last is not None and stays:
                starts.append(Start(1, self._word(call, layer, last), source=last.source(row)))
            else:
                source = self._find(layer, bits, row, handed)
                starts.append(Start(1, self._word(call, layer, source), source=source))
        return _joined(starts)

    def _word(self, call: LayerCall, layer: str, source: _Left | Source | None) -> Origin:
        is_own = source is not None and source.layer == layer
        if call.given and not (self._caller_keeps and is_own):
            return "given"
        return "carried" if is_own else "altered"

    def _find(self, layer: str, bits: bytes, row: int, handed: _Left | None) -> Source | None:
        """The row that had left these bits: of this layer, or else of another."""
        if handed is not None and handed.rows[row : row + 1] == [bits]:
            return handed.source(row)
        self._fill_tables()
        found = [
            each
            for name in self._last
            for tables in (self._old_tables, self._tables)
            for each in tables.get(name, {}).get(bits, ())
        ]
        found = [each for each in found if each[0].layer == layer] or found
        if not found:
            return None
        # Of several, the batch before and the same row tell, where one layer alone has them.
        left, first = found[-1]
        before = [each for each in found if each[0] is self._last[each[0].layer]]
        is_same_row = left.rows[row : row + 1] == [bits]
        certain = len(found) == 1 or (is_same_row and before == [found[-1]])
        return left.source(row if is_same_row else first, certain=certain)

    def remember(self, layer: str, call: LayerCall, batch: int, index: int | None) -> None:
        """Remembers the final states of a batch, to recognise them when another begins so."""
        states = call.final_states
        rows, zeros = _fingerprints(states), _are_zeros(states)
        left = _Left(layer, batch, index, rows, zeros)
        self._last[layer] = left
        if len(self._by_address) > _MOST_ADDRESSES:
            self._by_address.clear()
        self._by_address[call.final_address] = left
        self._left.append(left)
        self._rows_left += len(rows)
        while self._rows_left > _MOST_ROWS:
            self._rows_left -= len(self._left.popleft().rows)

    def _fill_tables(self) -> None:
        for left in self._left:
            table = self._tables.setdefault(left.layer, {})
            for row, (bits, zero) in enumerate(zip(left.rows, left.zeros, strict=True)):
                alike = [] if zero else table.setdefault(bits, [])
                if not alike or alike[-1][0] is not left:
                    alike.append((left, row))
                    del alike[:-_MOST_ALIKE]
            self._rows_in_tables += len(left.rows)
            if self._rows_in_tables > _MOST_ROWS:
                self._tables, self._old_tables, self._rows_in_tables = {}, self._tables, 0
        self._left.clear()
        self._rows_left = 0


def _joined(rows: Sequence[Start]) -> tuple[Start, ...]:
    """Rows that follow each other and began alike, together."""
    starts: list[Start] = []
    for each in rows:
        last = starts[-1] if starts else None
        if (
            last is not None
            and (last.origin, last.zeros) == (each.origin, each.zeros)
            and last.source_of(last.rows) == each.source
        ):
            starts[-1] = Start(last.rows + 1, last.origin, last.zeros, last.source)
        else:
            starts.append(each)
    return tuple(starts)


def _are_zeros(states: Sequence[np.ndarray]) -> list[bool]:
    """Whether each row is zeros in all states; -0.0 is zero."""
    held = np.any([state.reshape(len(state), -1).any(axis=1) for state in states], axis=0)
    zeros: list[bool] = (~held).tolist()
    return zeros


def _fingerprints(states: Sequence[np.ndarray]) -> list[bytes]:
    """128 bits of each row, the same for the same bits in all states: two random sums of them."""
    sums = np.full((len(states[0]), 2), hash(tuple(_layout(each) for each in states)) % 2**64)
    sums = sums.astype(np.uint64)
    for place, state in enumerate(states):
        rows = np.ascontiguousarray(state).reshape(len(state), -1)
        size = 8 if rows.shape[1] * rows.itemsize % 8 == 0 else min(rows.itemsize, 4)
        words = rows.view(f"u{size}").astype(np.uint64, copy=False)
        sums += words @ _factors(place, words.shape[1])
    prints: list[bytes] = sums.view("V16").ravel().tolist()
    return prints


def _layout(state: np.ndarray) -> tuple[str, tuple[int, ...]]:
    return state.dtype.str, state.shape[1:]


@lru_cache(maxsize=64)
def _factors(place: int, words: int) -> np.ndarray:
    return np.random.default_rng(place).integers(0, 2**64, (words, 2), np.uint64) | np.uint64(1)
