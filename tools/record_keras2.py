"""Records a small program on Keras 2, once, for the lesson on versions. Run by hand.

It needs an environment of its own, since the course does not install `tf_keras`:

    python -m venv keras2 && keras2/bin/pip install tf_keras==2.21.0 tensorflow==2.21.0
    keras2/bin/python -m tools.record_keras2

It writes `stateviz/course/files/keras2_*.npz` and `keras2.json`. Keras 2 cannot be recorded with
`stateviz.record`. So c and h after each timestep are those that an LSTM with the layer's own
weights returns (`return_state=True`) for each prefix of the batch, begun from the layer's own
states. The last of them are checked against the states that the layer itself then holds, or, for a
stateless layer, against the model's own output.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from stateviz.course import keras2
from stateviz.recording import (
    BatchRecord,
    Event,
    LayerRecording,
    Phase,
    Recording,
    Source,
    Start,
    State,
)
from stateviz.recording.records import EventKind

TOLERANCE = 1e-6
Arrays = list[np.ndarray]


class Notebook:
    """Writes down, between the calls of Keras's callback, what the layer "lstm" goes through."""

    def __init__(self, keras: Any, model: Any, X: np.ndarray) -> None:
        self.keras, self.model, self.X = keras, model, X
        self.lstm = model.get_layer("lstm")
        self.layer = LayerRecording("lstm", "LSTM", self.lstm.units, self.lstm.stateful)
        self.recording = Recording([self.layer])
        self.phase: Phase | None = None
        self.epoch: int | None = None
        self.before: Arrays = []
        self.after_each: Arrays = []

    def note(self, kind: EventKind, **more: Any) -> None:
        """Writes down an event."""
        self.recording.events.append(Event(kind, phase=self.phase, **more))

    def reset(self) -> None:
        """Calls Keras 2's `model.reset_states()`."""
        self.model.reset_states()
        if self.lstm.stateful:
            self.recording.events.append(Event("reset_state", layer="lstm"))

    def states(self) -> Arrays:
        """The h and c that the layer itself holds."""
        return [state.numpy() for state in self.lstm.states]

    def batch_begins(self, batch: int) -> None:
        """Takes the states before the batch, and those after each of its timesteps."""
        x = self.X[2 * batch : 2 * batch + 2]
        zeros = np.zeros((len(x), self.lstm.units), np.float32)
        self.before = self.states() if self.lstm.stateful else [zeros, zeros]
        self.after_each = states_after_each_timestep(self.keras, self.lstm, x, self.before)
        if not self.lstm.stateful:
            head = self.model.layers[-1]
            last = self.after_each[0][:, -1]
            expected = last if head is self.lstm else last @ head.kernel.numpy() + head.bias.numpy()
            agree(self.model.predict_on_batch(x), expected)

    def batch_ended(self, batch: int) -> None:
        """Checks the states against the layer's own, and writes the batch down."""
        final = [after[:, -1] for after in self.after_each]
        if self.lstm.stateful:
            agree(self.states(), final)
            final = self.states()
        index = len(self.layer.batches)
        h, c = self.after_each
        x = self.X[2 * batch : 2 * batch + 2]
        record = BatchRecord(
            layer="lstm",
            index=index,
            phase=self.phase,
            epoch=self.epoch,
            batch=batch,
            training=self.phase == "fit",
            batch_size=len(x),
            starts=(self.start(len(x)),),
            samples=np.arange(len(x)),
            states=tuple(map(State, self.before, (h, c), final)),
            inputs=x,
        )
        self.layer.batches.append(record)
        self.recording.events.append(record)

    def start(self, rows: int) -> Start:
        """How the states began, told from the numbers."""
        if not any(state.any() for state in self.before):
            return Start(rows, "reset" if self.lstm.stateful else "fresh", zeros=True)
        last = self.layer.batches[-1]
        held: list[Any] = [last.final_hidden_state, last.final_cell_state]
        if all(np.array_equal(a, b) for a, b in zip(self.before, held, strict=True)):
            return Start(rows, "carried", source=Source("lstm", last.index, 0, last.index))
        return Start(rows, "altered")


