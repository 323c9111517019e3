"""The moving picture on the front page: the question's `fit`, stateless and stateful."""

from __future__ import annotations

import base64
import html

from nbformat import NotebookNode

from stateviz.course import question_program
from stateviz.course.experiments import recorded_at
from stateviz.course.runs import load_outcomes
from stateviz.playing.page import snippet

# The cells of the first lesson whose pictures stand here where no script runs.
_POSTERS = {False: "cell-09-answer", True: "cell-20"}


def answer_of(lesson: NotebookNode) -> str:
    """Both answers as one piece of HTML, of which a reader chooses one.

    Args:
        lesson: The first lesson, with what it showed.
    """
    recorded = load_outcomes(recorded_at("question"))
    saved = {cell.id: cell for cell in lesson.cells}
    parts = []
    for stateful, cell in _POSTERS.items():
        outcome = recorded[question_program(batch_size=200, stateful=stateful, epochs=1)]
        picture = saved[cell].outputs[0].data["image/png"]
        counts = "".join(
            f"<span><b>{number}</b> {html.escape(name)}</span>" for name, number in outcome.counts
        )
        player = snippet(
            outcome.payload, outcome.interval_ms, base64.b64decode(picture), outcome.readout
        )
        parts.append(
            f'<section class="answer-part" data-answer="{stateful}">'
            f'<p class="answer-counts">{counts}</p>{player}</section>'
        )
    return _ANSWER.format(parts="\n".join(parts))


_ANSWER = """<div class="answer">
<fieldset><legend>The same <code>fit</code>, with</legend>
<label><input type="radio" name="answer" value="False" checked> \
<code>LSTM(8)</code>, as in the question</label>
<label><input type="radio" name="answer" value="True"> <code>LSTM(8, stateful=True)</code></label>
</fieldset>
{parts}
</div>"""
