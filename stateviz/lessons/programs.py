"""The Keras programs of the lessons' experiments, written from what was chosen."""

from __future__ import annotations

_SAMPLES = 1000


def question_program(
    *,
    layer: str = "LSTM",
    stateful: bool = False,
    batch_size: int = 200,
    timesteps: int = 20,
    epochs: int = 2,
    shuffle: bool = False,
    validation: bool = False,
    reset_each_epoch: bool = False,
    predict: str = "never",
    mask: bool = False,
) -> str:
    """The program of the question of 2017, with its 1000 samples.

    Args:
        layer: "LSTM", "GRU" or "SimpleRNN".
        stateful: Whether the layer keeps its state between two batches.
        batch_size: Samples in a batch.
        timesteps: Timesteps in a sample.
        epochs: Epochs of `fit`.
        shuffle: Whether `fit` shuffles.
        validation: Whether `fit` validates after each epoch.
        reset_each_epoch: Whether the state is reset before each epoch.
        predict: "never", "before fit", "after fit", or "twice": after it, two times.
        mask: Whether a part of each sample is missing, and masked.

    Returns:
        Python, which leaves a `recording`.
    """
    lanes = batch_size if _SAMPLES % batch_size == 0 else 200
    # On a GPU Keras would let XLA compile this layer, which cannot be recorded.
    compiled = ", jit_compile=False" if layer == "SimpleRNN" else ""
    lines = [
        "import keras",
        "import stateviz",
        "from stateviz.lessons import co2_lanes",
        "",
        "keras.utils.set_random_seed(0)",
        f"X, y = co2_lanes(samples={_SAMPLES}, timesteps={timesteps}, batch_size={lanes})",
        *([f"X[:, {timesteps // 2}:] = 0.0  # the second half is missing"] if mask else []),
        "",
        "model = keras.Sequential([",
        f"    keras.Input(batch_shape=({batch_size if stateful else None}, {timesteps}, 1)),",
        *(["    keras.layers.Masking(0.0),"] if mask else []),
        f'    keras.layers.{layer}(8, stateful={stateful}, name="{layer.lower()}"),',
        "    keras.layers.Dense(1),",
        "])",
        f'model.compile("adam", "mse"{compiled})',
        "",
        *(_RESETTING if reset_each_epoch else []),
        "with stateviz.record(model) as recording:",
    ]
    predicted = f"    model.predict(X, batch_size={batch_size}, verbose=0)"
    fit = [f"X, y, batch_size={batch_size}, epochs={epochs}", f"shuffle={shuffle}", "verbose=0"]
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
from stateviz.lessons import counting_model

model = counting_model(batch_size=1, timesteps=5)
kernel, recurrent_kernel, _ = model.get_weights()
#                input  forget  candidate  output
bias = np.array([30.0, {forget_bias}, 0.0, 30.0])
model.set_weights([kernel, recurrent_kernel, bias])

X = np.array([3.0, 1.0, 4.0, 1.0, 5.0]).reshape(1, 5, 1)
with stateviz.record(model, gates=True) as recording:
    model.predict(X, batch_size=1, verbose=0)
"""


def last_batch_program(*, batch_size: int = 200) -> str:
    """950 samples through a stateless LSTM: the last batch may be a short one.

    Args:
        batch_size: Samples in a batch.
    """
    return f"""\
import keras
import stateviz
from stateviz.lessons import co2_lanes

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
from stateviz.lessons import counting_model

three = np.repeat([1.0, 2.0, 3.0], 3).reshape(3, 3, 1)  # 1 1 1, 2 2 2 and 3 3 3
X = np.concatenate([three, three[{list(order)}]])

model = counting_model(batch_size=3, timesteps=3, stateful=True)
with stateviz.record(model) as recording:
    model.predict(X, batch_size=3, verbose=0)
"""
