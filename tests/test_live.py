"""A model that runs in the page holds what Keras holds, or says that it cannot run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stateviz
from stateviz.in_page.chain import as_text
from stateviz.recorder.frameworks import keras
from tools.course_environment import REPOSITORY

layers = keras.layers
MODULES = REPOSITORY / "stateviz" / "in_page" / "page"
BOUND = 1e-5  # the page's own is ten times as large
RNG = np.random.default_rng(7)


def in_node(jobs: list[dict[str, Any]], folder: Path = MODULES) -> list[Any]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("There is no Node on this machine, so the page's code cannot run.")
    run = subprocess.run(
        [node, str(REPOSITORY / "tests" / "page" / "run_live.js"), str(folder)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    results: list[Any] = json.loads(run.stdout)
    return results


def sequential(*made: Any, shape: tuple[Any, ...] = (None, None, 3), dtype: str = "float32") -> Any:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input(batch_shape=shape, dtype=dtype), *made])
    # Biases begin at zero, where a wrong one is not seen.
    model.set_weights([RNG.normal(scale=0.5, size=w.shape) for w in model.get_weights()])
    return model


def functional() -> Any:
    inputs = keras.Input((7, 3))
    hidden = layers.Dropout(0.5)(layers.GRU(4, return_sequences=True)(inputs))
    model = keras.Model(inputs, layers.Dense(2, "softmax")(layers.LSTM(5)(hidden)))
    model.set_weights([RNG.normal(scale=0.5, size=w.shape) for w in model.get_weights()])
    return model


def nested() -> Any:
    inner = sequential(layers.LSTM(4, return_sequences=True), layers.SimpleRNN(3))
    return sequential(inner, layers.Dense(1, "sigmoid"))


RUNS: dict[str, Callable[[], Any]] = {
    "LSTM": lambda: sequential(layers.LSTM(5, return_sequences=True)),
    "last output": lambda: sequential(layers.LSTM(5), layers.Dense(2)),
    "stateful": lambda: sequential(layers.LSTM(5, stateful=True), shape=(4, 6, 3)),
    "no bias": lambda: sequential(layers.LSTM(5, use_bias=False), layers.Dense(2, use_bias=False)),
    "GRU": lambda: sequential(layers.GRU(5), layers.Dense(2, "tanh")),
    "GRU, reset before": lambda: sequential(layers.GRU(5, reset_after=False)),
    "GRU without bias": lambda: sequential(layers.GRU(5, use_bias=False)),
    "SimpleRNN": lambda: sequential(layers.SimpleRNN(5, return_sequences=True)),
    "SimpleRNN, no bias": lambda: sequential(layers.SimpleRNN(5, use_bias=False, activation="elu")),
    "one unit": lambda: sequential(layers.LSTM(1), shape=(None, None, 1)),
    "activations": lambda: sequential(
        layers.LSTM(4, activation="softsign", recurrent_activation="sigmoid"),
        layers.Dense(3, "relu"),
        layers.Activation("softplus"),
        layers.Dense(3, "silu"),
        layers.Activation("softmax"),
    ),
    "stack": lambda: sequential(
        layers.LSTM(4, return_sequences=True),
        layers.SpatialDropout1D(0.3),
        layers.GRU(3, return_sequences=True),
        layers.TimeDistributed(layers.Dense(2)),
    ),
    "functional": functional,
    "nested": nested,
    "tokens": lambda: sequential(
        layers.Embedding(11, 4), layers.LSTM(6), layers.Dense(11, "softmax"), shape=(None, None)
    ),
}


@cache
def every_content() -> dict[str, dict[str, Any]]:
    return {name: stateviz.live(make())._content for name, make in RUNS.items()}


@pytest.mark.node
def test_the_page_holds_what_keras_held() -> None:
    contents = every_content()
    found = in_node([{"work": "agreement", "content": each} for each in contents.values()])
    apart = [max(each[at] for at in ("h", "c", "output")) for each in found]
    far = dict(zip(contents, apart, strict=True))
    assert {name: most for name, most in far.items() if not most < BOUND} == {}
    assert all(each["timesteps"] == 60 and each["h"] > 0 for each in found)


BREAKS = {
    "forget gate": ("gate(z[U + u]) * c[u]", "gate(z[u]) * c[u]"),
    "input gate": ("gate(z[u]) * act(z[2 * U + u])", "gate(z[3 * U + u]) * act(z[2 * U + u])"),
    "output gate": ("gate(z[3 * U + u]) * act(memory", "gate(z[U + u]) * act(memory"),
    "bias": ("if (bias) z.set(bias.subarray(0, z.length));", ""),
    "GRU's second bias": ("if (bias && reset_after)", "if (false)"),
    "GRU's reset gate": ("(reset_after ? reset[u] : 1)", "1"),
    "reset before": ("part * h[k]", "h[k]"),
    "update gate": ("update * was + (1 - update)", "(1 - update) * was + update"),
    "embedding": ("x[0] * units, (x[0] + 1)", "0, 1"),
    "state kept": ("? ends[k - B]", "? ends[k - 1]"),
    "never carried": ("stateful && batch > 0", "stateful && batch > 1"),
}


@pytest.mark.node
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_step_is_measured(name: str, tmp_path: Path) -> None:
    old, new = BREAKS[name]
    modules = Path(shutil.copytree(MODULES, tmp_path / "in_page" / "page"))
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    [path] = [each for each in modules.glob("*.js") if old in each.read_text(encoding="utf-8")]
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    jobs = [{"work": "agreement", "content": each} for each in every_content().values()]
    found = in_node(jobs, modules)
    apart = [each[at] for each in found for at in ("h", "c", "output")]
    assert None in apart or max(apart) > 1e-3  # JSON has no infinity


@pytest.mark.node
@pytest.mark.parametrize("stateful", [False, True])
@pytest.mark.parametrize(("T", "B", "reset"), [(1, 1, 4), (5, 1, 3), (4, 2, 1), (3, 3, 2)])
def test_windows_go_where_keras_puts_rows(T: int, B: int, reset: int, stateful: bool) -> None:
    model = sequential(layers.LSTM(4, name="lstm"), layers.Dense(1), shape=(None, T, 3))
    batches = 5
    series = RNG.normal(size=(batches * B * T, 3)).astype(np.float32)
    X = series.reshape(batches * B, T, 3)
    copy = stateviz.twin(model, batch_size=B, stateful=stateful)
    with stateviz.record(copy) as recording:
        copy.predict(X[: reset * B], batch_size=B, verbose=0)
        if stateful:
            stateviz.reset_state(copy)
        copy.predict(X[reset * B :], batch_size=B, verbose=0)
    content = stateviz.live(model)._content
    cut = {"T": T, "B": B, "stateful": stateful, "resets": [reset]}
    [found] = in_node(
        [{"work": "read", "content": content, "inputs": as_text(series), "width": 3, **cut}]
    )
    batch_records = recording["lstm"].batches
    h = np.concatenate([batch.hidden_state for batch in batch_records]).reshape(-1, 4)
    np.testing.assert_allclose(found["h"], h, atol=BOUND)
    assert found["origins"] == [batch.origin for batch in batch_records for _ in range(B)]
    carried = [row for row, origin in enumerate(found["origins"]) if origin == "carried"]
    assert [found["sources"][row] for row in carried] == [row - B for row in carried]


@pytest.mark.node
@pytest.mark.parametrize("stateful", [False, True])
def test_a_fit_in_the_page_goes_keras_way(stateful: bool) -> None:
    X = RNG.normal(size=(40, 6, 2)).astype(np.float32)
    y = X.sum((1, 2))[:, None] / 4
    lstm = layers.LSTM(5, stateful=stateful)
    model = sequential(lstm, layers.Dense(1), shape=(8, 6, 2))
    content = stateviz.live(model, X, y)._content
    weights = [as_text(weight) for weight in model.get_weights()]
    model.compile("adam", "mse", jit_compile=False)
    history = model.fit(X, y, batch_size=8, epochs=20, shuffle=False, verbose=0).history
    job = {"content": content, "weights": weights, "stateful": stateful, "epochs": 20}
    far, found = in_node(
        [{"work": "fit", "content": content}, {"work": "epochs", **job, "B": 8, "T": 6}]
    )
    assert far < BOUND
    np.testing.assert_allclose(found["losses"], history["loss"], rtol=1e-4)
    for mine, weight in zip(found["weights"], model.get_weights(), strict=True):
        np.testing.assert_allclose(np.reshape(mine, weight.shape), weight, atol=1e-4)


@pytest.mark.node
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(1 - f)", "f"),
        ("dc[at] *= f", "dc[at] *= i"),
        ("addOuter(dR,", "addOuter(dK,"),
        ("Math.sqrt(1 - TWO ** n)", "1"),
        ("dBias[j] += dz[j]", "dBias[j] -= dz[j]"),
    ],
)
def test_a_broken_fit_is_measured(old: str, new: str, tmp_path: Path) -> None:
    modules = Path(shutil.copytree(MODULES, tmp_path / "in_page" / "page"))
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    text = (modules / "fit.js").read_text(encoding="utf-8")
    assert old in text
    (modules / "fit.js").write_text(text.replace(old, new), encoding="utf-8")
    model = sequential(layers.LSTM(5), layers.Dense(1), shape=(8, 6, 2))
    content = stateviz.live(model, RNG.normal(size=(24, 6, 2)), RNG.normal(size=24))._content
    [far] = in_node([{"work": "fit", "content": content}], modules)
    assert far is None or far > 1e-4


def held(state: Any) -> np.ndarray:
    return np.copy(keras.ops.convert_to_numpy(state))


def test_the_model_is_left_as_it_was() -> None:
    lstm = layers.LSTM(4, stateful=True)
    model = sequential(lstm, layers.Dense(1), shape=(2, 5, 3))
    model.compile("sgd", "mse")
    X = RNG.normal(size=(4, 5, 3)).astype(np.float32)
    model.predict(X, batch_size=2, verbose=0)
    before = [*model.get_weights(), *map(held, lstm.states)]
    stateviz.live(model, X)
    stateviz.live(model, X, X[:, 0, 0])
    after = [*model.get_weights(), *map(held, lstm.states)]
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    if keras.backend.backend() != "jax":  # there `predict` leaves none
        assert any(np.any(state) for state in after[-2:])


def letters(**options: Any) -> Any:
    model = sequential(
        layers.LSTM(4, return_sequences=True), layers.Dense(3, "softmax"), shape=(1, 8, 3)
    )
    return stateviz.live(model, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vocabulary": "ab"}, "knows 3 tokens; `vocabulary` has 2"),
        ({"vocabulary": "aba"}, "twice"),
        ({"vocabulary": "abc", "data": "abd"}, "'d' is not in `vocabulary`"),
        ({"vocabulary": "abc", "data": [0, 3]}, "from 0 to 2"),
        ({"vocabulary": "abc", "data": np.eye(3)}, "not the one-hot rows"),
        ({"vocabulary": "abc", "data": ""}, "from 0 to 2"),
        ({"data": np.ones((5, 2))}, "(samples, timesteps, 3); got (5, 2)"),
        ({"data": np.full((5, 3), np.nan)}, "no NaN"),
        ({"data": np.ones((1, 3))}, "two timesteps"),
        ({"data": np.ones((4, 8, 3)), "targets": np.ones(4)}, "one LSTM with Dense(1)"),
    ],
)
def test_data_that_do_not_fit_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        letters(**options)


@pytest.mark.parametrize("dense", [layers.Dense(2), layers.Dense(1, "tanh")])
@pytest.mark.parametrize("sequences", [False, True])
def test_what_the_page_cannot_train_is_refused(dense: Any, sequences: bool) -> None:
    model = sequential(layers.LSTM(4, return_sequences=sequences), dense, shape=(4, 5, 3))
    with pytest.raises(ValueError, match="one LSTM with Dense"):
        stateviz.live(model, np.ones((8, 5, 3)), np.ones(8))
    if sequences:
        model = sequential(layers.LSTM(4, return_sequences=True), layers.Dense(1), shape=(4, 5, 3))
        with pytest.raises(ValueError, match="one LSTM with Dense"):
            stateviz.live(model, np.ones((8, 5, 3)), np.ones(8))


@pytest.mark.parametrize("X", [np.ones(8), np.ones((8, 5)), None])
def test_an_x_of_another_shape_is_refused(X: Any) -> None:
    model = sequential(layers.LSTM(4), layers.Dense(1), shape=(4, 5, 3))
    with pytest.raises(ValueError, match="must have shape"):
        stateviz.live(model, X, np.ones(8))


@pytest.mark.parametrize(
    ("targets", "rows", "words"),
    [(np.ones(9), 9, "not whole batches of 4"), (np.ones((8, 2)), 8, "`targets` (samples, 1)")],
)
def test_targets_that_do_not_fit_are_refused(targets: Any, rows: int, words: str) -> None:
    model = sequential(layers.LSTM(4), layers.Dense(1), shape=(4, 5, 3))
    with pytest.raises(ValueError, match=re.escape(words)):
        stateviz.live(model, np.ones((rows, 5, 3)), targets)


def test_words_and_numbers_of_tokens_are_understood() -> None:
    assert letters(vocabulary="abc", data="abcab")._content["tokens"] == [0, 1, 2, 0, 1]
    spoken = letters(vocabulary=["so", "it", "goes"], data="so it goes so")._content
    assert spoken["tokens"] == [0, 1, 2, 0]
    model = RUNS["tokens"]()
    plain = stateviz.live(model, np.arange(8).reshape(2, 4))._content
    assert plain["tokens"] == list(range(8))
    assert plain["vocabulary"][10] == "10"
    assert not plain["one_hot"]


def test_samples_are_put_end_to_end() -> None:
    model = sequential(layers.LSTM(4), shape=(None, None, 1))
    X = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    shown = [stateviz.live(model, data)._content for data in (X, X.ravel(), X.reshape(12, 1))]
    assert {each["series"] for each in shown} == {as_text(np.arange(12))}
    assert [each["T"] for each in shown] == [4, 4, 4]


def test_a_page_stands_alone(tmp_path: Path) -> None:
    live = letters(vocabulary="a<b", data="a<b")
    page = live.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert repr(live) == "Live('LSTM(4) in the page')"
    with pytest.raises(FileNotFoundError):
        live.to_html(tmp_path / "nowhere" / "page.html")
