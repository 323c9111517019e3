"""The Keras programs of the lessons' experiments, written from what was chosen."""

from __future__ import annotations

_SAMPLES = 1000


def question_program(
    *,
    stateful: bool = False,
    batch_size: int = 200,
    epochs: int = 2,
    validation: bool = False,
    reset_each_epoch: bool = False,
    predict: str = "never",
) -> str:
    """The program of the question of 2017, with its 1000 samples.

    Args:
        stateful: Whether the layer keeps its state between two batches.
        batch_size: Samples in a batch.
        epochs: Epochs of `fit`.
        validation: Whether `fit` validates after each epoch.
        reset_each_epoch: Whether the state is reset before each epoch.
        predict: "never", "before fit", "after fit", or "twice": after it, two times.

    Returns:
        Python, which leaves a `recording`.
    """
    lanes = batch_size if _SAMPLES % batch_size == 0 else 200
    lines = [
        "import keras",
        "import stateviz",
        "from stateviz.course import co2_lanes",
        "",
        "keras.utils.set_random_seed(0)",
        f"X, y = co2_lanes(samples={_SAMPLES}, timesteps=20, batch_size={lanes})",
        "",
        "model = keras.Sequential([",
        f"    keras.Input(batch_shape=({batch_size if stateful else None}, 20, 1)),",
        f'    keras.layers.LSTM(8, stateful={stateful}, name="lstm"),',
        "    keras.layers.Dense(1),",
        "])",
        'model.compile("adam", "mse")',
        "",
        *(_RESETTING if reset_each_epoch else []),
        "with stateviz.record(model) as recording:",
    ]
    predicted = f"    model.predict(X, batch_size={batch_size}, verbose=0)"
    fit = [f"X, y, batch_size={batch_size}, epochs={epochs}", "shuffle=False", "verbose=0"]
    if validation:
        fit.insert(1, f"validation_data=(X[:{batch_size}], y[:{batch_size}])")
        fit.insert(2, f"validation_batch_size={batch_size}")
    if reset_each_epoch:
        fit.insert(-1, "callbacks=[ResetState()]")
    lines += [predicted] * (predict == "before fit")
    lines += ["    model.fit(", *(f"        {each}," for each in fit), "    )"]
    lines += [predicted] * {"after fit": 1, "twice": 2}.get(predict, 0)
    return "\n".join(lines) + "\n"


_RESETTING = [
    "class ResetState(keras.callbacks.Callback):",
    "    def on_epoch_begin(self, epoch, logs=None):",
    "        for layer in self.model.layers:",
    '            if hasattr(layer, "reset_state"):',
    "                layer.reset_state()",
    "",
    "",
]


def forget_program(*, forget_bias: float = 30.0) -> str:
    """An LSTM that counts, with a forget gate that is set by its bias; five timesteps of it.

    Args:
        forget_bias: 30 makes the gate 1, 0 makes it one half, -30 makes it 0.
    """
    return f"""\
import numpy as np
import stateviz
from stateviz.course import counting_model

model = counting_model(batch_size=1, timesteps=5)
kernel, recurrent_kernel, _ = model.get_weights()
#                input  forget  candidate  output
bias = np.array([30.0, {forget_bias}, 0.0, 30.0])
model.set_weights([kernel, recurrent_kernel, bias])

X = np.array([3.0, 1.0, 4.0, 1.0, 5.0]).reshape(1, 5, 1)
with stateviz.record(model, gates=True) as recording:
    model.predict(X, batch_size=1, verbose=0)
"""


