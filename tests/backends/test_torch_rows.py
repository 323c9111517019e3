"""Where each row's state came from, in generated programs of PyTorch, against a ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.rows import ZEROS, Ledger, Row

torch = pytest.importorskip("torch")
import stateviz.torch  # noqa: E402 - only where PyTorch is

nn, Tensor = torch.nn, torch.Tensor

ROWS, UNITS, STEPS, FEATURES = 5, 3, 4, 2
MODULES: dict[str, Callable[[], Any]] = {
    "LSTM": lambda: nn.LSTM(FEATURES, UNITS),
    "GRU": lambda: nn.GRU(FEATURES, UNITS),
    "GRUCell": lambda: nn.GRUCell(FEATURES, UNITS),
    "LSTMCell": lambda: nn.LSTMCell(FEATURES, UNITS),
}


class Handed:
    """The state that a loop hands on, and where its rows come from."""

    def __init__(self, states: list[Any], rows: list[Row]) -> None:
        self.states, self.rows = states, rows

    def change(self, random: np.random.Generator, ledger: Ledger) -> None:
        kind = random.integers(4)
        if kind == 0:  # the loop of a recurrent policy
            done = torch.tensor(random.integers(0, 2, (ROWS, 1)), dtype=torch.float32)
            self.states = [state * (1 - done) for state in self.states]
            self.rows = [ZEROS if d else r for d, r in zip(done[:, 0], self.rows, strict=True)]
        elif kind == 1:  # a beam search
            order = random.integers(0, ROWS, ROWS)
            self.states = [state[order] for state in self.states]
            self.rows = [self.rows[row] for row in order]
        elif kind == 2:
            for row in np.flatnonzero(random.integers(0, 2, ROWS)):
                self.rows[row], of_row = ledger.some_row(random, UNITS)
                self.states = [state.clone() for state in self.states]
                for state, one in zip(self.states, of_row, strict=True):
                    state[row] = torch.as_tensor(one)
        elif random.integers(2):
            self.states = [state.detach() for state in self.states]


def called(module: Any, X: Any, states: list[Any] | None) -> list[Any]:
    """The final states of a call, shape (rows, units) each."""
    is_cell = isinstance(module, nn.RNNCellBase)
    passed: Any = None
    if states is not None:
        shaped = states if is_cell else [state[None] for state in states]
        passed = shaped[0] if len(shaped) == 1 else tuple(shaped)
    returned = module(X[0] if is_cell else X, passed)
    ends = returned if is_cell else returned[1]
    ends = [ends] if isinstance(ends, Tensor) else list(ends)
    return ends if is_cell else [each[0] for each in ends]


@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize("seed", range(25))
def test_states_that_a_loop_hands_on(kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    net = nn.ModuleDict({"one": MODULES[kind](), "other": MODULES[kind]()})
    ledger = Ledger()
    handed: dict[str, Handed | None] = {"one": None, "other": None}
    with stateviz.torch.record(net) as recording:
        for _ in range(10):
            name = str(random.choice(["one", "other"]))
            own = handed[name]
            if not random.integers(4):  # what the other had left is handed over, as to a decoder
                own = handed["other" if name == "one" else "one"]
            X = torch.as_tensor(random.normal(size=(STEPS, ROWS, FEATURES)).astype("f"))
            if own is None or not random.integers(6):
                ledger.began(name, ["fresh"] * ROWS, [ZEROS] * ROWS)
                states = called(net[name], X, None)
            else:
                words = [
                    "reset" if row == ZEROS else "carried" if row[0] == name else "given"
                    for row in own.rows
                ]
                ledger.began(name, words, own.rows)
                states = called(net[name], X, own.states)
            left = [state.detach().numpy().copy() for state in states]
            handed[name] = after = Handed(states, ledger.ended(name, left))
            with torch.no_grad():
                for weight in net.parameters():
                    weight.mul_(1.01)
            if random.integers(2):
                after.change(random, ledger)
    for name in ledger.expected:
        ledger.compare(recording[name])


def test_the_tensor_that_was_handed_over_tells_equal_states_apart() -> None:
    lstm = nn.LSTM(FEATURES, UNITS)
    X = torch.randn(STEPS, ROWS, FEATURES)
    with stateviz.torch.record(lstm) as recording:
        _, first = lstm(X)
        _, second = lstm(X)  # ends with the same bits
        lstm(X, first)
        lstm(X, tuple(each.flip(1).flip(1) for each in second))  # another tensor of these bits
    *_, of_first, of_either = recording["lstm"].batches
    assert [(each.batch, each.certain) for each in of_first.sources if each] == [(0, True)] * ROWS
    assert {each.certain for each in of_either.sources if each} == {False}
    assert of_either.came_from is None
    assert of_either.origin == "carried"
