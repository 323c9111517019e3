"""Records the program of lesson 11 on one backend. Run by hand, in an environment for each:

    KERAS_BACKEND=tensorflow python -m tools.record_backends
    KERAS_BACKEND=jax python -m tools.record_backends
    KERAS_BACKEND=torch python -m tools.record_backends

It writes `stateviz/course/files/backends/`. The last one records a loop over an `nn.LSTM` too.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import keras
import numpy as np

from stateviz.course import backends
from stateviz.course.counting import counting_model
from stateviz.recording import Recording


def main() -> None:
    """Writes what the backend that Keras runs on does."""
    name = keras.backend.backend()
    backends.FOLDER.mkdir(exist_ok=True)
    options: dict[str, Any] = {"use_cudnn": False} if name == "torch" else {}
    _save(backends.program(**options), name, handed=False)
    _save(backends.handed_program(), name, handed=True)
    if name == "torch":
        _save(_in_pytorch(handed=False), "pytorch", handed=False)
        _save(_in_pytorch(handed=True), "pytorch", handed=True)
    file = backends.FOLDER / "facts.json"
    facts = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"versions": {}}
    facts["versions"] |= {"keras": version("keras"), name: version(name)}
    facts[name] = backends.try_backend()
    in_order = {each: facts[each] for each in ("versions", *backends.NAMES) if each in facts}
    file.write_text(json.dumps(in_order, indent=1) + "\n", encoding="utf-8")


def _in_pytorch(*, handed: bool) -> Recording:
    import torch

    import stateviz.torch

    lstm = _counting(torch)
    state = None
    with stateviz.torch.record(lstm) as recording, torch.no_grad():
        for start in (0, 2, 4):
            x = torch.from_numpy(backends.X[start : start + 2])
            _, after = lstm(x, state)
            state = after if handed else None
    return recording


def _counting(torch: Any) -> Any:
    """An `nn.LSTM` with the weights of the model that counts, but for tanh, which it always has."""
    kernel, recurrent, bias = counting_model(batch_size=2, timesteps=3).get_weights()

    class Counts(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(1, 1, batch_first=True)

        def forward(self, x: Any, state: Any) -> Any:
            return self.lstm(x, state)

    module = Counts()
    # Its candidate is tanh(x): at 30 that is exactly 1, as the input of the model that counts is.
    weights = {
        "weight_ih_l0": 30 * kernel.T,
        "weight_hh_l0": recurrent.T,
        "bias_ih_l0": bias,
        "bias_hh_l0": np.zeros_like(bias),
    }
    for weight, values in weights.items():
        getattr(module.lstm, weight).data = torch.from_numpy(np.asarray(values, np.float32))
    return module


def _save(recording: Recording, name: str, *, handed: bool) -> None:
    recording.save(backends.FOLDER / backends.file_name(name, handed=handed))
    print(name, "handed" if handed else "kept", backends.ends(recording))


if __name__ == "__main__":
    main()
