"""A widget, and a page, in which a model runs where the reader is."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets as t

from stateviz.in_page.chain import RECURRENT, as_text, layers_of, proof_of, trainable
from stateviz.playing import page
from stateviz.playing.reruns import made_by_this_run

_PAGE = Path(__file__).with_name("page") / "live.js"
# The colours and the buttons of a player.
_LOOK = page.style().replace(".stateviz-player", ":is(.stateviz-player, .stateviz-live)")
_LOOK += _PAGE.with_suffix(".css").read_text(encoding="utf-8")
_SHOWN = 240  # timesteps that the page begins with, at most


class Live(page.PageWidget):
    """A model that runs in the page: made by `stateviz.live`, shown at the end of a cell.

    Nothing of it comes back to Python: what the reader types, drags and chooses stays in the page.
    """

    _esm: ClassVar[str] = page.script(_PAGE)
    _css: ClassVar[str] = _LOOK

    _payload = t.Unicode().tag(sync=True)

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(_payload=json.dumps(content))
        self._content = content
        made_by_this_run(self)

    def to_html(self, path: str | Path | None = None) -> str:
        """Makes a page that runs the model without kernel, network or other files.

        Args:
            path: Where to write the page, if anywhere.

        Returns:
            The page.

        Raises:
            FileNotFoundError: The folder does not exist.
        """
        return page.whole_page(self._content["title"], self._html(), path, _inlined())

    def _html(self) -> str:
        return _SNIPPET.format(
            payload=html.escape(self._payload), style=self._css, script=_inlined()
        )

    def __repr__(self) -> str:
        return f"Live({self._content['title']!r})"


def live(
    model: Any,
    data: Any = None,
    targets: Any = None,
    *,
    vocabulary: str | Sequence[str] | None = None,
) -> Live:
    """Shows a model that runs in the page, with its own weights and without a kernel.

    A text is typed, or a value dragged, and the states follow at once: where a window or a batch
    ends, what is carried over, what a reset loses. With `targets` the page trains the model, once
    stateless and once stateful, from the same first weights. The numbers are computed in
    JavaScript; when it opens, the page measures how far they are from a recording of Keras.

    Args:
        model: A built Sequential or functional model of LSTM, GRU, SimpleRNN, Embedding, Dense and
            Activation layers. Its states and weights are left as they are.
        data: What the page begins with. For numbers: shape (timesteps,), (timesteps, features), or
            (samples, timesteps, features), whose samples are put end to end. For tokens: a text,
            or numbers of tokens. Where None, a sine or the first tokens. With `targets`, X as
            `fit` takes it.
        targets: y as `fit` takes it, shape (samples,) or (samples, 1). The model is one LSTM and
            Dense(1), and the page trains with Adam, learning rate 0.001, on the mean squared error.
        vocabulary: For a model of letters or words: what token 0 is, what token 1 is, and so on.
            It reads them one-hot or through an Embedding.

    Returns:
        A widget; `to_html("page.html")` writes a page that needs nothing else.

    Raises:
        TypeError: The model was made by subclassing.
        ValueError: The page cannot run it, or the data do not fit it; the message says what to do.

    Example:
        >>> import keras, stateviz
        >>> lstm = keras.layers.LSTM(4, stateful=True)
        >>> model = keras.Sequential([keras.Input(batch_shape=(1, 10, 1)), lstm])
        >>> stateviz.live(model)
        Live('LSTM(4) in the page')
    """
    layers = layers_of(model)
    recurrent = [layer for layer in layers if layer["kind"] in RECURRENT]
    names = ", ".join(f"{layer['kind']}({layer['units']})" for layer in recurrent)
    _, timesteps, *features = model.input_shape
    content: dict[str, Any] = {
        "title": f"{names} in the page",
        "layers": layers,
        "B": 1,
        "stateful": recurrent[0]["stateful"],
        "features": features[0] if features else None,
    }
    if targets is not None:
        X, y = np.asarray(data, np.float32), np.asarray(targets, np.float32)
        content |= {"train": trainable(model, layers, X, y), "T": X.shape[1]}
        inputs = X.reshape(-1, X.shape[-1])
    elif vocabulary is not None or not features:
        numbers, words = _tokens(data, vocabulary, layers[0], features)
        inputs = np.eye(*features, dtype=np.float32)[numbers] if features else numbers
        content |= {"tokens": numbers.tolist(), "vocabulary": words, "one_hot": bool(features)}
    else:
        inputs = _numbers(data, features[0])
        content["series"] = as_text(inputs)
    wanted = timesteps or (data.shape[1] if getattr(data, "ndim", 0) == 3 else 10)
    content.setdefault("T", min(wanted, max(len(inputs) // 3, 1)))  # two borders or more are seen
    content["proof"] = proof_of(model, inputs)
    return Live(content)


def _numbers(data: Any, features: int) -> np.ndarray:
    """The series that is dragged, float32 of shape (timesteps, features)."""
    if data is None:
        return np.tile(np.sin(np.arange(60) / 3)[:, None], features).astype(np.float32)
    values = np.asarray(data, np.float32)
    one = features == 1 and values.ndim < 3 and values.shape[-1] != 1
    if not one and (values.ndim == 0 or values.shape[-1] != features):
        raise ValueError(
            f"`data` must have shape (timesteps, {features}) or (samples, timesteps, {features}); "
            f"got {values.shape}."
        )
    values = values.reshape(-1, features)[:_SHOWN]
    if len(values) < 2 or not np.isfinite(values).all():
        raise ValueError("`data` must have two timesteps or more, and no NaN or infinity.")
    return values


def _tokens(
    data: Any, vocabulary: str | Sequence[str] | None, layer: dict[str, Any], features: list[int]
) -> tuple[np.ndarray, list[str]]:
    """The numbers of the tokens that the page begins with, and what each number is."""
    size = features[0] if features else layer["tokens"]
    words = [str(number) for number in range(size)] if vocabulary is None else list(vocabulary)
    if len(words) > size or (features and len(words) != size):
        raise ValueError(f"The model knows {size} tokens; `vocabulary` has {len(words)}.")
    if len(set(words)) < len(words):
        raise ValueError("A token stands in `vocabulary` twice.")
    if data is None:
        data = np.resize(np.arange(len(words)), 60)
    if isinstance(data, str):
        parts = list(data) if all(len(word) == 1 for word in words) else data.split()
        unknown = sorted(set(parts) - set(words))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not in `vocabulary`. Leave it out of `data`.")
        numbers = np.array([words.index(part) for part in parts], int)
    else:
        numbers = np.asarray(data).ravel()
    whole = np.issubdtype(numbers.dtype, np.integer)
    if not whole or not len(numbers) or numbers.min() < 0 or numbers.max() >= len(words):
        raise ValueError(
            f"`data` must be a text, or numbers of tokens from 0 to {len(words) - 1}; for a model "
            f"that reads one-hot, not the one-hot rows."
        )
    return numbers[:_SHOWN], words


def _inlined() -> str:
    script = page.inline_script(_PAGE)
    return f"\n{script}\n{_HOST}"


_SNIPPET = """<div data-stateviz-live="{payload}"><p><small>A model that runs in the page, which \
needs scripts. In a notebook, run this cell, or trust the notebook: “Trust Notebook” in the list \
of commands (Ctrl+Shift+C).</small></p></div><style>
{style}</style><script type="module">{script}</script>"""

# Stands in for the widget's model where there is no kernel.
_HOST = """for (const el of document.querySelectorAll("[data-stateviz-live]")) {
  const payload = el.dataset.statevizLive;
  el.removeAttribute("data-stateviz-live");
  el.replaceChildren();
  playerModule.render({ model: { get: () => payload }, el });
}
"""
