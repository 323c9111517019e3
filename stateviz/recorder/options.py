"""What to record: the options of `record` and `StateRecorder`, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from stateviz.recording.layers import unknown_layer

Index = np.ndarray | slice


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to keep of what runs.

    Attributes: those of `stateviz.record`.

    Raises:
        ValueError: An option is out of range.
    """

    layers: str | Sequence[str] | None = None
    samples: int | Sequence[int] | slice | None = None
    units: int | Sequence[int] | slice | None = None
    every: int = 1
    gates: bool = False
    gradients: bool = False
    inputs: bool = True
    max_bytes: int | str = 2**30

    def __post_init__(self) -> None:
        _index("samples", self.samples)
        _index("units", self.units)
        if self.layers is not None and not isinstance(self.layers, str) and not len(self.layers):
            raise ValueError("`layers` is empty; omit it to record every layer.")
        is_whole = isinstance(self.every, int | np.integer) and not isinstance(self.every, bool)
        if not is_whole or self.every < 1:
            raise ValueError(f"`every` must be an integer >= 1; got {self.every!r}.")
        for name in ("gates", "gradients", "inputs"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"`{name}` must be True or False; got {getattr(self, name)!r}.")
        _ = self.most_bytes

    def chosen(self, names: Sequence[str]) -> set[str]:
        """The names that `layers` asks for: each, and what stands below it, such as its cells.

        Raises:
            ValueError: There is no layer of a name.
        """
        if self.layers is None:
            return set(names)
        chosen: set[str] = set()
        for wanted in [self.layers] if isinstance(self.layers, str) else self.layers:
            below = [name for name in names if name == wanted or name.startswith(f"{wanted}/")]
            if not below:
                raise ValueError(unknown_layer(wanted, names))
            chosen.update(below)
        return chosen

    @property
    def most_bytes(self) -> int:
        return _bytes(self.max_bytes)

    def rows(self, batch_size: int) -> np.ndarray:
        """The rows of a batch to keep, int64, shape (samples,)."""
        index = _index("samples", self.samples)
        every = np.arange(batch_size)
        return every[index] if isinstance(index, slice) else index[index < batch_size]

    @property
    def unit_index(self) -> Index:
        return _index("units", self.units)

    def kept_units(self, layer: str, units: int) -> tuple[int, ...] | None:
        """The numbers of the units that are kept of a layer; None for all.

        Raises:
            ValueError: The layer has no such unit.
        """
        if self.units is None:
            return None
        index = self.unit_index
        if isinstance(index, slice):
            kept = tuple(range(units)[index])
            if not kept:
                raise ValueError(
                    f"units={self.units!r} selects no unit: layer {layer!r} has {units} (0 to "
                    f"{units - 1})."
                )
            return kept
        if index.max() >= units:
            raise ValueError(
                f"`units` is out of range: got {index.max()}, but layer {layer!r} has {units} "
                f"(0 to {units - 1})."
            )
        return tuple(index.tolist())


def _index(name: str, wanted: int | Sequence[int] | slice | None) -> Index:
    if wanted is None or isinstance(wanted, slice):
        return wanted or slice(None)
    index = np.atleast_1d(np.asarray(wanted))
    if index.ndim != 1 or index.size == 0 or index.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be a 0-based index, a sequence of them, or a slice; got {wanted!r}."
        )
    if index.min() < 0:
        raise ValueError(f"`{name}` must not be negative; got {index.min()} in {wanted!r}.")
    return index.astype(np.int64)


_BYTES = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}


def _bytes(given: object) -> int:
    text = re.fullmatch(r"([\d.,_]+)\s*([KMG]?I?)B?", str(given).strip().upper())
    count = 0.0
    if text is not None and not isinstance(given, bool):
        with suppress(ValueError):
            count = float(re.sub("[,_]", "", text[1])) * _BYTES.get(text[2], 0)
    if count < 1:
        raise ValueError(
            f'`max_bytes` must be a positive number of bytes, or text such as "500 MB"; got '
            f"{given!r}."
        )
    return int(count)
