"""What students write for the tasks: right ones in many words, and wrong ones of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import stateviz


class AtBegin(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        for layer in self.model.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()


class AtEnd(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        stateviz.reset_state(self.model)


class AtBatch(keras.callbacks.Callback):  # type: ignore[misc]
    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        stateviz.reset_state(self.model)


class Misspelled(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_start(self, epoch: int) -> None:
        stateviz.reset_state(self.model)


def fitted(
    batch_size: int,
    *,
    epochs: int = 1,
    samples: int = 1000,
    stateful: bool = False,
    method: str = "fit",
    layers: int = 1,
) -> Any:
    shape = (batch_size if stateful else None, 2, 1)
    stack = [
        keras.layers.SimpleRNN(1, stateful=stateful, return_sequences=place < layers - 1)
        for place in range(layers)
    ]
    model = keras.Sequential([keras.Input(batch_shape=shape), *stack])
    model.compile("sgd", "mse", jit_compile=False)
    with stateviz.record(model) as recording:
        X = np.zeros((samples, 2, 1))
        if method == "fit":
            model.fit(X, X[:, 0], batch_size=batch_size, epochs=epochs, verbose=0)
        else:
            model.predict(X, batch_size=batch_size, verbose=0)
    return recording


def assign(model: Any, change: Callable[[np.ndarray], np.ndarray], which: slice) -> None:
    for state in model.get_layer("lstm").states[which]:
        state.assign(change(keras.ops.convert_to_numpy(state)))


def without_row_3(state: np.ndarray) -> np.ndarray:
    kept: np.ndarray = state * np.array([[1.0], [1], [1], [0]])
    return kept


def by_lanes(series: np.ndarray, lanes: int, timesteps: int) -> np.ndarray:
    parts = series.reshape(lanes, -1)
    batches = np.split(parts, parts.shape[1] // timesteps, axis=1)
    joined: np.ndarray = np.concatenate(batches)[..., np.newaxis]
    return joined


def by_transposing(series: np.ndarray, lanes: int, timesteps: int) -> np.ndarray:
    cut = series.reshape(lanes, -1, timesteps)
    turned: np.ndarray = cut.transpose(1, 0, 2).reshape(-1, timesteps, 1)
    return turned


def by_a_second_model(model: Any, sample: np.ndarray) -> Any:
    single = keras.Sequential([keras.Input(batch_shape=(1, 3, 1)), _like(model)])
    single.set_weights(model.get_weights())
    return single.predict(sample, verbose=0)


def _like(model: Any) -> Any:
    return keras.layers.LSTM.from_config(model.get_layer("lstm").get_config())


def by_32_copies(model: Any, sample: np.ndarray) -> Any:
    stateviz.reset_state(model)
    return model.predict(np.repeat(sample, 32, axis=0), batch_size=32, verbose=0)[:1]


def fit_with(**options: Any) -> Callable[[Any, np.ndarray, np.ndarray], None]:
    def train(model: Any, X: np.ndarray, y: np.ndarray) -> None:
        chosen: dict[str, Any] = {
            "shuffle": False,
            "validation_split": 0.25,
            "callbacks": [stateviz.ResetStates()],
            "samples": 8,
            "epochs": 2,
            **options,
        }
        kept = chosen.pop("samples")
        model.fit(X[:kept], y[:kept], batch_size=2, verbose=0, **chosen)

    return train


class AlsoBeforeTests(AtBegin):
    def on_test_begin(self, logs: Any = None) -> None:
        stateviz.reset_state(self.model)


class OnlyTests(AlsoBeforeTests):
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Training goes on with what is there."""


def by_initial_state(layer: Any, first: Any, second: Any) -> Any:
    _, h, c = layer(first)
    return layer(second, initial_state=[h, c])[-1]


def by_joining(layer: Any, first: Any, second: Any) -> Any:
    return layer(keras.ops.concatenate([first, second], axis=1))[-1]


def by_plain_numbers(layer: Any, first: Any, second: Any) -> Any:
    _, h, c = layer(first)
    return layer(second, initial_state=[keras.ops.array(h.numpy()), keras.ops.array(c.numpy())])[-1]


def stepping(*, begin: bool = True, between: bool = False) -> Callable[[Any, np.ndarray], float]:
    def answer(model: Any, numbers: np.ndarray) -> Any:
        if begin:
            stateviz.reset_state(model)
        for number in numbers:
            if between:
                model.get_layer("lstm").reset_state()
            said = model.predict(np.full((1, 1, 1), number), verbose=0)
        return said

    return answer


def masked_with(*values: float, after: bool = False, layers: int = 1) -> Callable[[], Any]:
    def build() -> Any:
        masks = [keras.layers.Masking(value) for value in values]
        lstms = [keras.layers.LSTM(2, return_sequences=True) for _ in range(layers)]
        order = [*lstms, *masks] if after else [*masks, *lstms]
        return keras.Sequential([keras.Input((None, 1)), *order])

    return build


def masked_and(layer: Any) -> Callable[[], Any]:
    return lambda: keras.Sequential([keras.Input((None, 1)), keras.layers.Masking(-1.0), layer])


