"""What the page makes of a player's bytes, decoded in Python a second time."""

from __future__ import annotations

import bisect
import json
import struct
import zlib
from typing import Any

import numpy as np

from stateviz.playing.player import Player


class Unpacked:
    """What the page makes of a player's bytes, decoded here a second time."""

    def __init__(self, packed: Player | bytes) -> None:
        raw = zlib.decompress(packed._payload if isinstance(packed, Player) else packed)
        (length,) = struct.unpack("<I", raw[:4])
        self.scene = json.loads(raw[4 : 4 + length])
        rest = np.frombuffer(raw[4 + length :], np.uint8)
        self.images: dict[int, list[np.ndarray]] = {}
        for place, track in enumerate(self.scene["tracks"]):
            if track["kind"] != "image":
                continue
            images: list[np.ndarray] = []
            shapes = {state["pixels"]: state["shape"] for state in filter(None, track["states"])}
            for pixels in range(track["pixels"]):
                flat, rest = np.split(rest, [np.prod(shapes[pixels])])
                if images and images[-1].size == flat.size:
                    flat = flat ^ images[-1].ravel()
                images.append(flat.reshape(shapes[pixels]))
            self.images[place] = images
        assert rest.size == 0

    def state(self, kind: str, frame: int, nth: int = 0) -> Any:
        place, track = [
            (place, track)
            for place, track in enumerate(self.scene["tracks"])
            if track["kind"] == kind
        ][nth]
        runs = track["frames"][0]
        place_in_runs = bisect.bisect_right(runs[::2], frame) - 1
        state = track["states"][runs[2 * place_in_runs + 1]]
        if kind == "image" and state:
            levels = self.images[place][state["pixels"]].copy()
            levels[:, state["columns"] :] = 255
            return levels
        if kind == "line" and state:
            return state | {"points": track["lines"][state["line"]][: state["points"]]}
        return state