def padding_program(*, mask: bool = False, padding: str = "after") -> str:
    """Three numbers and two zeros that only fill up the sequence.

    Args:
        mask: Whether a Masking layer says which timesteps are padding.
        padding: Whether the zeros stand "after" the numbers or "before" them.
    """
    numbers = "[1.0, 2.0, 4.0, 0.0, 0.0]" if padding == "after" else "[0.0, 0.0, 1.0, 2.0, 4.0]"
    lines = [
        "import keras",
        "import numpy as np",
        "import stateviz",
        "",
        "keras.utils.set_random_seed(3)",
        "model = keras.Sequential([",
        "    keras.Input((5, 1)),",
        *(["    keras.layers.Masking(0.0),"] if mask else []),
        "    # After a training the biases are not zero; here neither.",
        '    keras.layers.LSTM(2, bias_initializer="ones", name="lstm"),',
        "])",
        f"X = np.array({numbers}).reshape(1, 5, 1)",
        "with stateviz.record(model) as recording:",
        "    model.predict(X, verbose=0)",
    ]
    return "\n".join(lines) + "\n"


def last_batch_program(*, batch_size: int = 200) -> str:
    """950 samples through a stateless LSTM: the last batch may be a short one.

    Args:
        batch_size: Samples in a batch.
    """
    return f"""\
import keras
import stateviz
from stateviz.course import co2_lanes

keras.utils.set_random_seed(0)
X, y = co2_lanes(samples=1000, timesteps=20, batch_size=200)
model = keras.Sequential([
    keras.Input((20, 1)),
    keras.layers.LSTM(8, name="lstm"),
    keras.layers.Dense(1),
])

with stateviz.record(model) as recording:
    model.predict(X[:950], batch_size={batch_size}, verbose=0)
"""


def order_program(*, order: tuple[int, int, int] = (0, 1, 2)) -> str:
    """A stateful LSTM that counts, and three rows of which the second batch has another order.

    Args:
        order: Which sample stands in which row of batch 1.
    """
    return f"""\
import numpy as np
import stateviz
from stateviz.course import counting_model

three = np.repeat([1.0, 2.0, 3.0], 3).reshape(3, 3, 1)  # 1 1 1, 2 2 2 and 3 3 3
X = np.concatenate([three, three[{list(order)}]])

model = counting_model(batch_size=3, timesteps=3, stateful=True)
with stateviz.record(model) as recording:
    model.predict(X, batch_size=3, verbose=0)
"""


def broken_stream_program(*, samples: int = 8, shuffle: bool = False) -> str:
    """A stateful LSTM that counts, in batches of 4, and a stream that may break in two ways.

    Args:
        samples: 8 are two whole batches; 9 leave one row over, 6 leave two.
        shuffle: Whether `fit` shuffles, as it does if it is not told.
    """
    return f"""\
import keras
import numpy as np
import stateviz
from stateviz.course import counting_model

keras.utils.set_random_seed(1)
X = np.repeat(np.arange(1.0, {samples + 1}), 3).reshape({samples}, 3, 1)  # 1 1 1, 2 2 2, ...
y = np.zeros(({samples}, 1))

model = counting_model(batch_size=4, timesteps=3, stateful=True)
with stateviz.record(model) as recording:
    model.fit(X, y, batch_size=4, shuffle={shuffle}, verbose=0)
"""


def switch_program(*, recurrent_weight: float = 2.0, gap: int = 100) -> str:
    """A stateful RNN of one unit as a switch: one cue puts it on, the next one puts it off.

    Args:
        recurrent_weight: Above 1 the state holds itself, at 1 and below it fades.
        gap: How many timesteps lie between the two cues; batches have 20.
    """
    return f"""\
import keras
import numpy as np
import stateviz

rnn = keras.layers.SimpleRNN(1, stateful=True, name="rnn")
model = keras.Sequential([keras.Input(batch_shape=(1, 20, 1)), rnn])
# h = tanh(2 x + {recurrent_weight} (h before))
rnn.set_weights([np.array([[2.0]]), np.array([[{recurrent_weight}]]), np.zeros(1)])
model.compile(jit_compile=False)

stream = np.zeros({2 * gap})
stream[0], stream[{gap}] = 2.0, -2.0  # on, and off
with stateviz.record(model) as recording:
    model.predict(stream.reshape(-1, 20, 1), batch_size=1, verbose=0)
"""