def masked_by_hand() -> Any:
    x = keras.Input((None, 1))
    states = keras.layers.LSTM(2)(x, mask=x[..., 0] != -1)
    return keras.Model(x, states)


class BeforeTraining(keras.callbacks.Callback):  # type: ignore[misc]
    def on_train_begin(self, logs: Any = None) -> None:
        stateviz.reset_state(self.model)


class OnlyH(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        h, _ = self.model.get_layer("lstm").states
        h.assign(np.zeros(h.shape))


class OfTheModel(keras.callbacks.Callback):  # type: ignore[misc]
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.reset_states()


class Empty(stateviz.ResetStates):
    """Writes nothing of its own."""


def batch_after_batch(model: Any, X: np.ndarray, y: np.ndarray) -> None:
    """The loop that fit is, written out."""
    for _ in range(2):
        stateviz.reset_state(model)
        for start in (0, 2, 4):
            model.train_on_batch(X[start : start + 2], y[start : start + 2])
        stateviz.reset_state(model)
        model.evaluate(X[6:8], y[6:8], batch_size=2, verbose=0)


def without_resets(model: Any, X: np.ndarray, y: np.ndarray) -> None:
    for _ in range(2):
        for start in (0, 2, 4, 6):
            model.train_on_batch(X[start : start + 2], y[start : start + 2])
    stateviz.reset_state(model)
    model.evaluate(X[:2], y[:2], batch_size=2, verbose=0)


def handed(*places: int | None, result: int = 2) -> Callable[[Any, Any, Any], Any]:
    """Hands over what the first part returned at these places, zeros where there is none."""

    def end(layer: Any, first: Any, second: Any) -> Any:
        found = layer(first)
        zeros = keras.ops.zeros_like(found[2])
        state = [zeros if place is None else found[place] for place in places]
        return layer(second, initial_state=state)[result]

    return end


def by_a_loop(layer: Any, first: Any, second: Any) -> Any:
    state = None
    for t in range(first.shape[1]):
        _, *state = layer(first[:, t : t + 1], initial_state=state)
    return layer(second, initial_state=state)[-1]


def by_masks(*keep: int) -> Callable[[], Any]:
    """A model whose mask keeps these timesteps, whatever is in the data."""

    def build() -> Any:
        x = keras.Input((5, 1))
        mask = keras.ops.any(keras.ops.equal(keras.ops.arange(5)[:, None], list(keep)), -1)
        everywhere = keras.ops.logical_and(x[..., 0] > -99, mask)
        return keras.Model(x, keras.layers.LSTM(2)(x, mask=everywhere))

    return build


def one_call(model: Any, numbers: np.ndarray) -> Any:
    stateviz.reset_state(model)
    return model.predict(np.full((1, 1, 1), numbers.sum()), verbose=0)


def all_outputs(model: Any, numbers: np.ndarray) -> Any:
    stateviz.reset_state(model)
    return [model.predict(np.full((1, 1, 1), each), verbose=0)[0, 0] for each in numbers]


def stopping_early(model: Any, numbers: np.ndarray) -> Any:
    stateviz.reset_state(model)
    return model.predict(np.full((1, 1, 1), numbers[0]), verbose=0)


def by_predict_on_batch(model: Any, numbers: np.ndarray) -> Any:
    model.get_layer("lstm").reset_state()
    outputs = [model.predict_on_batch(each.reshape(1, 1, 1)) for each in numbers]
    return outputs[-1]


def by_calling_it(model: Any, numbers: np.ndarray) -> Any:
    stateviz.reset_state(model)
    for each in numbers:
        last = model(np.full((1, 1, 1), each))
    return float(last[0, 0])


def by_a_loop_of_windows(series: np.ndarray, lanes: int, timesteps: int) -> np.ndarray:
    length = len(series) // lanes
    rows = [
        series[lane * length + start : lane * length + start + timesteps]
        for start in range(0, length, timesteps)
        for lane in range(lanes)
    ]
    return np.array(rows)[..., None]


def kept_and_put_back(model: Any, sample: np.ndarray) -> Any:
    single = stateviz.twin(model, batch_size=1)
    stateviz.reset_state(single)
    return float(single(sample)[0, 0])


def row_by_row(model: Any) -> None:
    for state in model.layers[0].states:
        value = state.numpy()
        value[3] = 0
        state.assign(value)


def by_where(model: Any) -> None:
    rows = np.arange(4)[:, None]
    for state in stateviz_states(model):
        state.assign(keras.ops.where(rows == 3, 0.0, state))


def stateviz_states(model: Any) -> Any:
    return model.get_layer("lstm").states


def in_another_order(series: np.ndarray, lanes: int, timesteps: int) -> np.ndarray:
    return by_lanes(np.concatenate(np.split(series, lanes)[::-1]), lanes, timesteps)


def masked_by_a_layer() -> Any:
    """-1 stands for padding, and 0 for a word."""
    x = keras.Input((None, 1))
    return keras.Model(x, keras.layers.LSTM(2)(keras.layers.Masking(mask_value=-1)(x)))
