"""What a recurrent layer held, batch after batch: plain NumPy, to keep, save, open and read."""

from stateviz.recording.arrays import GATES as GATES
from stateviz.recording.arrays import Gates as Gates
from stateviz.recording.arrays import Gradients as Gradients
from stateviz.recording.arrays import GRUGates as GRUGates
from stateviz.recording.arrays import State as State
from stateviz.recording.finding import Finding as Finding
from stateviz.recording.layers import LayerRecording as LayerRecording
from stateviz.recording.recording import Recording as Recording
from stateviz.recording.recording import RecordingWarning as RecordingWarning
from stateviz.recording.recording import load as load
from stateviz.recording.records import ORIGINS as ORIGINS
from stateviz.recording.records import PHASES as PHASES
from stateviz.recording.records import STATE_NAMES as STATE_NAMES
from stateviz.recording.records import BatchOrigin as BatchOrigin
from stateviz.recording.records import BatchRecord as BatchRecord
from stateviz.recording.records import Event as Event
from stateviz.recording.records import Origin as Origin
from stateviz.recording.records import Phase as Phase
from stateviz.recording.records import Source as Source
from stateviz.recording.records import Start as Start
from stateviz.recording.records import StateName as StateName
from stateviz.recording.resets import ResetCount as ResetCount
from stateviz.recording.resets import Resets as Resets
from stateviz.recording.storage import RecordingFileError as RecordingFileError
