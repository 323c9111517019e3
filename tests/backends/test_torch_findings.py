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


class EncoderDecoder(nn.Module):  # type: ignore[misc, name-defined]
    """A decoder that begins where the encoder ended, or with a state that is learned."""

    def __init__(self, *, learned: bool) -> None:
        super().__init__()
        self.encoder = nn.GRU(FEATURES, UNITS)
        self.decoder = nn.GRU(FEATURES, UNITS)
        self.begin = nn.Parameter(torch.ones(1, 1, UNITS)) if learned else None

    def forward(self, x: Any) -> Any:
        state = None if self.begin is None else self.begin.expand(-1, x.shape[1], -1).contiguous()
        _, state = self.encoder(x, state)
        return self.decoder(x, state)[0]


@pytest.mark.parametrize("learned", [False, True])
def test_a_state_with_the_graph_of_its_own_step_is_no_finding(learned: bool) -> None:
    """Its graph is what trains the encoder: detach() would cut it off."""
    net = EncoderDecoder(learned=learned)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with stateviz.torch.record(net) as recording, stateviz.torch.phase("fit"):
        for x in torch.randn(4, TIMESTEPS, BATCH, FEATURES):
            optimizer.zero_grad()
            net(x).sum().backward()
            optimizer.step()
    assert recording.findings() == []
    sources = [batch.source for batch in recording["decoder"].batches]
    assert [source and (source.layer, source.batch) for source in sources] == [
        ("encoder", number) for number in range(4)
    ]


def policy(*, zeroes: bool, told: bool = True, again: int = 0) -> Any:
    """The loop of a recurrent policy: rows begin anew; then its rollout is read again."""
    lstm = nn.LSTM(FEATURES, UNITS)
    random = np.random.default_rng(0)
    state = (torch.zeros(1, BATCH, UNITS), torch.zeros(1, BATCH, UNITS))
    kept = []
    with stateviz.torch.record(lstm) as recording:
        with torch.no_grad(), stateviz.torch.phase("predict"):
            for _ in range(6):
                done = torch.tensor(random.integers(0, 2, BATCH)).bool()
                if zeroes:
                    state = tuple(each * ~done[:, None] for each in state)
                if told:
                    stateviz.torch.starts(done)
                x = torch.randn(1, BATCH, FEATURES)
                kept.append((x, state))
                _, state = lstm(x, state)
        optimizer = torch.optim.SGD(lstm.parameters(), 0.1)
        with stateviz.torch.phase("fit"):
            for epoch in range(again):
                stateviz.torch.epoch(epoch)
                for x, before in kept:
                    optimizer.zero_grad()
                    lstm(x, before)[0].sum().backward()
                    optimizer.step()
    return recording


def test_rows_that_begin_an_episode_are_counted_and_held_against_what_was_told() -> None:
    right = policy(zeroes=True)
    random = np.random.default_rng(0)
    begun = [random.integers(0, 2, BATCH).astype(bool) for _ in range(6)]
    begun[0][:] = True
    assert right.resets().sample_states_zeroed == int(np.sum(begun))
    assert [batch.zero_rows for batch in right["lstm"].batches] == np.sum(begun, axis=1).tolist()
    assert right.findings() == []
    [finding] = policy(zeroes=False).findings()
    assert finding.kind == "an episode began with the state of another"
    assert finding.batches == (1, 2, 3, 4, 5)
    assert policy(zeroes=False, told=False).findings() == []


def test_a_rollout_that_is_read_again_is_no_finding() -> None:
    assert policy(zeroes=True, again=2).findings() == []


def test_starts_of_another_batch_size_are_not_compared() -> None:
    lstm = nn.LSTM(FEATURES, UNITS)
    with stateviz.torch.record(lstm) as recording:
        stateviz.torch.starts([1, 0])
        with pytest.warns(stateviz.RecordingWarning, match=r"starts got 2 rows.*ran on 3"):
            lstm(torch.ones(TIMESTEPS, 3, FEATURES))
    assert recording.findings() == []


def test_every_cure_is_one_of_pytorch() -> None:
    """No word of a finding sends a user of PyTorch to what only Keras has."""
    lstm = nn.LSTM(FEATURES, UNITS, batch_first=True)
    X = torch.randn(6, BATCH, TIMESTEPS, FEATURES)
    found: list[Any] = []

    def run(*steps: Any) -> None:
        with stateviz.torch.record(lstm) as recording, torch.no_grad():
            state = None
            for phase, batches in steps:
                with stateviz.torch.phase(phase):
                    stateviz.torch.epoch(0)
                    for x in batches:
                        _, state = lstm(x, state)
        assert "reset_state" not in repr(recording)
        found.extend(recording.findings())

    def epochs_of(batches: Any, anew: int) -> None:
        """Two epochs that hand the state on, in which it begins from zeros now and then."""
        state: Any = None
        with stateviz.torch.record(lstm) as recording, stateviz.torch.phase("fit"), torch.no_grad():
            for epoch in range(2):
                stateviz.torch.epoch(epoch)
                for number, x in enumerate(batches):
                    if epoch * len(batches) + number == anew:
                        state = tuple(each * 0 for each in state)
                    _, state = lstm(x, state)
        found.extend(recording.findings())

    run(("predict", X), ("predict", X))
    run(("fit", X), ("fit", X))
    epochs_of(X, anew=100)
    epochs_of(torch.cat([X[:3], X[:3]]), anew=4)
    run(("fit", X * float("nan")))
    with torch.no_grad():
        lstm.weight_hh_l0[0] = float("nan")
    run(("fit", X))
    with torch.no_grad():
        lstm.weight_hh_l0[0] = 0.1
    overlapping = torch.stack([X[0].roll(-step, dims=1) for step in range(4)])
    run(("fit", overlapping))
    run(("fit", torch.randn(20, BATCH, 1, FEATURES)))
    found += loop(detach=True, shuffle=True).findings()
    assert len({each.kind for each in found}) == 8, found
    of_keras = (
        "reset_state",
        "ResetStates",
        "stateful=",
        "fit shuffle",
        "twin",
        "keras",
        "clipnorm",
    )
    for each in found:
        for word in (*of_keras, "steps_per_epoch"):
            assert word not in each.cure, each
