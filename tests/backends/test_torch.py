"""PyTorch's recurrent modules: what is recorded is true, and nothing is harmed."""

from __future__ import annotations

import copy
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import stateviz.torch  # noqa: E402 - only where PyTorch is
from stateviz.recording import RecordingWarning  # noqa: E402
from tests.backends.torch_reference import in_numpy, rows_of, step  # noqa: E402
from tests.building.recordings import there  # noqa: E402

nn = torch.nn
rnn = torch.nn.utils.rnn
BATCH, TIMESTEPS, FEATURES, UNITS = 5, 7, 3, 4
KINDS = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batch first": {"batch_first": True},
    "no bias": {"bias": False},
    "three layers": {"num_layers": 3},
    "both directions": {"bidirectional": True},
    "two layers in both directions": {"num_layers": 2, "bidirectional": True, "batch_first": True},
    "projected": {"proj_size": 2, "num_layers": 2, "bidirectional": True},
}


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(7)


@pytest.fixture(params=[True, False], ids=["oneDNN", "without oneDNN"])
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.backends.mkldnn.flags(enabled=request.param):
        yield


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


def test_origins_say_what_was_passed() -> None:
    lstm = nn.LSTM(1, UNITS)
    X = torch.ones(TIMESTEPS, BATCH, 1)
    zeros = torch.zeros(1, BATCH, UNITS)
    with stateviz.torch.record(lstm) as recording:
        _, first = lstm(X)
        _, second = lstm(2 * X, first)
        lstm(5 * X, (zeros, zeros))
        lstm(3 * X, first)
        lstm(X, (first[0], second[1]))
        lstm(X)
    layer = recording["lstm"]
    origins = ["fresh", "carried", "reset", "carried", "given", "fresh"]
    assert [b.origin for b in layer.batches] == origins
    assert [b.came_from for b in layer.batches] == [None, 0, None, 0, None, None]
    assert layer.stateful
    assert recording.resets().state_tensors_zeroed == 3


def test_a_state_that_is_changed_in_place_is_remembered_as_it_was() -> None:
    gru = nn.GRU(1, UNITS)
    X = torch.ones(TIMESTEPS, BATCH, 1)
    with stateviz.torch.record(gru) as recording, torch.no_grad():
        outputs, state = gru(X)
        kept = recording["gru"].batches[0].hidden_state.copy()
        was = state.clone()
        state.zero_()
        outputs.zero_()
        gru(X, was)
    assert [b.origin for b in recording["gru"].batches] == ["fresh", "carried"]
    np.testing.assert_array_equal(recording["gru"].batches[0].hidden_state, kept)
    assert kept.any()


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


def test_phases_and_epochs_are_those_that_are_named() -> None:
    net = Net("LSTM", {"batch_first": True}, torch.float32)
    X = torch.randn(2, BATCH, TIMESTEPS, FEATURES)
    with stateviz.torch.record(net) as recording:
        net(X[0])
        with stateviz.torch.phase("fit"):
            for number in range(2):
                stateviz.torch.epoch(number)
                for x in X:
                    net(x)
                with stateviz.torch.phase("validation"):
                    net.eval()
                    net(X[0])
                net.train()
        with stateviz.torch.phase("predict"):
            net(X[0])
    told = [(b.phase, b.epoch, b.batch, b.training) for b in recording["rnn"].batches]
    epochs = [
        [("fit", e, 0, True), ("fit", e, 1, True), ("validation", e, 0, False)] for e in range(2)
    ]
    expected = [("call", None, None, True), *itertools.chain(*epochs), ("predict", None, 0, True)]
    assert told == expected
    with pytest.raises(ValueError, match="A phase is one of fit"):
        stateviz.torch.phase("training").__enter__()  # type: ignore[arg-type]


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


def test_the_options_keep_what_they_say() -> None:
    net = Net("LSTM", {"num_layers": 2}, torch.float32)
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    options: dict[str, Any] = {
        "layers": "rnn/l1",
        "samples": [3, 0],
        "units": [2],
        "every": 2,
        "inputs": False,
    }
    with stateviz.torch.record(net) as whole, stateviz.torch.record(net, **options) as part:
        for _ in range(3):
            net(X)
    assert part.layers == ("rnn/l1",)
    [one, other] = part["rnn/l1"].batches
    all_units = there(whole["rnn/l1"].batches[2].cell_state)
    np.testing.assert_array_equal(other.cell_state, all_units[[3, 0]][..., [2]])
    assert (one.inputs, one.units, list(one.samples)) == (None, (2,), [3, 0])
    with pytest.raises(ValueError, match="no layer 'rnn'; there are rnn/l0, rnn/l1"):
        stateviz.torch.record(net, layers="rnn").__enter__()
    with pytest.raises(TypeError, match=r"no option 'gate'\. Did you mean 'gates'"):
        stateviz.torch.record(net, gate=True)  # type: ignore[call-arg]


