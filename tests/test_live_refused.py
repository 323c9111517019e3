"""What a page cannot run is refused in one sentence that names the layer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.recorder.frameworks import keras
from tests.test_live import layers, sequential


class Own(keras.layers.LSTM):  # type: ignore[misc]
    """A layer of a user's own, which only Python can run."""


def two_inputs() -> Any:
    one, other = keras.Input((5, 3)), keras.Input((5, 3))
    return keras.Model([one, other], layers.LSTM(4)(layers.Add()([one, other])))


def twice() -> Any:
    dense, inputs = layers.Dense(3), keras.Input((5, 3))
    return keras.Model(inputs, layers.LSTM(4)(dense(dense(inputs))))


def side_way() -> Any:
    inputs = keras.Input((5, 3))
    hidden = layers.Dense(3)(inputs)
    return keras.Model(inputs, layers.Dense(1)(layers.LSTM(4)(layers.Add()([hidden, inputs]))))


def several_outputs() -> Any:
    inputs = keras.Input((5, 3))
    return keras.Model(inputs, layers.LSTM(4, return_state=True)(inputs))


def states_too() -> Any:
    inputs = keras.Input((5, 3))
    hidden = layers.LSTM(4)(inputs)
    return keras.Model(inputs, [layers.Dense(1)(hidden), hidden])


def output_from_within() -> Any:
    inputs = keras.Input((5, 3))
    hidden = layers.LSTM(4)(inputs)
    return keras.Model(inputs, [hidden, layers.Dense(1)(hidden)])


def model_in_a_model() -> Any:
    inputs = keras.Input((5, 3))
    return keras.Model(inputs, layers.Dense(1)(sequential(layers.LSTM(4))(inputs)))


class Subclass(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.lstm = layers.LSTM(4)

    def call(self, inputs: Any) -> Any:
        return self.lstm(inputs)


def subclassed() -> Any:
    model = Subclass()
    model(np.ones((1, 5, 3)))
    return model


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no recurrent layer": (lambda: sequential(layers.Dense(2)), "No layer of"),
    "masked": (lambda: sequential(layers.Masking(), layers.LSTM(4)), "Masking"),
    "mask_zero": (
        lambda: sequential(layers.Embedding(9, 2, mask_zero=True), layers.GRU(4), shape=(1, None)),
        "mask_zero=True",
    ),
    "bidirectional": (lambda: sequential(layers.Bidirectional(layers.LSTM(4))), "Bidirectional"),
    "backwards": (lambda: sequential(layers.LSTM(4, go_backwards=True)), "go_backwards=True"),
    "cells": (lambda: sequential(layers.RNN(layers.LSTMCell(4))), "(RNN)"),
    "own": (lambda: sequential(Own(4)), "(Own)"),
    "normalized": (lambda: sequential(layers.LSTM(4), layers.BatchNormalization()), "BatchNorm"),
    "activation": (lambda: sequential(layers.LSTM(4, activation="mish")), "activation='mish'"),
    "half": (lambda: sequential(layers.LSTM(4, dtype="float16")), "float16"),
    "mixed": (
        lambda: sequential(
            layers.LSTM(2, stateful=True, return_sequences=True), layers.LSTM(2), shape=(1, 5, 3)
        ),
        "Some of its recurrent layers are stateful",
    ),
    "large": (lambda: sequential(layers.LSTM(400)), "2.6 MB"),
    "two inputs": (two_inputs, "cannot|other inputs"),
    "called twice": (twice, "more than once"),
    "side way": (side_way, "other inputs"),
    "several outputs": (several_outputs, "with one output|return_state=True"),
    "states too": (states_too, "models with one output"),
    "output from within": (output_from_within, "models with one output"),
    "model in a model": (model_in_a_model, "is a model itself"),
    "between two": (
        lambda: sequential(layers.LSTM(2), layers.RepeatVector(3), layers.LSTM(2)),
        "RepeatVector",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_run_is_refused_in_words(name: str) -> None:
    make, words = REFUSED[name]
    with pytest.raises(ValueError, match=words if "|" in words else re.escape(words)):
        stateviz.live(make())


@pytest.mark.parametrize("model", ["lstm", layers.LSTM(4), None])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(TypeError, match="Expected a Keras model"):
        stateviz.live(model)


def test_a_model_of_a_users_own_class_is_refused() -> None:
    with pytest.raises(TypeError, match="Subclass has a `call`"):
        stateviz.live(subclassed())


def test_an_unbuilt_model_is_refused() -> None:
    with pytest.raises(ValueError, match="has no weights yet"):
        stateviz.live(keras.Sequential([layers.LSTM(4)]))