def states_after_each_timestep(keras: Any, lstm: Any, x: np.ndarray, initial: Arrays) -> Arrays:
    """What an LSTM with the same weights returns as h and c for each prefix of x.

    Returns:
        h and c, each of shape (samples, timesteps, units).
    """
    import tensorflow as tf

    config = lstm.get_config() | {"stateful": False, "return_state": True, "name": "prefixes"}
    config.pop("batch_input_shape", None)
    copy = keras.layers.LSTM.from_config(config | {"return_sequences": True})
    tensors = [tf.constant(state) for state in initial]
    copy(tf.constant(x), initial_state=tensors)
    copy.set_weights(lstm.get_weights())
    pairs = []
    for timesteps in range(1, x.shape[1] + 1):
        outputs, h, c = copy(tf.constant(x[:, :timesteps]), initial_state=tensors)
        agree(outputs[:, -1].numpy(), h.numpy())
        pairs.append((h.numpy(), c.numpy()))
    return [np.stack(each, axis=1) for each in zip(*pairs, strict=True)]


def agree(one: Any, other: Any) -> None:
    """Refuses to go on where two ways to the same numbers part."""
    np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE)


def listener(keras: Any, notebook: Notebook) -> Any:
    """Keras's callback that tells the notebook of batches and epochs."""

    class Listener(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            notebook.epoch = epoch
            notebook.note("epoch began", epoch=epoch)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            notebook.note("epoch ended", epoch=epoch)
            notebook.epoch = None

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            notebook.batch_begins(batch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            notebook.batch_ended(batch)

        on_predict_batch_begin = on_train_batch_begin
        on_predict_batch_end = on_train_batch_end

    return Listener()


def run(keras: Any, name: str, *, stateful: bool, weights: Arrays | None) -> tuple[Any, Arrays]:
    """Runs the program, and gives its recording and the weights that it ended with."""
    X, y = keras2.keras2_data(name)
    model = keras2.old_model(keras, name, stateful=stateful, weights=weights)
    notebook = Notebook(keras, model, X)
    listen = [listener(keras, notebook)]

    notebook.phase = "fit"
    notebook.note("phase began")
    model.fit(X, y, batch_size=2, epochs=2, shuffle=False, verbose=0, callbacks=listen)
    notebook.note("phase ended")
    trained = model.get_weights()

    notebook.reset()

    notebook.phase = "predict"
    notebook.note("phase began")
    model.predict(X, batch_size=2, verbose=0, callbacks=listen)
    notebook.note("phase ended")
    return notebook.recording, trained


def as_lists(arrays: Sequence[np.ndarray]) -> list[Any]:
    """Arrays as JSON holds them; each float32 comes back exactly."""
    return [array.astype(np.float32).tolist() for array in arrays]


def main() -> int:
    """Runs both programs, stateful and stateless, and the calls, and writes what they did."""
    try:
        import tensorflow
        import tf_keras
    except ImportError as error:
        print(
            f"This tool needs Keras 2, which this environment does not have ({error}). Make one "
            f"for it:\n\n    python -m venv keras2\n    keras2/bin/pip install tf_keras==2.21.0 "
            f"tensorflow==2.21.0\n    keras2/bin/python -m tools.record_keras2\n\nThe lesson and "
            f"the tests do not need it: what it writes is shipped.",
            file=sys.stderr,
        )
        return 1
    tf_keras.utils.set_random_seed(0)
    counting = [np.array([[0, 0, 1, 0]]), np.zeros((1, 4)), np.array([30, 30, 0, 30])]
    weights = {
        "counting": counting,
        "seeded": keras2.old_model(tf_keras, "seeded").get_weights(),
    }
    facts: dict[str, Any] = {
        "versions": {"tf_keras": tf_keras.__version__, "tensorflow": tensorflow.__version__},
        "weights": {name: as_lists(weights[name]) for name in keras2.NAMES},
        "trained": {},
    }
    for name in keras2.NAMES:
        for stateful in (True, False):
            recording, trained = run(tf_keras, name, stateful=stateful, weights=weights[name])
            recording.save(keras2.FOLDER / keras2.file_name(name, stateful=stateful))
            print(recording)
            if stateful:
                facts["trained"][name] = as_lists(trained)
    path = Path(keras2.FOLDER / "keras2.json")
    path.write_text(json.dumps(facts), encoding="utf-8")  # try_calls reads the weights in it
    facts["calls"] = keras2.try_calls(tf_keras)
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    for code, outcome in facts["calls"].items():
        print(f"{code:55} {outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
