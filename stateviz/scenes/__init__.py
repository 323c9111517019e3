"""The scenes: a recording's drawings, and what moves in them from frame to frame."""

from stateviz.scenes.answer import draw_answer as draw_answer
from stateviz.scenes.answer import play_answer as play_answer
from stateviz.scenes.batches import play_batches as play_batches
from stateviz.scenes.cell import play_cell as play_cell
from stateviz.scenes.comparison import compare as compare
from stateviz.scenes.gradients import play_gradients as play_gradients
from stateviz.scenes.resets import play_resets as play_resets
from stateviz.scenes.sequence import play_sequence as play_sequence
