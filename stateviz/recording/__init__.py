"""What a recurrent layer held, batch after batch: plain NumPy, to keep, save, open and read."""

from stateviz.recording.recording import GATES as GATES
from stateviz.recording.recording import ORIGINS as ORIGINS
from stateviz.recording.recording import BatchRecord as BatchRecord
from stateviz.recording.recording import Event as Event
from stateviz.recording.recording import FurtherState as FurtherState
from stateviz.recording.recording import Gates as Gates
from stateviz.recording.recording import GRUGates as GRUGates
from stateviz.recording.recording import LayerRecording as LayerRecording
from stateviz.recording.recording import Recording as Recording
from stateviz.recording.recording import RecordingFileError as RecordingFileError
from stateviz.recording.recording import ResetCount as ResetCount
from stateviz.recording.recording import Resets as Resets
from stateviz.recording.recording import load as load
from stateviz.recording.recording import unknown_layer as unknown_layer
