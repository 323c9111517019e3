"""What each lesson must notice: a break in stateviz, and one in what the lesson itself claims.

A break in stateviz is a function that is run in the lesson's kernel before its first cell. It names
what it breaks by its name, so code that only moves within its file breaks nothing here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

from tests.mutation import BreakInCode, BreakInNotebook

RESETS = "notebooks/00_when_does_keras_reset.ipynb"
WITHIN = "notebooks/01_within_a_sequence.ipynb"
ACROSS = "notebooks/02_across_batches.ipynb"
RESETTING = "notebooks/04_resets.ipynb"
BROKEN_STREAM = "notebooks/05_when_the_stream_breaks.ipynb"
DOES_IT_HELP = "notebooks/06_does_it_help.ipynb"
ONE_CHARACTER = "notebooks/07_one_character_at_a_time.ipynb"
STATEFUL = "notebooks/03_stateful.ipynb"
VERSIONS = "notebooks/10_versions.ipynb"
OWN_MODEL = "notebooks/09_your_own_model.ipynb"
TRIAL = "notebooks/08_claims_on_trial.ipynb"
BACKENDS = "notebooks/11_other_backends.ipynb"
AT_WORK = "notebooks/12_state_at_work.ipynb"
MASKS = "notebooks/13_masks_and_shared_states.ipynb"
READY = "notebooks/14_are_you_ready.ipynb"

CODE: list[BreakInCode] = []


def breaks(notebook: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Registers a function that breaks stateviz, and the lesson that must notice."""

    def register(function: Callable[[], None]) -> Callable[[], None]:
        CODE.append(BreakInCode(notebook, function.__name__))
        return function

    return register


def wrap(module: str, name: str, wrapper: Callable[..., Any]) -> None:
    """Has `wrapper(original, *args)` run in the place of a function or method of stateviz.

    Args:
        module: Its module, without "stateviz.".
        name: Its name there, such as "Class.method".
        wrapper: What runs instead.
    """
    owner: Any = import_module(f"stateviz.{module}")
    *path, last = name.split(".")
    for each in path:
        owner = getattr(owner, each)
    original = getattr(owner, last)

    def broken(*args: Any, **kwargs: Any) -> Any:
        return wrapper(original, *args, **kwargs)

    setattr(owner, last, broken)
    for known in [each for key, each in sys.modules.items() if key.startswith("stateviz")]:
        for other, value in list(vars(known).items()):
            if value is original:
                setattr(known, other, broken)


@breaks(RESETS)
def h_and_c_are_swapped() -> None:
    def swapped(record: Any, *args: Any) -> Any:
        made = record(*args)
        return replace(made, states=made.states[::-1])

    wrap("recorder.capture", "Capture._record", swapped)


@breaks(RESETS)
def the_player_shows_the_frame_before() -> None:
    def before(show: Any, scene: Any, frame: int, chosen: Any) -> Any:
        return show(scene, max(0, frame - 1), chosen)

    wrap("playing.scene", "Scene.show", before)


@breaks(WITHIN)
def the_gates_are_in_another_order() -> None:
    def reversed_(make: Any, kept: Any) -> Any:
        gates = make(kept)
        return gates and type(gates)(*[getattr(gates, name) for name in [*vars(gates)][::-1]])

    wrap("recorder.keeping", "Kept.gates", reversed_)


@breaks(READY)
def a_reset_is_said_to_be_carried() -> None:
    origin_is("reset", said_to_be="carried")


@breaks(ACROSS)
def a_stateless_layer_is_said_to_carry() -> None:
    origin_is("fresh", said_to_be="carried")


def origin_is(origin: str, *, said_to_be: Any) -> None:
    def renamed(decide: Any, *args: Any, **kwargs: Any) -> Any:
        return tuple(
            replace(start, origin=said_to_be) if start.origin == origin else start
            for start in decide(*args, **kwargs)
        )

    wrap("recorder.origins", "Origins.of", renamed)


@breaks(STATEFUL)
def a_carried_state_is_drawn_as_new_zeros() -> None:
    from stateviz.drawing.handover import Handover

    wrap("drawing.handover", "Handover._carried", lambda _, *args: Handover._fresh(*args))


@breaks(RESETTING)
def the_state_of_training_is_not_put_back_after_validation() -> None:
    wrap("stateful_models", "ResetStates.on_test_end", lambda *_, **__: None)


@breaks(BROKEN_STREAM)
def a_repeated_row_is_not_noted() -> None:
    finding_is_silent("one row")


def finding_is_silent(kind: str) -> None:
    def silent(find: Any, *args: Any) -> Any:
        found = find(*args)
        found[:] = [each for each in found if not each.kind.startswith(kind)]
        return found

    wrap("recording.findings", "findings_of", silent)


@breaks(DOES_IT_HELP)
def the_switch_turns_the_other_way() -> None:
    def turned(make: Any, *args: Any, **kwargs: Any) -> Any:
        X, y, *more = make(*args, **kwargs)
        return (X, 1 - y, *more)

    wrap("course.does_it_help", "switch_stream", turned)


@breaks(ONE_CHARACTER)
def a_twin_keeps_its_own_random_weights() -> None:
    def random(make: Any, model: Any, **options: Any) -> Any:
        weights = [each * 0.5 for each in model.get_weights()]
        made = make(model, **options)
        made.set_weights(weights)
        return made

    wrap("stateful_models", "twin", random)


