"""What a page needs to run a model: its layers, their weights, and a recording as proof."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np

from stateviz.recorder.block import record
from stateviz.recorder.frameworks import keras
from stateviz.recording import LayerRecording
from stateviz.stateful_models import twin

MOST_BYTES = 2_000_000  # of weights: as text in a page they are a third more
_ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "elu", "softplus", "softsign", "silu")
_PROOF_ROWS, _PROOF_BATCHES, _PROOF_TIMESTEPS = 2, 3, 10
_LAYERS = keras.layers
# They do nothing in `predict`, which is what the page does.
_IDLE = (_LAYERS.InputLayer, _LAYERS.Dropout, _LAYERS.SpatialDropout1D, _LAYERS.GaussianNoise)
_RECURRENT = (_LAYERS.LSTM, _LAYERS.GRU, _LAYERS.SimpleRNN)
RECURRENT = tuple(each.__name__ for each in _RECURRENT)
_FITS = 3  # batches of 8 rows that are trained, as proof


def as_text(values: Any) -> str:
    """Numbers as float32 in base64."""
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def layers_of(model: Any) -> list[dict[str, Any]]:
    """Describes the layers of a model for the page, in the order in which they are called.

    Args:
        model: A built Sequential or functional model.

    Raises:
        TypeError: It is no such model.
        ValueError: The page cannot run it; the message says which layer, why, and what to do.
    """
    chain = list(_chain(model))
    found = [each for layer in chain for each in _described(layer)]
    recurrent = [layer for layer in chain if isinstance(layer, _RECURRENT)]
    if not recurrent:
        raise ValueError(
            f"No layer of {model.name!r} is an LSTM, a GRU or a SimpleRNN, so there is no state "
            f"to see."
        )
    if len({layer.stateful for layer in recurrent}) > 1:
        raise ValueError(
            "Some of its recurrent layers are stateful and others are not; the page knows one "
            "choice for all of them. Use stateviz.twin(model, batch_size=1, stateful=True)."
        )
    for layer in recurrent[:-1]:
        if not layer.return_sequences:
            raise ValueError(
                f"Give {layer.name!r} return_sequences=True: a layer reads its states."
            )
    size = sum(weight.nbytes for layer in chain for weight in layer.get_weights())
    if size > MOST_BYTES:
        raise ValueError(
            f"Its weights have {size / 1e6:.1f} MB; a page carries at most "
            f"{MOST_BYTES / 1e6:.0f} MB. Use fewer units, or stateviz.record, which has no limit."
        )
    return found


def _chain(model: Any) -> Iterator[Any]:
    """The layers of a model one after the other; those of nested Sequential models too."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected a Keras model; got {type(model).__name__}.")
    if not isinstance(model, keras.Sequential) and type(model).__name__ != "Functional":
        raise TypeError(
            f"The page runs Sequential and functional models; {type(model).__name__} has a `call` "
            f"of its own, which only Python can run. Use stateviz.record."
        )
    if not model.built:
        raise ValueError(f"Build {model.name!r} first: it has no weights yet.")
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            yield from _chain(layer) if isinstance(layer, keras.Sequential) else [layer]
    else:
        yield from _wired(model)


def _wired(model: Any) -> Iterator[Any]:
    """The layers of a functional model, each of which reads the one before and nothing else."""
    tensor, *others = keras.tree.flatten(model.input)
    for layer in model.layers:
        if not isinstance(layer, _LAYERS.InputLayer):
            # A model in it has inputs of its own.
            once = len(layer._inbound_nodes) == 1 and not isinstance(layer, keras.Model)
            inputs = keras.tree.flatten(layer.input) if once else []
            if others or len(inputs) != 1 or inputs[0] is not tensor:
                raise ValueError(
                    f"The page runs layers one after the other; {layer.name!r} has other inputs, "
                    f"is called more than once or is a model itself. Use stateviz.record."
                )
            tensor = layer.output
        yield layer
    outputs = keras.tree.flatten(model.output)
    if len(outputs) != 1 or outputs[0] is not tensor:
        raise ValueError(
            f"The page runs models with one output, that of the last layer; {model.name!r} has "
            f"{len(outputs)}. Use stateviz.record."
        )


def _described(layer: Any) -> Iterator[dict[str, Any]]:
    if type(layer) in _IDLE:
        return
    if type(layer) is _LAYERS.TimeDistributed:
        layer = layer.layer
    kind, config = type(layer).__name__, layer.get_config()
    reason = _refused(layer, config)
    if reason:
        raise ValueError(
            f"The page cannot run {layer.name!r} ({kind}): {reason} stateviz.record can record it."
        )
    units = config.get("units") or config.get("output_dim") or 0
    yield {
        "kind": kind,
        "name": layer.name,
        "units": units,
        "activation": config.get("activation", "linear"),
        "recurrent": config.get("recurrent_activation", "linear"),
        "reset_after": config.get("reset_after", True),
        "stateful": config.get("stateful", False),
        "sequences": config.get("return_sequences", False),
        "tokens": config.get("input_dim"),
        "weights": [as_text(weight) for weight in layer.get_weights()],
    }


