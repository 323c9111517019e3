"""Findings that need what the batches read, and which state they kept meanwhile.

Each look asks for proof: the inputs of the batches, bit for bit. Where they were not kept, or where
they repeat anyway, it finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from stateviz.recording.finding import Finding, LayerHistory, same
from stateviz.recording.records import BatchRecord, Event, Phase

_TRAINING: tuple[Phase, ...] = ("fit", "train_on_batch")
_COMPILED: tuple[Phase, ...] = ("fit", "validation", "evaluate", "predict")
_FEW = 8  # batches from which on a habit can be told from a single step


def _the_same_call_again(history: LayerHistory) -> Iterator[Finding]:
    """A call of predict, evaluate or fit that reads what the one before read, and goes on."""
    firsts: dict[tuple[Phase, int], Event] = {}
    for event in history.batches:
        if event.phase in ("predict", "evaluate", "fit") and event.call is not None:
            firsts.setdefault((event.phase, event.call), event)
    for phase in ("predict", "evaluate", "fit"):
        found = []
        for (of_phase, _), event in firsts.items():
            source = history.source(event)
            if of_phase != phase or event.origin != "carried" or source is None:
                continue
            before = firsts.get((phase, source.call)) if source.call is not None else None
            if source.phase != phase or before is None or before is event:
                continue
            if same(history.read(before), history.read(event)):
                found.append(event)
        if found:
            yield from history.report(
                f"{phase} read the same again from another state",
                found,
                f"{phase} began with the data that the {phase} before had begun "
                f"with, but with the state that it had left"
                + ("." if phase == "fit" else ": the same call gives another answer each time."),
                f"Call stateviz.reset_state(model) before each {phase}, or give it "
                f"callbacks=[stateviz.ResetStates()]."
                if history.is_of_keras
                else "Pass no state, or zeros, where the data begins anew.",
            )


def _epochs_by_hand(history: LayerHistory) -> Iterator[Finding]:
    """A loop of train_on_batch whose data begins anew, and whose state goes on."""
    steps = [event for event in history.batches if event.phase == "train_on_batch"]
    if len(steps) < 3:
        return
    begin = history.read(steps[0])
    found = [
        event
        for before, event in history.carried_pairs(steps)
        if same(begin, history.read(event)) and not same(history.read(before), history.read(event))
    ]
    yield from history.report(
        "the data began anew and the state went on",
        found,
        "train_on_batch came back to the batch that it had begun with, with "
        "the state that the batch before had left.",
        "Call stateviz.reset_state(model) where each pass through the data begins.",
    )


def _resets_miss_the_beginning(history: LayerHistory) -> Iterator[Finding]:
    """A fit whose data comes round in a period that the resets do not have."""
    fits: dict[int | None, list[Event]] = {}
    for event in history.batches:
        if event.phase == "fit":
            fits.setdefault(event.call, []).append(event)
    for batches in fits.values():
        read = list(map(history.read, batches))
        begins = [place for place, each in enumerate(read) if place and same(read[0], each)]
        if not begins:
            continue
        period = begins[0]
        comes_round = all(
            each is not None and before is not None and np.array_equal(each, before)
            for before, each in zip(read, read[period:], strict=False)
        )
        resets = [place for place, event in enumerate(batches) if place and event.origin == "reset"]
        if comes_round and resets and not any(place % period == 0 for place in resets):
            yield from history.report(
                "resets missed the beginning of the data",
                [batches[place] for place in resets],
                f"a batch of fit began from zeros in the middle of the data, which begins anew "
                f"every {period} batches: the resets came at batches "
                f"{', '.join(map(str, resets[:3]))}, the data began at "
                f"{', '.join(map(str, begins[:3]))}.",
                f"Let an epoch be one pass over the data: steps_per_epoch={period}."
                if history.is_of_keras
                else "Pass no state where the data begins anew, and hand it on elsewhere.",
            )


def _rows_were_shuffled(history: LayerHistory) -> Iterator[Finding]:
    """Rows that followed each other in one pass over the data, and no longer do in an epoch of fit.

    With a seed Keras shuffles each epoch alike, so one epoch is compared with evaluate and predict
    too.
    """
    seen: list[dict[bytes, bytes]] = []
    found: list[Event] = []
    for batches in sorted(history.passes, key=lambda batches: batches[0].phase in _TRAINING):
        follows = _followers(history, batches) if len(batches) > 1 else None
        if follows is None:
            continue
        if batches[0].phase == "fit" and any(_torn(follows, before) for before in seen):
            found.append(batches[0])
        seen.append(follows)
    yield from history.report(
        "rows were shuffled under a state that was carried",
        found,
        "an epoch of fit gave the states of its rows to other rows than "
        "another pass over the same data: it was shuffled, and each state went on with a "
        "stranger.",
        ("Give fit shuffle=False" if history.is_of_keras else "Use DataLoader(shuffle=False)")
        + ", so that row i of a batch goes on where row i of the batch before ended.",
    )


def _torn(follows: dict[bytes, bytes], before: dict[bytes, bytes]) -> bool:
    """Whether two passes over the same rows have them in another order."""
    if {*follows, *follows.values()} != {*before, *before.values()}:
        return False
    return sum(before.get(row) != after for row, after in follows.items()) > len(follows) / 2


def _followers(history: LayerHistory, batches: Sequence[Event]) -> dict[bytes, bytes] | None:
    """Which row followed which in the lanes of a pass; None where rows repeat or were not kept."""
    follows: dict[bytes, bytes] = {}
    pairs = history.carried_pairs(batches)
    for one, next_one in pairs:
        read, then = history.read(one), history.read(next_one)
        if read is None or then is None or len(read) != len(then):
            return None
        for row, after in zip(read, then, strict=True):
            follows[row.tobytes()] = after.tobytes()
    in_all = sum(event.batch_size or 0 for _, event in pairs)
    return follows if follows and len(follows) == in_all else None


def _training_on_single_timesteps(history: LayerHistory) -> Iterator[Finding]:
    """Training in batches of one timestep, through which no gradient passes."""
    kept = [event for event in history.batches if isinstance(event, BatchRecord)]
    trained = [event for event in kept if event.phase in _TRAINING]
    steps = [event for event in trained if event.timesteps == 1]
    carried = [event for event in steps if event.origin == "carried"]
    if history.noted("not detached"):
        return  # PyTorch's caller has kept the graph, so the gradient does pass
    if len(steps) == len(trained) and len(carried) >= max(_FEW, len(steps) / 2):
        yield from history.report(
            "training saw one timestep at a time",
            carried,
            "training went on from a batch of 1 timestep to the next. The state "
            "goes on, but no gradient passes from one batch to another, so nothing that takes "
            "more than 1 timestep can be learned.",
            "Train on longer sequences, for example of 20 timesteps, "
            "X.reshape(rows, -1, 20, features)"
            + (
                "; the twin for predicting step by step keeps the weights "
                "(stateviz.twin(model, batch_size=1, timesteps=1))."
                if history.is_of_keras
                else "."
            ),
        )


def _a_graph_outlived_a_step(history: LayerHistory) -> Iterator[Finding]:
    """A state of PyTorch that was handed on with its graph, though the weights had changed."""
    yield from history.report(
        "the graph of a state outlived a step",
        history.noted("graph outlived a step"),
        "a state was handed on with the graph of a batch whose weights have "
        "changed since: the next backward() goes through that batch again, which fails, or "
        "with retain_graph=True takes longer with each batch.",
        "Hand the state on without its graph: state = tuple(each.detach() for each in state), "
        "or for a GRU state = state.detach().",
    )


def _stateful_had_no_effect(history: LayerHistory) -> Iterator[Finding]:
    """A stateful layer on JAX, whose state Keras reads once and never keeps.

    On JAX Keras compiles into the program what the states were when it was traced: its trainer
    knows weights and seeds as what a step may change, but not these (Keras 3.15.1).
    """
    if history.layer.backend != "jax" or not history.layer.stateful:
        return
    found = [
        event
        for batches in history.passes
        if batches[0].phase in _COMPILED
        for one, event in pairwise(batches)
        if event.origin in ("reset", "altered", "carried") and history.source(event) is not one
    ]
    if found:
        zeros = all(event.zeros for event in found)
        which = "from zeros" if zeros else "from the state that was compiled into the program"
        phases = " and ".join(sorted({str(event.phase) for event in found}))
        yield from history.report(
            "stateful=True had no effect",
            found,
            f"a batch began {which}, not where the batch before had ended, though "
            f"the layer is stateful: on JAX Keras keeps no state between the batches of {phases}, "
            f"and resetting it has no effect either.",
            "Hand the state over yourself: make the layer with return_state=True and give it "
            "initial_state (docs/backends.md shows it), or run Keras on TensorFlow.",
        )


def _windows_overlap(history: LayerHistory) -> Iterator[Finding]:
    """Windows that read again what the window before has read, with a state that has seen it."""
    found: list[Event] = []
    steps: set[int] = set()
    for batches in history.passes:
        for one, next_one in history.carried_pairs(batches):
            read, then = history.read(one), history.read(next_one)
            if read is None or then is None or read.shape != then.shape:
                continue
            step = _overlap(read, then)
            if step is not None:
                found.append(next_one)
                steps.add(step)
    if len(found) >= 2 and len(steps) == 1:
        [step] = steps
        how = (
            "make the layer stateless (stateful=False)" if history.is_of_keras else "pass no state"
        )
        yield from history.report(
            "windows overlap under a state that was carried",
            found,
            f"a batch began with timesteps that the batch before had read already: "
            f"the windows move by {step}, and the state has seen the rest.",
            f"Cut the series into windows that follow each other without overlap, or {how}.",
        )


def _overlap(read: np.ndarray, then: np.ndarray) -> int | None:
    """By how many timesteps the second window has moved over the first; None if they are apart."""
    timesteps = read.shape[1]
    if any(np.array_equal(read[:, by:], read[:, :-by]) for by in range(1, timesteps)):
        return None  # what repeats within itself proves nothing
    for by in range(1, timesteps):
        if np.array_equal(read[:, by:], then[:, :-by]):
            return by
    return None


FROM_INPUTS: tuple[Callable[[LayerHistory], Iterator[Finding]], ...] = (
    _the_same_call_again,
    _epochs_by_hand,
    _resets_miss_the_beginning,
    _rows_were_shuffled,
    _training_on_single_timesteps,
    _a_graph_outlived_a_step,
    _stateful_had_no_effect,
    _windows_overlap,
)
