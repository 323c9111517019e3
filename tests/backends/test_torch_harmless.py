"""A training in PyTorch is bit for bit the same, recorded or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import stateviz.torch  # noqa: E402 - only where PyTorch is
from tests.backends.torch_modules import (  # noqa: E402
    BATCH,
    FEATURES,
    KINDS,
    TIMESTEPS,
    UNITS,
    Net,
)

nn = torch.nn
rnn = torch.nn.utils.rnn


def trained(
    kind: str, how: dict[str, Any], *, dtype: Any, packed: bool, carry: bool, recorded: bool
) -> list[Any]:
    """All numbers of a training: weights, optimizer, losses, outputs, gradients, random state."""
    torch.manual_seed(3)
    net = Net(kind, how, dtype)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    X = torch.tensor(np.random.default_rng(0).normal(size=(3, BATCH, TIMESTEPS, FEATURES)))
    X = X.to(dtype)
    kept: list[Any] = []

    def run() -> None:
        for _ in range(2):
            state = None
            for x in X:
                read = x if how.get("batch_first") else x.transpose(0, 1)
                if packed:
                    first = how.get("batch_first", False)
                    lengths = [3, 7, 1, 5, 2]
                    read = rnn.pack_padded_sequence(read, lengths, first, enforce_sorted=False)
                optimizer.zero_grad()
                y, left = net(read, state)
                if carry:
                    state = left.detach() if kind != "LSTM" else tuple(s.detach() for s in left)
                loss = (y**2).mean() + 0.1 * y.sum()
                loss.backward()
                kept.extend([loss.detach().clone(), *[p.grad.clone() for p in net.parameters()]])
                optimizer.step()
        net.eval()
        with torch.no_grad():
            kept.append(net(read)[0])

    if recorded:
        with stateviz.torch.record(net, gates=True) as recording:
            run()
        assert recording.stopped == ""
        assert all(len(layer.batches) == 7 for layer in recording.values())
    else:
        run()
    kept += [*net.state_dict().values(), torch.get_rng_state(), torch.rand(3)]
    return kept + [each for state in optimizer.state.values() for each in state.values()]


HARMLESS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "LSTM": ("LSTM", {}, {}),
    "LSTM, batch first, carried": ("LSTM", {"batch_first": True}, {"carry": True}),
    "LSTM, dropout": ("LSTM", {"num_layers": 3, "dropout": 0.4}, {}),
    "LSTM, both directions, dropout": (
        "LSTM",
        {"num_layers": 2, "dropout": 0.3, "bidirectional": True},
        {"carry": True},
    ),
    "LSTM, projected": ("LSTM", {"proj_size": 3, "num_layers": 2}, {}),
    "LSTM, packed": ("LSTM", {}, {"packed": True}),
    "LSTM, packed, dropout": (
        "LSTM",
        {"num_layers": 2, "dropout": 0.3, "bidirectional": True, "batch_first": True},
        {"packed": True},
    ),
    "LSTM, float64": ("LSTM", {}, {"dtype": torch.float64}),
    "LSTM, bfloat16": ("LSTM", {"num_layers": 2}, {"dtype": torch.bfloat16}),
    "GRU, dropout": ("GRU", {"num_layers": 2, "dropout": 0.3, "bidirectional": True}, {}),
    "GRU, packed, carried": ("GRU", {}, {"packed": True, "carry": True}),
    "RNN": ("RNN", {}, {"carry": True}),
    "RNN, relu": ("RNN", {"nonlinearity": "relu", "num_layers": 2}, {}),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_training_is_bit_for_bit_the_same(kernels: None, name: str) -> None:
    kind, how, run = HARMLESS[name]
    run = {"dtype": torch.float32, "packed": False, "carry": False} | run
    bare = trained(kind, how, **run, recorded=False)
    recorded = trained(kind, how, **run, recorded=True)
    assert len(bare) == len(recorded) > 20
    for one, other in zip(bare, recorded, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("gates", [False, True], ids=["states", "gates"])
def test_autocast_changes_nothing_and_is_recorded(kind: str, gates: bool) -> None:
    module = KINDS[kind](FEATURES, UNITS, num_layers=2, bidirectional=True)
    cell = getattr(nn, f"{kind}Cell")(FEATURES, UNITS)
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    with torch.autocast("cpu", torch.bfloat16):
        bare = [module(X)[0], cell(X[0])]
        with (
            stateviz.torch.record(module, gates=gates) as recording,
            stateviz.torch.record(cell, gates=gates) as of_cell,
        ):
            outputs, state = module(X)
            module(X, state)
            cell(X[0])
    assert torch.equal(outputs, bare[0])
    assert recording.stopped == of_cell.stopped == ""
    for layer in recording.values():
        assert [b.origin for b in layer.batches] == ["fresh", "carried"]
        last = layer.batches[0]
        np.testing.assert_allclose(last.hidden_state[:, -1], last.final_hidden_state, atol=0.02)
