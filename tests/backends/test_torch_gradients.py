"""The gradients of PyTorch's modules: those of a loop over timesteps, and nothing else changes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import stateviz.torch  # noqa: E402 - only where PyTorch is
from stateviz.recording import RecordingWarning  # noqa: E402
from tests.backends.torch_modules import BATCH, FEATURES, KINDS, TIMESTEPS  # noqa: E402

nn = torch.nn
rnn = torch.nn.utils.rnn
UNITS = 4
LENGTHS = [7, 7, 5, 2, 1]
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch first": {"batch_first": True},
    "no bias": {"bias": False},
    "two layers": {"num_layers": 2},
    "both directions": {"bidirectional": True, "num_layers": 2},
}


def stepped(
    module: Any, read: Any, initial: list[Any], mask: Any, layer: int, reverse: bool
) -> tuple[list[list[Any]], list[Any]]:
    """What a layer's states become at each timestep in one direction, and those at the end."""
    suffix = f"_l{layer}" + "_reverse" * reverse
    weights = [getattr(module, f"weight_{kind}{suffix}") for kind in ("ih", "hh")]
    kinds = ("ih", "hh") if module.bias else ()
    biases = [getattr(module, f"bias_{kind}{suffix}") for kind in kinds]
    states: list[Any] = initial
    after: list[list[Any]] = [[]] * len(read)
    for t in range(len(read) - 1, -1, -1) if reverse else range(len(read)):
        of_x, of_h = read[t] @ weights[0].T, states[0] @ weights[1].T
        if biases:
            of_x, of_h = of_x + biases[0], of_h + biases[1]
        if isinstance(module, nn.LSTM):
            i, f, g, o = (of_x + of_h).chunk(4, 1)
            c = f.sigmoid() * states[1] + i.sigmoid() * g.tanh()
            new = [o.sigmoid() * c.tanh(), c]
        elif isinstance(module, nn.GRU):
            (r, z, n), (h_r, h_z, h_n) = of_x.chunk(3, 1), of_h.chunk(3, 1)
            z = (z + h_z).sigmoid()
            new = [(1 - z) * (n + (r + h_r).sigmoid() * h_n).tanh() + z * states[0]]
        else:
            new = [(of_x + of_h).tanh()]
        for state in new:
            state.retain_grad()
        after[t] = new
        used = mask[t, :, None]
        states = [torch.where(used, a, b) for a, b in zip(new, states, strict=True)]
    return after, states


