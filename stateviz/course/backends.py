"""The question's program on every backend of Keras, and on PyTorch itself, recorded there.

Source of the data: `tools/record_backends.py`, run in an environment for each backend. It wrote
the recordings `backends/*.npz`, and `backends/facts.json`: what each of `TRIED` did there.
"""

from __future__ import annotations

import html
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stateviz.course.counting import counting_model
from stateviz.recording import Recording, load

FOLDER = Path(__file__).parent / "files" / "backends"
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch", "pytorch": "nn.LSTM"}
X, Y = np.ones((6, 3, 1), "float32"), np.zeros((6, 1), "float32")


def load_backend(name: str, *, handed: bool = False) -> Recording:
    """Opens what an LSTM that counts held on a backend, at every timestep; nothing need be there.

    Args:
        name: "tensorflow", "jax" or "torch", on which Keras ran; or "pytorch", a loop over an
            `nn.LSTM`.
        handed: Whether the program handed the state over by itself. Else the layer was to keep it
            (`stateful=True`), in a `fit` of 2 epochs with 3 batches and a `predict`; the `nn.LSTM`
            was called without a state.

    Raises:
        ValueError: There is no such backend.

    Example:
        >>> [float(b.final_cell_state[0, 0]) for b in load_backend("jax")["lstm"].batches][:6]
        [3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
    """
    if name not in NAMES:
        raise ValueError(f"There is no backend {name!r}. Known: {', '.join(NAMES)}.")
    return load(FOLDER / file_name(name, handed=handed))


def file_name(name: str, *, handed: bool) -> str:
    """The name of a recording's file."""
    return f"{name}_{'handed' if handed else 'kept'}.npz"


def backend_facts() -> dict[str, dict[str, str]]:
    """What each of `TRIED` did on each backend, and "versions".

    Example:
        >>> backend_facts()["jax"]["fit, 2 epochs of 3 batches"]
        '3 3 3 3 3 3'
    """
    facts: dict[str, dict[str, str]] = json.loads(
        (FOLDER / "facts.json").read_text(encoding="utf-8")
    )
    return facts


def ends(recording: Recording, phase: str | None = None) -> str:
    """What c of row 0 was at the end of each batch."""
    batches = [b for b in recording["lstm"].batches if phase in (None, b.phase)]
    found = [b.final_cell_state for b in batches]
    return " ".join(f"{state[0, 0]:.0f}" for state in found if state is not None)


def program(**options: Any) -> Recording:
    """Runs the program here: a stateful layer, `fit` and then `predict`."""
    import stateviz

    model = counting_model(batch_size=2, timesteps=3, stateful=True, **options)
    with stateviz.record(model) as recording:
        model.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0)
        model.predict(X, batch_size=2, verbose=0)
    return recording


def handed_program() -> Recording:
    """Runs it with a stateless layer, whose state the program hands over."""
    import keras

    import stateviz

    x, h, c = keras.Input((3, 1)), keras.Input((1,)), keras.Input((1,))
    lstm = keras.layers.LSTM(1, activation="linear", return_state=True, name="lstm")
    y, *after = lstm(x, initial_state=[h, c])
    model = keras.Model([x, h, c], [y, *after])
    lstm.set_weights(counting_model(batch_size=2, timesteps=3).get_weights())
    state = [np.zeros((2, 1), "float32")] * 2
    with stateviz.record(model) as recording:
        for start in (0, 2, 4):
            _, *state = model.predict_on_batch([X[start : start + 2], *state])
    return recording


def _outcome(run: Callable[[], str]) -> str:
    try:
        return run()
    except Exception as error:
        return type(error).__name__


def _trainable() -> dict[str, Any]:
    """What a layer needs to be trained stateful here: on PyTorch another loop of Keras's."""
    import keras

    return {"use_cudnn": False} if keras.backend.backend() == "torch" else {}


def _recorded(run: Callable[[Any], object], *, phase: str | None = None) -> str:
    import stateviz

    model = counting_model(batch_size=2, timesteps=3, stateful=True, **_trainable())
    with stateviz.record(model) as recording:
        run(model)
    return ends(recording, phase)


def _fitted(model: Any, **options: Any) -> None:
    model.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0, **options)


def _resetting() -> Any:
    import keras

    class Resets(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.get_layer("lstm").reset_state()

    return Resets()


def _five_rows(model: Any) -> str:
    return f"{len(model.predict(X[:5], batch_size=2, verbose=0))} rows for 5"


TRIED: dict[str, Callable[[], str]] = {
    "fit, 2 epochs of 3 batches": lambda: _recorded(_fitted),
    "fit, nothing said of use_cudnn": lambda: ends(program(), "fit"),
    "fit, reset_state() at each epoch": lambda: _recorded(
        lambda model: _fitted(model, callbacks=[_resetting()])
    ),
    "fit, with a batch of validation": lambda: _recorded(
        lambda model: _fitted(model, validation_data=(X[:2], Y[:2])), phase="fit"
    ),
    "predict after fit": lambda: ends(program(**_trainable()), "predict"),
    "model(x), three times": lambda: _recorded(
        lambda model: [model(X[start : start + 2]) for start in (0, 2, 4)]
    ),
    "5 rows in batches of 2": lambda: _five_rows(
        counting_model(batch_size=2, timesteps=3, stateful=True)
    ),
    "the state handed over by hand": lambda: ends(handed_program()),
}


def try_backend() -> dict[str, str]:
    """Tries everything on the backend that Keras runs on here."""
    logger = logging.getLogger("tensorflow")  # which counts how many models are made
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return {what: _outcome(run) for what, run in TRIED.items()}
    finally:
        logger.setLevel(level)


class FactsTable:
    """What each thing did, a column a backend; shown as a table.

    Args:
        facts: For each backend, by its name, what each of `TRIED` did.
    """

    def __init__(self, facts: dict[str, dict[str, str]]) -> None:
        self.facts = {name: facts[name] for name in NAMES if name in facts}

    def _repr_html_(self) -> str:
        def row(tag: str, cells: list[str]) -> str:
            return "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)

        head = row("th", ["", *(NAMES[name] for name in self.facts)])
        lines = [
            row("td", [what, *(facts[what] for facts in self.facts.values())]) for what in TRIED
        ]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def __repr__(self) -> str:
        return "\n".join(
            f"{what}: " + "; ".join(f"{NAMES[n]} {f[what]}" for n, f in self.facts.items())
            for what in TRIED
        )