def _refused(layer: Any, config: dict[str, Any]) -> str:
    """Why the page cannot run a layer; "" if it can."""
    known = (*_RECURRENT, _LAYERS.Dense, _LAYERS.Embedding, _LAYERS.Activation)
    if type(layer) not in known:
        names = ", ".join(each.__name__ for each in known)
        return f"it knows {names}, and layers that do nothing in predict."
    for name in ("mask_zero", "go_backwards", "return_state"):
        if config.get(name):
            return f"{name}=True is not built in."
    dtypes = {str(weight.dtype) for weight in layer.weights} | {layer.compute_dtype}
    if dtypes != {"float32"}:
        return f"it computes in {', '.join(sorted(dtypes - {'float32'}))}, not in float32."
    softmax = () if isinstance(layer, _RECURRENT) else ("softmax",)
    for name in ("activation", "recurrent_activation"):
        if config.get(name, "linear") not in (*_ACTIVATIONS, *softmax):
            return f"{name}={config[name]!r} is not built in; it knows {', '.join(_ACTIVATIONS)}."
    return ""


def proof_of(model: Any, inputs: np.ndarray) -> dict[str, Any]:
    """Records a stateful copy of the model: what the page has to reach by itself.

    Args:
        model: A model that `layers_of` found fit; its states are left as they are.
        inputs: Shape (timesteps, features), or (timesteps,) for tokens; repeated where they are
            too few for 3 batches of 2 rows.
    """
    rows, timesteps = _PROOF_BATCHES * _PROOF_ROWS, min(len(inputs), _PROOF_TIMESTEPS)
    X = np.resize(inputs, (rows, timesteps, *inputs.shape[1:]))
    copy = twin(model, batch_size=_PROOF_ROWS, timesteps=timesteps, stateful=True)
    with record(copy, inputs=False) as recording:
        # Called and not predicted: on JAX Keras keeps no state over the batches of `predict`.
        outputs = [copy(X[row : row + _PROOF_ROWS]) for row in range(0, rows, _PROOF_ROWS)]
    return {
        "inputs": as_text(X),
        "width": 1 if X.ndim == 2 else X.shape[-1],
        "T": timesteps,
        "B": _PROOF_ROWS,
        "stateful": True,
        "states": [_kept(recording[layer]) for layer in recording.layers],
        "outputs": as_text([keras.ops.convert_to_numpy(output) for output in outputs]),
    }


def _kept(layer: LayerRecording) -> dict[str, str]:
    kept = {"h": as_text([batch.hidden_state for batch in layer.batches])}
    if layer.batches[0].cell_state is not None:
        kept["c"] = as_text([batch.cell_state for batch in layer.batches])
    return kept


def trainable(
    model: Any, layers: list[dict[str, Any]], X: np.ndarray, y: np.ndarray
) -> dict[str, Any]:
    """What the page needs to train a model, with the weights after a short fit as proof.

    Raises:
        ValueError: The page cannot train it, or X and y do not fit it.
    """
    kinds = [(layer["kind"], layer["activation"], len(layer["weights"])) for layer in layers]
    known = [("LSTM", "tanh", 3), ("Dense", "linear", 2)]
    fits = kinds == known and layers[0]["recurrent"] == "sigmoid" and layers[1]["units"] == 1
    if not fits or layers[0]["sequences"]:
        raise ValueError(
            "The page trains one LSTM with Dense(1) on it, both as Keras makes them by default. "
            "Leave `targets` out to run another model without training."
        )
    samples, features = X.shape[0] if X.ndim else 0, model.input_shape[-1]
    if X.ndim != 3 or X.shape[-1] != features or y.size != samples:
        raise ValueError(
            f"With `targets`, `data` must have shape (samples, timesteps, {features}) and "
            f"`targets` (samples, 1); got {X.shape} and {y.shape}."
        )
    batch = model.input_shape[0] or min(32, samples)
    if samples % batch:
        raise ValueError(
            f"{samples} samples are not whole batches of {batch}. Leave the last "
            f"{samples % batch} out: X[:{samples - samples % batch}]."
        )
    rows = min(8, samples)
    shown, wanted = (np.resize(each, (_FITS * rows, *each.shape[1:])) for each in (X, y))
    # Elsewhere a stateful fit carries nothing, or raises an error.
    stateful = keras.backend.backend() == "tensorflow"
    copy = twin(model, batch_size=rows, timesteps=X.shape[1], stateful=stateful)
    copy.compile("adam", "mse", jit_compile=False)
    for n in range(_FITS):
        at = slice(n * rows, (n + 1) * rows)
        copy.train_on_batch(shown[at], wanted[at].reshape(-1, 1))
    proof = {"X": as_text(shown), "y": as_text(wanted), "B": rows, "T": X.shape[1]}
    proof["stateful"] = stateful
    proof["after"] = [as_text(weight) for weight in copy.get_weights()]
    data = {"X": as_text(X), "y": as_text(y), "samples": samples, "B": batch}
    return {**data, "proof": proof}
