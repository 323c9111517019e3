"""What is found in training loops of PyTorch, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import stateviz.torch  # noqa: E402 - only where PyTorch is
from tests.backends.torch_modules import (  # noqa: E402
    BATCH,
    FEATURES,
    TIMESTEPS,
    UNITS,
    Net,
)
from tests.backends.torch_reference import in_numpy  # noqa: E402

nn = torch.nn
rnn = torch.nn.utils.rnn


def loop(*, detach: bool, shuffle: bool = False, epochs: int = 2) -> Any:
    """Trains on the lanes of one series with truncated gradients."""
    net = Net("LSTM", {"batch_first": True}, torch.float32)
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    X = torch.randn(4, BATCH, TIMESTEPS, FEATURES)
    order = np.random.default_rng(0)
    with stateviz.torch.record(net) as recording, stateviz.torch.phase("fit"):
        for number in range(epochs):
            stateviz.torch.epoch(number)
            state = None
            rows = X
            if shuffle and number:
                rows = torch.tensor(order.permutation(in_numpy(X).reshape(-1, TIMESTEPS, FEATURES)))
                rows = rows.reshape(X.shape).float()
            for x in rows:
                optimizer.zero_grad()
                y, state = net(x, state)
                loss = (y**2).mean()
                # Without the graph of the weights as they were: autograd refuses a second pass.
                loss.backward() if detach else torch.autograd.grad(
                    loss, net.head.weight, retain_graph=True
                )
                optimizer.step() if detach else net.rnn.weight_ih_l0.data.mul_(0.99)
                if detach:
                    state = tuple(each.detach() for each in state)
                else:
                    with torch.no_grad():
                        net.rnn.weight_hh_l0.mul_(0.99)
    return recording


def test_a_loop_that_detaches_finds_nothing() -> None:
    assert loop(detach=True).findings() == []


def test_a_state_with_the_graph_of_older_weights_is_found() -> None:
    [found] = loop(detach=False).findings()
    assert found.kind == "the graph of a state outlived a step"
    assert found.batches == (1, 2, 3, 5, 6, 7)
    assert "detach()" in found.cure


def test_a_loop_over_timesteps_within_one_step_finds_nothing() -> None:
    """The gradient passes from timestep to timestep, as its owner means it to."""
    cell = nn.LSTMCell(FEATURES, UNITS)
    optimizer = torch.optim.SGD(cell.parameters(), 0.1)
    X = torch.randn(20, BATCH, FEATURES)
    with stateviz.torch.record(cell) as recording, stateviz.torch.phase("fit"):
        for number in range(3):
            stateviz.torch.epoch(number)
            state: Any = None
            for x in X:
                state = cell(x, state)
            optimizer.zero_grad()
            (state[0] ** 2).sum().backward()
            optimizer.step()
    assert recording.findings() == []
    assert len(recording["lstmcell"].batches) == 60


def test_rows_that_were_shuffled_under_a_carried_state_are_found() -> None:
    [found] = loop(detach=True, shuffle=True).findings()
    assert found.kind == "rows were shuffled under a state that was carried"
