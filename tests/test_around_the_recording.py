"""What people do in a block beside fitting: other models, exports, changes, threads."""

from __future__ import annotations

import tempfile
import threading
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import stateviz
from tests.building.models import BATCH, FEATURES, FIT, TIMESTEPS, a_model, series


def extractor_of(model: keras.Model) -> keras.Model:
    return keras.Model(model.inputs, model.get_layer("lstm").output)


def told(recording: stateviz.Recording, layer: str = "lstm") -> list[tuple[Any, ...]]:
    return [(b.phase, b.epoch, b.batch) for b in recording[layer].batches]


@pytest.mark.parametrize("ran_before", [False, True])
def test_another_model_over_the_same_layers_is_recorded_under_its_phases(ran_before: bool) -> None:
    X, _ = series()
    model = a_model()
    extractor = extractor_of(model)
    if ran_before:
        extractor.predict(X, **FIT)
    before = extractor.predict_function
    for _ in range(3):
        with stateviz.record(model) as recording:
            held = extractor.predict(X, **FIT)
        assert told(recording) == [("predict", None, 0), ("predict", None, 1), ("predict", None, 2)]
        np.testing.assert_array_equal(
            np.concatenate([b.final_hidden_state for b in recording["lstm"].batches]), held
        )
        assert before is None or extractor.predict_function is before


def test_another_model_can_be_fitted_and_validated_in_the_block() -> None:
    X, y = series()
    model = a_model()
    inputs = keras.Input((TIMESTEPS, FEATURES))
    other = keras.Model(inputs, keras.layers.Dense(1)(model.get_layer("lstm")(inputs)))
    other.compile("sgd", "mse")
    other.fit(X, y[:, :1], **FIT)
    with stateviz.record(model) as recording:
        other.fit(X, y[:, :1], epochs=2, validation_data=(X, y[:, :1]), **FIT)
    fits = [("fit", epoch, batch) for epoch in range(2) for batch in range(3)]
    assert [each for each in told(recording) if each[0] == "fit"] == fits
    assert [each[0] for each in told(recording)].count("validation") == 6


def test_a_model_that_shares_nothing_is_left_alone() -> None:
    X, _ = series()
    other = a_model()
    other.predict(X, **FIT)
    before = other.predict_function
    with stateviz.record(a_model()) as recording:
        other.predict(X, **FIT)
        assert other.predict_function is before
    assert recording["lstm"].batches == []


def saved_by(how: str, model: keras.Model, folder: Path) -> bytes:
    """What an export writes."""
    if how == "export":
        model.export(folder, verbose=False)
    elif how == "saved_model":
        tf.saved_model.save(model, str(folder))
    elif how == "archive":
        archive = keras.export.ExportArchive()
        archive.track(model)
        spec = tf.TensorSpec((None, TIMESTEPS, FEATURES), "float32")
        archive.add_endpoint("serve", model.call, input_signature=[spec])
        archive.write_out(str(folder), verbose=False)
    elif how == "lite":
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS,
            tf.lite.OpsSet.SELECT_TF_OPS,
        ]
        converter._experimental_lower_tensor_list_ops = False
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(converter.convert())
    elif how == "frozen":
        spec = tf.TensorSpec((None, TIMESTEPS, FEATURES), "float32")
        graph = tf.function(lambda x: model(x)).get_concrete_function(spec).graph
        folder.mkdir()
        (folder / "saved_model.pb").write_bytes(graph.as_graph_def().SerializeToString())
    else:
        tf.train.Checkpoint(model=model).write(str(folder / "checkpoint"))
        return b"".join(path.read_bytes() for path in sorted(folder.glob("*.index")))
    return (folder / "saved_model.pb").read_bytes()


def operations(written: bytes, how: str) -> dict[str, int]:
    """How often each operation stands in what was exported; its names have counters in them."""
    if how == "frozen":
        graphs = [tf.compat.v1.GraphDef.FromString(written)]
    else:
        saved = saved_model_pb2.SavedModel.FromString(written)
        graphs = [each.graph_def for each in saved.meta_graphs]
    functions = [each for graph in graphs for each in graph.library.function]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for function in functions for node in function.node_def]
    return dict(Counter(node.op for node in nodes))


EXPORTS = ["export", "saved_model", "archive", "lite", "frozen", "checkpoint"]


