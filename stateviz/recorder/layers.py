"""The layers of a model, however deep they are nested, and their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from stateviz.recorder.frameworks import keras


def layers_below(
    layer: keras.layers.Layer, path: str = ""
) -> Iterator[tuple[str, keras.layers.Layer]]:
    """The layer itself and every layer in it, each once, with its path of names."""
    seen: set[int] = set()
    paths: Counter[str] = Counter()

    def below(layer: keras.layers.Layer, path: str) -> Iterator[tuple[str, Any]]:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        paths[path] += 1
        yield path if paths[path] == 1 else f"{path}#{paths[path]}", layer
        if isinstance(layer, keras.layers.Bidirectional):
            inner = [("forward", layer.forward_layer), ("backward", layer.backward_layer)]
        else:
            # Keras has no public list of the sub-layers of any layer; Model.layers is one level.
            inner = [(each.name, each) for each in getattr(layer, "_layers", [])]
        for name, each in inner:
            yield from below(each, f"{path}/{name}" if path else name)

    if isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional):
        path = layer.name
    yield from below(layer, path)


def unique_names(layers: dict[str, keras.layers.RNN]) -> dict[str, keras.layers.RNN]:
    """Paths without the folders that all can do without: the shortest that stay unique."""

    def tail(path: str, parts: int) -> str:
        return "/".join(path.split("/")[-parts:])

    short = {}
    for path, layer in layers.items():
        least = 2 if path.endswith(("/forward", "/backward")) else 1
        for parts in range(least, path.count("/") + 2):
            if sum(tail(other, parts) == tail(path, parts) for other in layers) == 1:
                break
        short[tail(path, parts)] = layer
    return short