def growing_program(*, forget_bias: float = 30.0, reset_each_epoch: bool = False) -> str:
    """A stateful LSTM that adds 1 to c at each timestep and keeps what its forget gate lets it.

    Args:
        forget_bias: 30 makes the gate 1, 1 makes it 0.73, 0 makes it one half.
        reset_each_epoch: Whether the state is reset before each epoch.
    """
    callbacks = "callbacks=[stateviz.ResetStates()], " if reset_each_epoch else ""
    return f"""\
import keras
import numpy as np
import stateviz

lstm = keras.layers.LSTM(1, stateful=True, name="lstm")
model = keras.Sequential([keras.Input(batch_shape=(1, 10, 1)), lstm])
#                input  forget  candidate  output
bias = np.array([30.0, {forget_bias}, 0.0, 30.0])
lstm.set_weights([np.array([[0.0, 0.0, 30.0, 0.0]]), np.zeros((1, 4)), bias])
model.compile(keras.optimizers.SGD(0.0), "mse")

X, y = np.ones((4, 10, 1)), np.zeros((4, 1))
with stateviz.record(model) as recording:
    model.fit(X, y, batch_size=1, epochs=3, shuffle=False, {callbacks}verbose=0)
"""


def keep_program(
    *, layers: str = "weeks", samples: tuple[int, ...] | None = None, every: int = 1
) -> str:
    """Two stateful layers, of which a part is kept while five batches are predicted.

    Args:
        layers: The layer to keep, "weeks" or "seasons".
        samples: The rows to keep of each batch; None for all.
        every: Keep each `every`-th batch.
    """
    kept = f'layers="{layers}"'
    kept += f", samples={list(samples)}" if samples else ""
    kept += f", every={every}" if every > 1 else ""
    return f"""\
import keras
import stateviz
from stateviz.course import co2_lanes

keras.utils.set_random_seed(0)
X, y = co2_lanes(samples=40, timesteps=12, batch_size=8)
model = keras.Sequential([
    keras.Input(batch_shape=(8, 12, 1)),
    keras.layers.LSTM(6, return_sequences=True, stateful=True, name="weeks"),
    keras.layers.GRU(3, stateful=True, name="seasons"),
    keras.layers.Dense(1),
])

with stateviz.record(model, {kept}) as recording:
    model.predict(X, batch_size=8, verbose=0)
"""


def backends_program(*, backend: str = "tensorflow", kept_by: str = "the layer") -> str:
    """The program of the lesson on backends, as it was recorded on one of them.

    Args:
        backend: What Keras ran on: "tensorflow", "jax" or "torch".
        kept_by: Who kept the state: "the layer", which is stateful, or "the program".
    """
    if kept_by == "the layer":
        cudnn = ", use_cudnn=False" if backend == "torch" else ""
        said = f"""\
#     model = counting_model(batch_size=2, timesteps=3, stateful=True{cudnn})
#     model.fit(X, y, batch_size=2, epochs=2, shuffle=False)
#     model.predict(X, batch_size=2)
"""
    else:
        said = """\
#     for start in (0, 2, 4):
#         _, *state = model.predict_on_batch([X[start : start + 2], *state])
"""
    return f"""\
from stateviz.course.backends import load_backend

# Recorded with KERAS_BACKEND={backend}:
{said}
recording = load_backend("{backend}", handed={kept_by == "the program"})
"""


def deleted_line_program(*, stateful: bool = True, line: str = "deleted") -> str:
    """A program of Keras 2 whose `model.reset_states()` was deleted, or mended.

    Args:
        stateful: Whether its layer is stateful.
        line: "deleted", or "mended": the layer is reset where the model was.
    """
    mended = '    model.get_layer("lstm").reset_state()\n' if line == "mended" else ""
    return f"""\
import keras
import stateviz
from stateviz.course import keras2_data, keras2_weights, old_model

X, y = keras2_data("counting")
weights = keras2_weights("counting")
model = old_model(keras, "counting", stateful={stateful}, weights=weights)

with stateviz.record(model) as recording:
    model.fit(X, y, batch_size=2, epochs=2, shuffle=False, verbose=0)
{mended}    model.predict(X, batch_size=2, verbose=0)
"""
