"""What stateviz.torch.record takes, keeps, refuses and leaves behind."""

from __future__ import annotations

import copy
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
import stateviz.torch  # noqa: E402
from stateviz.recording import RecordingWarning  # noqa: E402
from tests.backends.torch_modules import (  # noqa: E402
    BATCH,
    FEATURES,
    TIMESTEPS,
    UNITS,
    Net,
)
from tests.building.recordings import there  # noqa: E402

nn = torch.nn
rnn = torch.nn.utils.rnn


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
    with pytest.raises(ValueError, match="must be one of fit"):
        stateviz.torch.phase("training").__enter__()  # type: ignore[arg-type]


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
    with stateviz.torch.record(net, layers="rnn") as both:
        assert both.layers == ("rnn/l0", "rnn/l1")
    with pytest.raises(ValueError, match=r"no recurrent layer 'rn'.*Known: 'rnn/l0', 'rnn/l1'"):
        stateviz.torch.record(net, layers="rn").__enter__()
    with pytest.raises(TypeError, match="unexpected keyword argument 'gate'"):
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
        stateviz.torch.record(nn.Linear(1, 1)).__enter__()
    with pytest.raises(ValueError, match="has a forward of its own, which is not known"):
        stateviz.torch.record(Doubled(1, 1)).__enter__()
    with pytest.raises(TypeError, match=r"Expected a torch.nn.Module; got list"):
        stateviz.torch.record([]).__enter__()
    with pytest.raises(ValueError, match=r"record and run what torch\.jit\.script"):
        stateviz.torch.record(torch.jit.script(nn.LSTM(1, 1))).__enter__()
    both = nn.ModuleList([nn.LSTM(1, 1), Doubled(1, 1)])
    with pytest.warns(RecordingWarning, match="'1' is a Doubled with a forward of its own"):
        stateviz.torch.record(both).__enter__()


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


def test_what_is_traced_is_named() -> None:
    net = nn.Sequential(nn.LSTM(FEATURES, UNITS))
    X = torch.randn(TIMESTEPS, BATCH, FEATURES)
    expected = net(X)[0]
    with pytest.warns(RecordingWarning, match="'0' ran, but compiled or traced"):
        with stateviz.torch.record(net) as recording:
            exported = torch.export.export(net, (X,))
    assert torch.equal(exported.module()(X)[0], expected)
    assert len(recording["0"].batches) == 0


def test_a_projected_state_is_kept_and_played_without_gates_that_are_not_its_own(
    tmp_path: Path,
) -> None:
    lstm = nn.LSTM(1, UNITS, proj_size=2)
    with stateviz.torch.record(lstm, gates=True) as recording:
        lstm(torch.randn(TIMESTEPS, BATCH, 1))
    assert stateviz.load(recording.save(tmp_path / "run")) == recording
    player = stateviz.play_sequence(recording)
    player.frame = player.n_frames - 1
    assert "c =" in player.readout
    with pytest.raises(ValueError, match=r"projects what its gates let out.*proj_size"):
        stateviz.play_cell(recording)


def repeat(times: int, module: Any, X: Any) -> None:
    for _ in range(times):
        module(X)


def test_no_c_is_derived_for_a_batch_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    derived = []
    own = stateviz.torch.deriving._c_from_gates

    def counting(part: Any) -> Any:
        derived.append(part)
        return own(part)

    monkeypatch.setattr("stateviz.torch.deriving._c_from_gates", counting)
    lstm = nn.LSTM(1, UNITS)
    X = torch.randn(TIMESTEPS, BATCH, 1)
    with stateviz.torch.record(lstm, every=3) as every:
        repeat(7, lstm, X)
    assert len(derived) == len(every["lstm"].batches) == 3
    with (
        pytest.warns(RecordingWarning, match="memory bound"),
        stateviz.torch.record(lstm, max_bytes=2000) as bounded,
    ):
        repeat(7, lstm, X)
    # One more to see that the second has no room.
    assert len(derived) - 3 == len(bounded["lstm"].batches) + 1 == 2


def test_after_an_error_of_our_own_nothing_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def broken(*_: Any, **__: Any) -> Any:
        tried.append(1)
        raise ZeroDivisionError

    monkeypatch.setattr("stateviz.torch.block.derived", broken)
    lstm = nn.LSTM(1, 2)
    with (
        pytest.warns(RecordingWarning, match="error of stateviz itself"),
        stateviz.torch.record(lstm) as recording,
    ):
        repeat(3, lstm, torch.ones(3, 1, 1))
    assert len(tried) == [each.kind for each in recording.events].count("recording stopped") == 1
