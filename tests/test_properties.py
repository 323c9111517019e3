"""Whatever the configuration: the states are NumPy's, Keras's own, and the layer is unharmed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import stateviz
from stateviz.recording import BatchRecord
from tests.building.backend import BACKEND
from tests.building.backend import compiled as by_hand
from tests.building.recordings import there
from tests.references import states_of_cell

# STATEVIZ_EXAMPLES=1000 looks further, at random; a test run always takes the same ones.
EXAMPLES = int(os.environ.get("STATEVIZ_EXAMPLES", "0"))
FEW = 20 if BACKEND == "jax" else 60  # JAX compiles anew for each

tensor = keras.ops.convert_to_tensor
# What JAX computes beside a loop that it may not look into differs from it in the last bit.
LAST_BIT = 1e-6 if BACKEND == "jax" else 0.0
CELLS = {
    "LSTM": keras.layers.LSTMCell,
    "GRU": keras.layers.GRUCell,
    "SimpleRNN": keras.layers.SimpleRNNCell,
}


@dataclass(frozen=True)
class Case:
    """A recurrent layer and what it is fed: `batches` batches of one shape."""

    kinds: tuple[str, ...]
    seed: int
    units: int
    samples: int
    timesteps: int
    features: int
    batches: int
    activation: str
    use_bias: bool
    go_backwards: bool
    unroll: bool
    stateful: bool
    masked: bool
    given_state: bool
    compiled: bool

    def layer(self) -> keras.layers.RNN:
        keras.utils.set_random_seed(self.seed)
        cells = [
            CELLS[kind](self.units + place, activation=self.activation, use_bias=self.use_bias)
            for place, kind in enumerate(self.kinds)
        ]
        layer = keras.layers.RNN(
            cells[0] if len(cells) == 1 else cells,
            go_backwards=self.go_backwards,
            unroll=self.unroll,
            stateful=self.stateful,
            return_sequences=True,
            return_state=True,
            name="rnn",
        )
        layer.build((self.samples, self.timesteps, self.features))
        random = np.random.default_rng(self.seed)
        layer.set_weights([random.normal(size=w.shape) * 0.6 for w in layer.get_weights()])
        return layer

    def run(self, layer: keras.layers.RNN) -> list[Any]:
        """What the layer returns for each batch."""
        random = np.random.default_rng(self.seed)
        call = by_hand(layer) if self.compiled else layer
        returned = []
        for _ in range(self.batches):
            x = random.normal(size=(self.samples, self.timesteps, self.features))
            options: dict[str, Any] = {}
            if self.masked:
                options["mask"] = tensor(random.random(x.shape[:2]) < 0.6)
            if self.given_state:
                zeros = layer.get_initial_state(self.samples)
                options["initial_state"] = keras.tree.map_structure(
                    lambda state: tensor(random.normal(size=state.shape), "float32"), zeros
                )
            output = call(tensor(x, "float32"), **options)
            returned.append(keras.tree.map_structure(keras.ops.convert_to_numpy, list(output)))
        return returned


CASES = st.builds(
    Case,
    kinds=st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=3).map(tuple),
    seed=st.integers(0, 1000),
    units=st.integers(1, 5),
    samples=st.integers(1, 4),
    timesteps=st.integers(1, 7),
    features=st.integers(1, 3),
    batches=st.integers(1, 3),
    activation=st.sampled_from(["tanh", "relu", "linear", "sigmoid"]),
    use_bias=st.booleans(),
    go_backwards=st.booleans(),
    unroll=st.booleans(),
    stateful=st.booleans(),
    masked=st.booleans(),
    given_state=st.booleans(),
    compiled=st.sampled_from([False, False, False, True]),
)


@settings(max_examples=EXAMPLES or FEW, deadline=None, derandomize=not EXAMPLES, database=None)
@given(CASES)
def test_any_layer_is_recorded_true_and_unharmed(case: Case) -> None:
    if BACKEND == "jax" and case.compiled:  # There it keeps no state, and looks into no such loop.
        assume(not (case.stateful or case.unroll or case.timesteps == 1))
    if BACKEND == "torch":  # Keras 3.15.1 cannot run it
        assume(not (case.masked and case.unroll and case.go_backwards))
    expected = case.run(case.layer())
    layer = case.layer()
    before = methods_of(layer)
    with stateviz.record(layer) as recording:
        returned = case.run(layer)
    assert methods_of(layer) == before
    assert_same_bits(returned, expected)
    names = recording.layers
    assert len(names) == len(case.kinds)
    cells = layer.cell.cells if len(names) > 1 else [layer.cell]
    for name, cell in zip(names, cells, strict=True):
        batches = recording[name].batches
        assert len(batches) == case.batches
        for batch in batches:
            assert_equals_numpy(cell, batch)
    for place, (sequences, *final) in enumerate(returned):
        top = recording[names[-1]].batches[place]
        assert_outputs_are_the_states(case, top, sequences)
        ends = [end for name in names for end in ends_of(recording[name].batches[place])]
        assert_same_bits([np.ravel(end) for end in ends], [np.ravel(f) for f in flat(final)])
        origin = "given" if case.given_state else "fresh" if not case.stateful else None
        if origin:
            assert top.origin == origin
        else:
            assert top.origin in ("carried", "reset")


def methods_of(layer: keras.layers.RNN) -> dict[str, int]:
    return {name: id(value) for name, value in vars(layer).items() if callable(value)}


def flat(structure: Any) -> list[np.ndarray]:
    return list(keras.tree.flatten(structure))


def assert_same_bits(some: Any, others: Any) -> None:
    for one, other in zip(flat(some), flat(others), strict=True):
        assert one.tobytes() == other.tobytes()


def states_in(batch: BatchRecord, when: str) -> list[np.ndarray]:
    both = [getattr(batch, f"{when}hidden_state"), getattr(batch, f"{when}cell_state")]
    return [state for state in both if state is not None]


def ends_of(batch: BatchRecord) -> list[np.ndarray]:
    return states_in(batch, "final_")


def assert_equals_numpy(cell: Any, batch: BatchRecord) -> None:
    initial = states_in(batch, "initial_")
    expected = states_of_cell(cell, cell.get_weights(), there(batch.inputs), initial, batch.mask)
    for state, end, right in zip(states_in(batch, ""), ends_of(batch), expected, strict=True):
        np.testing.assert_allclose(state, right, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(state[:, -1], end, rtol=0, atol=LAST_BIT)


def assert_outputs_are_the_states(case: Case, top: BatchRecord, sequences: np.ndarray) -> None:
    """Bit for bit, wherever Keras's output is the state: not at a masked timestep."""
    used = np.ones(sequences.shape[:2], bool) if top.mask is None else top.mask
    np.testing.assert_allclose(top.hidden_state[used], sequences[used], rtol=0, atol=LAST_BIT)
