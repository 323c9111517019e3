"""See what a Keras LSTM does with its state.

    with stateviz.record(model) as recording:
        model.fit(X, y, batch_size=200, epochs=15)

    recording                          # what happened to the state, in words
    stateviz.play_sequence(recording)  # and in motion

Importing this package loads neither Keras nor matplotlib; each name loads what it needs when used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stateviz.in_page.live import Live as Live
    from stateviz.in_page.live import live as live
    from stateviz.playing.player import Player as Player
    from stateviz.recorder.block import record as record
    from stateviz.recorder.callback import StateRecorder as StateRecorder
    from stateviz.recording import BatchRecord as BatchRecord
    from stateviz.recording import Event as Event
    from stateviz.recording import Finding as Finding
    from stateviz.recording import Gates as Gates
    from stateviz.recording import Gradients as Gradients
    from stateviz.recording import GRUGates as GRUGates
    from stateviz.recording import LayerRecording as LayerRecording
    from stateviz.recording import Recording as Recording
    from stateviz.recording import RecordingFileError as RecordingFileError
    from stateviz.recording import RecordingWarning as RecordingWarning
    from stateviz.recording import Resets as Resets
    from stateviz.recording import Source as Source
    from stateviz.recording import Start as Start
    from stateviz.recording import State as State
    from stateviz.recording import load as load
    from stateviz.scenes import compare as compare
    from stateviz.scenes import draw_answer as draw_answer
    from stateviz.scenes import play_answer as play_answer
    from stateviz.scenes import play_batches as play_batches
    from stateviz.scenes import play_cell as play_cell
    from stateviz.scenes import play_gradients as play_gradients
    from stateviz.scenes import play_resets as play_resets
    from stateviz.scenes import play_sequence as play_sequence
    from stateviz.stateful_models import ResetStates as ResetStates
    from stateviz.stateful_models import reset_state as reset_state
    from stateviz.stateful_models import twin as twin

__version__ = "0.1.0"

_HOMES = {
    "BatchRecord": "recording",
    "Event": "recording",
    "Finding": "recording",
    "GRUGates": "recording",
    "Gates": "recording",
    "Gradients": "recording",
    "LayerRecording": "recording",
    "Live": "in_page.live",
    "Player": "playing.player",
    "Recording": "recording",
    "RecordingFileError": "recording",
    "RecordingWarning": "recording",
    "ResetStates": "stateful_models",
    "Resets": "recording",
    "Source": "recording",
    "Start": "recording",
    "State": "recording",
    "StateRecorder": "recorder.callback",
    "compare": "scenes",
    "draw_answer": "scenes",
    "live": "in_page.live",
    "load": "recording",
    "play_answer": "scenes",
    "play_batches": "scenes",
    "play_cell": "scenes",
    "play_gradients": "scenes",
    "play_resets": "scenes",
    "play_sequence": "scenes",
    "record": "recorder.block",
    "reset_state": "stateful_models",
    "twin": "stateful_models",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in ("course", "torch"):  # sub-packages with names of their own
        return import_module(f"stateviz.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'stateviz' has no attribute {name!r}; it has {__all__}")
    return getattr(import_module(f"stateviz.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
