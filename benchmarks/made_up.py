"""Recordings of made-up states, for what only draws and sends them."""

from __future__ import annotations

import numpy as np

from stateviz.recording import BatchRecord, LayerRecording, Recording, Source, Start, State


def a_run(
    *, lanes: int = 10, timesteps: int = 10, batches: int = 4, units: int = 1, layers: int = 1
) -> Recording:
    """A recording whose states wander at random: nothing in it is easy to compress."""
    random = np.random.default_rng(0)
    found = []
    for number in range(layers):
        name = f"lstm_{number}" if layers > 1 else "lstm"
        layer = LayerRecording(name, "LSTM", units, stateful=True)
        h0 = c0 = np.zeros((lanes, units), "float32")
        for index in range(batches):
            steps = random.normal(0, 0.1, (lanes, timesteps, units)).astype("float32")
            c = np.cumsum(steps, axis=1) + c0[:, np.newaxis]
            h = np.tanh(c)
            layer.batches.append(
                BatchRecord(
                    layer=name,
                    index=index,
                    phase="fit",
                    epoch=0,
                    batch=index,
                    training=True,
                    batch_size=lanes,
                    starts=(
                        Start(lanes, "carried", source=Source(name, index - 1, 0, index - 1))
                        if index
                        else Start(lanes, "reset", zeros=True),
                    ),
                    samples=np.arange(lanes),
                    states=(State(h0, h, h[:, -1]), State(c0, c, c[:, -1])),
                    inputs=random.normal(size=(lanes, timesteps, 1)).astype("float32"),
                )
            )
            h0, c0 = h[:, -1], c[:, -1]
        found.append(layer)
    return Recording(found)
