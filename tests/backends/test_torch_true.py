"""What is recorded of PyTorch is what its equations say, and what the modules returned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import stateviz.torch  # noqa: E402 - only where PyTorch is
from stateviz.recording import RecordingWarning  # noqa: E402
from tests.backends.torch_modules import (  # noqa: E402
    BATCH,
    FEATURES,
    KINDS,
    TIMESTEPS,
    UNITS,
)
from tests.backends.torch_reference import in_numpy, rows_of, step  # noqa: E402
from tests.building.recordings import there  # noqa: E402

nn = torch.nn
rnn = torch.nn.utils.rnn
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch first": {"batch_first": True},
    "no bias": {"bias": False},
    "three layers": {"num_layers": 3},
    "both directions": {"bidirectional": True},
    "two layers in both directions": {"num_layers": 2, "bidirectional": True, "batch_first": True},
    "projected": {"proj_size": 2, "num_layers": 2, "bidirectional": True},
}


def configurations() -> list[tuple[str, str]]:
    return [(kind, way) for kind in KINDS for way in WAYS if way != "projected" or kind == "LSTM"]


def states_of(module: Any, rows: int) -> tuple[Any, list[np.ndarray]]:
    """Random states to pass as hx, and the same in NumPy."""
    parts = module.num_layers * (2 if module.bidirectional else 1)
    sizes = [module.proj_size or module.hidden_size]
    sizes += [module.hidden_size] if isinstance(module, nn.LSTM) else []
    states = [torch.randn(parts, rows, size) for size in sizes]
    return (tuple(states) if len(states) > 1 else states[0]), list(map(in_numpy, states))


@pytest.mark.parametrize("given", [False, True], ids=["fresh", "given"])
@pytest.mark.parametrize("packed", [False, True], ids=["whole", "packed"])
@pytest.mark.parametrize(("kind", "way"), configurations())
def test_all_states_and_gates_are_those_of_the_equations(
    kernels: None, kind: str, way: str, packed: bool, given: bool
) -> None:
    module = KINDS[kind](FEATURES, UNITS, **WAYS[way])
    X = torch.randn(BATCH, TIMESTEPS, FEATURES)
    lengths = [4, 7, 1, 7, 2] if packed else [TIMESTEPS] * BATCH
    read = X if module.batch_first else X.transpose(0, 1)
    if packed:
        first = module.batch_first
        read = rnn.pack_padded_sequence(read, lengths, batch_first=first, enforce_sorted=False)
    passed, initial = states_of(module, BATCH)
    if not given:
        passed, initial = None, [0 * each for each in initial]
    with stateviz.torch.record(module, gates=True) as recording:
        module(read, passed)
    assert recording.stopped == ""
    layers = [recording[name] for name in recording.layers]
    for part, row, told in rows_of(module, X.numpy(), lengths, initial):
        [batch] = layers[part].batches
        assert batch.origin == ("given" if given else "fresh")
        used = np.ones(TIMESTEPS, bool) if batch.mask is None else batch.mask[row]
        assert used.sum() == lengths[row]
        names = {"h": batch.hidden_state, "c": batch.cell_state}
        names |= vars(batch.gates) if batch.gates is not None else {}
        for name, expected in ((n, [each[n] for each in told]) for n in told[0]):
            np.testing.assert_allclose(
                there(names[name])[row, used], expected, atol=3e-6, err_msg=name
            )
        last = told[-1]
        np.testing.assert_allclose(batch.final_hidden_state[row], last["h"], atol=3e-6)
        np.testing.assert_array_equal(
            batch.initial_hidden_state[row], np.float32(initial[0][part, row])
        )
        # At padding a layer holds what it had: before its first timestep the initial state.
        held = [batch.initial_hidden_state[row], *batch.hidden_state[row]]
        for t in np.flatnonzero(~used):
            np.testing.assert_array_equal(held[t + 1], held[t])
        assert layers[part].go_backwards == recording.layers[part].endswith("_reverse")
    assert (kind == "RNN") == (layers[0].batches[0].gates is None)


def test_h_of_the_last_layer_is_what_the_module_returned_bit_for_bit(kernels: None) -> None:
    for kind in KINDS.values():
        module = kind(FEATURES, UNITS, num_layers=2, bidirectional=True)
        with stateviz.torch.record(module) as recording:
            outputs, _ = module(torch.randn(TIMESTEPS, BATCH, FEATURES))
        path = kind.__name__.lower()
        h = recording[f"{path}/l1"].batches[0].hidden_state
        np.testing.assert_array_equal(h, in_numpy(outputs).swapaxes(0, 1)[..., :UNITS].astype("f4"))
        back = recording[f"{path}/l1_reverse"].batches[0].hidden_state
        expected = in_numpy(outputs).swapaxes(0, 1)[:, ::-1, UNITS:]
        np.testing.assert_array_equal(back, expected.astype("f4"))


@pytest.mark.parametrize("packed", [False, True], ids=["whole", "packed"])
@pytest.mark.parametrize("kind", KINDS)
def test_dropout_between_layers_is_drawn_again(kernels: None, kind: str, packed: bool) -> None:
    module = KINDS[kind](FEATURES, 16, num_layers=3, dropout=0.5, bidirectional=True)
    read = torch.randn(TIMESTEPS, BATCH, FEATURES)
    if packed:
        read = rnn.pack_padded_sequence(read, [7, 7, 4, 2, 1])
    with stateviz.torch.record(module) as recording:
        module(read)
    assert recording.stopped == ""
    for layer in recording.values():
        assert layer.ends_within < 1e-6
        [batch] = layer.batches
        np.testing.assert_allclose(batch.hidden_state[:, -1], batch.final_hidden_state, atol=1e-6)
    upper = recording[f"{kind.lower()}/l1"].batches[0].inputs
    assert upper is not None
    assert 0.3 < (upper[:, 0] == 0).mean() < 0.7


def test_half_precision_is_recorded_as_the_kernel_rounds() -> None:
    module = nn.LSTM(FEATURES, UNITS).to(torch.bfloat16)
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    with stateviz.torch.record(module) as recording, torch.no_grad():
        module(X.to(torch.bfloat16))
    assert recording.stopped == ""
    [batch] = recording["lstm"].batches
    assert batch.hidden_state.dtype == np.float32
    np.testing.assert_array_equal(there(batch.cell_state)[:, -1], batch.final_cell_state)
    zeros = [np.zeros((1, BATCH, UNITS))] * 2
    rows = X.transpose(0, 1).numpy()
    _, _, told = next(rows_of(module, rows, [TIMESTEPS] * BATCH, zeros))
    c = there(batch.cell_state)[0]
    np.testing.assert_allclose(c, [each["c"] for each in told], atol=0.05)


def test_c_is_that_of_the_weights_and_inputs_of_its_call() -> None:
    """What the training changes afterwards must not count."""
    lstm = nn.LSTM(FEATURES, UNITS, num_layers=2)
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    zeros = [np.zeros((2, BATCH, UNITS))] * 2
    lengths = [TIMESTEPS] * BATCH
    expected = []
    with stateviz.torch.record(lstm) as recording:
        for number in range(3):
            rows = X.transpose(0, 1).numpy().copy()
            expected.append(list(rows_of(lstm, rows, lengths, zeros)))
            outputs, state = lstm(X)
            if number == 1:
                inside = there(recording["lstm/l0"].batches[1].cell_state).copy()
            with torch.no_grad():
                for each in (X, outputs, *state):
                    each.mul_(-2.0)
                for weight in lstm.parameters():
                    weight.mul_(1.5)
                lstm.weight_hh_l0.data += 0.1
    assert recording.stopped == ""
    np.testing.assert_array_equal(inside, recording["lstm/l0"].batches[1].cell_state)
    for number, told in enumerate(expected):
        for part, row, steps in told:
            c = there(recording[f"lstm/l{part}"].batches[number].cell_state)
            np.testing.assert_allclose(c[row], [each["c"] for each in steps], atol=3e-6)


def test_a_wrong_c_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*args: Any) -> Any:
        return right(*args) + 0.01

    right = stateviz.torch.deriving._c_from_gates
    monkeypatch.setattr("stateviz.torch.deriving._c_from_gates", wrong)
    lstm = nn.LSTM(1, 2)
    with pytest.warns(RecordingWarning, match="do not end in the layer's own final states"):
        with stateviz.torch.record(lstm):
            lstm(torch.ones(3, 1, 1))


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_cells_in_a_loop_are_batches_of_one_timestep(kind: str) -> None:
    cell = getattr(nn, f"{kind}Cell")(FEATURES, UNITS)
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    with stateviz.torch.record(cell, gates=True) as recording:
        state = None
        for x in X:
            state = cell(x, state)
        cell(X[0, 0])
    *batches, alone = recording[f"{kind.lower()}cell"].batches
    assert [b.origin for b in batches] == ["fresh"] + ["carried"] * (TIMESTEPS - 1)
    assert (alone.batch_size, alone.timesteps, alone.origin) == (1, 1, "fresh")
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    weights = [in_numpy(getattr(cell, name)) for name in names]
    held = [np.zeros(UNITS)] * (2 if kind == "LSTM" else 1)
    for x, batch in zip(X, batches, strict=True):
        told = step(cell, weights, in_numpy(x[2]), held)
        held = [told[name] for name in ("h", "c")[: len(held)]]
        for state_, expected in zip(batch.states, held, strict=True):
            np.testing.assert_allclose(state_.after[2, 0], expected, atol=1e-6)
        if kind == "GRU":
            assert isinstance(batch.gates, stateviz.GRUGates)
            np.testing.assert_allclose(batch.gates.update[2, 0], told["update"], atol=1e-6)


def test_a_sequence_without_a_batch_and_a_state_by_name() -> None:
    lstm = nn.LSTM(FEATURES, UNITS, batch_first=True)
    x = torch.randn(TIMESTEPS, FEATURES)
    with stateviz.torch.record(lstm) as recording:
        outputs, state = lstm(x)
        lstm(input=x, hx=state)
    one, other = recording["lstm"].batches
    np.testing.assert_array_equal(one.hidden_state[0], in_numpy(outputs).astype("f4"))
    assert one.hidden_state.shape == (1, TIMESTEPS, UNITS)
    assert (one.origin, other.origin) == ("fresh", "carried")