@pytest.mark.parametrize("packed", [False, True], ids=["whole", "packed"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_they_are_those_of_a_loop_over_the_timesteps(kind: str, way: str, packed: bool) -> None:
    how = WAYS[way]
    module = KINDS[kind](FEATURES, UNITS, **how)
    directions = 1 + module.bidirectional
    parts = module.num_layers * directions
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    passed = [torch.randn(parts, BATCH, UNITS) for _ in range(2 if kind == "LSTM" else 1)]
    given = [each.clone().requires_grad_() for each in passed]
    lengths = torch.tensor(LENGTHS if packed else [TIMESTEPS] * BATCH)
    mask = torch.arange(TIMESTEPS)[:, None] < lengths
    head = torch.randn(UNITS * directions)
    read = X.transpose(0, 1) if module.batch_first else X
    if packed:
        read = rnn.pack_padded_sequence(read, lengths, batch_first=module.batch_first)
    with stateviz.torch.record(module, gradients=True) as recording:
        out, final = module(read, tuple(given) if len(given) > 1 else given[0])
        if packed:
            out, _ = rnn.pad_packed_sequence(out, batch_first=module.batch_first)
        ends = list(final) if isinstance(final, tuple) else [final]
        ((out @ head) ** 2).sum().add(sum((each**2).sum() for each in ends)).backward()

    begin = [each.clone().requires_grad_() for each in passed]
    every: list[list[list[Any]]] = []
    finals = []
    lower = X
    for layer in range(module.num_layers):
        outputs = []
        for reverse in range(directions):
            place = layer * directions + reverse
            own = [each[place] for each in begin]
            after, final_states = stepped(module, lower, own, mask, layer, bool(reverse))
            every.append(after)
            finals.append(final_states)
            outputs.append(torch.stack([states[0] for states in every[-1]]))
        lower = torch.cat(outputs, -1)
    read_out = torch.where(mask[..., None], lower, 0.0)
    loss = ((read_out @ head) ** 2).sum()
    for final_states in finals:
        loss = loss + sum((state**2).sum() for state in final_states)
    loss.backward()

    for place, (name, after) in enumerate(zip(recording, every, strict=True)):
        [batch] = recording[name].batches
        found = batch.gradients
        assert found is not None
        order = after[::-1] if place % directions else after
        for number, kind_of in enumerate(("hidden", "cell")[: len(begin)]):
            expected = torch.stack([states[number].grad for states in order], 1).numpy()
            values = getattr(found, f"{kind_of}_state")
            used = np.ones(values.shape[:2], bool) if batch.mask is None else batch.mask
            scale = np.abs(expected).max()
            assert np.abs(values - expected)[used].max() < 1e-5 * scale
            border = begin[number].grad[place].numpy()
            assert np.abs(getattr(found, f"initial_{kind_of}_state") - border).max() < 1e-5 * scale


@pytest.mark.parametrize("way", [*WAYS, "dropout"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_training_stays_bit_for_bit_the_same(kind: str, way: str) -> None:
    how = WAYS.get(way, {"num_layers": 3, "dropout": 0.4})

    def trained(*, recorded: bool) -> list[bytes]:
        torch.manual_seed(5)
        module = KINDS[kind](FEATURES, UNITS, **how)
        head = nn.Linear(UNITS * (1 + module.bidirectional), 1)
        weights = [*module.parameters(), *head.parameters()]
        optimizer = torch.optim.Adam(weights, 0.01)

        def train() -> None:
            for _ in range(3):
                optimizer.zero_grad()
                (head(module(torch.randn(TIMESTEPS, BATCH, FEATURES))[0]) ** 2).mean().backward()
                optimizer.step()

        if recorded:
            with stateviz.torch.record(module, gradients=True) as recording:
                train()
            for layer in recording.values():
                assert [batch.gradients is not None for batch in layer.batches] == [True] * 3
        else:
            train()
        return [each.detach().numpy().tobytes() for each in weights]

    assert trained(recorded=True) == trained(recorded=False)


def test_the_layer_below_a_dropout_gets_what_passed_it() -> None:
    module = nn.LSTM(FEATURES, UNITS, num_layers=2, dropout=0.5)
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    with stateviz.torch.record(module, gradients=True) as recording:
        module(X)[0][-1].sum().backward()
    below, above = (recording[name].batches[0] for name in recording)
    assert below.gradients is not None
    assert above.inputs is not None
    # Nothing else reads h of the lower layer after its last timestep but the upper layer.
    dropped = above.inputs[:, -1] == 0
    assert dropped.any()
    assert not dropped.all()
    assert np.array_equal(below.gradients.hidden_state[:, -1] == 0, dropped)


def test_a_cell_that_is_stepped_by_hand_has_one_for_each_call() -> None:
    cell = nn.LSTMCell(FEATURES, UNITS)
    h = c = torch.zeros(BATCH, UNITS)
    hs, cs = [], []
    with stateviz.torch.record(cell, gradients=True) as recording:
        for x in torch.randn(TIMESTEPS, BATCH, FEATURES):
            h, c = cell(x, (h, c))
            h.retain_grad()
            c.retain_grad()
            hs.append(h)
            cs.append(c)
        (h**2).mean().backward()
    batches = recording["lstmcell"].batches
    assert len(batches) == TIMESTEPS
    for batch, of_h, of_c in zip(batches, hs, cs, strict=True):
        found = batch.gradients
        assert found is not None
        assert found.cell_state is not None
        assert np.allclose(found.hidden_state[:, 0], of_h.grad.numpy(), atol=1e-8)
        assert np.allclose(found.cell_state[:, 0], of_c.grad.numpy(), atol=1e-8)
    for one, other in pairwise(batches):
        last, first = one.gradients, other.gradients
        assert last is not None
        assert first is not None
        assert np.allclose(last.hidden_state[:, 0], first.initial_hidden_state, atol=1e-8)


def test_an_error_of_ours_never_reaches_the_backward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("stateviz.torch.gradients._derived", fails)
    module = nn.LSTM(FEATURES, UNITS)
    with (
        pytest.warns(RecordingWarning, match="an error of stateviz itself"),
        stateviz.torch.record(module, gradients=True),
    ):
        module(torch.randn(TIMESTEPS, BATCH, FEATURES))[0].sum().backward()
    assert all(weight.grad is not None for weight in module.parameters())


def test_what_comes_back_after_the_block_is_left_alone() -> None:
    module = nn.LSTM(FEATURES, UNITS)
    with (
        pytest.warns(RecordingWarning, match="No gradient came back"),
        stateviz.torch.record(module, gradients=True) as recording,
    ):
        loss = module(torch.randn(TIMESTEPS, BATCH, FEATURES))[0].sum()
    loss.backward()
    assert recording["lstm"].batches[0].gradients is None


def test_what_has_none_is_said_and_a_projection_is_refused() -> None:
    module = nn.LSTM(FEATURES, UNITS)
    with (
        pytest.warns(RecordingWarning, match="No gradient came back to 'lstm'"),
        stateviz.torch.record(module, gradients=True),
        torch.no_grad(),
    ):
        module(torch.randn(TIMESTEPS, BATCH, FEATURES))
    projected = nn.LSTM(FEATURES, UNITS, proj_size=2)
    with pytest.raises(ValueError, match="proj_size"):
        with stateviz.torch.record(projected, gradients=True):
            pass
