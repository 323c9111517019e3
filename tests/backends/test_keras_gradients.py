"""Gradients with Keras on PyTorch, and their refusal on JAX."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import stateviz

BACKEND = keras.backend.backend()
on_torch = pytest.mark.skipif(BACKEND != "torch", reason="PyTorch alone has them")
UNITS, STEPS = 3, 5
X = np.random.default_rng(0).normal(size=(8, STEPS, 2)).astype("float32")
Y = X[:, 0, :1]
OWN = {"use_cudnn": False}
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "LSTM": (keras.layers.LSTM, OWN),
    "LSTM, stateful": (keras.layers.LSTM, OWN | {"stateful": True}),
    "LSTM, sequences": (keras.layers.LSTM, OWN | {"return_sequences": True}),
    "GRU": (keras.layers.GRU, OWN),
    "SimpleRNN": (keras.layers.SimpleRNN, {}),
}


def a_model(name: str) -> Any:
    keras.utils.set_random_seed(3)
    kind, options = KINDS[name]
    layers = [kind(UNITS, name="rnn", **options), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((STEPS, 2), batch_size=4), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


@on_torch
@pytest.mark.parametrize("name", KINDS)
def test_they_are_those_of_the_cell_stepped_by_hand(name: str) -> None:
    import torch

    model = a_model(name)
    weights = model.get_weights()
    with stateviz.record(model, gradients=True) as recording:
        model.train_on_batch(X[:4], Y[:4])
    [batch] = recording["rnn"].batches
    model.set_weights(weights)
    rnn, flatten, dense = model.layers
    begin = [torch.tensor(s.initial, requires_grad=True) for s in batch.states]
    states: list[Any] = begin
    after, outputs = [], []
    for t in range(STEPS):
        output, states = rnn.cell(torch.tensor(X[:4, t]), states)
        for state in states:
            state.retain_grad()
        after.append(states)
        outputs.append(output)
    read = torch.stack(outputs, 1) if rnn.return_sequences else outputs[-1]
    ((dense(flatten(read)) - torch.tensor(Y[:4])) ** 2).mean().backward()
    found = batch.gradients
    assert found is not None
    for place, kind in enumerate(("hidden", "cell")[: len(begin)]):
        expected = torch.stack([each[place].grad for each in after], 1).numpy()
        assert np.abs(getattr(found, f"{kind}_state") - expected).max() <= 1e-6
        border = begin[place].grad.numpy()
        assert np.abs(getattr(found, f"initial_{kind}_state") - border).max() <= 1e-6
        assert np.abs(expected).max() > 1e-3


@on_torch
@pytest.mark.parametrize("name", KINDS)
def test_a_fit_stays_bit_for_bit_the_same(name: str) -> None:
    def trained(*, recorded: bool) -> list[bytes]:
        model = a_model(name)
        options = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
        if recorded:
            with stateviz.record(model, gates=True, gradients=True) as recording:
                model.fit(X, Y, **options)
            assert [b.gradients is not None for b in recording["rnn"].batches] == [True] * 4
        else:
            model.fit(X, Y, **options)
        return [w.tobytes() for w in model.get_weights()]

    assert trained(recorded=True) == trained(recorded=False)


@pytest.mark.skipif(BACKEND != "jax", reason="it is JAX that is refused")
def test_on_jax_they_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"runs on JAX.*KERAS_BACKEND=tensorflow"):
        with stateviz.record(a_model("LSTM"), gradients=True):
            pass


@on_torch
def test_a_fused_loop_is_refused_in_words() -> None:
    model = keras.Sequential([keras.Input((STEPS, 2)), keras.layers.LSTM(3)])
    with pytest.raises(ValueError, match="use_cudnn=False"):
        with stateviz.record(model, gradients=True):
            pass