@pytest.mark.full
@pytest.mark.parametrize("how", EXPORTS)
def test_exporting_in_a_block_writes_what_it_writes_without_one(how: str, tmp_path: Path) -> None:
    X, y = series()
    model = a_model()
    model.fit(X, y, **FIT)
    with stateviz.record(model) as recording:
        model.predict(X, **FIT)
        inside = saved_by(how, model, tmp_path / "inside")
        model.predict(X, **FIT)
    outside = saved_by(how, model, tmp_path / "outside")
    assert b"PyFunc" not in inside
    assert b"pyfunc" not in inside
    if how in ("checkpoint", "lite"):  # Keras repeats a checkpoint's index byte for byte
        assert inside == outside or (how == "lite" and len(inside) == len(outside))
    else:
        assert operations(inside, how) == operations(outside, how)
    assert len(recording["lstm"].batches) == 6
    if how in ("export", "archive"):
        loaded = tf.saved_model.load(str(tmp_path / "inside"))
        np.testing.assert_allclose(loaded.serve(X), model.predict(X, **FIT), atol=1e-6)


def test_a_graph_that_is_made_to_be_exported_is_left_alone() -> None:
    X, _ = series()
    model = a_model()
    batch = tf.constant(X[:BATCH])
    with stateviz.record(model) as recording:
        graph = tf.function(lambda x: model(x)).get_concrete_function(batch)
        graph(batch)
    assert recording["lstm"].batches == []
    assert {op.type for op in graph.graph.get_operations()} & {"PyFunc", "EagerPyFunc"} == set()


@pytest.mark.parametrize("traced_before", [True, False])
def test_a_function_that_was_traced_before_the_block_is_named(traced_before: bool) -> None:
    X, _ = series()
    batch = tf.constant(X[:BATCH])
    model = a_model()

    def step(x: tf.Tensor) -> tf.Tensor:
        return model(x)

    function = tf.function(step)
    if traced_before:
        expected = function(batch)
        named = r"'lstm' ran, but in the tf.function 'step', which was traced before"
        with (  # noqa: PT031  # the warning comes at the end of the inner block
            pytest.warns(stateviz.RecordingWarning, match=named),
            stateviz.record(model) as recording,
        ):
            found = function(batch)
            model.predict(X, **FIT)
        np.testing.assert_array_equal(found, expected)
        assert [batch.phase for batch in recording["lstm"].batches] == ["predict"] * 3
    # No reason to: one that was not called in the block, or was made in it, or another model's.
    other = a_model()
    other.predict(X, **FIT)
    model.predict(X, **FIT)
    with warnings.catch_warnings():
        warnings.simplefilter("error", stateviz.RecordingWarning)
        with stateviz.record(model) as recording:
            tf.function(step)(batch)
            model.predict(X, **FIT)
        assert len(recording["lstm"].batches) == 4
        with stateviz.record(model) as recording:
            other.predict(X, **FIT)
        assert recording["lstm"].batches == []


def test_what_xla_compiles_runs_on_unharmed_and_is_named() -> None:
    X, y = series()
    batch = tf.constant(X[:BATCH])
    model = a_model()
    function = tf.function(model, jit_compile=True)
    expected = function(batch)
    with (  # noqa: PT031  # the warning comes at the end of the inner block
        pytest.warns(stateviz.RecordingWarning, match=r"compiled by XLA.*Use jit_compile=False"),
        stateviz.record(model) as recording,
    ):
        found = tf.function(model, jit_compile=True)(batch)
        model.compile("sgd", "mse", jit_compile=True)
        model.fit(X, y, **FIT)
        model(batch)
    np.testing.assert_array_equal(found, expected)
    assert [batch.phase for batch in recording["lstm"].batches] == ["call"]
    with pytest.raises(ValueError, match=r"compiled by XLA.*jit_compile=False"):
        with stateviz.record(model):
            pass


def test_a_function_of_the_users_own_is_traced_anew_after_each_block() -> None:
    X, _ = series()
    batch = tf.constant(X[:BATCH])
    model = a_model()
    times = []

    @tf.function  # type: ignore[untyped-decorator]
    def inner(x: tf.Tensor) -> tf.Tensor:
        return model(x)

    @tf.function  # type: ignore[untyped-decorator]
    def step(x: tf.Tensor) -> tf.Tensor:
        return inner(x) + 1.0

    @tf.function  # type: ignore[untyped-decorator]
    def elsewhere(x: tf.Tensor) -> tf.Tensor:
        times.append("traced")
        return x + 1.0

    for _ in range(2):  # a cell that runs again
        with stateviz.record(model) as recording:
            inside = step(batch)
            elsewhere(batch)
        assert len(recording["lstm"].batches) == 1
    np.testing.assert_array_equal(step(batch), inside)
    assert times == ["traced"]
    for function in (inner, step):
        graph = function.get_concrete_function(batch).graph
        nested = [node for each in graph.as_graph_def().library.function for node in each.node_def]
        assert {node.op for node in nested} & {"PyFunc", "EagerPyFunc"} == set()
        assert {op.type for op in graph.get_operations()} & {"PyFunc", "EagerPyFunc"} == set()


