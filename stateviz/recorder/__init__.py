"""Records the states of a live Keras model; all that touches Keras is in this folder."""

from stateviz.recorder.block import record as record