@breaks(TRIAL)
def one_statement_that_holds_makes_a_claim_true() -> None:
    wrap("course.trial", "verdict_of", lambda *_: "true")


@breaks(OWN_MODEL)
def validation_that_moved_the_training_state_is_not_found() -> None:
    finding_is_silent("validation")


@breaks(VERSIONS)
def the_recordings_of_keras_2_are_mixed_up() -> None:
    def mixed(name: Any, which: str, *, stateful: bool) -> Any:
        return name(which, stateful=not stateful)

    wrap("course.keras2", "file_name", mixed)


@breaks(BACKENDS)
def every_backend_is_shown_as_tensorflow() -> None:
    def always(name: Any, _: str, *, handed: bool) -> Any:
        return name("tensorflow", handed=handed)

    wrap("course.backends", "file_name", always)


@breaks(AT_WORK)
def a_state_that_was_passed_in_is_said_to_be_fresh() -> None:
    origin_is("given", said_to_be="fresh")


@breaks(MASKS)
def a_masked_timestep_does_not_hold_the_state() -> None:
    wrap("recorder.keeping", "held_through_mask", lambda _, returned, *__: returned)


CLAIMS = (
    BreakInNotebook(
        "the lesson's stateful model is not stateful",
        RESETS,
        "stateful = build(stateful=True)",
        "stateful = build(stateful=False)",
    ),
    BreakInNotebook(
        "the lesson claims other weights for 2000 timesteps",
        WITHIN,
        "timesteps 2000: 4352 weights",
        "timesteps 2000: 435200 weights",
    ),
    BreakInNotebook(
        "the lesson's stateless counter is stateful",
        ACROSS,
        "counting_model(batch_size=None, timesteps=3)",
        "counting_model(batch_size=4, timesteps=3, stateful=True)",
    ),
    BreakInNotebook(
        "the lesson changes two samples and calls them one",
        ACROSS,
        "changed[9] *= -1",
        "changed[8:] *= -1",
    ),
    BreakInNotebook(
        "the lesson's switch is stateless",
        DOES_IT_HELP,
        "LSTM(16, stateful=True,",
        "LSTM(16, stateful=False,",
    ),
    BreakInNotebook(
        "the lesson's stepper forgets each letter",
        ONE_CHARACTER,
        "twin(in_order, batch_size=1, timesteps=1, stateful=True)",
        "twin(in_order, batch_size=1, timesteps=1, stateful=False)",
    ),
    BreakInNotebook(
        "the poem is written without its state",
        ONE_CHARACTER,
        'write("Shall I", 86, keep_state=True)',
        'write("Shall I", 86, keep_state=False)',
    ),
    BreakInNotebook(
        "the lesson claims that the last row continues in the first",
        STATEFUL,
        "goes on from batch 0's: 0 1 2 3 4 5 6 7 8 9",
        "goes on from batch 0's: 9 0 1 2 3 4 5 6 7 8",
    ),
    BreakInNotebook(
        "the old program is not mended",
        VERSIONS,
        'model.get_layer("lstm").reset_state()',
        'model.get_layer("lstm")',
    ),
    BreakInNotebook(
        "the lesson's training has no validation",
        OWN_MODEL,
        "model.fit(*train, validation_data=validation, batch_size=8",
        "model.fit(*train, batch_size=8",
    ),
    BreakInNotebook(
        "the believers forget to reset",
        TRIAL,
        "on_predict_batch_begin=lambda batch, logs:",
        "on_predict_end=lambda logs:",
    ),
    BreakInNotebook(
        "the lesson counts a half true claim as true",
        TRIAL,
        "HALF TRUE: Stateless: all states",
        "TRUE: Stateless: all states",
    ),
    BreakInNotebook(
        "the lesson claims that a clone keeps its state",
        RESETTING,
        '"clone_model": keras.models.clone_model',
        '"clone_model": lambda model: model',
    ),
    BreakInNotebook(
        "the lesson masks what is no padding",
        MASKS,
        "keras.layers.Masking(0.0), lstm])",
        "keras.layers.Masking(9.0), lstm])",
    ),
    BreakInNotebook(
        "the lesson shuffles what it says is in order",
        BROKEN_STREAM,
        "model.fit(X, y, batch_size=2, shuffle=False, verbose=0),",
        "model.fit(X, y, batch_size=2, verbose=0),",
    ),
    BreakInNotebook(
        "a folded cell of evidence no longer runs what it tells",
        RESETS,
        "model.fit(X, y, batch_size=100, shuffle=False",
        "model.fit(X[:500], y[:500], batch_size=100, shuffle=False",
    ),
    BreakInNotebook(
        "the run that is read first is not reset where its story says so",
        READY,
        "    stateviz.reset_state(model)\n",
        "",
    ),
    BreakInNotebook(
        "the lesson's program does not hand its state over",
        BACKENDS,
        "_, *state = handing.predict_on_batch(",
        "_, *other = handing.predict_on_batch(",
    ),
    BreakInNotebook(
        "the lesson's lanes all go on, where one begins a new series",
        AT_WORK,
        "state.assign(state * (1 - new)[:, np.newaxis])",
        "state.assign(state)",
    ),
)
