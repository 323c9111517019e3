"""Ways to run a module of PyTorch that few programs use: seen once each, or said."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
import stateviz.torch  # noqa: E402
from stateviz.recording import RecordingWarning  # noqa: E402

nn = torch.nn
checkpoint = torch.utils.checkpoint.checkpoint
X = torch.randn(4, 5, 2, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):  # type: ignore[misc, name-defined]
    """An LSTM, called by a function that is given, and a linear layer on its last h."""

    def __init__(self, how: Callable[..., Any] = lambda function, x: function(x)) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.lstm = nn.LSTM(2, 3, batch_first=True)
        self.linear = nn.Linear(3, 1)
        self.how = how

    def forward(self, x: Any) -> Any:
        return self.linear(self.how(lambda read: self.lstm(read)[0], x)[:, -1])


def trained(net: Any, run: Any, *, record: bool) -> tuple[list[Any], Any]:
    """The weights after three steps, and the recording."""
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    block = stateviz.torch.record(net) if record else contextlib.nullcontext()
    with block as recording:
        for _ in range(3):
            optimizer.zero_grad()
            run(X.clone().requires_grad_()).square().sum().backward()
            optimizer.step()
    return list(net.parameters()), recording


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_the_backward_pass_computes_once_more_is_recorded_once(reentrant: bool) -> None:
    net = Net(lambda function, x: checkpoint(function, x, use_reentrant=reentrant))
    bare, other = copy.deepcopy(net), Net()
    expected, _ = trained(bare, bare, record=False)
    weights, recording = trained(net, net, record=True)
    assert all(map(torch.equal, weights, expected))
    _, plain = trained(other, other, record=True)
    assert len(recording["lstm"].batches) == len(plain["lstm"].batches) == 3


def test_what_torch_compile_gave_is_recorded_as_what_it_was_given() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(Net(), backend="eager")
    with stateviz.torch.record(compiled) as recording:
        compiled(X)
    assert len(recording["lstm"].batches) == 1


@pytest.mark.parametrize("before", [False, True])
def test_what_dynamo_leaves_in_eager_mode_is_recorded(before: bool) -> None:
    def ends(*, record: bool) -> tuple[list[Any], Any]:
        torch._dynamo.reset()
        net = Net()
        compiled = torch.compile(net, backend="eager")
        if before:
            compiled(X)
        return trained(net, compiled, record=record)

    expected, _ = ends(record=False)
    weights, recording = ends(record=True)
    assert all(map(torch.equal, weights, expected))
    assert len(recording["lstm"].batches) == 3


def test_what_was_compiled_whole_before_the_block_is_said() -> None:
    torch._dynamo.reset()
    with torch._dynamo.config.patch(allow_rnn=True):
        net = Net()
        compiled = torch.compile(net, backend="eager")
        compiled(X)
        with pytest.warns(RecordingWarning, match="Nothing was recorded.*compiled whole before"):
            with stateviz.torch.record(net):
                compiled(X)


def test_a_forward_called_by_its_name_is_said() -> None:
    lstm = nn.LSTM(2, 3)
    with pytest.warns(RecordingWarning, match=r"Nothing was recorded.*write lstm\(x\)"):
        with stateviz.torch.record(lstm):
            lstm.forward(X)


@pytest.mark.parametrize("transform", [torch.func.grad, torch.func.jacrev])
def test_a_transform_is_said_and_what_is_around_it_recorded(transform: Any) -> None:
    net = Net()
    expected = transform(lambda x: net(x).sum())(X)
    with pytest.warns(RecordingWarning, match="'lstm' ran, but where its tensors hold no numbers"):
        with stateviz.torch.record(net) as recording:
            found = [net(X), transform(lambda x: net(x).sum())(X), net(2 * X)][1]
    assert torch.equal(found, expected)
    assert [batch.inputs[0, 0, 0] for batch in recording["lstm"].batches] == [  # type: ignore[index]
        X[0, 0, 0],
        2 * X[0, 0, 0],
    ]


def test_a_module_without_storage_is_said() -> None:
    lstm = nn.LSTM(2, 3, device="meta")
    with pytest.warns(RecordingWarning, match='hold no numbers.*device "meta"'):
        with stateviz.torch.record(lstm):
            lstm(X.to("meta"))


def test_an_error_of_ours_is_still_told_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stateviz.torch.block.derived", lambda *_, **__: 1 / 0)
    lstm = nn.LSTM(2, 3)
    with pytest.warns(RecordingWarning, match="an error of stateviz itself"):
        with stateviz.torch.record(lstm):
            lstm(X)


def test_a_phase_that_was_named_before_the_block_is_known_in_it() -> None:
    net = Net()
    with stateviz.torch.phase("fit"):
        stateviz.torch.epoch(2)
        with stateviz.torch.record(net) as recording:
            net(X)
            with stateviz.torch.phase("validation"):
                net(X)
            net(X)
        net(X)
    with stateviz.torch.record(net) as after:
        net(X)
    seen = [(batch.phase, batch.epoch) for batch in recording["lstm"].batches]
    assert seen == [("fit", 2), ("validation", 2), ("fit", 2)]
    assert after["lstm"].batches[0].phase == "call"


def test_a_fit_knows_no_epoch_of_an_earlier_one() -> None:
    net = Net()
    with stateviz.torch.phase("fit"):
        stateviz.torch.epoch(5)
    with stateviz.torch.phase("fit"), stateviz.torch.record(net) as recording:
        net(X)
    assert recording["lstm"].batches[0].epoch is None


def test_a_quantized_module_says_what_to_record() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = torch.ao.quantization.quantize_dynamic(Net(), {nn.LSTM}, dtype=torch.qint8)
    with pytest.raises(ValueError, match="it is quantized: record the module that was quantized"):
        with stateviz.torch.record(net):
            pass