def changes() -> dict[str, Any]:
    def doubled(model: keras.Model) -> None:
        model.get_layer("lstm").cell.bias.assign(model.get_layer("lstm").cell.bias + 1.0)

    def more_rate(model: keras.Model) -> None:
        model.get_layer("drop").rate = 0.9

    def from_a_file(model: keras.Model) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/kept.weights.h5"
            doubled(model)
            model.save_weights(path)
            doubled(model)
            model.load_weights(path)

    def of_another_shape(model: keras.Model) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/larger.weights.h5"
            other = keras.Sequential([keras.layers.LSTM(5), keras.layers.Dense(3)])
            other.build((None, TIMESTEPS, FEATURES))
            other.save_weights(path)
            with pytest.raises(ValueError, match="shape"):
                model.load_weights(path)

    return {
        "weights from a file": from_a_file,
        "weights of another shape": of_another_shape,
        "forced": lambda model: model.make_predict_function(force=True),
        "set to None": lambda model: setattr(model, "predict_function", None),
        "quantized": lambda model: model.quantize("int8"),
        "a plain attribute": more_rate,
        "frozen": lambda model: setattr(model.get_layer("lstm"), "trainable", False),
        "another optimizer": lambda model: setattr(model, "optimizer", keras.optimizers.SGD(9.0)),
        "a loss": lambda model: model.get_layer("dense").add_loss(tf.constant(3.0)),
        "compiled": lambda model: model.compile("sgd", "mae"),
        "nothing": lambda model: None,
        "weights of the same shape": doubled,
    }


@pytest.mark.parametrize("change", changes())
def test_after_a_change_in_the_block_nothing_runs_as_before_it(change: str) -> None:
    X, y = series()
    model = keras.Sequential(
        [
            keras.Input((TIMESTEPS, FEATURES)),
            keras.layers.LSTM(3, name="lstm"),
            keras.layers.Dropout(0.1, name="drop"),
            keras.layers.Dense(3, name="dense"),
        ]
    )
    model.compile("sgd", "mse")
    model.fit(X, y[:, :3], **FIT)
    model.predict(X, **FIT)
    before = model.predict_function
    with stateviz.record(model):
        changes()[change](model)
        inside = model.predict(X, **FIT)
    # What Keras itself makes anew is not put back.
    made_anew = ("forced", "set to None", "quantized", "compiled")
    assert (model.predict_function is not before) == (change in made_anew)
    np.testing.assert_array_equal(model.predict(X, **FIT), inside)


def test_a_function_of_the_users_own_stays() -> None:
    X, _ = series()
    model = a_model()
    model.predict(X, **FIT)

    def own(iterator: Any) -> Any:
        return model.predict_step(next(iterator))

    with stateviz.record(model):
        model.predict_function = own
    assert model.predict_function is own


def test_predictions_of_two_threads_and_an_evaluation_in_a_third() -> None:
    X, y = series(40)
    model = a_model()
    started = threading.Barrier(3)

    def run(method: Any, *args: Any) -> None:
        started.wait()
        for _ in range(4):
            method(*args, **FIT)

    with stateviz.record(model) as recording:
        runs = [(model.predict, X), (model.predict, X), (model.evaluate, X, y)]
        threads = [threading.Thread(target=run, args=each) for each in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    batches = recording["lstm"].batches
    assert [b.phase for b in batches].count("evaluate") == 40
    assert [b.phase for b in batches].count("predict") == 80
    assert [b.batch for b in batches if b.phase == "evaluate"] == [*range(10)] * 4
    assert all(b.batch is None or b.batch < 10 for b in batches)


def test_functions_that_run_eagerly_can_be_seen() -> None:
    X, _ = series()
    model = a_model()
    function = tf.function(model)
    traced = tf.function(model)
    traced(X[:BATCH])
    tf.config.run_functions_eagerly(True)
    try:
        with stateviz.record(model) as recording:
            function(X[:BATCH])
            traced(X[:BATCH])
            model.predict(X, **FIT)
    finally:
        tf.config.run_functions_eagerly(False)
    assert [b.phase for b in recording["lstm"].batches] == ["call"] * 2 + ["predict"] * 3


def test_a_block_that_a_callback_opens_and_leaves() -> None:
    X, y = series()

    class Looks(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                self.opening = stateviz.record(self.model)
                self.recording = self.opening.__enter__()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                self.opening.__exit__(None, None, None)

    model, twin = a_model(), a_model()
    looks = Looks()
    for each in (model, twin):
        each.fit(X, y, **FIT)
    model.fit(X, y, epochs=3, callbacks=[looks], **FIT)
    twin.fit(X, y, epochs=3, **FIT)
    assert len(looks.recording["lstm"].batches) == 3
    for own, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)
