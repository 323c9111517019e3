"""What the tests of PyTorch share: kinds of modules, a net, and both sets of kernels."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn
rnn = torch.nn.utils.rnn
BATCH, TIMESTEPS, FEATURES, UNITS = 5, 7, 3, 4
KINDS = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}


class Net(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, kind: str, how: dict[str, Any], dtype: Any) -> None:
        super().__init__()
        self.rnn = KINDS[kind](FEATURES, 8, **how)
        width = (how.get("proj_size") or 8) * (2 if how.get("bidirectional") else 1)
        self.head = nn.Linear(width, 1)
        self.to(dtype)

    def forward(self, x: Any, hx: Any = None) -> tuple[Any, Any]:
        y, state = self.rnn(x, hx)
        if isinstance(y, rnn.PackedSequence):
            y, _ = rnn.pad_packed_sequence(y, batch_first=self.rnn.batch_first)
        return self.head(y), state