def test_nothing_is_left_behind() -> None:
    net = Net("GRU", {}, torch.float32)
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)

    def stopped() -> None:
        net(X)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"), stateviz.torch.record(net) as recording:
        stopped()
    net(X)
    assert len(recording["rnn"].batches) == 1
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks
    with stateviz.torch.record(net) as again:
        net(X)
    assert len(again["rnn"].batches) == 1


def test_an_error_of_our_own_never_reaches_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("stateviz.torch.block.derived", broken)
    lstm = nn.LSTM(1, 2)
    with pytest.warns(RecordingWarning, match="error of stateviz itself"):
        with stateviz.torch.record(lstm):
            outputs, _ = lstm(torch.ones(3, 1, 1))
    assert outputs.shape == (3, 1, 2)


class Doubled(nn.LSTM):  # type: ignore[misc, name-defined]
    def forward(self, *args: Any) -> Any:
        return super().forward(*args)


def test_what_cannot_be_recorded_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"Linear has no nn\.LSTM, nn\.GRU, nn\.RNN or cell"):
        stateviz.torch.record(nn.Linear(1, 1))
    with pytest.raises(ValueError, match="has a forward of its own, which is not known"):
        stateviz.torch.record(Doubled(1, 1))
    with pytest.raises(TypeError, match=r"takes a torch.nn.Module; received list"):
        stateviz.torch.record([])
    with pytest.raises(ValueError, match="compiled module calls nothing that could be seen"):
        stateviz.torch.record(torch.compile(nn.LSTM(1, 1)))
    both = nn.ModuleList([nn.LSTM(1, 1), Doubled(1, 1)])
    with pytest.warns(RecordingWarning, match="'1' is a Doubled with a forward of its own"):
        stateviz.torch.record(both)


def test_the_scenes_play_and_the_file_opens(tmp_path: Path) -> None:
    lstm = nn.LSTM(1, UNITS, batch_first=True)
    X = torch.randn(4, TIMESTEPS, 1)
    with stateviz.torch.record(lstm, gates=True) as recording:
        _, state = lstm(X)
        lstm(X, state)
    again = stateviz.load(recording.save(tmp_path / "run"))
    assert again == recording
    batches = stateviz.play_batches(recording)
    batches.frame = batches.n_frames - 1
    assert "batch" in batches.readout or "call" in batches.readout
    for player in (
        stateviz.play_sequence(recording, batch=1),
        stateviz.play_cell(recording, batch=1),
        stateviz.play_resets(recording),
        stateviz.compare(recording, again),
    ):
        assert player.n_frames > 5


def test_no_keras_is_loaded() -> None:
    program = (
        "import sys, torch, stateviz.torch\n"
        "lstm = torch.nn.LSTM(1, 2)\n"
        "with stateviz.torch.record(lstm) as recording: lstm(torch.ones(3, 1, 1))\n"
        "assert len(recording['lstm'].batches) == 1\n"
        "print({'keras', 'tensorflow', 'jax', 'matplotlib'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize("waits", [True, False], ids=["at the end", "at once"])
def test_c_is_that_of_the_weights_and_inputs_of_its_call(
    waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C is computed when it is read; what the training changes until then must not count."""
    if not waits:
        monkeypatch.setattr("stateviz.recorder.capture._MOST_LATER", 0)
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


def test_a_copy_of_a_module_and_its_file_are_those_of_the_module_alone(tmp_path: Path) -> None:
    net = Net("LSTM", {}, torch.float32)
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    torch.save(net, tmp_path / "before")
    with stateviz.torch.record(net) as recording:
        torch.save(net, tmp_path / "inside")
        again = copy.deepcopy(net)
        again(X)
        assert recording["rnn"].batches == []
        net(X)
        assert set(vars(net.rnn)) == set(vars(nn.LSTM(1, 1)))
    assert (tmp_path / "inside").stat().st_size == (tmp_path / "before").stat().st_size
    assert len(recording["rnn"].batches) == 1


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


def test_what_runs_compiled_is_named() -> None:
    net = nn.Sequential(nn.LSTM(FEATURES, UNITS))
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    expected = net(X)[0]
    compiled = torch.compile(net, backend="eager")
    with pytest.warns(RecordingWarning, match="'0' ran, but compiled or traced"):
        with stateviz.torch.record(net) as recording:
            result = compiled(X)[0]
    assert torch.equal(result, expected)
    assert len(recording["0"].batches) == 0
