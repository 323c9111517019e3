"""Findings from the gradients that came back to the states, where they were recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from stateviz.recording.finding import Finding, LayerHistory
from stateviz.recording.records import BatchRecord

_LEAST = 1e-6  # of the largest, which a float32 just tells from nothing beside it
_OF_AN_LSTM = (
    " A larger bias of the forget gate lets more through; Keras begins it with 1 "
    "(unit_forget_bias=True), PyTorch near 0."
)
_MOST = 1e4  # times; where every timestep has a loss of its own, they add up to some 1e3


def _it_vanishes(history: LayerHistory) -> Iterator[Finding]:
    batches = history.layer.batches
    all_shares = {at: share for at, x in enumerate(batches) if (share := _reaches(x)) is not None}
    shares = {at: share for at, share in all_shares.items() if share < _LEAST}
    if 2 * len(shares) > len(all_shares):
        yield Finding(
            history.name,
            "the gradient vanishes",
            f"In {len(shares):,} of {len(all_shares):,} batches that were trained on, less than "
            f"{_LEAST:.0e} of |dL/dh| reaches the first of {batches[min(shares)].timesteps} "
            f"timesteps (median {np.median([*shares.values()]):.0e}).",
            tuple(shares),
            "If what is read there matters, give shorter sequences, or put it nearer to the end."
            + (_OF_AN_LSTM if "LSTM" in history.layer.kind else ""),
        )


def _reaches(batch: BatchRecord) -> float | None:
    """The share of the largest |dL/dh|, or of |dL/dc| if that is more, at the first timestep."""
    found = batch.gradients
    norms = [] if found is None else [found.norms(name)[1:] for name in batch.state_names]
    if batch.timesteps < 2 or not norms or not np.isfinite(norms).all() or not np.max(norms[0]) > 0:
        return None
    return max(float(each[0] / each.max()) for each in norms if each.max() > 0)


def _it_explodes(history: LayerHistory) -> Iterator[Finding]:
    batches = history.layer.batches
    grown = {at: _growth(batch) for at, batch in enumerate(batches) if batch.gradients is not None}
    found = {at: times for at, times in grown.items() if times > _MOST}
    if found:
        first, most = batches[min(found)], max(found.values())
        place = f"batch {first.index} of the recording"
        if first.epoch is not None and first.batch is not None:
            place = f"epoch {first.epoch}, batch {first.batch}"
        times = f"{most:.0e} times" if np.isfinite(most) else "beyond what a float can hold"
        clip = "clipnorm=1.0 in the optimizer" if history.is_of_keras else "clip_grad_norm_"
        yield Finding(
            history.name,
            "the gradient explodes",
            f"In {len(found):,} of {len(grown):,} batches that were trained on, |dL/dh| grows on "
            f"its way back to the first timestep, up to {times}; first in {place}.",
            tuple(found),
            f"To bound each update, use {clip}; smaller recurrent weights, or an activation that "
            f"saturates such as tanh, mend the cause.",
        )


def _growth(batch: BatchRecord) -> float:
    """How many times |dL/dh| grows from the last timestep that has one back to its largest.

    Not where a single timestep brings half of the growth, since that may be a loss of its own.
    """
    assert batch.gradients is not None
    norms = batch.gradients.norms("hidden")[1:]
    last = int(np.max(np.flatnonzero(norms), initial=0))
    if not np.isfinite(norms[last]) or not all(np.isfinite(x.after).all() for x in batch.states):
        return 1.0
    if not np.isfinite(norms).all():
        return np.inf
    peak = int(norms[: last + 1].argmax()) if last else 0
    on_the_way = norms[peak : last + 1]
    if len(on_the_way) < 3 or not on_the_way.all():
        return 1.0
    steps = np.diff(np.log(on_the_way[::-1]))
    return 1.0 if steps.max() > steps.sum() / 2 else float(np.exp(steps.sum()))


FROM_GRADIENTS: tuple[Callable[[LayerHistory], Iterator[Finding]], ...]
FROM_GRADIENTS = (_it_vanishes, _it_explodes)
