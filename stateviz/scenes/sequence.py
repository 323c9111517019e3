"""The scene of one sample through its timesteps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from stateviz.drawing.flat import flat
from stateviz.playing.player import Player
from stateviz.playing.scene import Scene
from stateviz.recording import Recording, Start, State
from stateviz.scenes.choosing import check_place, clamp, layer_choice, layers_named
from stateviz.scenes.naming import left_by, told_apart
from stateviz.scenes.sequence_picture import SequencePicture
from stateviz.scenes.transitions import Transition, transitions_of

_SEEN = {" ": "·", "\n": "⏎", "\t": "⇥"}


def play_sequence(
    recording: Recording,
    *,
    layer: str | Sequence[str] | None = None,
    batch: int = 0,
    sample: int = 0,
    unit: int = 0,
    labels: Sequence[str] | None = None,
    interval_ms: int | None = None,
) -> Player:
    """Plays one sample of one batch, timestep by timestep.

    Frame 0 shows the initial state alone; frame t + 1 the state after timestep t. Each unit has a
    lane: c is the area, and h the line in it. One unit is shown large; where the gates were
    recorded its gates stand under it, and the cell's equation in their numbers is said.

    Several layers are shown together, the lowest at the bottom, as a stack or as the two
    directions of a Bidirectional. A layer that reads backwards then fills in from the right.

    The reader can choose another layer, batch, sample and unit; a click on a lane chooses its unit.

    Args:
        recording: What `stateviz.record` recorded or `stateviz.load` opened.
        layer: The layer's name, or those of several, the lowest first; None for the only one.
        batch: The place in `LayerRecording.batches`, 0-based.
        sample: The row among the samples that were kept, 0-based.
        unit: The unit among those that were kept whose h and c are drawn as lines, 0-based.
        labels: What was read at each timestep: a text, a character each, or a list of words.
        interval_ms: How long a frame stands, in milliseconds; where None, so that a short run lasts
            for some seconds and a long one is over within a minute.

    Returns:
        A `Player`; show it at the end of a cell, or write it with `player.to_html("lesson.html")`.

    Raises:
        ValueError: The recording is empty, or has several layers and none is named; or several are
            named whose batches do not go together; or a timestep has no label of its own.
        KeyError: There is no such layer.
        IndexError: There is no such batch, sample or unit.
    """
    names = layers_named(recording, layer)
    choices = layer_choice(recording)
    if names not in choices:
        choices = [*choices, names]
    lowest = recording[names[0]]
    place = check_place("batch", batch, len(lowest.batches), lowest.name)
    record = flat(lowest.batches[place])
    samples, _, units = record.hidden_state.shape
    check_place("sample", sample, samples, lowest.name)
    check_place("unit", unit, units, lowest.name)
    named = None if labels is None else check_labels(labels, record.timesteps)
    return Player(
        partial(_chosen_scene, recording, choices, named, of=(batch, sample)),
        interval_ms=interval_ms,
        layer=choices.index(names),
        batch=batch,
        sample=sample,
        unit=unit,
    )


def check_labels(labels: Sequence[str], timesteps: int) -> tuple[str, ...]:
    """The labels, one for each timestep of the data.

    Raises:
        TypeError: They are not texts.
        ValueError: There are more or fewer than timesteps.
    """
    found = tuple(labels)
    if not all(isinstance(each, str) for each in found):
        raise TypeError(f"`labels` must be a text or a list of texts; got {labels!r}.")
    if len(found) != timesteps:
        raise ValueError(
            f"labels= needs one label for each timestep: this batch has {timesteps}, and "
            f"{len(found)} were given. A text has one for each of its characters; give a list for "
            "words."
        )
    return tuple(_SEEN.get(each, each) for each in found)


def _chosen_scene(
    recording: Recording,
    choices: Sequence[tuple[str, ...]],
    labels: Sequence[str] | None,
    *,
    of: tuple[int, int],
    layer: int,
    batch: int,
    sample: int,
    unit: int = 0,
) -> Scene:
    """The scene of a choice, each 0-based; what is out of range is brought into it.

    The labels are those of one batch and sample, and are left out for others.
    """
    chosen = [recording[name] for name in choices[layer]]
    place = clamp(batch, min(len(each.batches) for each in chosen))
    records = [flat(each.batches[place]) for each in chosen]
    row = clamp(sample, min(len(each.samples) for each in records))
    options = {
        "layer": [" and ".join(names) for names in choices],
        "batch": told_apart(chosen[0].batches),
        "sample": [str(number) for number in records[0].samples],
    }
    shown = {"layer": layer, "batch": place, "sample": row}
    transitions = [_of_units(transitions_of(recording, each, [place])[0], row) for each in chosen]
    unit = clamp(unit, records[0].hidden_state.shape[2])
    picture = SequencePicture(
        records,
        transitions,
        row,
        unit,
        left_by(recording, records[0], row),
        labels if (place, row) == of else None,
    )
    return picture.scene(options=options, chosen=shown)


def _of_units(transition: Transition, sample: int) -> Transition:
    """How one sample of a batch came to its state, with a lane for each unit."""
    record = transition.record
    shown = record.state(record.state_names[-1])
    units = shown.initial.shape[1]
    numbers = record.unit_numbers_of(shown)
    source = record.sources[sample]
    rows = max(numbers) + 1  # the units that were kept keep their numbers
    start = Start(rows, record.origins[sample], False, source)
    lanes_of = replace(
        record,
        samples=np.array(numbers),
        starts=(start,),
        batch_size=rows,
        states=(_turned(shown, sample),),
        inputs=None,
        mask=None,
        gates=None,
        gradients=None,
        units=None,
    )
    return replace(transition, record=lanes_of, before=None, lanes=np.full(units, np.nan))


def _turned(state: State, sample: int) -> State:
    return State(
        state.initial[sample, :, np.newaxis],
        state.after[sample].T[:, :, np.newaxis],
        state.final[sample, :, np.newaxis],
    )
